// Real captures against what tshark found in them. They stand outside the tree (their licences
// differ): $TAPMETER_SHARED/pcaps/dev, or `shared` beside the source folder.
#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include "tests/pipeline/inspect/extract/capture_reading.h"

namespace tapmeter::inspect::extract::testing {
namespace {

namespace fs = std::filesystem;

std::optional<fs::path> captures() {
    std::vector<fs::path> candidates;
    if (const char* shared = std::getenv("TAPMETER_SHARED")) {  // NOLINT(concurrency-mt-unsafe)
        candidates.emplace_back(shared);
    } else if (const char* root = std::getenv("TAPMETER_SOURCE_ROOT")) {  // NOLINT(*-mt-unsafe)
        candidates.push_back(fs::path(root) / ".." / "shared");
        candidates.push_back(fs::path(root) / ".." / ".." / "shared");  // a linked work tree
    }
    for (const fs::path& candidate : candidates) {
        if (fs::exists(candidate / "pcaps/dev/oracle/meta_tshark.tsv")) {
            return candidate / "pcaps/dev";
        }
    }
    return std::nullopt;
}

std::vector<std::string> fields_of(const std::string& line) {
    std::vector<std::string> fields;
    std::istringstream stream(line);
    for (std::string field; std::getline(stream, field, '\t');) {
        fields.push_back(field);
    }
    return fields;
}

struct Expected {
    Sender sender;
    std::string field;
    std::string value;
};

// By capture.
std::map<std::string, std::vector<Expected>> expectations(const fs::path& table) {
    std::map<std::string, std::vector<Expected>> all;
    std::ifstream stream(table);
    std::string line;
    while (std::getline(stream, line)) {
        const auto fields = fields_of(line);
        if (fields.size() < 8 || (fields[1] != "6" && fields[1] != "17")) {
            continue;
        }
        all[fields[0]].push_back(
            {.sender = {.protocol = static_cast<unsigned>(std::stoul(fields[1])),
                        .source = fields[2],
                        .source_port = static_cast<unsigned>(std::stoul(fields[3])),
                        .destination = fields[4],
                        .destination_port = static_cast<unsigned>(std::stoul(fields[5]))},
             .field = fields[6],
             .value = fields[7]});
    }
    return all;
}

// The fields of the oracle that are compared, and the share that must be equal.
constexpr std::array compared_fields{
    "tls.handshake.extensions_server_name",
    "tls.handshake.ja3",
    "tls.handshake.ja3s",
    "tls.handshake.extensions_alpn_str",
    "http.request.method",
    "http.request.uri",
    "http.host",
    "http.user_agent",
    "http.response.code",
    "http.server",
    "http.content_type",
    "dns.qry.name",
    "dns.qry.type",
    "dns.flags.rcode",
    "dns.a",
    "dns.aaaa",
    "ssh.protocol",
    "quic.version",
};

struct Score {
    int equal = 0;
    int all = 0;
};

bool has(const CaptureReading& reading, const Expected& expected) {
    const auto sender = reading.found.find(expected.sender);
    if (sender == reading.found.end()) {
        return false;
    }
    const auto field = sender->second.find(expected.field);
    if (field == sender->second.end()) {
        return false;
    }
    if (expected.field == "ssh.protocol") {  // tshark shows the comment too
        return std::any_of(field->second.begin(), field->second.end(),
                           [&](const auto& banner) { return expected.value.starts_with(banner); });
    }
    return field->second.contains(expected.value);
}

TEST(Oracle, what_tshark_found_is_found) {
    const auto dev = captures();
    if (!dev) {
        GTEST_SKIP() << "no captures: set TAPMETER_SHARED to the folder that has pcaps/dev";
    }
    std::map<std::string, Score> scores;
    const bool is_wordy = std::getenv("TAPMETER_WORDY") != nullptr;  // NOLINT(*-mt-unsafe)
    for (const auto& [name, rows] : expectations(*dev / "oracle/meta_tshark.tsv")) {
        fs::path path = *dev / "pcap" / name;
        if (!fs::exists(path)) {
            path = *dev / "derived" / name;
        }
        const auto reading = read_capture(path);
        if (!reading) {
            continue;
        }
        for (const Expected& expected : rows) {
            if (std::find(compared_fields.begin(), compared_fields.end(), expected.field) ==
                compared_fields.end()) {
                continue;
            }
            Score& score = scores[expected.field];
            const bool is_equal = has(*reading, expected);
            ++score.all;
            score.equal += is_equal ? 1 : 0;
            if (!is_equal && is_wordy) {
                std::printf("%s %u %s %u %s %u %s '%s'\n", name.c_str(), expected.sender.protocol,
                            expected.sender.source.c_str(), expected.sender.source_port,
                            expected.sender.destination.c_str(), expected.sender.destination_port,
                            expected.field.c_str(), expected.value.c_str());
            }
        }
    }
    for (const auto& [field, score] : scores) {
        std::printf("%-40s %5d of %5d  %6.2f %%\n", field.c_str(), score.equal, score.all,
                    100.0 * score.equal / score.all);
    }
    EXPECT_EQ(scores.size(), compared_fields.size());
}

}  // namespace
}  // namespace tapmeter::inspect::extract::testing
