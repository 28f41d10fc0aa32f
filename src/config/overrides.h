#pragma once

#include <span>
#include <string>

#include "src/config/settings.h"

namespace tapmeter::config {

// KEY=VALUE of --set, in order, over what the files said. KEY is "flow.idle_timeout", and in a
// block "capture.NAME.queues" or "capture[0].queues".
// kind   command_line for --set; built_in for what a verb presets
void apply_sets(Settings& settings, std::span<const std::string> sets, ConfigOrigin::Kind kind,
                ErrorList& errors);

// Variables "TAPMETER_FLOW__IDLE_TIMEOUT=10s": "__" stands for the dot. A block is named by its
// number or its name, in which every other character is an underscore:
// TAPMETER_CAPTURE__ETH0_100__QUEUES. Variables without TAPMETER_ in front are not looked at;
// those without "__" only when they are a key with too few underscores.
void apply_environment(Settings& settings, std::span<const std::string> environment,
                       ErrorList& errors);

// -i, -n and --json: with any, only the blocks for these addresses remain. A block of the files
// with the same address keeps its settings.
// option   as it was written, for messages: "-i"
void use_addresses(Settings& settings, Group group, std::span<const std::string> addresses,
                   ErrorList& errors);

// An expression behind the options: of every capture, instead of those of its block. Empty: none.
void use_filter(Settings& settings, const std::string& expression, ErrorList& errors);

}  // namespace tapmeter::config
