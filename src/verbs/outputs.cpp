#include "src/verbs/outputs.h"

#include <map>
#include <string>
#include <utility>

#include "pipeline/flow/own_sessions.h"
#include "src/exporting/clickhouse_output.h"
#include "src/exporting/collector_group.h"
#include "src/exporting/ipfix_output.h"
#include "src/exporting/json_output.h"
#include "src/exporting/kafka_output.h"

namespace tapmeter::verbs {

Result<std::vector<std::unique_ptr<exporting::Output>>> open_outputs(
    const Config& config, const exporting::Interfaces& interfaces, exporting::LogLine log,
    const inspect::ApplicationNames* names) {
    flow::own_sessions.enable(!config.flow.own_export);
    std::vector<std::unique_ptr<exporting::Output>> outputs;
    std::map<std::string, exporting::CollectorGroup*> groups;
    for (const Config::Ipfix& ipfix : config.ipfix) {
        exporting::IpfixStart start;
        start.group = ipfix.group.empty() ? nullptr : &groups[ipfix.group];
        start.names = names;
        auto opened = exporting::open_ipfix(ipfix, interfaces, log, start);
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
    for (const Config::ClickHouse& clickhouse : config.clickhouse) {
        auto opened = exporting::open_clickhouse(clickhouse, interfaces, log, names);
        if (!opened) {
            return tl::unexpected<Error>(std::move(opened.error()));
        }
        outputs.push_back(std::move(*opened));
    }
    for (const Config::Kafka& kafka : config.kafka) {
        auto opened = exporting::open_kafka(kafka, interfaces, log, names);
        if (!opened) {
            return tl::unexpected<Error>(std::move(opened.error()));
        }
        outputs.push_back(std::move(*opened));
    }
    return outputs;
}

}  // namespace tapmeter::verbs
