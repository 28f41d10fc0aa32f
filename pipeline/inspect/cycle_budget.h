#pragma once

#include <algorithm>
#include <cstdint>

namespace tapmeter::inspect {

// How much of a worker's time inspection may take when there is not enough for everything.
//
// Cycles are earned by turns: a share of those of busy turns, and all of those of idle ones, since
// nobody else wanted them. What is earned and not spent is kept, up to a limit. A worker that is
// never idle thus gives inspection its share and no more; one with time to spare gives it all that
// it asks for. Who asks first when little is left: signatures are shed before new flows, these
// before flows that are under way.
class CycleBudget {
public:
    struct Settings {
        std::uint32_t share_percent = 100;  // of busy turns; 100: never short
        std::uint64_t kept_cycles = 0;      // about 10 ms of them
    };
    explicit CycleBudget(const Settings& settings) noexcept
        : share_percent_(settings.share_percent),
          kept_max_(static_cast<std::int64_t>(settings.kept_cycles)),
          left_(kept_max_) {}

    void earn(std::uint64_t cycles, bool busy) noexcept {
        const std::uint64_t share = busy ? cycles * share_percent_ / 100 : cycles;
        left_ = std::min(kept_max_, left_ + static_cast<std::int64_t>(share));
    }
    void spend(std::uint64_t cycles) noexcept { left_ -= static_cast<std::int64_t>(cycles); }

    bool allows_signatures() const noexcept { return unlimited() || left_ > kept_max_ / 2; }
    bool allows_new_flows() const noexcept { return unlimited() || left_ > kept_max_ / 4; }
    bool allows_packets() const noexcept { return unlimited() || left_ > 0; }

private:
    bool unlimited() const noexcept { return share_percent_ >= 100; }

    std::uint64_t share_percent_;
    std::int64_t kept_max_;
    std::int64_t left_;
};

}  // namespace tapmeter::inspect
