#include "src/exporting/message.h"

#include <algorithm>

#include "pipeline/base/expects.h"
#include "src/exporting/account.h"

namespace tapmeter::exporting {
namespace {

constexpr std::size_t round_up_to_4(std::size_t octets) noexcept {
    return (octets + 3) & ~std::size_t{3};
}

}  // namespace

void store_header(std::span<std::byte, message_header_octets> to, const MessageHeader& header,
                  std::size_t message_octets) noexcept {
    store_be(to.subspan<0, 2>(), ipfix_version);
    store_be(to.subspan<2, 2>(), static_cast<std::uint16_t>(message_octets));
    store_be(to.subspan<4, 4>(), header.export_time);
    store_be(to.subspan<8, 4>(), header.sequence);
    store_be(to.subspan<12, 4>(), number_of(header.domain));
}

MessageBuilder::MessageBuilder(const Setup& setup)
    : protocol_(*setup.protocol),
      domain_(setup.domain),
      sequence_(setup.first_sequence),
      capacity_(std::min(setup.octets_max, protocol_.message_octets_max) & ~std::size_t{3}),
      limit_(capacity_),
      octets_(std::make_unique<std::byte[]>(  // NOLINT(*-avoid-c-arrays)
          capacity_ + fields::RecordPlan::slack_octets)),
      used_(protocol_.header_octets),
      texts_(setup.texts == nullptr ? no_texts : *setup.texts) {
    expects(setup.octets_max >= message_octets_unknown_path &&
            setup.octets_max <= message_octets_limit);
}

void MessageBuilder::set_limit(std::size_t octets) noexcept {
    expects(empty());
    limit_ = std::clamp(octets & ~std::size_t{3}, message_octets_unknown_path, capacity_);
}

// Offset of the next records, behind a new Set's header where they need one; 0: there is no room.
inline std::size_t MessageBuilder::place_for(const Template& made_for,
                                             std::size_t records) noexcept {
    const bool same_set = set_at_ != 0 && set_id_ == made_for.id;
    const std::size_t at = same_set ? used_ : end_of_set() + protocol_.set_header_octets;
    if (at + records * made_for.octets_max(texts_) > limit_) {
        return 0;
    }
    if (!same_set) {
        close_set();
        set_at_ = used_;
        set_id_ = made_for.id;
        record_octets_min_ = made_for.octets_min();
    }
    return at;
}

// The way of nearly all records, without the loop and the sums that several of them need.
bool MessageBuilder::add(const Template& made_for, const FlowRecord& record) noexcept {
    const std::size_t at = place_for(made_for, 1);
    if (at == 0) {
        return false;
    }
    used_ = at + made_for.write(record, texts_, from(at), beside_[0]);
    ++data_records_;
    contents_ += totals_of(record);
    return true;
}

bool MessageBuilder::add(const Template& made_for, const FlowRecord& record,
                         std::span<const FlowRecord> directions) noexcept {
    return add(made_for, directions, totals_of(record));
}

bool MessageBuilder::add(const Template& made_for, std::span<const FlowRecord> records,
                         const RecordTotals& totals) noexcept {
    std::size_t at = place_for(made_for, records.size());
    if (at == 0) {
        return false;
    }
    for (std::size_t which = 0; which < records.size(); ++which) {
        const auto beside = which < beside_.size() ? beside_[which] : fields::Beside{};
        at += made_for.write(records[which], texts_, from(at), beside);
    }
    used_ = at;
    data_records_ += static_cast<std::uint32_t>(records.size());
    contents_ += totals;
    return true;
}

Bytes MessageBuilder::finish(std::uint32_t export_time) noexcept {
    close_set();
    protocol_.store(from(0).first(used_),
                    {export_time, sequence_, domain_, uptime_origin_, data_records_});
    sequence_ += sequence_step();
    data_records_ = 0;
    contents_ = {};
    return from(0).first(std::exchange(used_, protocol_.header_octets));
}

// Sets are padded to four octets, but padding must be shorter than any Data Record of the Set (RFC
// 7011 section 3.3.1): where a Template's shortest record is no longer than that, there is none.
std::size_t MessageBuilder::end_of_set() const noexcept {
    const std::size_t end = round_up_to_4(used_);
    return set_at_ != 0 && end - used_ >= record_octets_min_ ? used_ : end;
}

// Pads the open Set and writes its header.
void MessageBuilder::close_set() noexcept {
    if (set_at_ == 0) {
        return;
    }
    const std::size_t end = end_of_set();
    std::ranges::fill(from(used_).first(end - used_), std::byte{0});
    used_ = end;
    if (protocol_.set_header_octets != 0) {
        store_be(from(set_at_).subspan<0, 2>(), set_id_);
        store_be(from(set_at_).subspan<2, 2>(), static_cast<std::uint16_t>(used_ - set_at_));
    }
    set_at_ = 0;
}

}  // namespace tapmeter::exporting
