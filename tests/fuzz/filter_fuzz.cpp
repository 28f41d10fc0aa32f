// Any text is a filter or is refused in words; a filter says yes or no of any record, and "not" of
// it says the other.
#include <cstdlib>
#include <cstring>

#include "src/fields/filter.h"

namespace {

using tapmeter::fields::parse_filter;
using tapmeter::flow::FlowRecord;

constexpr std::size_t text_octets_max = 4'096;

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    FlowRecord record;
    const std::size_t of_record = std::min(size, sizeof record);
    // The record's octets as they come, but for the one that must be one of two.
    std::memcpy(static_cast<void*>(&record), data, of_record);
    record.ip_version = record.ip_version % 2 == 0 ? 4 : 6;
    // NOLINTNEXTLINE(*-reinterpret-cast): octets are characters
    const std::string text(reinterpret_cast<const char*>(data), std::min(size, text_octets_max));
    const auto filter = parse_filter(text);
    if (!filter) {
        return filter.error().find("at character ") == std::string::npos ? (std::abort(), 0) : 0;
    }
    const auto opposite = parse_filter("not (" + text + ")");
    if (opposite && !filter->empty() && opposite->matches(record) == filter->matches(record)) {
        std::abort();
    }
    return 0;
}
