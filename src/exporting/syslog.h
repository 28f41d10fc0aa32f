#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "pipeline/base/units.h"

namespace tapmeter::exporting {

// Lines as messages of syslog (RFC 5424): severity informational, no structured data, the time is
// the flow's end. One thread.
class SyslogFraming {
public:
    // What it adds to a line at most.
    static constexpr std::size_t octets_max = 512;

    // host     of this machine, as it is to be told; other than printable ASCII becomes '?'
    // counted  with its length and a space before it, as streams need it (RFC 6587 section 3.4.1)
    SyslogFraming(const std::string& host, std::uint32_t facility, bool counted);

    // Makes a message of the line of `octets` octets at `line`, which ends with a line feed; there
    // are octets_max octets more behind it. Returns the end of the message, which begins at `line`.
    char* frame(char* line, std::size_t octets, ObservedAt end) const noexcept;

private:
    std::string priority_;  // "<134>1 "
    std::string origin_;    // " HOST tapmeter PID flow - "
    bool counted_;
};

}  // namespace tapmeter::exporting
