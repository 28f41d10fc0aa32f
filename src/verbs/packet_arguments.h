#pragma once

#include <CLI/CLI.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "src/verbs/command_draft.h"

namespace tapmeter::verbs {

inline constexpr const char* filter_help =
    "packets that are metered, in tcpdump's words, such as 'tcp port 443'";

// -w and what tcpdump's users expect beside it.
void add_packet_options(CLI::App& verb, PacketOptions& options);

// What is wrong with the filter or the options to write of `run` and `read`; nothing: all is well.
std::optional<std::string> packet_options_fault(const Draft& draft, std::string_view verb);

}  // namespace tapmeter::verbs
