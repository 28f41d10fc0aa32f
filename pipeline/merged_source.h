#pragma once

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "pipeline/base/source.h"

namespace tapmeter {

// Several queues polled by one worker in turn, one burst each: the two ports of a tap, whose flows
// have one direction on either port.
class MergedSource final : public PacketSource {
public:
    // The sources outlive this one; at least one.
    explicit MergedSource(std::vector<PacketSource*> sources) : sources_(std::move(sources)) {}

    void receive(Burst& burst) noexcept override {
        // A quiet queue costs its neighbours nothing: look on until one has something.
        for (std::size_t looked_at = 0; looked_at < sources_.size(); ++looked_at) {
            current_ = current_ + 1 == sources_.size() ? 0 : current_ + 1;
            sources_[current_]->receive(burst);
            if (burst.count != 0 || looked_at + 1 == sources_.size()) {
                return;
            }
            sources_[current_]->release();
        }
    }
    void release() noexcept override { sources_[current_]->release(); }

    SourceCounters counters() const noexcept override {
        SourceCounters sum;
        for (const PacketSource* source : sources_) {
            const SourceCounters one = source->counters();
            sum.received += one.received;
            sum.received_octets += one.received_octets;
        }
        return sum;
    }
    std::string describe() const override {
        std::string text;
        for (const PacketSource* source : sources_) {
            text += (text.empty() ? "" : " + ") + source->describe();
        }
        return text;
    }
    bool exhausted() const noexcept override {
        return std::ranges::all_of(sources_,
                                   [](const auto* source) { return source->exhausted(); });
    }

private:
    std::vector<PacketSource*> sources_;
    std::size_t current_ = 0;
};

}  // namespace tapmeter
