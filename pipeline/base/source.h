#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "pipeline/base/fates.h"
#include "pipeline/base/packet.h"
#include "pipeline/base/result.h"

namespace tapmeter {

// What one queue handed to its worker, since start.
struct SourceCounters {
    Packets received{};
    Octets received_octets{};  // layer 2, without FCS
};

// One queue, polled by one core. The door between a capture room (dpdk/, xdp/, the capture files)
// and the pipeline: called once per burst, never once per packet.
class PacketSource {
public:
    PacketSource() = default;
    PacketSource(const PacketSource&) = delete;
    PacketSource& operator=(const PacketSource&) = delete;
    virtual ~PacketSource() = default;

    // Fills `burst` with what has arrived, at most burst_packets_max. Never waits on a live
    // queue; 0 packets is normal.
    virtual void receive(Burst& burst) noexcept = 0;

    // Gives the last burst's buffers back: no view into them may be used afterwards. Every receive
    // is followed by one release.
    virtual void release() noexcept = 0;

    // Any thread; may lag the polling core by a burst.
    virtual SourceCounters counters() const noexcept = 0;

    // For logs and the metrics page, such as "dpdk 0000:3b:00.0 queue 3".
    virtual std::string describe() const = 0;

    // True once no packet will ever come again: the end of a capture file. Live queues never end.
    // Polling core only.
    virtual bool exhausted() const noexcept { return false; }
};

// What became of the packets of one Observation Point before a worker saw them. Monotonic; exact
// whenever nothing is in flight. `offered` counts all that the backend knows of:
//     offered = received + shunted + sum(dropped) + sum(ignored)       (+ what waits in the rings)
// where `received` is what the queues handed to workers, `shunted` what was counted for its flow
// instead, and `ignored` is what our own prefilter left out on purpose.
struct CaptureCounters {
    Packets offered{};
    Packets received{};
    Octets received_octets{};
    Packets shunted{};
    Octets shunted_octets{};  // layer 2, without FCS
    Packets waiting{};        // in the rings between the backend and the worker at this moment
    std::array<std::uint64_t, dropped_reasons> dropped{};
    std::array<std::uint64_t, ignored_reasons> ignored{};
    bool present = true;                // false: the device is gone; see Capture::reopen()
    std::uint64_t returns = 0;          // of a device that was gone
    bool link_up = true;                // false also while it is gone
    std::uint64_t link_speed_bits = 0;  // bits per second; 0 where nobody knows
};

// What a device counted for one of its queues: how evenly it spreads, and where it lost. A share of
// CaptureCounters, for the operator; no law rests on it, because few drivers count all of it.
struct DeviceQueueCounters {
    std::uint64_t packets = 0;
    std::uint64_t octets = 0;
    std::uint64_t errors = 0;
    std::uint64_t missed = 0;  // no room, no buffer
};

// One fact about an opened capture that the operator should know: what was probed, what is used.
struct Capability {
    std::string name;   // "mode", "zero copy", "symmetric hash", "timestamps"
    std::string value;  // "native", "no: the driver has none; copying", "software"
};

// An Observation Point with all its queues (RFC 7011 section 2). Opened, started and stopped by
// the main thread; its queues are polled by workers.
class Capture {
public:
    Capture() = default;
    Capture(const Capture&) = delete;
    Capture& operator=(const Capture&) = delete;
    virtual ~Capture() = default;  // stops the capture and gives everything back

    virtual std::size_t queues() const noexcept = 0;
    virtual PacketSource& queue(std::size_t index) noexcept = 0;

    // True where both directions of a flow always arrive on the same queue. Where they do not, and
    // there is more than one worker, packets are steered by a software hash.
    virtual bool symmetric() const noexcept = 0;

    // True where views stay valid after release(), as in a mapped capture file.
    virtual bool views_stay_valid() const noexcept { return false; }

    // True where packets carry the time of a recording, which then is the only clock: a capture
    // file, also one played by DPDK. A recording can wait; so nothing of it is lost.
    virtual bool recorded() const noexcept { return false; }

    // Stops new packets from arriving; what already waits in the queues can still be received, so
    // that a drain loses nothing. Main thread.
    virtual void stop_arrivals() noexcept {}

    // Where the device was gone and one of its name is there again: captures from that one, with
    // the same queues, and answers true. Some times a second; main thread.
    // errors  why it cannot be captured; it is tried again at the next call
    virtual Result<bool> reopen() { return false; }

    // Reads the backend's own statistics; may cost a system call. Any thread but a worker.
    virtual CaptureCounters counters() const = 0;

    // As counters(), by queue of the device; empty where the device does not tell.
    virtual std::vector<DeviceQueueCounters> device_queues() const { return {}; }

    virtual std::string describe() const = 0;
    virtual std::vector<Capability> capabilities() const = 0;
};

}  // namespace tapmeter
