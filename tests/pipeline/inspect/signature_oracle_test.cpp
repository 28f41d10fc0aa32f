// Scores signatures against Suricata 7.0.10: its own verification tests, and which rule of two
// large sets fires on which flow of some two hundred captures. What differs is printed with its
// reason.
#include "pipeline/inspect/signatures.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <span>
#include <sstream>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "pipeline/inspect/rules/rule_files.h"
#include "src/exporting/text.h"
#include "tests/support/rule_player.h"

namespace tapmeter::inspect {
namespace {

namespace fs = std::filesystem;
using test_support::RulePlayer;

// ../shared/pcaps/dev beside the tree, or what TAPMETER_PCAPS names.
fs::path captures() {
    const char* const named = std::getenv("TAPMETER_PCAPS");
    const char* const top = std::getenv("TAPMETER_TOP");
    return named != nullptr ? fs::path(named)
                            : fs::path(top == nullptr ? "." : top) / "../shared/pcaps/dev";
}

using Row = std::map<std::string, std::string>;

std::vector<std::string> split(const std::string& text, char at) {
    std::vector<std::string> parts;
    std::stringstream stream{text};
    for (std::string part; std::getline(stream, part, at);) {
        parts.push_back(part);
    }
    return parts;
}

std::vector<Row> read_table(const fs::path& file) {
    std::ifstream in{file};
    std::string line;
    std::getline(in, line);
    const auto names = split(line, '\t');
    std::vector<Row> rows;
    while (std::getline(in, line)) {
        const auto values = split(line, '\t');
        Row row;
        for (std::size_t i = 0; i < names.size(); ++i) {
            row[names[i]] = i < values.size() ? values[i] : "";
        }
        rows.push_back(std::move(row));
    }
    return rows;
}

std::unique_ptr<const SignatureSet> compile(const fs::path& file) {
    rules::Sources sources;
    sources.rule_files = {file.string()};
    auto rules = rules::read_rules(sources);
    EXPECT_TRUE(rules) << (rules ? "" : rules.error().message);
    auto set = SignatureSet::build(std::move(*rules), {});
    EXPECT_TRUE(set) << (set ? "" : set.error().message);
    return set ? std::move(*set) : nullptr;
}

std::string text_of(const decode::Address& address, std::uint8_t version) {
    std::array<char, exporting::address_characters_max> text{};
    return {text.data(), exporting::write_address(text.data(), address, version)};
}

// Where we differ from Suricata and know why; each reason stands at length in tests/README.md.
struct Explained {
    std::string_view capture;  // part of its name, or of the case's
    std::string_view sid;      // how it begins
    std::string_view why;
};
constexpr std::string_view tunnel = "inside a tunnel";
constexpr std::string_view more_http = "HTTP by methods that Suricata does not look for";
constexpr std::string_view late_tls = "TLS that begins behind another protocol's first octets";
constexpr std::array missed_and_why{
    Explained{"vxlan", "", tunnel},
    Explained{"geneve", "", tunnel},
    Explained{"erspan", "", tunnel},
    Explained{"gre_all_options", "", tunnel},
    Explained{"teredo", "", tunnel},
    Explained{"ping6-in-ipv4", "", tunnel},
    Explained{"mix_dev", "", tunnel},
    Explained{"arkime_synthetic", "900004", tunnel},
    Explained{"arkime_synthetic", "900003", "SIP's OPTIONS over TCP, HTTP to Suricata"},
    Explained{"arkime_synthetic", "9000064", "DNS between ports 5353 and 53"},
    Explained{"zeek__methods", "", "a method without the blank behind it is no HTTP here"},
    Explained{"http2", "", "HTTP/2 is not read"},
    Explained{"dns_over_https", "", "HTTP/2 is not read"},
    Explained{"putty-upload", "", "a POST half-meets more rules than a flow remembers"},
    Explained{"KakaoTalk_talk", "9000059", "two SYN-ACKs: the answer belongs to the other one"},
};
constexpr std::array extra_and_why{
    Explained{"ftp-data_input", "", more_http},
    Explained{"mix_dev", "90000", more_http},
    Explained{"telegram", "9000030", more_http},
    Explained{"snap96", "", "packets that the snap length cut are looked at as far as they go"},
    Explained{"ndpi__fuzz", "", "packets whose lengths lie are looked at as far as they go"},
    Explained{"many_interfaces", "", "a pcapng file that libpcap refuses"},
    Explained{"pcapng-example", "9000080", late_tls},
    Explained{"rdp-no-cookie", "9000080", late_tls},
    Explained{"openjdk", "9000080", "a second ClientHello on the connection's other side"},
    Explained{"arkime_synthetic", "9000080", "a ClientHello of DTLS's port over TCP"},
};
constexpr std::array case_and_why{
    Explained{"defrag/", "", "this player does not put fragments together; the inspector does"},
};

std::string_view why(std::span<const Explained> known, const std::string& capture,
                     const std::string& sid) {
    const auto found = std::ranges::find_if(known, [&](const Explained& one) {
        return capture.find(one.capture) != std::string::npos && sid.starts_with(one.sid);
    });
    return found == known.end() ? std::string_view{} : found->why;
}

// ---------------------------------------------------------------- suricata-verify

struct Share {
    std::size_t met = 0;
    std::size_t all = 0;
    double percent() const {
        return all == 0 ? 100.0 : 100.0 * static_cast<double>(met) / static_cast<double>(all);
    }
};

bool play_case(const fs::path& top, const Row& row) {
    const auto set = compile(top / row.at("rules"));
    if (set == nullptr) {
        return false;
    }
    const bool midstream = row.at("args").find("stream.midstream=true") != std::string::npos;
    RulePlayer player{*set, {.midstream = midstream}};
    const auto alerts = player.play((top / row.at("pcap")).string());
    EXPECT_TRUE(alerts) << (alerts ? "" : alerts.error().message);
    std::map<std::string, std::size_t> counts;
    for (const Alert& alert : alerts ? *alerts : std::vector<Alert>{}) {
        ++counts[std::to_string(alert.sid)];
    }
    std::string why;
    for (const std::string& expected : split(row.at("expected_sid_counts"), ',')) {
        const auto pair = split(expected, '=');
        const std::size_t got = counts[pair.at(0)];
        if (std::to_string(got) != pair.at(1)) {
            why += " sid " + pair[0] + ": " + std::to_string(got) + " instead of " + pair[1] + ";";
        }
    }
    for (const std::string& unwanted : split(row.at("sids_not_expected"), ',')) {
        if (counts[unwanted] != 0) {
            why +=
                " sid " + unwanted + ": " + std::to_string(counts[unwanted]) + " instead of none;";
        }
    }
    for (const rules::LeftOut& left_out : set->coverage().left_out) {
        why += " left out: " + left_out.why + ";";
    }
    if (!why.empty()) {
        std::printf("  %s %s:%s\n", row.at("class").c_str(), row.at("test").c_str(), why.c_str());
    }
    return why.empty();
}

TEST(SignatureOracle, suricata_verify) {
    const fs::path top = captures();
    if (!fs::exists(top / "sv_tests.tsv")) {
        GTEST_SKIP() << "no " << top / "sv_tests.tsv"
                     << ": put the captures beside the tree or name them in TAPMETER_PCAPS";
    }
    std::map<std::string, Share> shares;
    for (const Row& row : read_table(top / "sv_tests.tsv")) {
        Share& share = shares[row.at("class")];
        const bool met = play_case(top, row);
        share.met += met ? 1 : 0;
        ++share.all;
        EXPECT_TRUE(met || !why(case_and_why, row.at("test"), "").empty()) << row.at("test");
    }
    for (const auto& [name, share] : shares) {
        std::printf("suricata-verify %s: %zu of %zu cases (%.1f %%)\n", name.c_str(), share.met,
                    share.all, share.percent());
    }
    // Five of the 36 cases of core and header want IP fragments put together: 86 % without that.
    EXPECT_GE(shares["core"].percent(), 92);
    EXPECT_GE(shares["header"].percent(), 66);
    EXPECT_GE(shares["sticky"].percent(), 90);
    EXPECT_GE(shares["extended"].percent(), 60);
}

// ---------------------------------------------------------------- rule sets over captures

// Capture, sid, and both ends in either order.
using Fired = std::tuple<std::string, std::string, std::string, std::string>;

Fired fired(const std::string& capture, const std::string& sid, std::string one,
            std::string other) {
    if (other < one) {
        std::swap(one, other);
    }
    return {capture, sid, one, other};
}

// Addresses are compared as they are written by us: the tables have them as Suricata writes them.
std::string canonical(const std::string& text) {
    const auto network = rules::parse_network(text);
    if (!network) {
        return text;
    }
    const bool six = text.find(':') != std::string::npos;
    return text_of(network->first, six ? 6 : 4);
}

std::string end_of(const std::string& address, const std::string& port) {
    return address + "|" + (port.empty() ? "0" : port);
}

struct Tally {
    std::size_t both = 0;
    std::size_t explained = 0;
    std::size_t open = 0;
};

// What `these` have and `those` have not.
Tally tally(const std::map<Fired, std::size_t>& these, const std::map<Fired, std::size_t>& those,
            std::span<const Explained> known, const char* word) {
    Tally counts;
    for (const auto& [fire, count] : these) {
        const auto& [capture, sid, one, other] = fire;
        if (those.contains(fire)) {
            ++counts.both;
            continue;
        }
        const auto reason = why(known, capture, sid);
        ++(reason.empty() ? counts.open : counts.explained);
        std::printf("  %s %s %s %s %s: %s\n", word, capture.c_str(), sid.c_str(), one.c_str(),
                    other.c_str(), reason.empty() ? "not explained" : std::string(reason).c_str());
    }
    return counts;
}

double share(std::size_t part, std::size_t rest) {
    return part + rest == 0 ? 100.0
                            : 100.0 * static_cast<double>(part) / static_cast<double>(part + rest);
}

void compare(const std::map<Fired, std::size_t>& wanted, const std::map<Fired, std::size_t>& got,
             const std::string& name) {
    const Tally missed = tally(wanted, got, missed_and_why, "missed");
    const Tally extra = tally(got, wanted, extra_and_why, "extra");
    std::printf(
        "%s: of %zu (sid, flow) %zu found; recall %.2f %%, precision %.2f %%; without what "
        "is explained %.2f %% and %.2f %%\n",
        name.c_str(), wanted.size(), missed.both,
        share(missed.both, missed.explained + missed.open),
        share(extra.both, extra.explained + extra.open), share(missed.both, missed.open),
        share(extra.both, extra.open));
    EXPECT_GE(share(missed.both, missed.open), 97);
    EXPECT_GE(share(extra.both, extra.open), 97);
}

void score(const std::string& rule_file, const std::string& oracle) {
    const fs::path top = captures();
    if (!fs::exists(top / "rules" / rule_file)) {
        GTEST_SKIP() << "no " << top / "rules" / rule_file
                     << ": put the captures beside the tree or name them in TAPMETER_PCAPS";
    }
    const auto set = compile(top / "rules" / rule_file);
    ASSERT_NE(set, nullptr);
    const std::size_t all = set->coverage().loaded + set->coverage().left_out.size();
    for (const rules::LeftOut& left_out : set->coverage().left_out) {
        std::printf("  left out: %s\n", text_of(left_out).c_str());
    }
    std::printf(
        "%s: %zu of %zu rules, %zu literals, %zu expressions, %zu for every packet, "
        "compiled in %lld ms\n",
        rule_file.c_str(), set->coverage().loaded, all, set->coverage().literals,
        set->coverage().expressions, set->coverage().every_packet,
        static_cast<long long>(set->coverage().compile_time.count()));
    EXPECT_GE(static_cast<double>(set->coverage().loaded), 0.97 * static_cast<double>(all));

    std::map<Fired, std::size_t> wanted;
    for (const Row& row : read_table(top / "oracle" / oracle)) {
        const bool ports = row.at("proto") == "TCP" || row.at("proto") == "UDP";
        wanted[fired(row.at("pcap"), row.at("sid"),
                     end_of(canonical(row.at("src")), ports ? row.at("sport") : "0"),
                     end_of(canonical(row.at("dst")), ports ? row.at("dport") : "0"))] += 1;
    }
    std::map<Fired, std::size_t> got;
    RulePlayer player{*set, {}};
    for (const Row& row : read_table(top / "MANIFEST.tsv")) {
        const fs::path file = top / row.at("file");
        const std::string name = file.filename().string();
        const std::string folder = file.parent_path().filename().string();
        if (folder == "pcap" || folder == "derived") {
            const auto alerts = player.play(file.string());
            for (const Alert& alert : alerts ? *alerts : std::vector<Alert>{}) {
                const bool ports = alert.protocol == 6 || alert.protocol == 17;
                const auto end = [&](const decode::Address& address, std::uint16_t port) {
                    return end_of(text_of(address, alert.ip_version),
                                  std::to_string(ports ? port : 0));
                };
                got[fired(name, std::to_string(alert.sid), end(alert.source, alert.source_port),
                          end(alert.destination, alert.destination_port))] += 1;
            }
        }
    }
    compare(wanted, got, rule_file);
}

TEST(SignatureOracle, emerging_threats) {
    score("et-open-dev.rules", "alerts_et_suricata.tsv");
}

TEST(SignatureOracle, general_rules) {
    score("generic-dev.rules", "alerts_generic_suricata.tsv");
}

}  // namespace
}  // namespace tapmeter::inspect
