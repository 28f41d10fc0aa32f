#include "src/appliance/signatures.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <set>
#include <string>
#include <vector>

#include "src/appliance/inspection.h"
#include "tests/pipeline/inspect/conversations.h"
#include "tests/src/appliance/appliance_bench.h"

namespace tapmeter {
namespace {

using namespace std::chrono_literals;
using capture_files::testing::PcapBuilder;
using capture_files::testing::TemporaryFile;
using testing::ApplianceBench;

// Connections of a handshake, a request for www.example.org and its answer.
TemporaryFile requests(std::uint32_t connections) {
    PcapBuilder builder;
    std::uint32_t packets = 0;
    for (std::uint32_t connection = 0; connection < connections; ++connection) {
        const auto port = static_cast<std::uint16_t>(10'000 + connection);
        for (const auto& frame : testing::http_conversation(80, port)) {
            builder.packet(1'000 + packets / 1'000, packets % 1'000 * 1'000, frame);
            ++packets;
        }
    }
    return TemporaryFile(builder.file());
}

class SignatureFiles : public ::testing::Test {
protected:
    void write(const std::string& rules) const { std::ofstream(path) << rules; }

    static std::size_t alerts_in(const std::vector<nlohmann::json>& lines) {
        return static_cast<std::size_t>(std::ranges::count_if(
            lines, [](const auto& line) { return line["event_type"] == "alert"; }));
    }

    const std::string path = ::testing::TempDir() +
                             ::testing::UnitTest::GetInstance()->current_test_info()->name() +
                             ".rules";
    static constexpr std::uint32_t connections = 200;
};

TEST_F(SignatureFiles, alerts_and_records_tell_the_same_flow) {
    write(
        "alert http any any -> any any (msg:\"asked for it\"; http.host; "
        "content:\"example.org\"; sid:7; rev:2;)\n");
    const TemporaryFile file = requests(connections);
    ApplianceBench bench({"pcap:" + file.path().string()});
    bench.config.signatures.rule_files = {path};
    ASSERT_TRUE(bench.build());
    ASSERT_TRUE(bench.appliance->start());
    bench.wait_for_packets(5 * connections);
    bench.appliance->stop(10s);

    const auto books = bench.appliance->snapshot();
    EXPECT_TRUE(metrics::balanced(metrics::laws(books)));
    EXPECT_EQ(books.workers.front().books.inspection.signatures.emitted, connections);
    EXPECT_EQ(books.outputs.front().counters.sent.alerts, connections);
    const auto lines = bench.lines();
    EXPECT_EQ(alerts_in(lines), connections);
    std::set<std::uint64_t> alerted;
    std::set<std::uint64_t> recorded;
    for (const auto& line : lines) {
        const auto flow = line["flow_id"].get<std::uint64_t>();
        if (line["event_type"] == "alert") {
            EXPECT_EQ(line["alert"]["signature"], "asked for it");
            EXPECT_EQ(line["alert"]["signature_id"], 7);
            alerted.insert(flow);
        } else {
            EXPECT_EQ(line["flow"]["alerted"], true);
            EXPECT_EQ(line["tapmeter"]["signatures"]["sids"], nlohmann::json::array({7}));
            recorded.insert(flow);
        }
    }
    EXPECT_EQ(alerted.size(), connections);
    EXPECT_EQ(alerted, recorded);
}

TEST_F(SignatureFiles, every_worker_compares_and_none_tells_twice) {
    write("alert tcp any any -> any 80 (content:\"/index\"; sid:1;)\n");
    const TemporaryFile file = requests(connections);
    ApplianceBench bench({"pcap:" + file.path().string()}, 2);
    bench.config.signatures.rule_files = {path};
    ASSERT_TRUE(bench.build());
    ASSERT_TRUE(bench.appliance->start());
    bench.wait_for_packets(5 * connections);
    bench.appliance->stop(10s);
    EXPECT_TRUE(metrics::balanced(metrics::laws(bench.appliance->snapshot())));
    EXPECT_EQ(alerts_in(bench.lines()), connections);
}

TEST_F(SignatureFiles, a_broken_file_leaves_the_old_rules_active) {
    write("alert tcp any any -> any 80 (content:\"/index\"; sid:1;)\n");
    ApplianceBench bench({"gen:"});
    bench.config.signatures.rule_files = {path};
    bench.read_config_again = [&]() -> Result<Appliance::NewConfig> {
        return Appliance::NewConfig{.config = bench.config, .json = "{}", .needs_restart = {}};
    };
    ASSERT_TRUE(bench.build());
    ASSERT_TRUE(bench.appliance->start());
    bench.wait_for_packets(1'000);

    bench.config.signatures.rule_files = {"/nowhere/at.rules"};
    const auto refused = bench.appliance->reload();
    ASSERT_FALSE(refused);
    EXPECT_NE(refused.error().message.find("/nowhere/at.rules"), std::string::npos);
    EXPECT_EQ(bench.appliance->reloads(false), 1U);

    bench.config.signatures.rule_files = {path};
    write("alert tcp any any -> any any (content:\"a\"; sid:2;)\nalert nonsense\n");
    const auto broken = bench.appliance->reload();
    ASSERT_FALSE(broken);
    EXPECT_NE(broken.error().message.find(path + ":2:"), std::string::npos)
        << broken.error().message;
    EXPECT_EQ(bench.appliance->reloads(false), 2U);

    // What this program cannot do is no fault of the file: it is said, and left out.
    write(
        "alert tcp any any -> any any (content:\"a\"; sid:2;)\n"
        "alert tcp any any -> any any (lua:x.lua; sid:3;)\n");
    const auto answer = bench.appliance->reload();
    ASSERT_TRUE(answer) << answer.error().message;
    EXPECT_NE(answer->find("signatures: 1 of 2 rules"), std::string::npos) << *answer;
    EXPECT_NE(answer->find(path + ":2:"), std::string::npos) << *answer;
    const auto reloads = [&] {
        return bench.appliance->snapshot().workers.front().books.inspection.signatures.reloads;
    };
    for (unsigned wait = 0; wait < 500 && reloads() == 0; ++wait) {
        bench.appliance->wait_for(10ms);
    }
    EXPECT_EQ(reloads(), 1U);
    bench.appliance->stop(10s);
    EXPECT_TRUE(metrics::balanced(metrics::laws(bench.appliance->snapshot())));
}

// Who starts with broken lines has been told; they do not keep a later reload from its rules.
TEST_F(SignatureFiles, what_was_broken_at_the_start_may_stay_so) {
    write("alert tcp any any -> any 80 (content:\"/index\"; sid:1;)\nalert nonsense\n");
    ApplianceBench bench({"gen:"});
    bench.config.signatures.rule_files = {path};
    bench.read_config_again = [&]() -> Result<Appliance::NewConfig> {
        return Appliance::NewConfig{.config = bench.config, .json = "{}", .needs_restart = {}};
    };
    ASSERT_TRUE(bench.build());
    ASSERT_TRUE(bench.appliance->start());
    write("alert tcp any any -> any 80 (content:\"/other\"; sid:2;)\n\nalert nonsense\n");
    const auto answer = bench.appliance->reload();
    ASSERT_TRUE(answer) << answer.error().message;
    EXPECT_NE(answer->find("signatures: 1 of 2 rules"), std::string::npos) << *answer;
    bench.appliance->stop(10s);
}

TEST_F(SignatureFiles, need_inspection) {
    write("alert tcp any any -> any 80 (content:\"/index\"; sid:1;)\n");
    ApplianceBench bench({"gen:"});
    bench.config.signatures.rule_files = {path};
    bench.config.dpi.enabled = false;
    const auto built = bench.build();
    ASSERT_FALSE(built);
    EXPECT_NE(built.error().message.find("dpi.enabled"), std::string::npos);
}

TEST(SignatureConfig, memory_of_signatures_is_known_beforehand) {
    Config config;
    const std::uint64_t without = inspection_octets(config, 1);
    config.signatures.rule_files = {"x.rules"};
    EXPECT_GT(inspection_octets(config, 1), without + 4'096U * 16'384);
}

}  // namespace
}  // namespace tapmeter
