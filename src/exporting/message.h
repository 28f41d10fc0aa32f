#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "pipeline/base/bytes.h"
#include "pipeline/base/units.h"
#include "src/exporting/output.h"
#include "src/exporting/protocol.h"
#include "src/exporting/template.h"

namespace tapmeter::exporting {

inline constexpr std::uint16_t ipfix_version = 10;
inline constexpr std::size_t message_header_octets = 16;
inline constexpr std::size_t message_octets_unknown_path = 512;  // RFC 7011 section 10.3.3
inline constexpr std::size_t message_octets_limit = 65'507;      // UDP over IPv4 carries no more

// The Message Header of IPFIX: writes version 10, `message_octets` and `header`.
void store_header(std::span<std::byte, message_header_octets> to, const MessageHeader& header,
                  std::size_t message_octets) noexcept;

// Data Records on their way into one message of one Observation Domain: of IPFIX, whose words are
// used here, or of NetFlow. Sets are padded
// with zeros to four octets where the records are long enough for that (RFC 7011 section 3.3.1). A
// message is never longer than its limit rounded down to a multiple of four. One thread.
class MessageBuilder {
public:
    struct Setup {
        ObservationDomainId domain{};
        std::size_t octets_max = message_octets_unknown_path;
        std::uint32_t first_sequence = 0;
        const fields::Texts* texts = nullptr;  // null: no Template has any
        const Protocol* protocol = &ipfix_protocol;
    };
    explicit MessageBuilder(const Setup& setup);

    // octets_max      capacity of the message: 512 to message_octets_limit, taken here and now
    // first_sequence  0, except where a test wants to see the wrap
    // texts           outlives it; asked for only by Templates with texts
    MessageBuilder(ObservationDomainId domain, std::size_t octets_max, std::uint32_t first_sequence,
                   const fields::Texts& texts = no_texts)
        : MessageBuilder(Setup{domain, octets_max, first_sequence, &texts}) {}

    // The limit of the messages begun from now on, 512 to octets_max; asked for when empty.
    void set_limit(std::size_t octets) noexcept;

    bool empty() const noexcept { return data_records_ == 0; }

    // Writes one Data Record, with a new Set before it where the Template changes.
    // False: it does not fit, nothing was written; finish() first. An empty message takes any one.
    [[nodiscard]] bool add(const Template& made_for, const FlowRecord& record) noexcept;

    // The same for a flow that leaves as two Data Records, one a direction: both or none.
    // record  counts for both
    [[nodiscard]] bool add(const Template& made_for, const FlowRecord& record,
                           std::span<const FlowRecord> directions) noexcept;

    // Likewise, where the records count for another sum than their flow record's.
    [[nodiscard]] bool add(const Template& made_for, std::span<const FlowRecord> records,
                           const RecordTotals& totals) noexcept;

    // Of NetFlow, when empty: from where times count in the messages begun from now on.
    void set_uptime_origin(std::int64_t seconds) noexcept { uptime_origin_ = seconds; }
    std::int64_t uptime_origin() const noexcept { return uptime_origin_; }

    // The reports beside the records of the next add(), in their order; none until it is called.
    void stand_beside(const std::array<fields::Beside, 2>& beside) noexcept { beside_ = beside; }

    // What is inside, in flow records.
    const RecordTotals& contents() const noexcept { return contents_; }
    // By how much this message, as it is, moves the sequence on.
    std::uint32_t sequence_step() const noexcept {
        return protocol_.counts_messages ? 1 : data_records_;
    }
    std::uint32_t sequence() const noexcept { return sequence_; }  // of the message in progress
    // A message that was built elsewhere, of so many steps, goes before the one in progress.
    void skip(std::uint32_t steps) noexcept { sequence_ += steps; }

    // Completes the message and begins the next; the view is valid until the next add(). The
    // sequence number counts the Data Records in it as sent.
    Bytes finish(std::uint32_t export_time) noexcept;

private:
    static inline const fields::Texts no_texts{};

    std::size_t place_for(const Template& made_for, std::size_t records) noexcept;
    std::size_t end_of_set() const noexcept;
    void close_set() noexcept;
    std::span<std::byte> from(std::size_t offset) const noexcept {
        return std::span{octets_.get(), capacity_ + fields::RecordPlan::slack_octets}.subspan(
            offset);
    }

    const Protocol& protocol_;
    ObservationDomainId domain_;
    std::uint32_t sequence_;
    std::int64_t uptime_origin_ = 0;
    std::size_t capacity_;
    std::size_t limit_;
    std::unique_ptr<std::byte[]> octets_;  // NOLINT(*-avoid-c-arrays): sized once, at start
    std::size_t used_;
    std::size_t set_at_ = 0;  // offset of the open Set; 0: none
    std::uint16_t set_id_ = 0;
    std::size_t record_octets_min_ = 0;  // of the open Set's Template
    const fields::Texts& texts_;
    std::array<fields::Beside, 2> beside_{};
    RecordTotals contents_;
    std::uint32_t data_records_ = 0;
};

}  // namespace tapmeter::exporting
