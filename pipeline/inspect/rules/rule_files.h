#pragma once

#include <string>
#include <vector>

#include "pipeline/base/result.h"
#include "pipeline/inspect/rules/parse.h"

namespace tapmeter::inspect::rules {

inline constexpr std::size_t files_max = 1'024;
inline constexpr std::size_t file_octets_max = std::size_t{256} << 20U;

// Where rules come from.
struct Sources {
    std::vector<std::string> rule_files{};     // paths or glob patterns
    std::vector<std::string> address_lists{};  // addresses and networks that must not be spoken to
    std::vector<std::string> domain_lists{};   // names that must not be asked for
    std::vector<Variable> variables{};         // on top of those below
};

// The variables that common rule sets use, so that they load as they come: HOME_NET and
// EXTERNAL_NET are any, servers are HOME_NET, HTTP_PORTS 80 and so on. What is configured wins.
std::vector<Variable> with_defaults(std::vector<Variable> configured);

// Reads everything. A rule that cannot be read is left out and listed; it fails nothing.
//
// errors  io: a file that is named and cannot be read; a pattern that no file matches
//         invalid_config: a file or a number of files beyond the limits
Result<RuleSet> read_rules(const Sources& sources);

// Rules made of lists, one a line; '#' begins a comment.
//   addresses   alert ip any any <> LIST any, one rule for the whole list
//   domains     a rule a buffer: dns.query, tls.sni, http.host; "example.org" means itself and what
//               stands below it
// Sids count from list_sid_first (gid 1), a list each ten.
inline constexpr std::uint32_t list_sid_first = 4'000'000'000;
Result<void> read_address_list(const std::string& file, std::uint32_t sid, RuleSet& to);
Result<void> read_domain_list(const std::string& file, std::uint32_t sid, RuleSet& to);

// A whole file.
Result<std::string> read_file(const std::string& path);

}  // namespace tapmeter::inspect::rules
