#include "pipeline/inspect/rule_file.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <fstream>
#include <optional>
#include <set>
#include <string>
#include <string_view>

namespace tapmeter::inspect {

namespace {

constexpr std::size_t line_octets_max = 1'000;
constexpr unsigned port_max = 65'535;
constexpr unsigned category_max = 255;

using Fault = std::optional<std::string>;  // empty: nothing is wrong

std::optional<unsigned> number_in(std::string_view text) {
    unsigned number = 0;
    const auto* const end = text.data() + text.size();
    const auto read = std::from_chars(text.data(), end, number);
    return read.ec == std::errc{} && read.ptr == end ? std::optional(number) : std::nullopt;
}

Fault port_fault(std::string_view text) {
    const std::size_t dash = text.find('-');
    const auto first = number_in(text.substr(0, dash));
    const auto last = dash == text.npos ? first : number_in(text.substr(dash + 1));
    if (!first || !last || *first > *last || *last > port_max) {
        return "\"" + std::string(text) + "\" is no port from 0 to 65535, nor a range of them";
    }
    return std::nullopt;
}

Fault quoted_fault(std::string_view text) {
    if (text.size() < 3 || text.front() != '"' || text.back() != '"') {
        return "a host stands in quotes: host:\"example.org\"";
    }
    return std::nullopt;
}

Fault part_fault(std::string_view part) {
    const std::size_t colon = part.find(':');
    if (colon == part.npos) {
        return "\"" + std::string(part) +
               "\" must be tcp:PORT, udp:PORT, ip:PREFIX or host:\"NAME\"";
    }
    const std::string_view word = part.substr(0, colon);
    const std::string_view value = part.substr(colon + 1);
    if (word == "tcp" || word == "udp") {
        return port_fault(value);
    }
    if (word == "host") {
        return quoted_fault(value);
    }
    if (word == "ip") {
        const bool plain = !value.empty() && std::ranges::all_of(value, [](char c) {
            return (c >= '0' && c <= '9') || c == '.' || c == '/' || c == ':';
        });
        return plain ? Fault{}
                     : "\"" + std::string(value) + "\" is no IPv4 prefix such as 192.0.2.0/24";
    }
    return "\"" + std::string(word) + "\" is none of tcp, udp, ip, host";
}

class Reader {
public:
    explicit Reader(RuleFile kind) : kind_(kind) {}

    Fault fault_of(std::string_view line) {
        if (line.size() > line_octets_max) {
            return "longer than " + std::to_string(line_octets_max) + " octets";
        }
        if (++lines_ > rule_lines_max) {
            return "more than " + std::to_string(rule_lines_max) + " rules";
        }
        return kind_ == RuleFile::own_protocols ? protocol_fault(line) : category_fault(line);
    }

private:
    Fault protocol_fault(std::string_view line) {
        const std::size_t at = line.rfind('@');
        if (at == line.npos || at == 0 || at + 1 == line.size()) {
            return "a rule is tcp:PORT, udp:PORT, ip:PREFIX or host:\"NAME\", several with commas, "
                   "then @ and the protocol's name";
        }
        names_.emplace(line.substr(at + 1));
        if (names_.size() > own_protocols_max) {
            return "more than " + std::to_string(own_protocols_max) + " protocols";
        }
        for (std::string_view rest = line.substr(0, at); !rest.empty();) {
            const std::size_t comma = std::min(rest.find(','), rest.size());
            if (auto fault = part_fault(rest.substr(0, comma))) {
                return fault;
            }
            rest.remove_prefix(std::min(comma + 1, rest.size()));
        }
        return std::nullopt;
    }

    static Fault category_fault(std::string_view line) {
        const std::size_t tab = line.find('\t');
        const auto number = tab == line.npos ? std::nullopt : number_in(line.substr(tab + 1));
        if (tab == 0 || !number || *number > category_max) {
            return "a rule is a host name or IPv4 prefix, a tab, and a category from 0 to 255";
        }
        return std::nullopt;
    }

    RuleFile kind_;
    std::size_t lines_ = 0;
    std::set<std::string, std::less<>> names_;
};

}  // namespace

Result<void> check_rule_file(const std::filesystem::path& file, RuleFile kind) {
    std::ifstream in(file);
    if (!in) {
        return failed(Error::Kind::io, file.string() +
                                           ": cannot be read; name a file of rules, or "
                                           "leave the key out");
    }
    Reader reader(kind);
    std::string line;
    for (std::size_t number = 1; std::getline(in, line); ++number) {
        if (!line.empty() && line.back() == '\r') {
            line.pop_back();
        }
        if (line.empty() || line.front() == '#') {
            continue;
        }
        if (const auto fault = reader.fault_of(line)) {
            return failed(Error::Kind::invalid_config,
                          file.string() + ":" + std::to_string(number) + ": " + *fault);
        }
    }
    return {};
}

}  // namespace tapmeter::inspect
