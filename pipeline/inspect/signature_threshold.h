#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "pipeline/base/units.h"
#include "pipeline/decode/headers.h"
#include "pipeline/inspect/rules/rule.h"

namespace tapmeter::inspect {

// How often rules with threshold or detection_filter have matched, by what they track. One for each
// worker, of fixed size: where no place is left the match counts as if its rule had no threshold,
// and not_tracked() says how often.
class ThresholdTable {
public:
    // places  power of two, at least 16
    explicit ThresholdTable(std::size_t places = std::size_t{1} << 14U);

    struct Event {
        const rules::Rule& rule;
        const decode::Address& source;
        const decode::Address& destination;
        std::uint64_t flow_id = 0;
        ObservedAt at{};
    };
    // True: this match raises an alert that is emitted; false: it is suppressed.
    bool admits(const Event& event) noexcept;

    std::uint64_t not_tracked() const noexcept { return not_tracked_; }

private:
    struct Key {
        decode::Address first{};
        decode::Address second{};
        std::uint64_t rule = 0;  // gid and sid: counts outlive a reload of the rules
        bool operator==(const Key&) const = default;
    };
    struct Place {
        Key key{};
        ObservedAt window_start{};
        std::uint32_t window_seconds = 0;
        std::uint32_t count = 0;  // 0: free
    };
    static constexpr std::size_t probes_max = 8;

    static Key key_of(const Event& event) noexcept;
    Place* place_of(const Key& key, ObservedAt at) noexcept;

    std::vector<Place> places_;
    std::uint64_t not_tracked_ = 0;
};

}  // namespace tapmeter::inspect
