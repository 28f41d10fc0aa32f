#include "src/fields/plan.h"

#include <algorithm>
#include <cstring>

#include "pipeline/base/expects.h"
#include "pipeline/base/octet_writer.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace tapmeter::fields {
namespace {

constexpr std::size_t block_octets = 16;
constexpr std::uint8_t nothing = 0x80;

#if defined(__x86_64__)
using Block = __m128i;

// Every 64-bit x86 that the program runs on has SSSE3 (x86-64-v2).
[[gnu::target("ssse3")]] inline Block fetch(const std::byte* from,
                                            const std::uint8_t* order) noexcept {
    Block octets;  // NOLINT(*-init-variables): both are written whole by the next lines
    Block places;  // NOLINT(*-init-variables)
    std::memcpy(&octets, from, sizeof octets);
    std::memcpy(&places, order, sizeof places);
    return _mm_shuffle_epi8(octets, places);
}
inline Block join(Block a, Block b) noexcept {
    return _mm_or_si128(a, b);
}
#else
using Block = std::array<std::uint8_t, block_octets>;

inline Block fetch(const std::byte* from, const std::uint8_t* order) noexcept {
    Block block{};
    for (std::size_t i = 0; i < block_octets; ++i) {
        block[i] = order[i] == nothing ? 0 : std::to_integer<std::uint8_t>(from[order[i]]);
    }
    return block;
}
inline Block join(Block a, const Block& b) noexcept {
    for (std::size_t i = 0; i < block_octets; ++i) {
        a[i] |= b[i];
    }
    return a;
}
#endif

// Where octets come from, in the order of the bases that write() is given.
constexpr std::array sources_of_octets{Source::record,    Source::derived,   Source::tcp,
                                       Source::tunnel,    Source::behaviour, Source::payload,
                                       Source::signatures};

constexpr std::size_t size_of(Source source) noexcept {
    switch (source) {
        case Source::derived:
            return sizeof(DerivedValues);
        case Source::tcp:
            return sizeof(flow::TcpReport);
        case Source::tunnel:
            return sizeof(flow::TunnelReport);
        case Source::behaviour:
            return sizeof(flow::BehaviourReport);
        case Source::payload:
            return sizeof(flow::PayloadReport);
        case Source::signatures:
            return sizeof(flow::SignatureHits);
        default:
            return sizeof(FlowRecord);
    }
}

// Stands for each report that a record does not have.
alignas(16) constexpr std::array<std::byte, sizeof(flow::BehaviourReport)> no_report{};
static_assert(sizeof(flow::TcpReport) <= no_report.size() &&
              sizeof(flow::TunnelReport) <= no_report.size() &&
              sizeof(flow::SignatureHits) <= no_report.size());

template <class Report>
const std::byte* octets_of(const Report* report) noexcept {
    return report == nullptr ? no_report.data() : std::as_bytes(std::span{report, 1}).data();
}

bool is_text(const Item& item) noexcept {
    return all_fields[item.field].element.octets == variable_length;
}

// A basicList (RFC 6313 section 4.5.1): semantic, element, its length and enterprise number; then
// the elements. Before it its own length.
constexpr std::size_t list_head_octets = 9;
constexpr std::size_t signature_ids_octets_max =
    1 + list_head_octets + sizeof(flow::SignatureHits::sids);
static_assert(signature_ids_octets_max < 255, "a length of one octet");

std::byte* write_application_name(std::byte* to, const FlowRecord& record,
                                  const Texts& texts) noexcept {
    const std::size_t number = protocol_of(record.application);
    if (number >= texts.application_names.size() || texts.application_names[number].empty()) {
        *to = std::byte{0};
        return to + 1;
    }
    return std::ranges::copy(texts.application_names[number], to).out;
}

std::byte* write_signature_ids(std::byte* to, const flow::SignatureHits* hits,
                               const Texts& texts) noexcept {
    constexpr std::uint8_t ordered = 4;  // RFC 6313 section 4.4.5
    constexpr std::uint16_t enterprise_bit = 0x8000;
    constexpr InformationElement one = element("signatureId");
    const std::size_t count =
        hits == nullptr ? 0 : std::min<std::size_t>(hits->sids_count, hits->sids.size());
    OctetWriter list(std::span{to, signature_ids_octets_max});
    list.be8(list_head_octets + count * one.octets).be8(ordered);
    list.be16(enterprise_bit | one.id).be16(one.octets).be32(texts.enterprise_number);
    for (std::size_t i = 0; i < count; ++i) {
        list.be32(hits->sids[i]);
    }
    return to + list.written();
}

std::byte* write_interface_name(std::byte* to, const FlowRecord& record,
                                const Texts& texts) noexcept {
    expects(record.observation_point < texts.interface_names.size());
    return std::ranges::copy(texts.interface_names[record.observation_point], to).out;
}

unsigned need_of(std::span<const Item> items) noexcept {
    unsigned need = 0;
    for (const Item& item : items) {
        need |= all_fields[item.field].place.need;
    }
    return need;
}

}  // namespace

std::vector<std::byte> as_variable_length(Bytes text) {
    constexpr std::size_t octets_max = 65'535;
    constexpr std::size_t short_octets_max = 254;
    text = text.first(std::min(text.size(), octets_max));
    std::vector<std::byte> octets;
    if (text.size() <= short_octets_max) {
        octets.push_back(static_cast<std::byte>(text.size()));
    } else {
        octets = {std::byte{255}, static_cast<std::byte>(text.size() >> 8U),
                  static_cast<std::byte>(text.size() & 0xFFU)};
    }
    octets.insert(octets.end(), text.begin(), text.end());
    return octets;
}

RecordPlan::RecordPlan(std::span<const Item> items) : need_(need_of(items)) {
    for (;;) {
        const auto text = std::ranges::find_if(items, is_text);
        const auto fixed = static_cast<std::size_t>(text - items.begin());
        compile_segment(items.first(fixed));
        if (text == items.end()) {
            break;
        }
        follow_with(all_fields[text->field].place.source);
        items = items.subspan(fixed + 1);
    }
    steps_.push_back({});  // ends the last block
}

void RecordPlan::follow_with(Source text) {
    segments_.back().text = text;
    if (text == Source::interface_name) {
        ++interface_names_;
    } else {
        other_texts_octets_ += text == Source::application_name ? application_name_octets_max
                                                                : signature_ids_octets_max;
    }
}

void RecordPlan::compile_segment(std::span<const Item> items) {
    std::vector<Place> sources;        // of each octet of the segment
    std::vector<std::size_t> offsets;  // there
    for (const Item& item : items) {
        const Place& place = all_fields[item.field].place;
        expects(item.octets > 0 && item.octets <= place.octets);
        for (std::size_t octet = 0; octet < item.octets; ++octet) {
            sources.push_back(place);
            offsets.push_back(octet_at(place, octet, item.octets));
        }
    }
    Segment segment{.octets = static_cast<std::uint32_t>(sources.size())};
    for (std::size_t at = 0; at < sources.size(); at += block_octets) {
        const std::size_t count = std::min(block_octets, sources.size() - at);
        compile_block(std::span{sources}.subspan(at, count), std::span{offsets}.subspan(at, count));
        ++segment.blocks;
    }
    octets_ += segment.octets;
    segments_.push_back(segment);
}

// The lowest octet that is not fetched yet, and with it all that lie within sixteen of it, until
// none is left: no other choice of windows has fewer.
void RecordPlan::compile_block(std::span<const Place> sources,
                               std::span<const std::size_t> offsets) {
    bool joins = false;
    for (std::size_t base = 0; base < sources_of_octets.size(); ++base) {
        const Source source = sources_of_octets[base];
        std::size_t lowest = 0;
        for (;;) {
            std::size_t first = size_of(source);
            for (std::size_t i = 0; i < offsets.size(); ++i) {
                if (sources[i].source == source && offsets[i] >= lowest) {
                    first = std::min(first, offsets[i]);
                }
            }
            if (first == size_of(source)) {
                break;
            }
            const std::size_t window = std::min(first, size_of(source) - block_octets);
            Step step{
                {}, static_cast<std::uint16_t>(base), static_cast<std::uint16_t>(window), joins};
            step.order.fill(nothing);
            for (std::size_t i = 0; i < offsets.size(); ++i) {
                const bool inside = offsets[i] >= first && offsets[i] < window + block_octets;
                if (sources[i].source == source && inside) {
                    step.order[i] = static_cast<std::uint8_t>(offsets[i] - window);
                }
            }
            steps_.push_back(step);
            joins = true;
            lowest = window + block_octets;
        }
    }
}

std::size_t RecordPlan::write(const FlowRecord& record, const Texts* texts, std::byte* to,
                              const Beside& beside) const noexcept {
    DerivedValues derived;
    derive(record, need_, derived);
    const std::array<const std::byte*, sources_of_octets.size()> bases{
        std::as_bytes(std::span{&record, 1}).data(),
        std::as_bytes(std::span{&derived, 1}).data(),
        octets_of(beside.tcp),
        octets_of(beside.tunnel),
        octets_of(beside.behaviour),
        octets_of(beside.payload),
        octets_of(beside.signatures)};
    const std::byte* const begin = to;
    const Step* step = steps_.data();
    for (std::size_t index = 0;; ++index) {
        const Segment& segment = segments_[index];
        std::byte* at = to;
        for (std::uint32_t block = 0; block < segment.blocks; ++block, at += block_octets) {
            Block octets = fetch(bases[step->base] + step->offset, step->order.data());
            for (++step; step->joins; ++step) {
                octets = join(octets, fetch(bases[step->base] + step->offset, step->order.data()));
            }
            std::memcpy(at, &octets, sizeof octets);
        }
        to += segment.octets;
        if (index + 1 == segments_.size()) {
            return static_cast<std::size_t>(to - begin);
        }
        expects(texts != nullptr);
        if (segment.text == Source::application_name) {
            to = write_application_name(to, record, *texts);
        } else if (segment.text == Source::signature_ids) {
            to = write_signature_ids(to, beside.signatures, *texts);
        } else {
            to = write_interface_name(to, record, *texts);
        }
    }
}

}  // namespace tapmeter::fields
