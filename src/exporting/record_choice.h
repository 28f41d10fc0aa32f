#pragma once

#include <cstdint>
#include <string>

#include "pipeline/base/result.h"
#include "pipeline/flow/flow_record.h"
#include "src/fields/filter.h"

namespace tapmeter::exporting {

// Which flow records one output takes: those that its filter matches, and of their flows 1 in N,
// whole ones, chosen by a hash of the flow. Exporter core.
class RecordChoice {
public:
    // Every record.
    RecordChoice() = default;

    // filter    in nfdump's words; empty: all
    // sampling  the N; a power of two, 1 to 65,536
    // errors    invalid_config  what is wrong with the filter, or no power of two
    static Result<RecordChoice> of(const std::string& filter, std::uint32_t sampling);

    bool leaves_out(const flow::FlowRecord& record) const noexcept;

    bool samples() const noexcept { return sampling_exponent_ != 0; }

    // As a record that says how many flows it stands for, after this sampling.
    flow::FlowRecord sampled(const flow::FlowRecord& record) const noexcept;

private:
    fields::Filter filter_;
    unsigned sampling_exponent_ = 0;  // 1 in 2^k flows is taken
};

}  // namespace tapmeter::exporting
