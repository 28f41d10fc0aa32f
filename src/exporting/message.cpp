#include "src/exporting/message.h"

#include <algorithm>
#include <chrono>

#include "pipeline/base/expects.h"
#include "src/exporting/account.h"

namespace tapmeter::exporting {
namespace {

constexpr std::size_t set_header_octets = 4;

constexpr std::size_t round_up_to_4(std::size_t octets) noexcept {
    return (octets + 3) & ~std::size_t{3};
}

}  // namespace

std::uint32_t export_time_now() noexcept {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    return static_cast<std::uint32_t>(
        std::chrono::duration_cast<std::chrono::seconds>(now).count());
}

void store_header(std::span<std::byte, message_header_octets> to, const MessageHeader& header,
                  std::size_t message_octets) noexcept {
    store_be(to.subspan<0, 2>(), ipfix_version);
    store_be(to.subspan<2, 2>(), static_cast<std::uint16_t>(message_octets));
    store_be(to.subspan<4, 4>(), header.export_time);
    store_be(to.subspan<8, 4>(), header.sequence);
    store_be(to.subspan<12, 4>(), number_of(header.domain));
}

MessageBuilder::MessageBuilder(ObservationDomainId domain, std::size_t octets_max,
                               std::uint32_t first_sequence, const fields::Texts& texts)
    : domain_(domain),
      sequence_(first_sequence),
      capacity_(octets_max & ~std::size_t{3}),
      limit_(capacity_),
      octets_(std::make_unique<std::byte[]>(  // NOLINT(*-avoid-c-arrays)
          capacity_ + fields::RecordPlan::slack_octets)),
      texts_(texts) {
    expects(octets_max >= message_octets_unknown_path && octets_max <= message_octets_limit);
}

void MessageBuilder::set_limit(std::size_t octets) noexcept {
    expects(empty());
    limit_ = std::clamp(octets & ~std::size_t{3}, message_octets_unknown_path, capacity_);
}

bool MessageBuilder::add(const Template& made_for, const FlowRecord& record) noexcept {
    return add(made_for, record, std::span{&record, 1});
}

bool MessageBuilder::add(const Template& made_for, const FlowRecord& record,
                         std::span<const FlowRecord> directions) noexcept {
    const bool same_set = set_at_ != 0 && set_id_ == made_for.id;
    std::size_t at = same_set ? used_ : end_of_set() + set_header_octets;
    if (at + directions.size() * made_for.octets_max(texts_) > limit_) {
        return false;
    }
    if (!same_set) {
        close_set();
        set_at_ = used_;
        set_id_ = made_for.id;
        record_octets_min_ = made_for.octets_min();
    }
    for (const FlowRecord& direction : directions) {
        const auto which = static_cast<std::size_t>(&direction - directions.data());
        at += made_for.write(direction, texts_, from(at), beside_.at(which));
    }
    used_ = at;
    data_records_ += static_cast<std::uint32_t>(directions.size());
    contents_ += totals_of(record);
    return true;
}

Bytes MessageBuilder::finish(std::uint32_t export_time) noexcept {
    close_set();
    store_header(from(0).first<message_header_octets>(), {export_time, sequence_, domain_}, used_);
    sequence_ += std::exchange(data_records_, 0);
    contents_ = {};
    return from(0).first(std::exchange(used_, message_header_octets));
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
    store_be(from(set_at_).subspan<0, 2>(), set_id_);
    store_be(from(set_at_).subspan<2, 2>(), static_cast<std::uint16_t>(used_ - set_at_));
    set_at_ = 0;
}

}  // namespace tapmeter::exporting
