#include "src/bench/memory_capture.h"

#include <utility>

namespace tapmeter::bench {

MemoryCapture::MemoryCapture(std::vector<Traffic> traffic, const MemorySource::Options& options)
    : traffic_(std::move(traffic)) {
    for (Traffic& share : traffic_) {
        sources_.push_back(std::make_unique<MemorySource>(share, options));
    }
}

void MemoryCapture::stop_arrivals() noexcept {
    for (const auto& source : sources_) {
        source->stop();
    }
}

CaptureCounters MemoryCapture::counters() const {
    CaptureCounters counters;
    for (const auto& source : sources_) {
        const SourceCounters queue = source->counters();
        counters.received += queue.received;
        counters.received_octets += queue.received_octets;
    }
    counters.offered = counters.received;
    return counters;
}

}  // namespace tapmeter::bench
