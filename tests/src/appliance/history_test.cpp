#include "pipeline/history.h"

#include <gmock/gmock.h>

#include "pipeline/flow/common_frame.h"
#include "src/capture_files/file_capture.h"
#include "tests/src/appliance/appliance_bench.h"

namespace tapmeter {
namespace {

using namespace std::chrono_literals;
using capture_files::testing::TemporaryFile;
using testing::ApplianceBench;
using testing::broken_law;

// A folder of its own beside a temporary file.
class Folder {
public:
    ~Folder() { std::filesystem::remove_all(path()); }
    std::filesystem::path path() const { return file_.path().string() + ".recalls"; }
    std::vector<std::filesystem::path> files() const {
        std::vector<std::filesystem::path> all;
        for (const auto& entry : std::filesystem::directory_iterator(path())) {
            all.push_back(entry.path());
        }
        return all;
    }

private:
    TemporaryFile file_{{}};
};

struct Seen {
    std::int64_t time = 0;
    flow::FlowKey key{};
};

std::vector<Seen> packets_in(const std::filesystem::path& path) {
    auto capture = capture_files::open({.paths = {path.string()}});
    EXPECT_TRUE(capture) << path;
    std::vector<Seen> seen;
    Burst burst;
    while (!(*capture)->queue(0).exhausted()) {
        (*capture)->queue(0).receive(burst);
        for (const Packet& packet : burst.view()) {
            Seen one{.time = packet.observed_at.time_since_epoch().count()};
            flow::Observation ignored;
            EXPECT_TRUE(flow::read_common(packet, false, one.key, ignored));
            seen.push_back(one);
        }
        (*capture)->queue(0).release();
    }
    EXPECT_TRUE((*capture)->status());
    return seen;
}

std::vector<std::int64_t> times_of(const std::vector<Seen>& packets, const flow::FlowKey& host) {
    std::vector<std::int64_t> times;
    for (const Seen& packet : packets) {
        if (packet.key.ip_version == host.ip_version &&
            (packet.key.low == host.low || packet.key.high == host.low)) {
            times.push_back(packet.time);
        }
    }
    return times;
}

// Asked before the start, of a recording: each of its packets comes behind the recall.
TEST(ApplianceHistory, a_host_that_every_worker_knows_has_one_file_in_the_order_of_time) {
    const testing::Recording recording = testing::recording(500);
    const TemporaryFile source(recording.file);
    for (const std::uint32_t workers : {1U, 3U}) {
        const Folder folder;
        ApplianceBench bench({"pcap:" + source.path().string()}, workers);
        bench.config.history = {
            .enabled = true, .octets = 1U << 20U, .after = 1h, .folder = folder.path()};
        ASSERT_TRUE(bench.build());
        const auto all = packets_in(source.path());
        const Recall host{.key = all.front().key, .of = Recall::Of::host};
        const auto wanted = times_of(all, host.key);
        ASSERT_LT(wanted.size(), all.size());
        ASSERT_TRUE(bench.appliance->recall(host));
        ASSERT_TRUE(bench.appliance->start());
        while (!bench.appliance->wait_for(100ms)) {
        }
        bench.appliance->stop(10s);
        const auto snapshot = bench.appliance->snapshot();
        EXPECT_EQ(broken_law(snapshot), "");
        ASSERT_TRUE(snapshot.recalls);
        EXPECT_EQ(snapshot.recalls->commands_done, 1U);
        EXPECT_EQ(snapshot.recalls->files.written.packets, wanted.size());
        ASSERT_EQ(folder.files().size(), 1U);
        const auto written = packets_in(folder.files().front());
        EXPECT_EQ(written.size(), wanted.size());
        EXPECT_EQ(times_of(written, host.key), wanted);
    }
}

// Of a recording again; a port of one of its conversations is what tcpdump's words ask for.
TEST(ApplianceHistory, a_filter_has_what_it_accepts) {
    const testing::Recording recording = testing::recording(500);
    const TemporaryFile source(recording.file);
    const Folder folder;
    ApplianceBench bench({"pcap:" + source.path().string()}, 3);
    bench.config.history = {
        .enabled = true, .octets = 1U << 20U, .after = 1h, .folder = folder.path()};
    ASSERT_TRUE(bench.build());
    const auto all = packets_in(source.path());
    const std::uint16_t port = all.front().key.low_port;
    std::vector<std::int64_t> wanted;
    for (const Seen& packet : all) {
        if (packet.key.low_port == port || packet.key.high_port == port) {
            wanted.push_back(packet.time);
        }
    }
    ASSERT_LT(wanted.size(), all.size());
    const auto begun =
        bench.appliance->recall({Recall{.of = Recall::Of::filter}, "port " + std::to_string(port)});
    ASSERT_TRUE(begun) << begun.error().message;
    EXPECT_THAT(*begun, ::testing::HasSubstr("filter port " + std::to_string(port)));
    ASSERT_TRUE(bench.appliance->start());
    while (!bench.appliance->wait_for(100ms)) {
    }
    bench.appliance->stop(10s);
    EXPECT_EQ(broken_law(bench.appliance->snapshot()), "");
    ASSERT_EQ(folder.files().size(), 1U);
    EXPECT_THAT(folder.files().front().filename().string(), ::testing::EndsWith("-filter.pcapng"));
    std::vector<std::int64_t> times;
    for (const Seen& packet : packets_in(folder.files().front())) {
        times.push_back(packet.time);
    }
    EXPECT_EQ(times, wanted);
}

TEST(ApplianceHistory, filters_that_are_none_or_too_long_are_refused) {
    const TemporaryFile source(testing::recording(1).file);
    const Folder folder;
    ApplianceBench bench({"pcap:" + source.path().string()});
    bench.config.history = {.enabled = true, .octets = 1U << 20U, .folder = folder.path()};
    ASSERT_TRUE(bench.build());
    const auto refused = [&](const std::string& expression) {
        const auto begun = bench.appliance->recall({Recall{.of = Recall::Of::filter}, expression});
        EXPECT_FALSE(begun) << expression;
        return begun ? std::string() : begun.error().message;
    };
    EXPECT_THAT(refused("prot 443"), ::testing::HasSubstr("the filter \"prot 443\" must be"));
    std::string hosts = "host 10.0.0.1";
    for (int i = 2; i < 200; ++i) {
        hosts += " or host 10.0.0." + std::to_string(i);
    }
    EXPECT_THAT(refused(hosts), ::testing::HasSubstr("no more than 512 may be"));
}

TEST(ApplianceHistory, nothing_can_be_recalled_where_nothing_is_kept) {
    const TemporaryFile source(testing::recording(1).file);
    ApplianceBench bench({"pcap:" + source.path().string()});
    ASSERT_TRUE(bench.build());
    const auto refused = bench.appliance->recall({});
    ASSERT_FALSE(refused);
    EXPECT_THAT(refused.error().message, ::testing::HasSubstr("history.enabled = true"));
    EXPECT_FALSE(bench.appliance->snapshot().recalls);
}

TEST(ApplianceHistory, no_more_recalls_than_may_be_are_under_way) {
    const TemporaryFile source(testing::recording(1).file);
    const Folder folder;
    ApplianceBench bench({"pcap:" + source.path().string()}, 2);
    bench.config.history = {.enabled = true, .octets = 1U << 20U, .folder = folder.path()};
    ASSERT_TRUE(bench.build());
    for (std::size_t i = 0; i < History::commands_max; ++i) {
        ASSERT_TRUE(bench.appliance->recall(Recall{.of = Recall::Of::host}));
    }
    const auto refused = bench.appliance->recall(Recall{.of = Recall::Of::host});
    ASSERT_FALSE(refused);
    EXPECT_THAT(refused.error().message, ::testing::HasSubstr("16 recalls are under way"));
}

TEST(ApplianceHistory, a_folder_that_cannot_be_made_is_said_before_the_start) {
    const TemporaryFile source(testing::recording(1).file);
    ApplianceBench bench({"pcap:" + source.path().string()});
    bench.config.history = {.enabled = true, .octets = 1U << 20U, .folder = "/proc/nowhere"};
    const auto built = bench.build();
    ASSERT_FALSE(built);
    EXPECT_THAT(built.error().message, ::testing::HasSubstr("history.folder"));
}

}  // namespace
}  // namespace tapmeter
