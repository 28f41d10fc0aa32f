#pragma once

#include <array>
#include <cstdint>

#include "pipeline/base/bytes.h"
#include "pipeline/base/units.h"

namespace tapmeter::flow {

inline constexpr std::uint16_t dns_port = 53;

// How long DNS answers of one flow over UDP take: from the query to the first answer with its id
// (RFC 1035 section 4.1.1), whichever end asked. A query that is sent again counts from the first
// time on; more than five seconds later it is another one, and the first is unanswered. Of more
// queries than pending_max at one time the oldest counts as unanswered. An answer in fragments has
// come when all of them have. But for that limit, all of this is as tshark has it.
class DnsTimes {
public:
    static constexpr std::size_t pending_max = 6;

    enum class Extent : std::uint8_t { whole, first_fragment };

    // payload  of a UDP packet to or from port 53, or of its first fragment while others are
    // missing
    void see(Bytes payload, Extent extent, ObservedAt at) noexcept;
    // The fragment that was missing last has come.
    void see_last_fragment(ObservedAt at) noexcept;

    std::uint32_t answers() const noexcept { return answers_; }
    // Queries without an answer so far.
    std::uint32_t unanswered() const noexcept;
    std::uint32_t min_us() const noexcept { return min_us_; }
    std::uint32_t max_us() const noexcept { return max_us_; }
    std::uint32_t mean_us() const noexcept {
        return answers_ == 0 ? 0 : static_cast<std::uint32_t>(sum_us_ / answers_);
    }

    // Counts are reported and begin anew; queries go on to wait.
    void clear_counts() noexcept;

private:
    struct Query {
        ObservedAt at{};
        std::uint16_t id = 0;
        bool waits = false;
        bool is_begun = false;  // its answer is, and fragments of that are missing
    };
    void ask(std::uint16_t id, ObservedAt at) noexcept;
    Query* find(std::uint16_t id) noexcept;
    void settle(Query& query, ObservedAt at) noexcept;

    std::array<Query, pending_max> queries_{};
    std::uint64_t sum_us_ = 0;
    std::uint32_t answers_ = 0;
    std::uint32_t forgotten_ = 0;  // unanswered queries that made room for others
    std::uint32_t min_us_ = 0;
    std::uint32_t max_us_ = 0;
};

}  // namespace tapmeter::flow
