#include "src/verbs/machine_check.h"

#include <sys/sysinfo.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <utility>

#include "pipeline/flow/flow_table.h"
#include "pipeline/history.h"
#include "src/appliance/analytics.h"
#include "src/appliance/appliance.h"
#include "src/appliance/cores.h"
#include "src/appliance/inspection.h"
#include "src/capture_files/file_capture.h"
#include "src/exporting/clickhouse_output.h"
#include "src/exporting/ipfix_output.h"
#include "src/exporting/kafka_output.h"
#include "src/machine/obstacles.h"
#include "src/pushing/way.h"
#include "src/verbs/table.h"
#include "xdp/devices.h"

namespace tapmeter::verbs {

namespace {

using Verdict = Finding::Verdict;

Finding bad(std::string what, std::string found, std::string cure) {
    return {std::move(what), std::move(found), Verdict::blocker, std::move(cure)};
}

// The capabilities that AF_XDP and our program need (capabilities(7)), by bit.
bool has_capability(unsigned bit) {
    std::ifstream status("/proc/self/status");
    for (std::string line; std::getline(status, line);) {
        if (line.starts_with("CapEff:")) {
            return ((std::stoull(line.substr(line.find_first_not_of(" \t", 7)), nullptr, 16) >>
                     bit) &
                    1U) != 0;
        }
    }
    return false;
}

Finding check_rights(const std::string& what) {
    constexpr std::array needed{std::pair{12U, "CAP_NET_ADMIN"}, std::pair{13U, "CAP_NET_RAW"},
                                std::pair{39U, "CAP_BPF"}};
    std::string missing;
    for (const auto& [bit, name] : needed) {
        if (!has_capability(bit)) {
            missing += (missing.empty() ? "" : ", ") + std::string(name);
        }
    }
    if (missing.empty()) {
        return {what + ": rights", "enough for AF_XDP", Verdict::ok, ""};
    }
    return bad(what + ": rights", missing + " missing", "run as root, or give the capabilities");
}

void check_interface(const std::string& what, const std::string& name,
                     const Config::Capture& capture, std::vector<Finding>& findings) {
    const auto devices = xdp::list_devices();
    if (!devices) {
        findings.push_back(bad(what, devices.error().message, ""));
        return;
    }
    const auto device = std::ranges::find(*devices, name, &xdp::Device::name);
    if (device == devices->end()) {
        findings.push_back(bad(what, "there is no interface \"" + name + "\"",
                               "tapmeter devices lists those that there are"));
        return;
    }
    Finding finding{what,
                    device->driver + ", " + std::to_string(device->queues) + " queues, link " +
                        (device->up ? "up" : "down") + ", " + device->best_method,
                    device->up ? Verdict::ok : Verdict::warning,
                    device->up ? "" : "ip link set " + name + " up, and look at the cable"};
    if (capture.queues > device->queues) {
        finding = bad(what,
                      std::to_string(capture.queues) + " queues wanted, " +
                          std::to_string(device->queues) + " there",
                      "lower capture." + capture.name + ".queues, or ethtool -L " + name +
                          " combined " + std::to_string(capture.queues));
    }
    findings.push_back(std::move(finding));
    findings.push_back(check_rights(what));
}

void check_capture(const Config::Capture& capture, std::vector<Finding>& findings) {
    const std::string what = "capture \"" + capture.name + "\"";
    if (capture.source.starts_with("pcap:")) {
        const auto opened = capture_files::open({.paths = {capture.source.substr(5)}});
        findings.push_back(opened ? Finding{what, (*opened)->describe(), Verdict::ok, ""}
                                  : bad(what, opened.error().message, ""));
        return;
    }
    if (capture.source.starts_with("dpdk:") || capture.source.starts_with("pci:") ||
        capture.source.starts_with("gen:")) {
        findings.push_back(
            {what, capture.source + " (looked at when it is opened)", Verdict::ok, ""});
        return;
    }
    const std::string name =
        capture.source.starts_with("xdp:") ? capture.source.substr(4) : capture.source;
    check_interface(what, name, capture, findings);
    const auto rules = prefilter_rules(capture.prefilter);
    findings.push_back(rules ? Finding{what + ": prefilter",
                                       std::to_string(rules->excluded.size()) + " prefixes, " +
                                           std::to_string(rules->denied_ports.size()) + " ports",
                                       Verdict::ok, ""}
                             : bad(what + ": prefilter", rules.error().message, ""));
}

void check_memory(const Config& config, std::vector<Finding>& findings) {
    const auto workers = workers_wanted(config);
    const std::uint64_t tables = flow::FlowTable::octets_for(config.flow.flows_max) * workers;
    const std::uint64_t needed =
        tables + inspection_octets(config, workers) + analytics_octets(config, workers) +
        (config.history.enabled ? History::octets_for(config.history.octets) * workers : 0);
    struct sysinfo memory {};
    ::sysinfo(&memory);
    const std::uint64_t free = (memory.freeram + memory.bufferram) * memory.mem_unit;
    const std::string text = scaled_text(needed) + "B for " + std::to_string(workers) +
                             " workers, " + scaled_text(free) + "B free";
    findings.push_back(needed <= free ? Finding{"flow tables", text, Verdict::ok, ""}
                                      : Finding{"flow tables", text, Verdict::warning,
                                                "lower flow.flows_max, dpi.states_max or "
                                                "workers.count, or free memory"});
}

void check_cores(const Config& config, std::vector<Finding>& findings) {
    const auto usable = usable_cores();
    for (const unsigned core : config.workers.cores) {
        if (std::ranges::find(usable, core) == usable.end()) {
            findings.push_back(bad("workers.cores",
                                   "core " + std::to_string(core) + " is not for this process",
                                   "taskset -p $$ shows which are"));
        }
    }
    if (workers_wanted(config) > usable.size()) {
        findings.push_back({"workers",
                            std::to_string(workers_wanted(config)) + " on " +
                                std::to_string(usable.size()) + " cores",
                            Verdict::warning, "lower workers.count: they take turns"});
    }
}

}  // namespace

std::vector<Finding> check_machine(const Config& config) {
    std::vector<Finding> findings;
    if (config.captures.empty()) {
        findings.push_back({"captures", "none configured", Verdict::warning,
                            "add a [[capture]] block, or start with -i NAME"});
    }
    for (const Config::Capture& capture : config.captures) {
        check_capture(capture, findings);
    }
    check_cores(config, findings);
    check_memory(config, findings);
    const auto facts = machine::read_facts(machine::Tree(), machine::ask_driver);
    const auto needs = machine::needs_of(config, workers_wanted(config), facts);
    std::ranges::move(machine::find_obstacles(needs, facts), std::back_inserter(findings));
    for (const Config::Ipfix& ipfix : config.ipfix) {
        const auto checked = exporting::check_ipfix(ipfix, {{.name = "check"}});
        const std::string what = "collector " + ipfix.name;
        const bool datagrams = ipfix.transport == Config::Transport::udp ||
                               ipfix.transport == Config::Transport::netflow9 ||
                               ipfix.transport == Config::Transport::netflow5 ||
                               ipfix.transport == Config::Transport::sflow;
        const std::string words = datagrams ? ipfix.host + " resolves"
                                            : "nothing wrong; a connection is tried when it runs";
        findings.push_back(checked ? Finding{what, words, Verdict::ok, ""}
                                   : bad(what, checked.error().message, ""));
    }
    const auto add = [&findings](const std::string& what, const Result<void>& checked) {
        findings.push_back(
            checked ? Finding{what, "nothing wrong; it is asked when it runs", Verdict::ok, ""}
                    : bad(what, checked.error().message, ""));
    };
    for (const Config::ClickHouse& clickhouse : config.clickhouse) {
        add("clickhouse " + clickhouse.name,
            exporting::check_clickhouse(clickhouse, {{.name = "check"}}));
    }
    for (const Config::Kafka& kafka : config.kafka) {
        add("kafka " + kafka.name, exporting::check_kafka(kafka, {{.name = "check"}}));
    }
    if (!config.influxdb.url.empty()) {
        const auto way = pushing::open_way(config.influxdb);
        const Finding fine{"influxdb", "nothing wrong; it is tried when it runs", Verdict::ok, ""};
        findings.push_back(way ? fine : bad("influxdb", way.error().message, ""));
    }
    return findings;
}

}  // namespace tapmeter::verbs
