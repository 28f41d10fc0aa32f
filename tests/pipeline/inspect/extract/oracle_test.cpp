// Real captures against what tshark found in them. They stand outside the tree (their licences
// differ): $TAPMETER_SHARED/pcaps/dev, or `shared` beside the source folder.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "tests/pipeline/inspect/extract/capture_reading.h"
#include "tests/support/oracle_tables.h"

namespace tapmeter::inspect::extract::testing {
namespace {

namespace fs = std::filesystem;

using tapmeter::testing::captures_with;
using tapmeter::testing::Row;
using tapmeter::testing::rows_of;

Sender sender_of(Row& row) {
    const auto number = [&](const char* name) {
        return static_cast<unsigned>(std::stoul(row[name]));
    };
    return {.protocol = number("proto"),
            .source = row["src"],
            .source_port = number("sport"),
            .destination = row["dst"],
            .destination_port = number("dport")};
}

bool is_transport(Row& row) {
    return row["proto"] == "6" || row["proto"] == "17";
}

// Directions, by capture, of which more than their packets is needed: fragments, tunnels, packets
// that were cut off, and DNS inside HTTP/2.
std::map<std::string, std::set<Sender>> unclean(const fs::path& table) {
    std::map<std::string, std::set<Sender>> all;
    for (Row& row : rows_of(table)) {
        bool is_unclean = row["level"] == "inner" || row["stack"].ends_with("http2");
        for (const char* word : {"fragment", "tunnel", "truncated"}) {
            is_unclean = is_unclean || row["ambiguity"].find(word) != std::string::npos;
        }
        if (is_transport(row) && is_unclean) {
            const Sender sender = sender_of(row);
            all[row["pcap"]].insert(sender);
            all[row["pcap"]].insert({.protocol = sender.protocol,
                                     .source = sender.destination,
                                     .source_port = sender.destination_port,
                                     .destination = sender.source,
                                     .destination_port = sender.source_port});
        }
    }
    return all;
}

struct Expected {
    Sender sender;
    std::string field;
    std::string value;
};

// By capture.
std::map<std::string, std::vector<Expected>> expectations(const fs::path& table) {
    std::map<std::string, std::vector<Expected>> all;
    for (Row& row : rows_of(table)) {
        if (is_transport(row)) {
            all[row["pcap"]].push_back(
                {.sender = sender_of(row), .field = row["field"], .value = row["value"]});
        }
    }
    return all;
}

// The fields of the oracle that are compared, and the percentage that must be found. What is
// missing is explained in tests/README.md.
constexpr std::array<std::pair<const char*, double>, 18> compared_fields_and_shares{{
    {"tls.handshake.extensions_server_name", 99},
    {"tls.handshake.ja3", 97},
    {"tls.handshake.ja3s", 95},
    {"tls.handshake.extensions_alpn_str", 99},
    {"http.request.method", 99},
    {"http.request.uri", 99},
    {"http.host", 99},
    {"http.user_agent", 99},
    {"http.response.code", 98},
    {"http.server", 98},
    {"http.content_type", 90},
    {"dns.qry.name", 99},
    {"dns.qry.type", 98},
    {"dns.flags.rcode", 99},
    {"dns.a", 65},
    {"dns.aaaa", 10},
    {"ssh.protocol", 89},
    {"quic.version", 99},
}};

// The oracle cuts values at this length.
constexpr std::size_t value_octets_max = 300;

bool is_equal(const std::string& field, const std::string& expected, const std::string& found) {
    if (field == "ssh.protocol") {  // tshark shows the comment too
        return expected.starts_with(found);
    }
    if (expected == "<Root>") {
        return found.empty();
    }
    if (expected.size() >= value_octets_max) {
        return found.starts_with(expected.substr(0, value_octets_max));
    }
    return found == expected;
}

bool has(const CaptureReading& reading, const Expected& expected) {
    const auto sender = reading.found.find(expected.sender);
    if (sender == reading.found.end()) {
        return false;
    }
    const auto field = sender->second.find(expected.field);
    return field != sender->second.end() &&
           std::ranges::any_of(field->second, [&](const std::string& found) {
               return is_equal(expected.field, expected.value, found);
           });
}

// What tshark cannot print it prints in ways that cannot be compared.
bool is_printable(const std::string& value) {
    return value.find("???") == std::string::npos && value.find('\\') == std::string::npos &&
           value != "<Unknown extended label>";
}

struct Score {
    int equal = 0;
    int all = 0;
};
using Scores = std::map<std::string, Score>;

struct Oracle {
    std::map<std::string, std::vector<Expected>> expected;
    std::map<std::string, std::set<Sender>> unclean;
    bool is_wordy = false;
};

void compare(const std::string& name, const CaptureReading& reading, Oracle& oracle,
             Scores& scores) {
    for (const Expected& row : oracle.expected[name]) {
        const bool is_compared =
            std::ranges::any_of(compared_fields_and_shares,
                                [&](const auto& field) { return field.first == row.field; });
        if (!is_compared || !reading.seen.contains(row.sender) || !is_printable(row.value) ||
            oracle.unclean[name].contains(row.sender)) {
            continue;
        }
        const bool is_found = has(reading, row);
        ++scores[row.field].all;
        scores[row.field].equal += is_found ? 1 : 0;
        if (!is_found && oracle.is_wordy) {
            std::printf("%s %u %s %u %s %u %s '%s'\n", name.c_str(), row.sender.protocol,
                        row.sender.source.c_str(), row.sender.source_port,
                        row.sender.destination.c_str(), row.sender.destination_port,
                        row.field.c_str(), row.value.c_str());
        }
    }
}

TEST(Oracle, what_tshark_found_is_found) {
    const auto dev = captures_with("oracle/meta_tshark.tsv");
    if (!dev) {
        GTEST_SKIP() << "no captures: set TAPMETER_SHARED to the folder that has pcaps/dev";
    }
    Oracle oracle{.expected = expectations(*dev / "oracle/meta_tshark.tsv"),
                  .unclean = unclean(*dev / "oracle/flows_tshark.tsv"),
                  .is_wordy = std::getenv("TAPMETER_WORDY") != nullptr};  // NOLINT(*-mt-unsafe)
    Scores scores;
    for (const auto& [name, rows] : oracle.expected) {
        fs::path path = *dev / "pcap" / name;
        if (!fs::exists(path)) {
            path = *dev / "derived" / name;
        }
        if (const auto reading = read_capture(path)) {
            compare(name, *reading, oracle, scores);
        }
    }
    for (const auto& [field, percent] : compared_fields_and_shares) {
        const Score score = scores[field];
        std::printf("%-40s %5d of %5d  %6.2f %%\n", field, score.equal, score.all,
                    100.0 * score.equal / std::max(1, score.all));
        EXPECT_GE(100.0 * score.equal, percent * score.all) << field;
        EXPECT_GT(score.all, 10) << field;
    }
}

// What ndpiReader of nDPI's later versions prints of these captures, in the results that its
// repository keeps. (Its QUIC fingerprint says "h0" for the ALPN "h3"; the specification "h3".)
struct Printed {
    const char* capture;
    Sender sender;
    const char* field;
    const char* value;
};
const std::vector<Printed> printed{
    {"ndpi__iphone.pcap",
     {6, "192.168.2.17", 50'581, "17.248.185.87", 443},
     "ja4",
     "t13d2613h2_2802a3db6c62_845d286b0d67"},
    {"ndpi__iphone.pcap",
     {6, "192.168.2.17", 50'576, "95.101.25.53", 443},
     "ja4",
     "t13d2614h2_2802a3db6c62_0e42e90cf648"},
    {"ndpi__iphone.pcap",
     {6, "17.248.185.87", 443, "192.168.2.17", 50'581},
     "sha1",
     "d8:84:3b:15:06:49:1c:72:c4:05:c0:f0:82:3b:43:4a:d1:8f:d5:9f"},
    {"ndpi__iphone.pcap",
     {6, "17.248.176.75", 443, "192.168.2.17", 50'580},
     "sha1",
     "d2:da:1c:68:0c:91:a7:db:ba:b2:2d:29:06:db:57:42:10:3d:3a:fe"},
    {"ndpi__iphone.pcap",
     {6, "17.248.185.87", 443, "192.168.2.17", 50'581},
     "subject",
     "CN=keyvalueservice.icloud.com, O=Apple Inc., ST=California, C=US"},
    {"ndpi__iphone.pcap",
     {6, "17.248.185.87", 443, "192.168.2.17", 50'581},
     "issuer",
     "CN=Apple IST CA 2 - G1, OU=Certification Authority, O=Apple Inc., C=US"},
    {"ndpi__google_meet.pcapng",
     {6, "192.168.88.231", 43'268, "173.194.73.101", 443},
     "ja4",
     "t13d1516h2_8daaf6152771_02713d6af862"},
    {"ndpi__google_meet.pcapng",
     {17, "192.168.88.231", 59'369, "173.194.73.101", 443},
     "ja4",
     "q13d0311h3_55b375c5d22e_5a1f323ef56d"},
    {"ndpi__google_meet.pcapng",
     {17, "192.168.88.231", 59'369, "173.194.73.101", 443},
     "tls.handshake.ja3",
     "86ba0adabbe377daf6b620f07b59b45c"},
    {"ndpi__quic_frags_ch_out_of_order_same_packet_craziness.pcapng",
     {17, "52.187.20.175", 49'880, "208.229.157.81", 443},
     "quic.user_agent",
     "dev Chrome/92.0.4503.5 Windows NT 10.0; Win64; x64"},
};

TEST(Oracle, fingerprints_and_certificates_are_those_that_ndpi_prints) {
    const auto dev = captures_with("oracle/meta_tshark.tsv");
    if (!dev) {
        GTEST_SKIP() << "no captures: set TAPMETER_SHARED to the folder that has pcaps/dev";
    }
    for (const Printed& row : printed) {
        const auto reading = read_capture(*dev / "pcap" / row.capture);
        ASSERT_TRUE(reading.has_value()) << row.capture;
        const auto sender = reading->found.find(row.sender);
        ASSERT_NE(sender, reading->found.end()) << row.capture << " " << row.field;
        EXPECT_THAT(sender->second.at(row.field), ::testing::Contains(std::string{row.value}))
            << row.capture;
    }
}

}  // namespace
}  // namespace tapmeter::inspect::extract::testing
