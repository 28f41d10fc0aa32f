#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "pipeline/base/clock.h"
#include "pipeline/base/source.h"
#include "xdp/attachment.h"
#include "xdp/ethtool.h"
#include "xdp/file_descriptor.h"
#include "xdp/link.h"
#include "xdp/prefilter.h"
#include "xdp/queue.h"
#include "xdp/ring_size.h"
#include "xdp/rules.h"
#include "xdp/shunt.h"

namespace tapmeter::xdp {

inline constexpr std::uint32_t queues_per_interface_max = 64;

struct XdpOptions {
    std::string interface;
    std::uint16_t observation_point = 0;
    std::uint32_t queues_wanted = 0;  // 0: all that the device has, at most queues_max
    std::uint32_t queues_max = queues_per_interface_max;  // 1 to queues_per_interface_max
    std::uint32_t rx_ring = 0;  // descriptors a queue: power of two, rx_ring_min to rx_ring_max;
                                // 0: computed_ring(). Memory a queue: 2 x rx_ring x frame_octets
    std::uint32_t frame_octets = 4'096;  // size of a frame's buffer: 2,048 or 4,096
    bool promiscuous = true;
    Mode mode = Mode::automatic;
    ZeroCopy zero_copy = ZeroCopy::automatic;
    bool busy_poll = false;
    PrefilterRules rules;
    const Shunt* shunt = nullptr;      // outlives the capture; null: no flow is shunted
    const LiveClock* clock = nullptr;  // outlives the capture
};

// An interface captured through AF_XDP: our program on it, a socket on each of its queues.
class XdpCapture final : public Capture {
public:
    std::size_t queues() const noexcept override { return queues_.size(); }
    PacketSource& queue(std::size_t index) noexcept override { return *queues_[index]; }

    // True with one queue, or where the NIC's hash is symmetric; see Ethtool. A veth is not to be
    // believed: its queue comes from the hash of the sender's socket, which is random for each
    // side; of mirrored conversations of two hosts 3 in 4 had their directions on two of 4 queues.
    bool symmetric() const noexcept override { return symmetric_; }

    // Takes the program off the interface. What the queues hold can still be received.
    void stop_arrivals() noexcept override;

    // An interface of that name that is there again gets program and sockets anew, as many queues
    // as before at most; rules and counters go on. What it had received before that is dropped as
    // not_attached, as it counted it. Needs what open_xdp() needs.
    Result<bool> reopen() override;

    // offered = received + shunted + dropped + ignored + waiting holds exactly while nothing moves.
    CaptureCounters counters() const override;
    std::vector<DeviceQueueCounters> device_queues() const override;

    std::string describe() const override;
    std::vector<Capability> capabilities() const override;

    // Changes what is left out, at any time; see Prefilter::apply. Control thread.
    Result<void> apply(const PrefilterRules& rules) { return prefilter_.apply(rules); }

    // The interface, one life of it, in the order of their making: the program leaves it first.
    struct Port {
        Link link;  // as it was at first
        std::uint32_t device_queues;
        Ethtool ethtool;
        bool symmetric;
        RingSize ring;
        FileDescriptor promiscuous;  // the interface is promiscuous while this is open
        std::vector<std::unique_ptr<Socket>> sockets;  // one a queue; a Queue takes it
        Attachment attachment;
    };
    // Made by open_xdp() only.
    struct Parts {
        XdpOptions options;
        Netlink route;
        Prefilter prefilter;
        Port port;
    };
    explicit XdpCapture(Parts parts);

private:
    bool is_present() const;
    void go_over_to(Port port, Packets not_attached);
    std::string zero_copy_text() const;
    std::string pieces_text() const;
    std::string queues_text() const;

    const XdpOptions options_;
    const bool symmetric_;  // as it was at start: who polls which queue rests on it
    bool stopped_ = false;

    // Who asks the kernel or tells of the port, one thread at a time.
    mutable std::mutex reading_;
    mutable Netlink route_;
    mutable Link last_seen_;           // the link when it was last there
    mutable FateCounters last_read_;   // should the kernel ever refuse
    std::uint64_t missed_before_ = 0;  // of lives of the interface that are over
    std::uint64_t not_attached_ = 0;
    std::uint64_t returns_ = 0;

    Prefilter prefilter_;
    std::vector<std::unique_ptr<Queue>> queues_;
    Port port_;  // changes under `reading_`
};

// Opens the interface and starts the capture. Needs CAP_NET_RAW, CAP_NET_ADMIN and CAP_BPF, and
// CAP_IPC_LOCK or a lock limit that covers the frames; once open, nothing more. Main thread.
// errors   no_such_device; invalid_config: an option out of range, more queues than the device
//          has; io, no_memory: what the kernel refused. Each message says what would be right.
Result<std::unique_ptr<XdpCapture>> open_xdp(const XdpOptions& options);

}  // namespace tapmeter::xdp
