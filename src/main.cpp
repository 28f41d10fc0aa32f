#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "src/verbs/ask.h"
#include "src/verbs/bench.h"
#include "src/verbs/check.h"
#include "src/verbs/command_line.h"
#include "src/verbs/ddl.h"
#include "src/verbs/demo.h"
#include "src/verbs/devices.h"
#include "src/verbs/read.h"
#include "src/verbs/run.h"
#include "src/verbs/setup.h"

namespace {

using namespace tapmeter;
using namespace tapmeter::verbs;

// Each verb to the file that knows it.
struct Dispatch {
    const CommonOptions& common;
    const LoadRequest& config;

    ExitCode operator()(const RunCommand& command) const { return run(command, common, config); }
    ExitCode operator()(const ReadCommand& command) const { return read(command, common, config); }
    ExitCode operator()(const CheckCommand& command) const {
        return check(command, common, config);
    }
    ExitCode operator()(const SetupCommand& command) const {
        return setup(command, common, config, own_hands());
    }
    ExitCode operator()(const DevicesCommand&) const { return devices(common); }
    ExitCode operator()(const CtlCommand& command) const { return ask(command, common, config); }
    ExitCode operator()(const BenchCommand& command) const {
        return measure(command, common, config);
    }
    ExitCode operator()(const DdlCommand& command) const { return ddl(command, common, config); }
    ExitCode operator()(const DemoCommand& command) const { return demo(command, common, config); }
};

bool no_color() {
    const char* const value = std::getenv("NO_COLOR");  // before any thread starts
    return value != nullptr && *value != '\0';
}

}  // namespace

int main(int count, char** arguments) {
    const auto line =
        parse_command_line(std::vector<std::string>(arguments + 1, arguments + count), no_color());
    if (!line) {
        std::fputs(line.error().output.c_str(), stdout);
        std::fputs(line.error().error.c_str(), stderr);
        return static_cast<int>(line.error().code);
    }
    const LoadRequest config = load_request(*line, process_environment());
    return static_cast<int>(std::visit(Dispatch{line->common, config}, line->verb));
}
