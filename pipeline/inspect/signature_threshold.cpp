#include "pipeline/inspect/signature_threshold.h"

#include <array>
#include <bit>
#include <chrono>
#include <cstring>
#include <span>

#include "pipeline/base/expects.h"

namespace tapmeter::inspect {

namespace {

using rules::Threshold;

std::uint64_t mixed(std::uint64_t value) noexcept {
    constexpr std::uint64_t odd = 0x9E37'79B9'7F4A'7C15;
    value = (value ^ (value >> 32U)) * odd;
    return value ^ (value >> 29U);
}

std::uint64_t word_of(const decode::Address& address, std::size_t at) noexcept {
    std::uint64_t word = 0;
    std::memcpy(&word, std::span{address}.subspan(at).data(), sizeof(word));
    return word;
}

bool is_over(ObservedAt start, std::uint32_t seconds, ObservedAt at) noexcept {
    return at - start >= std::chrono::seconds{seconds} || at < start;
}

}  // namespace

ThresholdTable::ThresholdTable(std::size_t places) : places_(places) {
    expects(std::has_single_bit(places) && places >= 2 * probes_max);
}

ThresholdTable::Key ThresholdTable::key_of(const Event& event) noexcept {
    Key key;
    key.rule = (std::uint64_t{event.rule.gid} << 32U) | event.rule.sid;
    const auto track = event.rule.threshold->track;
    if (track == Threshold::Track::by_source || track == Threshold::Track::by_both) {
        key.first = event.source;
    }
    if (track == Threshold::Track::by_destination || track == Threshold::Track::by_both) {
        key.second = event.destination;
    }
    if (track == Threshold::Track::by_flow) {
        std::memcpy(key.first.data(), &event.flow_id, sizeof(event.flow_id));
    }
    return key;
}

ThresholdTable::Place* ThresholdTable::place_of(const Key& key, ObservedAt at) noexcept {
    std::uint64_t hash = mixed(key.rule);
    for (const decode::Address* const address : {&key.first, &key.second}) {
        hash = mixed(hash ^ word_of(*address, 0));
        hash = mixed(hash ^ word_of(*address, sizeof(std::uint64_t)));
    }
    Place* free = nullptr;
    for (std::size_t probe = 0; probe < probes_max; ++probe) {
        Place& place = places_[(hash + probe) & (places_.size() - 1)];
        if (place.count != 0 && place.key == key) {
            return &place;
        }
        if (free == nullptr &&
            (place.count == 0 || is_over(place.window_start, place.window_seconds, at))) {
            free = &place;
        }
    }
    if (free != nullptr) {
        *free = {.key = key};
    }
    return free;
}

bool ThresholdTable::admits(const Event& event) noexcept {
    const Threshold& threshold = *event.rule.threshold;
    Place* const place = place_of(key_of(event), event.at);
    if (place == nullptr) {
        ++not_tracked_;
        return true;
    }
    if (place->count == 0 || is_over(place->window_start, threshold.seconds, event.at)) {
        place->window_start = event.at;
        place->window_seconds = threshold.seconds;
        place->count = 0;
    }
    ++place->count;
    switch (threshold.kind) {
        case Threshold::Kind::limit:
            return place->count <= threshold.count;
        case Threshold::Kind::both:
            return place->count == threshold.count;
        case Threshold::Kind::detection_filter:
            return place->count > threshold.count;
        case Threshold::Kind::threshold:
            break;
    }
    return place->count % threshold.count == 0;
}

}  // namespace tapmeter::inspect
