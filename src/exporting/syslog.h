#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "pipeline/base/units.h"

namespace tapmeter::exporting {

// Lines as messages of syslog (RFC 5424) without structured data; the time is the flow's end, or
// that of the packet that raised an alert. One thread.
class SyslogFraming {
public:
    // What a message is about: its MSGID, and its severity (section 6.2.1), 0 to 7.
    struct Subject {
        std::string_view message_id = "flow";
        std::uint8_t severity = 6;  // informational
    };
    static Subject alert_of(std::uint8_t priority) noexcept;  // of a rule; 1 is the gravest

    // What it adds to a line at most.
    static constexpr std::size_t octets_max = 512;

    // host     of this machine, as it is to be told; other than printable ASCII becomes '?'
    // counted  with its length and a space before it, as streams need it (RFC 6587 section 3.4.1)
    SyslogFraming(const std::string& host, std::uint32_t facility, bool counted);

    // Makes a message of the line of `octets` octets at `line`, which ends with a line feed; there
    // are octets_max octets more behind it. Returns the end of the message, which begins at `line`.
    char* frame(char* line, std::size_t octets, ObservedAt at,
                const Subject& subject) const noexcept;

private:
    std::uint32_t facility_;
    std::string origin_;  // " HOST tapmeter PID "
    bool counted_;
};

}  // namespace tapmeter::exporting
