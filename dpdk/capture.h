#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "dpdk/port.h"
#include "dpdk/queue.h"
#include "pipeline/base/result.h"
#include "pipeline/base/source.h"

namespace tapmeter::dpdk {

// An Observation Point behind DPDK: a NIC bound to a user-space driver, or a virtual device.
class DpdkCapture final : public Capture {
public:
    // For open_port() alone.
    DpdkCapture(std::unique_ptr<Port> port, const PortOptions& options);
    DpdkCapture(const DpdkCapture&) = delete;
    DpdkCapture& operator=(const DpdkCapture&) = delete;
    // Workers are gone by now. Queues go before the port, the port before the environment.
    ~DpdkCapture() override = default;

    std::size_t queues() const noexcept override { return queues_.size(); }
    PacketSource& queue(std::size_t index) noexcept override { return *queues_.at(index); }
    bool symmetric() const noexcept override { return port_->symmetric(); }
    bool recorded() const noexcept override { return port_->ends(); }

    // Where the device cannot be told to stop, each queue hands out at most drain_packets_max more
    // and then nothing, so that a drain ends.
    void stop_arrivals() noexcept override;

    // `waiting` is what the driver counts as received and workers were not given yet. With all
    // queues drained it is 0; a value that stays is a hole in the books.
    CaptureCounters counters() const override;
    std::vector<DeviceQueueCounters> device_queues() const override;

    std::string describe() const override;
    std::vector<Capability> capabilities() const override { return port_->capabilities(); }

private:
    std::unique_ptr<Port> port_;
    std::vector<std::unique_ptr<Queue>> queues_;
    // Drivers add up what the kernel hands out once, so two readers at a time would lose some.
    mutable std::mutex reading_;
};

// Opens a device and starts it: packets arrive from here on. DPDK's environment must run.
// errors  as Port::open
Result<std::unique_ptr<DpdkCapture>> open_port(const PortOptions& options);

}  // namespace tapmeter::dpdk
