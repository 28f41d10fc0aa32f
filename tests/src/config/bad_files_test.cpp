// Broken configurations, each with the place and the words of its error.
#include <gtest/gtest.h>
#include <algorithm>
#include <array>

#include "src/config/keys.h"
#include "tests/src/config/config_text.h"

namespace tapmeter::config {
namespace {

struct Bad {
    std::string text;
    std::uint32_t line;
    std::uint32_t column;
    std::string words;
};

// A file that says `line` in the table of a key; the line is the last one of the file.
std::pair<std::string, std::uint32_t> in_table(const Table& table, const std::string& line) {
    std::string text;
    if (table.group == Group::captures) {
        text = "[[capture]]\nsource = \"eth0\"\n";
        text += table.heads_block ? "" : table.header() + "\n";
    } else if (table.id == TableId::kpi) {
        text = table.header() + "\nname = \"shop\"\n";
    } else if (table.id == TableId::ipfix) {
        text = table.header() + "\ncollector = \"udp://192.0.2.7\"\n";
    } else if (table.id == TableId::json) {
        text = table.header() + "\npath = \"-\"\n";
    } else if (table.id == TableId::clickhouse) {
        text = table.header() + "\nurl = \"http://192.0.2.7:8123\"\n";
    } else if (table.id == TableId::kafka) {
        text = table.header() + "\nbrokers = \"192.0.2.7\"\n";
    } else {
        text = table.header() + "\n";
    }
    const auto before = std::count(text.begin(), text.end(), '\n');
    return {text + line + "\n", static_cast<std::uint32_t>(before) + 1};
}

// Each key with values of a wrong type, and misspelt.
std::vector<Bad> wrong_for_every_key() {
    std::vector<Bad> cases;
    for (const Key& key : all_keys()) {
        if (key.traits.required) {
            continue;  // those stand in the file already
        }
        const std::string name(key.name);
        const auto column = static_cast<std::uint32_t>(name.size() + 4);
        for (const std::string& value :
             std::initializer_list<std::string>{"1.5", "1979-05-27", "{a = 1}", "-1"}) {
            const auto [text, line] = in_table(table_of(key), name + " = " + value);
            cases.push_back({text, line, column, name + " = "});
        }
        const auto [text, line] = in_table(table_of(key), name + "x = 1");
        cases.push_back({text, line, 1, "unknown key \"" + name + "x\""});
    }
    return cases;
}

const auto by_hand = std::to_array<Bad>({
    {"x = 1\n", 1, 1, "unknown key \"x\" outside of any table"},
    {"idle_timeout = \"3s\"\n", 1, 1, "it belongs to [flow]"},
    {"[flw]\n", 1, 2, "unknown table \"flw\"; did you mean \"flow\"?"},
    {"[ipfix]\n", 1, 2, "did you mean [[export.ipfix]]?"},
    {"[prefilter]\n", 1, 2, "did you mean [capture.prefilter]?"},
    {"[flow.more]\n", 1, 7, "unknown key \"more\" in [flow]"},
    {"[export.pulsar]\n", 1, 9, "unknown key \"pulsar\" in [export]"},
    {"[export]\nx = 1\n", 2, 1, "unknown key \"x\" in [export]"},
    {"export = 1\n", 1, 1, "holds tables only"},
    {"flow = 1\n", 1, 1, "\"flow\" is a table; write [flow]"},
    {"flow = []\n", 1, 1, "write [flow]"},
    {"capture = 1\n", 1, 1, "\"capture\" is a table; write [[capture]]"},
    {"capture = [1]\n", 1, 1, "\"capture\" is a table"},
    {"[[flow]]\n", 1, 3, "write [flow] with one bracket"},
    {"[capture]\nsource = \"eth0\"\n", 1, 2, "write [[capture]] with two brackets"},
    {"[export.ipfix]\n", 1, 9, "write [[export.ipfix]] with two brackets"},
    {"[[capture]]\nsource = \"e\"\n[[capture.prefilter]]\n", 3, 11, "with one bracket"},
    {"[[capture]]\nsource = \"e\"\nprefilter = 1\n", 3, 1, "is a table"},
    {"[[capture]]\n", 1, 1, "[[capture]] has no source"},
    {"[[export.ipfix]]\n", 1, 1, "[[export.ipfix]] has no collector"},
    {"[[export.json]]\n", 1, 1, "[[export.json]] has no path"},
    {"[[export.clickhouse]]\nurl = \"db\"\n", 2, 7, "\"http://HOST:PORT\""},
    {"[[export.kafka]]\nbrokers = \"a,\"\n", 2, 11, "brokers with commas"},
    {"[[capture]]\nrx_rnig = 1\nsource = \"e\"\n", 2, 1, "did you mean \"rx_ring\"?"},
    {"[[capture]]\nsource = 1\n", 2, 10, "source = 1: must be"},
    {"[[capture]]\nsource = \"\"\n", 2, 10, "source = \"\": must be"},
    {"[[capture]]\nsource = \"xpd:eth1\"\n", 2, 10, "did you mean \"xdp\"?"},
    {"[[capture]]\nsource = \"pci:17:00.0\"\n", 2, 10, "`lspci -D`"},
    {"[[capture]]\nsource = \"dpdk:\"\n", 2, 10, "dpdk:DEVICE"},
    {"[[capture]]\nsource = \"pcap:\"\n", 2, 10, "pcap:FILE"},
    {"[[capture]]\nsource = \"a b\"\n", 2, 10, "1 to 15 octets"},
    {"[[capture]]\nsource = \"e\"\nname = \"a b\"\n", 3, 8, "must be a name"},
    {"[[capture]]\nsource = \"e\"\nname = \"\"\n", 3, 8, "must be a name"},
    {"[[capture]]\nsource = \"e\"\nqueues = 65\n", 3, 10, "from 1 to 64, or \"auto\""},
    {"[[capture]]\nsource = \"e\"\nqueues = \"4\"\n", 3, 10, "queues = \"4\": must be"},
    {"[[capture]]\nsource = \"e\"\nrx_ring = 100\n", 3, 11, "a power of two"},
    {"[[capture]]\nsource = \"e\"\nxdp_mode = \"nativ\"\n", 3, 12, "\"native\" or \"generic\""},
    {"[[capture]]\nsource = \"e\"\nzero_copy = true\n", 3, 13, "\"auto\", \"on\" or \"off\""},
    {"[[capture]]\nsource = \"e\"\npromiscuous = \"yes\"\n", 3, 15, "true or false"},
    {"[[capture]]\nsource = \"e\"\nframe_octets = 1024\n", 3, 16, "2048 to 4096"},
    {"capture = [{source = \"e\", queues = 0}]\n", 1, 36, "queues = 0: must be"},
    {"[[capture]]\nsource = \"e\"\n[capture.prefilter]\nexclude = \"10.0.0.0/8\"\n", 4, 11,
     "a list"},
    {"[[capture]]\nsource = \"e\"\n[capture.prefilter]\nexclude = [\"a\",\n1]\n", 5, 1,
     "exclude holds 1"},
    {"[[capture]]\nsource = \"e\"\n[capture.prefilter]\nexclude = [\"\"]\n", 4, 12, "not empty"},
    {"[[capture]]\nsource = \"e\"\n[capture.prefilter]\ndeny_ports = [1, 0]\n", 4, 18, "holds 0"},
    {"[[capture]]\nsource = \"e\"\n[capture.prefilter]\ndeny_ports = [65536]\n", 4, 15,
     "1 to 65535"},
    {"[[capture]]\nsource = \"e\"\n[capture.prefilter]\ndeny_ports = [-1]\n", 4, 15, "holds -1"},
    {"[[capture]]\nsource = \"e\"\n[capture.prefilter]\nsample = 0\n", 4, 10, "1 to 1,000,000"},
    {"[[kpi.service]]\nhosts = [\"10.0.0.0/8\"]\n", 1, 1, "[[kpi.service]] has no name"},
    {"[[kpi.service]]\nname = \"a\"\nhosts = [\"10.0.0.0/8\", \"10.0.0.0/33\"]\n", 3, 24,
     "holds \"10.0.0.0/33\": every item must be an address or a prefix"},
    {"[[kpi.service]]\nname = \"a\"\nhosts = [\"::1] or [::2\"]\n", 3, 10, "a prefix such as"},
    {"[[kpi.service]]\nname = \"a\"\nports = [0]\n", 3, 10, "1 to 65535"},
    {"[[kpi.service]]\nname = \"a\"\nprotocol = \"icmp\"\n", 3, 12, "\"udp\" or \"sctp\""},
    {"[[kpi.service]]\nname = \"a\"\n[[kpi.service]]\nname = \"a\"\n", 4, 8, "appears twice"},
    {"[workers]\ncores = [2, 3]\n", 2, 9, "a list of cores"},
    {"[workers]\ncores = \"9-2\"\n", 2, 9, "a list of cores"},
    {"[workers]\ncores = \"2,2\"\n", 2, 9, "core 2 appears twice"},
    {"[workers]\ncores = \"0-64\"\n", 2, 9, "at most 64 cores"},
    {"[workers]\nidle = \"sleep\"\n", 2, 8, "\"spin\" or \"adaptive\""},
    {"[memory]\ndpdk = \"63MiB\"\n", 2, 8, "from 64MiB to 1TiB"},
    {"[memory]\ndpdk = \"1GB\"\n", 2, 8, "a size such as"},
    {"[flow]\nidle_timeout = 30\n", 2, 16, "a duration such as"},
    {"[flow]\nidle_timeout = \"30\"\n", 2, 16, "a duration such as"},
    {"[flow]\nidle_timeout = \"2h\"\n", 2, 16, "from 1s to 1h"},
    {"[flow]\nflows_max = 1000\n", 2, 13, "1024 to 134,217,728"},
    {"[flow]\nflows_max = \"1T\"\n", 2, 13, "a whole number"},
    {"[flow]\nkey = \"6tuple\"\n", 2, 7, "\"5tuple\" or \"5tuple+vlan\""},
    {"[flow]\nkey = \"5tuple\"\nkey = \"5tuple\"\n", 3, 1, "\"key\" is set twice"},
    {"[flow]\n[log]\n[flow]\n", 3, 1, "\"flow\" is defined twice"},
    {"[[export.ipfix]]\ncollector = \"quic://h\"\n", 2, 13, "no other transport is supported"},
    {"[[export.ipfix]]\ncollector = \"udp://h\"\nfilter = \"dst prt 443\"\n", 3, 10,
     "at character 5, where it has \"prt\""},
    {"[[export.ipfix]]\ncollector = \"udp://h\"\ntemplate = [\"flowId\", \"flowID\"]\n", 3, 23,
     "the name of an information element"},
    {"[[export.ipfix]]\ncollector = \"udp://h\"\ntemplate = [\"sourceTransportPort\"]\n", 3, 13,
     "none here is for ICMP over IPv4"},
    {"[[export.ipfix]]\ncollector = \"udp://h\"\nsampling = 3\n", 3, 12, "a power of two"},
    {"[[export.ipfix]]\ncollector = \"h:4739\"\n", 2, 13, "a URL such as"},
    {"[[export.ipfix]]\ncollector = \"udp://h:0\"\n", 2, 13, "udp://HOST:PORT"},
    {"[[export.ipfix]]\ncollector = \"udp://h\"\nmax_message = 100\n", 3, 15, "512 to 65,507"},
    {"[[export.ipfix]]\ncollector = \"udp://h\"\nquirks = \"x\"\n", 3, 10, "\"nfdump\""},
    {"[[export.ipfix]]\ncollector = \"udp://h\"\ntemplate_refresh = \"1500ms\"\n", 3, 20,
     "in whole seconds"},
    {"[[export.json]]\npath = \"a\\u0000b\"\n", 2, 8, "a file name"},
    {"[http]\nlisten = \"0.0.0.0:80\"\n", 2, 10, "neither TLS nor tokens"},
    {"[http]\nlisten = \"on\"\n", 2, 10, "\"off\""},
    {"[control]\nsocket = \"a.sock\"\n", 2, 10, "an absolute path"},
    {"[log]\nlevel = \"loud\"\n", 2, 9, "\"debug\" or \"trace\""},
    {"[flow]\nidle_timeout \"3s\"\n", 2, 14, "not TOML"},
    {"[flow\n", 1, 6, "not TOML"},
    {"[\n", 1, 1, "needs a name"},
    {"[flow]\nx = 1979-05-27T-7:32:00\n", 2, 1, "malformed"},
    {"[flow]\n\xC3\xA4 = 1\n", 2, 1, "beyond ASCII"},
    {"[flow]\n# \xC3( \n", 2, 3, "not UTF-8"},
});

std::vector<Bad> all_cases() {
    std::vector<Bad> cases = wrong_for_every_key();
    cases.insert(cases.end(), by_hand.begin(), by_hand.end());
    return cases;
}

TEST(BadFile, is_refused_with_its_place) {
    const std::vector<Bad> cases = all_cases();
    EXPECT_GE(cases.size(), 250U);
    for (const Bad& bad : cases) {
        const auto loaded = load_text(bad.text);
        ASSERT_FALSE(loaded) << bad.text;
        const bool found = std::ranges::any_of(loaded.error(), [&bad](const ConfigError& error) {
            return error.file == "t.toml" && error.line == bad.line && error.column == bad.column &&
                   error.message.find(bad.words) != std::string::npos;
        });
        EXPECT_TRUE(found) << bad.text << "wanted " << bad.line << ":" << bad.column << " "
                           << bad.words << "\ngot " << errors_of(loaded);
    }
}

TEST(BadFile, has_one_error_for_one_mistake) {
    for (const Bad& bad : all_cases()) {
        const auto loaded = load_text(bad.text);
        ASSERT_FALSE(loaded);
        EXPECT_EQ(loaded.error().size(), 1U) << bad.text << errors_of(loaded);
    }
}

TEST(BadFile, shows_all_its_mistakes_at_once) {
    const std::string errors = errors_of(load_text(
        "[flw]\n[flow]\nidle_timeout = 3\nactive_timeout = \nkey = \"x\"\n[[capture]]\n[log]\n"
        "level = \"info\"\nlevel = \"loud\"\n"));
    for (const auto* const place : {":1:2: ", ":3:16: ", ":4:18: ", ":5:7: ", ":9:1: "}) {
        EXPECT_NE(errors.find(place), std::string::npos) << place << "\n" << errors;
    }
}

}  // namespace
}  // namespace tapmeter::config
