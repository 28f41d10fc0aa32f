#include "src/exporting/record_choice.h"

#include <fmt/format.h>

#include <bit>

#include "src/exporting/spread.h"

namespace tapmeter::exporting {

Result<RecordChoice> RecordChoice::of(const std::string& filter, std::uint32_t sampling) {
    constexpr std::uint32_t sampling_max = 65'536;
    if (!std::has_single_bit(sampling) || sampling > sampling_max) {
        return failed(
            Error::Kind::invalid_config,
            fmt::format("sampling = {}: must be a power of two from 1 to 65,536", sampling));
    }
    auto parsed = fields::parse_filter(filter);
    if (!parsed) {
        return failed(Error::Kind::invalid_config, "filter must be " + parsed.error());
    }
    RecordChoice choice;
    choice.filter_ = std::move(*parsed);
    choice.sampling_exponent_ = static_cast<unsigned>(std::countr_zero(sampling));
    return choice;
}

bool RecordChoice::leaves_out(const flow::FlowRecord& record) const noexcept {
    const std::uint64_t choice = (std::uint64_t{1} << sampling_exponent_) - 1;
    return (choice != 0 && (spread(record.flow_id) & choice) != 0) || !filter_.matches(record);
}

flow::FlowRecord RecordChoice::sampled(const flow::FlowRecord& record) const noexcept {
    flow::FlowRecord sampled = record;
    sampled.sampling_exponent =
        static_cast<std::uint8_t>(sampled.sampling_exponent + sampling_exponent_);
    if (sampling_exponent_ != 0 && !record.aggregated && record.sampling_exponent == 0) {
        const std::uint8_t whole = record.ip_version == 4 ? 32 : 128;
        sampled.source_prefix_length = whole;
        sampled.destination_prefix_length = whole;
    }
    return sampled;
}

}  // namespace tapmeter::exporting
