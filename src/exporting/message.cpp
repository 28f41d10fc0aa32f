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
                               std::uint32_t first_sequence)
    : domain_(domain),
      sequence_(first_sequence),
      capacity_(octets_max & ~std::size_t{3}),
      limit_(capacity_),
      octets_(std::make_unique<std::byte[]>(capacity_)) {  // NOLINT(*-avoid-c-arrays)
    expects(octets_max >= message_octets_unknown_path && octets_max <= message_octets_limit);
}

void MessageBuilder::set_limit(std::size_t octets) noexcept {
    expects(empty());
    limit_ = std::clamp(octets & ~std::size_t{3}, message_octets_unknown_path, capacity_);
}

bool MessageBuilder::add(const Template& made_for, const FlowRecord& record) noexcept {
    const bool same_set = set_at_ != 0 && set_id_ == made_for.id;
    const std::size_t at = same_set ? used_ : round_up_to_4(used_) + set_header_octets;
    if (at + made_for.record_octets > limit_) {
        return false;
    }
    if (!same_set) {
        close_set();
        set_at_ = used_;
        set_id_ = made_for.id;
    }
    made_for.encode(record, from(at));
    used_ = at + made_for.record_octets;
    contents_ += totals_of(record);
    return true;
}

Bytes MessageBuilder::finish(std::uint32_t export_time) noexcept {
    close_set();
    store_header(from(0).first<message_header_octets>(), {export_time, sequence_, domain_}, used_);
    sequence_ += static_cast<std::uint32_t>(contents_.records);
    contents_ = {};
    return from(0).first(std::exchange(used_, message_header_octets));
}

// Pads the open Set and writes its header. Data Records are longer than the three octets of
// padding there may be, so no reader takes padding for a record.
void MessageBuilder::close_set() noexcept {
    if (set_at_ == 0) {
        return;
    }
    const std::size_t end = round_up_to_4(used_);
    std::ranges::fill(from(used_).first(end - used_), std::byte{0});
    used_ = end;
    store_be(from(set_at_).subspan<0, 2>(), set_id_);
    store_be(from(set_at_).subspan<2, 2>(), static_cast<std::uint16_t>(used_ - set_at_));
    set_at_ = 0;
}

}  // namespace tapmeter::exporting
