#pragma once

#include <memory>
#include <string>
#include <vector>

#include "src/exporting/output.h"
#include "src/verbs/command_line.h"

namespace tapmeter::verbs {

// Whether any of the files holds IPFIX Messages instead of packets.
bool any_is_ipfix(const std::vector<std::string>& files);

// Flow records of IPFIX files into outputs that can wait; says on standard error what was read and
// what could not be.
ExitCode read_ipfix(const std::vector<std::string>& files,
                    const std::vector<std::unique_ptr<exporting::Output>>& outputs, bool quiet);

}  // namespace tapmeter::verbs
