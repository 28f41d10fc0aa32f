#include "src/verbs/outputs.h"

#include <utility>

#include "src/exporting/ipfix_output.h"
#include "src/exporting/json_output.h"

namespace tapmeter::verbs {

Result<std::vector<std::unique_ptr<exporting::Output>>> open_outputs(
    const Config& config, const exporting::Interfaces& interfaces, exporting::LogLine log,
    const inspect::ApplicationNames* names) {
    std::vector<std::unique_ptr<exporting::Output>> outputs;
    for (const Config::Ipfix& ipfix : config.ipfix) {
        auto opened = exporting::open_ipfix(ipfix, interfaces, log);
        if (!opened) {
            return tl::unexpected<Error>(std::move(opened.error()));
        }
        outputs.push_back(std::move(*opened));
    }
    for (const Config::Json& json : config.json) {
        auto opened = exporting::open_json(json, interfaces, log, names);
        if (!opened) {
            return tl::unexpected<Error>(std::move(opened.error()));
        }
        outputs.push_back(std::move(*opened));
    }
    return outputs;
}

}  // namespace tapmeter::verbs
