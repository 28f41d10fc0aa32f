#include "pipeline/saving.h"

#include <gmock/gmock.h>

#include "src/capture_files/file_capture.h"
#include "tests/src/appliance/appliance_bench.h"

namespace tapmeter {
namespace {

using namespace std::chrono_literals;
using capture_files::testing::TemporaryFile;
using testing::ApplianceBench;
using testing::broken_law;

std::uint64_t packets_in(const std::string& path) {
    auto capture = capture_files::open({.paths = {path}});
    EXPECT_TRUE(capture) << path;
    std::uint64_t packets = 0;
    Burst burst;
    while (!(*capture)->queue(0).exhausted()) {
        (*capture)->queue(0).receive(burst);
        packets += burst.count;
        (*capture)->queue(0).release();
    }
    EXPECT_TRUE((*capture)->status());
    return packets;
}

// A recording waits for the writer: every packet is in the file, however small the ring.
TEST(ApplianceSaving, writes_every_packet_of_a_recording) {
    const testing::Recording recording = testing::recording(2'000);
    const TemporaryFile source(recording.file);
    for (const std::uint32_t workers : {1U, 3U}) {
        const TemporaryFile out({});
        ApplianceBench bench({"pcap:" + source.path().string()}, workers);
        bench.config.write.file = out.path().string();
        bench.config.write.ring_octets = 2U << 20U;
        ASSERT_TRUE(bench.build());
        ASSERT_TRUE(bench.appliance->start());
        while (!bench.appliance->wait_for(100ms)) {
        }
        bench.appliance->stop(10s);
        const auto snapshot = bench.appliance->snapshot();
        EXPECT_EQ(broken_law(snapshot), "");
        ASSERT_TRUE(snapshot.writer);
        EXPECT_EQ(snapshot.writer->written.packets, recording.packets);
        EXPECT_EQ(snapshot.writer->written.octets, recording.octets);
        EXPECT_EQ(packets_in(out.path().string()), recording.packets);
    }
}

TEST(ApplianceSaving, writes_what_the_filter_lets_through) {
    const testing::Recording recording = testing::recording(100);
    const TemporaryFile source(recording.file);
    const TemporaryFile out({});
    ApplianceBench bench({"pcap:" + source.path().string()});
    bench.config.write.file = out.path().string();
    bench.config.captures[0].filter = "tcp";
    ASSERT_TRUE(bench.build());
    ASSERT_TRUE(bench.appliance->start());
    while (!bench.appliance->wait_for(100ms)) {
    }
    bench.appliance->stop(10s);
    const auto snapshot = bench.appliance->snapshot();
    EXPECT_EQ(broken_law(snapshot), "");
    const WorkerBooks& books = snapshot.workers[0].books;
    EXPECT_EQ(books.saving.wanted.packets,
              recording.packets - books.ignored[index_of(LeftOut::filter)].packets);
    EXPECT_EQ(packets_in(out.path().string()), books.saving.wanted.packets);
}

TEST(ApplianceSaving, a_file_that_cannot_be_made_is_said_before_the_start) {
    const TemporaryFile source(testing::recording(1).file);
    ApplianceBench bench({"pcap:" + source.path().string()});
    bench.config.write.file = "/nowhere/x.pcapng";
    const auto built = bench.build();
    ASSERT_FALSE(built);
    EXPECT_THAT(built.error().message, ::testing::HasSubstr("/nowhere/x.pcapng: cannot be made"));
}

}  // namespace
}  // namespace tapmeter
