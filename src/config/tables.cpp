#include <algorithm>

#include "src/config/keys.h"

namespace tapmeter::config {

namespace {

constexpr std::array tables{
    Table{TableId::instance, "instance", Group::single, false, "This tapmeter."},
    Table{TableId::capture, "capture", Group::captures, true,
          "One block per Observation Point: where packets come from. At most 64."},
    Table{TableId::prefilter, "capture.prefilter", Group::captures, false,
          "What is left out in the kernel, before tapmeter sees it; counted as ignored."},
    Table{TableId::service, "service", Group::single, false, "The processes of `tapmeter run`."},
    Table{TableId::workers, "workers", Group::single, false, "The cores of the Metering Process."},
    Table{TableId::memory, "memory", Group::single, false, "Memory, taken at the start."},
    Table{TableId::flow, "flow", Group::single, false, "Flows and when they end."},
    Table{TableId::overload, "overload", Group::single, false,
          "When a worker is warm, hot or flooded, and what it does then."},
    Table{TableId::shunt, "shunt", Group::single, false,
          "Large flows: counted exactly, but no longer looked at."},
    Table{TableId::dpi, "dpi", Group::single, false,
          "Which application a flow carries, told from its first packets."},
    Table{TableId::analytics, "analytics", Group::single, false,
          "What is found in packets beside the counts, in groups that cost nothing while off."},
    Table{TableId::signatures, "signatures", Group::single, false,
          "Rules in Suricata's language, and lists of addresses and names."},
    Table{TableId::write, "write", Group::single, false,
          "Packets as they came, written to pcapng files by a thread of its own."},
    Table{TableId::history, "history", Group::single, false,
          "The packets received last, kept in memory and written when somebody asks for them."},
    Table{TableId::kpi, "kpi.service", Group::services, true,
          "Key figures of a service: one block each. At most 32."},
    Table{TableId::ipfix, "export.ipfix", Group::ipfix, true,
          "One block per Collector. With all other outputs at most 32."},
    Table{TableId::json, "export.json", Group::json, true,
          "Flow records as JSON lines: one block per file or receiver."},
    Table{TableId::clickhouse, "export.clickhouse", Group::clickhouse, true,
          "Flow records as rows in ClickHouse: one block per table."},
    Table{TableId::kafka, "export.kafka", Group::kafka, true,
          "Flow records as messages of a Kafka topic: one block per topic."},
    Table{TableId::http, "http", Group::single, false, "The API and the metrics."},
    Table{TableId::control, "control", Group::single, false,
          "The socket of `tapmeter ctl`: the same API, with the right to change things."},
    Table{TableId::influxdb, "influxdb", Group::single, false,
          "The counters of /metrics, pushed as InfluxDB's line protocol."},
    Table{TableId::log, "log", Group::single, false, "Messages on standard error."},
};

static_assert(tables.size() == static_cast<std::size_t>(TableId::count));
static_assert(std::ranges::is_sorted(tables, {}, &Table::id), "table_of() takes the id as index");

}  // namespace

std::string Table::header() const {
    std::string text(heads_block ? "[[" : "[");
    return text.append(path).append(heads_block ? "]]" : "]");
}

std::span<const Table> all_tables() {
    return tables;
}

const Table& table_of(TableId id) {
    return tables.at(static_cast<std::size_t>(id));
}

const Table* find_table(std::string_view path) {
    const auto found = std::ranges::find(tables, path, &Table::path);
    return found == tables.end() ? nullptr : &*found;
}

}  // namespace tapmeter::config
