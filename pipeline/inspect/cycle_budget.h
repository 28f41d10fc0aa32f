#pragma once

#include <algorithm>
#include <cstdint>

namespace tapmeter::inspect {

// How much of a worker's time inspection may take when there is not enough for everything.
//
// Cycles are earned by turns: a share of those of pressed turns, behind which more packets wait,
// and all of the others, since nobody else wants them. What is earned and not spent is kept, up to
// a limit far below what a receive ring can hold up. A worker that cannot keep up thus gives
// inspection its share and no more; one with time to spare gives it all that it asks for. Little
// left: signatures are shed before new flows, these before flows that are under way.
class CycleBudget {
public:
    struct Settings {
        std::uint32_t share_percent = 100;  // of pressed turns; 100: never short
        std::uint64_t kept_cycles = 0;
    };
    explicit CycleBudget(const Settings& settings) noexcept
        : share_percent_(settings.share_percent),
          kept_max_(static_cast<std::int64_t>(settings.kept_cycles)),
          left_(kept_max_) {}

    // While the worker is pressed for long: 0 the whole share, 1 a quarter of it, 2 nothing.
    void shed(unsigned steps) noexcept { steps_ = steps; }

    void earn(std::uint64_t cycles, bool pressed) noexcept {
        const std::uint64_t share = steps_ == 0 ? share_percent_ : share_percent_ / 4;
        const std::uint64_t earned = pressed ? cycles * share / 100 : cycles;
        left_ = std::min(kept_max_, left_ + static_cast<std::int64_t>(earned));
    }
    void spend(std::uint64_t cycles) noexcept { left_ -= static_cast<std::int64_t>(cycles); }

    bool allows_signatures() const noexcept { return has_more_than(kept_max_ / 2); }
    bool allows_new_flows() const noexcept { return has_more_than(kept_max_ / 4); }
    bool allows_packets() const noexcept { return has_more_than(0); }

private:
    static constexpr unsigned nothing = 2;

    bool has_more_than(std::int64_t cycles) const noexcept {
        return share_percent_ >= 100 || (left_ > cycles && steps_ < nothing);
    }

    std::uint64_t share_percent_;
    std::int64_t kept_max_;
    std::int64_t left_;
    unsigned steps_ = 0;
};

}  // namespace tapmeter::inspect
