#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "src/metrics/prometheus.h"
#include "src/metrics/snapshot.h"

namespace tapmeter::metrics {

// The families of /metrics as InfluxDB's line protocol, each line with a line feed behind it:
//     tapmeter_link_up,instance=tapmeter,interface=eth1 value=1 1700000000000000000
// A family is a measurement, labels are tags in the order of their keys, and `instance` is one of
// them; the field is `value`, of a histogram `count`, `sum` and a field for each bucket, named by
// its upper limit. Fields are floats throughout, as a field may never change its type. What the
// protocol cannot say is left out: labels without a value, values that are no number.
//
// at  of all lines, in nanoseconds
std::string influx_lines(const Snapshot& snapshot, const Surroundings& surroundings,
                         std::string_view instance, std::chrono::system_clock::time_point at);

// A name as it stands in a line. Commas and spaces are escaped, in keys and values of tags and in
// keys of fields equals signs too. What no escape can say becomes a space: control characters,
// line feeds among them. Backslashes need none, but where they would escape what follows: there
// they go.
enum class InfluxPlace : unsigned char { measurement, tag_or_field_key };
std::string influx_escaped(std::string_view name, InfluxPlace place);

}  // namespace tapmeter::metrics
