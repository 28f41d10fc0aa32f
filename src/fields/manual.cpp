#include "src/fields/manual.h"

#include <array>

#include "src/fields/table.h"

namespace tapmeter::fields {
namespace {

constexpr std::array<std::string_view, groups> chapters{"TIME",
                                                        "COUNTERS",
                                                        "KEY",
                                                        "TCP",
                                                        "LINK AND NETWORK",
                                                        "END",
                                                        "SAMPLING",
                                                        "OBSERVATION",
                                                        "OUR OWN",
                                                        "TCP QUALITY",
                                                        "TUNNELS",
                                                        "BEHAVIOUR",
                                                        "PAYLOADS",
                                                        "APPLICATION AND SIGNATURES",
                                                        "NETFLOW VERSION 9"};

constexpr std::string_view head = R"(tapmeter-fields(7)

# NAME

tapmeter-fields - fields of a flow record

# DESCRIPTION

These names stand in *template* of an *export.ipfix* block, see *tapmeter.toml*(5). Each is an
Information Element of IANA's registry; "reverse" before it means the other direction (RFC 5103).
Behind the name stands the element's id; then what it is, and its path in EVE-compatible
JSON, its column in ClickHouse and its word in filters, where it has them.

)";

constexpr std::string_view tail = R"(# OUR OWN ELEMENTS

They are numbered under the Private Enterprise Number that *enterprise_number* gives, and
are explained to the collector by records of RFC 5610. Without a number that IANA has registered for
your organisation they cannot be exported.

# NETFLOW

Version 9 tells times in milliseconds since the exporter's start: a name of TIME that says start or
end becomes flowStartSysUpTime (22) or flowEndSysUpTime (21) there; these two names are not
written in a *template*. It has no word for the other direction of a flow, for texts, nor for our
own elements. Version 5 has one record for all.

# SEE ALSO

*tapmeter*(1), *tapmeter.toml*(5)
)";

// scdoc takes some characters for marks.
std::string escaped(std::string_view text) {
    std::string safe;
    for (const char c : text) {
        if (c == '_' || c == '*' || c == '[' || c == '#') {
            safe += '\\';
        }
        safe += c;
    }
    return safe;
}

std::string entry(const Field& field) {
    std::string text =
        "*" + std::string(field.name) + "* (" + std::to_string(field.element.id) + ")++\n";
    text += escaped(field.help);
    bool first = true;
    const auto add = [&](std::string_view what, std::string_view word) {
        if (!word.empty()) {
            text += std::string(first ? ".\n" : "; ") + std::string(what) + " " + escaped(word);
            first = false;
        }
    };
    add("EVE", field.eve);
    add("column", field.column);
    add("filter", field.filter);
    return text + ".\n\n";
}

// What the numbers of tunnelKind and the bits of encapsulations mean.
std::string kinds_of_tunnels() {
    std::string text = "Places in the list of what may stand around a packet:";
    for (std::size_t kind = 0; kind < decode::encapsulation_kinds; ++kind) {
        text += (kind == 0 ? "\n" : ",\n") + std::to_string(kind + 1) + " " +
                escaped(decode::encapsulation_names[kind]);
    }
    return text + ".\n\n";
}

}  // namespace

std::string manual_page() {
    std::string page(head);
    for (std::size_t group = 0; group < groups; ++group) {
        page += "# " + std::string(chapters[group]) + "\n\n";
        if (group == static_cast<std::size_t>(Group::tunnel)) {
            page += kinds_of_tunnels();
        }
        for (const Field& field : all_fields) {
            if (static_cast<std::size_t>(field.group) == group) {
                page += entry(field);
            }
        }
    }
    return page + std::string(tail);
}

}  // namespace tapmeter::fields
