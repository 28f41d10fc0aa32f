#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "pipeline/inspect/alert.h"
#include "pipeline/inspect/signature_set.h"
#include "src/exporting/interfaces.h"

namespace tapmeter::exporting {

// Alerts as lines: EVE's event_type "alert" with Suricata's names, flat members with IPFIX's, and
// the line of syslog and of fast.log. A rule's words are escaped once, when its set is loaded. One
// thread.
class AlertEvents {
public:
    AlertEvents(const Interfaces& interfaces, const inspect::SignatureSet& set);

    // Appends one JSON object with its line feed. An alert of another set (an older generation,
    // whose words are gone) has its numbers and no words.
    void append_eve(std::string& to, const inspect::Alert& alert) const;

    // The same with the names of Information Elements, where there are any.
    void append_flat(std::string& to, const inspect::Alert& alert) const;

    // The line of Suricata's fast.log with its line feed, in UTC:
    // "11/20/2025-10:15:29.023456  [**] [1:2100498:7] GPL ... [**] [Classification: ...] ..."
    void append_fast(std::string& to, const inspect::Alert& alert) const;

    std::uint32_t generation() const noexcept { return generation_; }

    // What the rule says: ET MALWARE ..., escaped as in JSON; empty where its set is gone.
    std::string_view message(const inspect::Alert& alert) const;

    // "[1:2100498:7] GPL ATTACK_RESPONSE ... [Classification: ...] [Priority: 2] {TCP} A:1 -> B:2",
    // without a line feed; control characters of a message are written as \u00xx.
    std::string syslog_line(const inspect::Alert& alert) const;

private:
    struct Words {
        std::string signature;  // with quotes and escapes, as are the others
        std::string category;
        std::string metadata;  // `,"metadata":{...}` or empty
    };
    const Words* words_of(const inspect::Alert& alert) const;

    std::vector<std::string> points_;  // names by Observation Point, as JSON strings
    std::vector<Words> words_;         // by rule
    std::uint32_t generation_;
};

}  // namespace tapmeter::exporting
