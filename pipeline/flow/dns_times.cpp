#include "pipeline/flow/dns_times.h"

#include <algorithm>
#include <limits>

namespace tapmeter::flow {

namespace {

constexpr std::size_t header_octets = 12;
constexpr std::uint16_t is_answer = 0x8000;  // QR

}  // namespace

void DnsTimes::see(Bytes payload, ObservedAt at) noexcept {
    if (payload.size() < header_octets) {
        return;
    }
    const std::uint16_t id = load_be16(payload.first<2>());
    const std::uint16_t flags = load_be16(payload.subspan<2>().first<2>());
    if ((flags & is_answer) != 0) {
        answer(id, at);
    } else {
        ask(id, at);
    }
}

void DnsTimes::ask(std::uint16_t id, ObservedAt at) noexcept {
    Query* place = &queries_.front();
    for (Query& query : queries_) {
        if (query.waits && query.id == id) {
            return;  // sent again
        }
        const bool better = place->waits && (!query.waits || query.at < place->at);
        place = better ? &query : place;
    }
    forgotten_ += place->waits ? 1U : 0U;
    *place = {.at = at, .id = id, .waits = true};
}

void DnsTimes::answer(std::uint16_t id, ObservedAt at) noexcept {
    const auto query = std::ranges::find_if(
        queries_, [id](const Query& one) { return one.waits && one.id == id; });
    if (query == queries_.end()) {
        return;
    }
    query->waits = false;
    constexpr std::int64_t nanoseconds = 1'000;
    const auto took = static_cast<std::uint32_t>(std::clamp<std::int64_t>(
        (at - query->at).count() / nanoseconds, 1, std::numeric_limits<std::uint32_t>::max()));
    min_us_ = answers_ == 0 ? took : std::min(min_us_, took);
    max_us_ = std::max(max_us_, took);
    sum_us_ += took;
    ++answers_;
}

std::uint32_t DnsTimes::unanswered() const noexcept {
    return forgotten_ +
           static_cast<std::uint32_t>(std::ranges::count(queries_, true, &Query::waits));
}

void DnsTimes::clear_counts() noexcept {
    answers_ = 0;
    forgotten_ = 0;
    sum_us_ = 0;
    min_us_ = 0;
    max_us_ = 0;
}

}  // namespace tapmeter::flow
