#pragma once

#include "src/config/load.h"
#include "src/verbs/command_line.h"

namespace tapmeter::verbs {

// tapmeter read: meters capture files and prints what was in them. As text: protocols, hosts and
// the books, or every flow record with --flows; as JSON or CSV: every flow record.
ExitCode read(const ReadCommand& command, const CommonOptions& common, const LoadRequest& config);

}  // namespace tapmeter::verbs
