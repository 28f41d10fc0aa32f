#include "dpdk/capture.h"

#include <algorithm>

#include "pipeline/base/expects.h"

namespace tapmeter::dpdk {

DpdkCapture::DpdkCapture(std::unique_ptr<Port> port, const PortOptions& options)
    : port_(std::move(port)) {
    for (std::uint16_t queue = 0; queue < port_->queues(); ++queue) {
        queues_.push_back(std::make_unique<Queue>(port_->queue_options(queue, options)));
    }
}

void DpdkCapture::stop_arrivals() noexcept {
    port_->stop_arrivals();
    for (const auto& queue : queues_) {
        queue->stop_arrivals();
    }
}

CaptureCounters DpdkCapture::counters() const {
    const std::lock_guard guard(reading_);
    CaptureCounters books;
    // Our own counts first: the driver's, read later, can then only be ahead of them.
    for (const auto& queue : queues_) {
        const SourceCounters handed_out = queue->counters();
        books.received += handed_out.received;
        books.received_octets += handed_out.received_octets;
    }
    const PortStatistics port = port_->statistics();
    books.dropped[index_of(Dropped::rx_missed)] = port.missed;
    books.dropped[index_of(Dropped::rx_error)] = port.errors;
    books.dropped[index_of(Dropped::no_buffer)] = port.no_buffer;
    books.waiting = {std::max(port.received, books.received.value) - books.received.value};
    books.offered = {books.received.value + books.waiting.value + port.missed + port.errors +
                     port.no_buffer};
    books.link_up = port.link_up;
    books.link_speed_bits = port.link_speed_bits;
    return books;
}

std::vector<DeviceQueueCounters> DpdkCapture::device_queues() const {
    const std::lock_guard guard(reading_);
    return port_->queue_statistics();
}

std::string DpdkCapture::describe() const {
    return "dpdk " + port_->name() + " (" + port_->driver() + ")";
}

Result<std::unique_ptr<DpdkCapture>> open_port(const PortOptions& options) {
    expects(options.clock != nullptr);
    auto port = Port::open(options);
    if (!port) {
        return tl::unexpected(port.error());
    }
    return std::make_unique<DpdkCapture>(std::move(*port), options);
}

}  // namespace tapmeter::dpdk
