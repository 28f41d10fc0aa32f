#include "pipeline/flow/dns_times.h"

#include <algorithm>
#include <chrono>
#include <limits>
#include <optional>

namespace tapmeter::flow {

namespace {

constexpr std::size_t header_octets = 12;
constexpr std::uint16_t is_answer = 0x8000;  // QR
// So long a query that is sent again is the same one.
constexpr std::chrono::seconds again_max{5};

struct Header {
    std::uint16_t id = 0;
    bool is_answer = false;
};
std::optional<Header> read_header(Bytes payload) noexcept {
    if (payload.size() < header_octets) {
        return std::nullopt;
    }
    return Header{.id = load_be16(payload.first<2>()),
                  .is_answer = (load_be16(payload.subspan<2>().first<2>()) & is_answer) != 0};
}

}  // namespace

void DnsTimes::see(Bytes payload, Extent extent, ObservedAt at) noexcept {
    const auto header = read_header(payload);
    if (!header) {
        return;
    }
    if (!header->is_answer) {
        ask(header->id, at);
        return;
    }
    Query* const query = find(header->id);
    if (query == nullptr) {
        return;
    }
    if (extent == Extent::whole) {
        settle(*query, at);
    } else {
        query->is_begun = true;
    }
}

// Of several that have begun, that of the oldest query.
void DnsTimes::see_last_fragment(ObservedAt at) noexcept {
    Query* begun = nullptr;
    for (Query& query : queries_) {
        if (query.waits && query.is_begun && (begun == nullptr || query.at < begun->at)) {
            begun = &query;
        }
    }
    if (begun != nullptr) {
        settle(*begun, at);
    }
}

void DnsTimes::ask(std::uint16_t id, ObservedAt at) noexcept {
    Query* place = &queries_.front();
    for (Query& query : queries_) {
        if (query.waits && query.id == id) {
            if (at - query.at <= again_max) {
                return;  // sent again
            }
            place = &query;
            break;
        }
        const bool better = place->waits && (!query.waits || query.at < place->at);
        place = better ? &query : place;
    }
    forgotten_ += place->waits ? 1U : 0U;
    *place = {.at = at, .id = id, .waits = true};
}

// Null: nobody has asked, or it is answered.
DnsTimes::Query* DnsTimes::find(std::uint16_t id) noexcept {
    const auto query = std::ranges::find_if(
        queries_, [id](const Query& one) { return one.waits && one.id == id; });
    return query == queries_.end() ? nullptr : &*query;
}

void DnsTimes::settle(Query& query, ObservedAt at) noexcept {
    query.waits = false;
    constexpr std::int64_t nanoseconds = 1'000;
    const auto took = static_cast<std::uint32_t>(std::clamp<std::int64_t>(
        (at - query.at).count() / nanoseconds, 1, std::numeric_limits<std::uint32_t>::max()));
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
