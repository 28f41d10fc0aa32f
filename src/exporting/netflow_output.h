#pragma once

#include <cstdint>

#include "src/exporting/ipfix_output.h"

namespace tapmeter::exporting {

// The most records that one direction of a flow record becomes in NetFlow version 5, whose counters
// have 32 bits: 4 TiB and more. What is larger still is dropped as not expressible.
inline constexpr std::uint64_t netflow5_parts_max = 1'024;

// One record of version 5; its Template is no Template that anybody is sent. Times must count from
// the origin of the message's uptime, and counters be below 2^32.
extern const Template netflow5_record;

// One Collector of NetFlow over UDP: version 9 (RFC 3954), whose Templates come from the table of
// fields, or version 5. A flow leaves as one record a direction, as neither has words for two.
//
// Times are told in 32 bits of milliseconds since an origin, which every message's header gives:
// two days before the first flow, and a new one where a flow does not fit. That is told as the
// start of a device, and Templates follow. A recording whose times are not this clock's is exported
// with headers of its own time, so that collectors get its times back. A time after 2106 and a
// record of more than 47 days have no form: not expressible.
class NetflowOutput final : public IpfixOutput {
public:
    NetflowOutput(Parts parts, const Interfaces& interfaces);
    ~NetflowOutput() override;

    void take(const RecordBatch& batch) override;

private:
    NetflowOutput(bool version5, Parts parts, const Interfaces& interfaces);
    void take_one(const flow::FlowRecord& record, const RecordTotals& totals);
    void take_whole(const flow::FlowRecord& record);
    void take_in_parts(const flow::FlowRecord& record);
    bool is_expressible(const flow::FlowRecord& record) const noexcept;
    void make_times_fit(const flow::FlowRecord& record);
    flow::FlowRecord in_uptime(flow::FlowRecord record) const noexcept;
    template <class Add>
    void put(const flow::FlowRecord& record, const RecordTotals& totals, const Add& add);
    std::uint32_t export_time(const MessageBuilder& builder) const override;

    bool version5_;
    bool begun_ = false;        // there was a flow: the origin is known
    std::int64_t origin_ = 0;   // seconds since 1970
    std::uint32_t latest_ = 0;  // end of a flow since the origin, seconds since 1970
};

}  // namespace tapmeter::exporting
