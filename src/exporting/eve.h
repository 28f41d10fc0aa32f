#pragma once

#include <string>
#include <vector>

#include "pipeline/inspect/application_names.h"
#include "pipeline/record_ring.h"
#include "src/exporting/flow_fields.h"
#include "src/exporting/interfaces.h"

namespace tapmeter::exporting {

// Flow Records as lines of JSON, one object a line. Two formats: EVE, with Suricata's names and
// all of our own under "tapmeter"; flat, with the names of the Information Elements, made from the
// same field list as the IPFIX Templates. One thread.
class JsonLines {
public:
    // Longest line apart from the interface's name; names longer than this, escaped, are refused by
    // open_json().
    static constexpr std::size_t line_octets_max = 12'288;
    static constexpr std::size_t name_octets_max = 4'096;

    // names  what applications are called; outlives the lines. Null: no application is written
    explicit JsonLines(const Interfaces& interfaces,
                       const inspect::ApplicationNames* names = nullptr);

    // Writes one line with its line feed at `to`, which has line_octets_max + name_octets_max
    // octets of room; returns its end.
    // beside  what travels beside the record
    char* write_eve(char* to, const FlowRecord& record,
                    const RecordRing::Parts& beside = {}) const noexcept;
    char* write_flat(char* to, const FlowRecord& record,
                     const RecordRing::Parts& beside = {}) const noexcept;

private:
    struct Point {
        std::string name;  // escaped, with its quotes
        std::uint32_t observation_domain_id;
    };
    std::vector<Point> points_;  // by Observation Point
    const inspect::ApplicationNames* names_;
};

}  // namespace tapmeter::exporting
