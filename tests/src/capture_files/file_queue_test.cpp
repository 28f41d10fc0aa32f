#include "src/capture_files/file_queue.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/src/capture_files/capture_builder.h"
#include "tests/src/capture_files/memory_source.h"

namespace tapmeter::capture_files {
namespace {

using ::testing::ElementsAre;
using testing::File;
using testing::frame_of;
using testing::MemorySource;
using testing::PcapBuilder;
using testing::PcapngBuilder;

File pcap_of(unsigned packets) {
    PcapBuilder builder;
    for (unsigned i = 0; i < packets; ++i) {
        builder.packet(i, 0, frame_of(60, i));
    }
    return builder.file();
}

Input input(const std::string& name, const File& file) {
    return {.name = name,
            .octets = std::make_unique<MemorySource>(file, file.size()),
            .format = *recognise(Bytes{file}.first(std::min(file.size(), recognised_octets)))};
}

std::vector<std::size_t> bursts_of(FileQueue& queue) {
    std::vector<std::size_t> counts;
    Burst burst;
    while (!queue.exhausted()) {
        queue.receive(burst);
        if (burst.count > 0) {
            counts.push_back(burst.count);
        }
        queue.release();
    }
    return counts;
}

TEST(FileQueue, reads_its_files_one_after_the_other_never_two_in_a_burst) {
    const File first = pcap_of(70);
    const File second = PcapngBuilder().section().interface(1).whole(0, 1, frame_of(99)).file();
    const File third = pcap_of(0);
    const File fourth = pcap_of(64);
    std::vector<Input> inputs;
    for (const File* file : {&first, &second, &third, &fourth}) {
        inputs.push_back(input("x", *file));
    }
    FileQueue queue(std::move(inputs), 0);
    EXPECT_EQ(queue.describe(), "capture file x and 3 more");

    EXPECT_THAT(bursts_of(queue), ElementsAre(64, 6, 1, 64));

    EXPECT_TRUE(queue.status());
    EXPECT_EQ(queue.counters().received, Packets{135});
    EXPECT_EQ(queue.counters().received_octets, Octets{134 * 60 + 99});
    const std::uint64_t all = first.size() + second.size() + third.size() + fourth.size();
    EXPECT_EQ(queue.progress().octets_read, Octets{all});
    EXPECT_EQ(queue.progress().octets_total, Octets{all});
}

TEST(FileQueue, counts_what_it_has_handed_out_so_far) {
    const File file = pcap_of(70);
    std::vector<Input> inputs;
    inputs.push_back(input("x", file));
    FileQueue queue(std::move(inputs), 9);
    Burst burst;
    queue.receive(burst);
    EXPECT_EQ(burst.packets[0].observation_point, 9);
    EXPECT_EQ(queue.counters().received, Packets{64});
    EXPECT_EQ(queue.progress().octets_read, Octets{24 + 64 * 76});
    queue.release();
    queue.receive(burst);
    EXPECT_EQ(burst.count, 6U);
    EXPECT_FALSE(queue.exhausted()) << "the end is not yet seen";
    queue.release();
    queue.receive(burst);
    EXPECT_EQ(burst.count, 0U);
    EXPECT_TRUE(queue.exhausted());
    queue.release();
    EXPECT_EQ(queue.counters().received, Packets{70});
}

TEST(FileQueue, goes_on_after_a_damaged_file_and_tells_of_the_first) {
    File cut = pcap_of(17);
    cut.pop_back();
    const File good = pcap_of(5);
    std::vector<Input> inputs;
    inputs.push_back(input("good", good));
    inputs.push_back(input("cut", cut));
    inputs.push_back(input("good again", good));
    inputs.push_back(input("cut again", cut));
    FileQueue queue(std::move(inputs), 0);

    EXPECT_THAT(bursts_of(queue), ElementsAre(5, 16, 5, 16));

    ASSERT_FALSE(queue.status());
    EXPECT_EQ(queue.status().error().message,
              "cut: offset 1240: the file ends inside a record: 75 of 76 octets are there (a "
              "capture program that was killed leaves this); read 16 packets before it; 1 more "
              "files are damaged");
    EXPECT_EQ(queue.status().error().kind, Error::Kind::io);
}

TEST(FileQueue, is_exhausted_at_the_burst_after_a_stop) {
    const File file = pcap_of(200);
    std::vector<Input> inputs;
    inputs.push_back(input("x", file));
    FileQueue queue(std::move(inputs), 0);
    Burst burst;
    queue.receive(burst);
    queue.release();
    queue.stop();
    EXPECT_FALSE(queue.exhausted());
    queue.receive(burst);
    EXPECT_EQ(burst.count, 0U);
    EXPECT_TRUE(queue.exhausted());
    queue.release();
    EXPECT_TRUE(queue.status()) << "a stop is no damage";
    EXPECT_EQ(queue.counters().received, Packets{64});
    EXPECT_EQ(queue.progress().octets_read, Octets{24 + 64 * 76});
}

TEST(FileQueueDeathTest, every_receive_is_followed_by_one_release) {
    const File file = pcap_of(1);
    std::vector<Input> inputs;
    inputs.push_back(input("x", file));
    FileQueue queue(std::move(inputs), 0);
    Burst burst;
    EXPECT_DEATH(queue.release(), "broken expectation");
    queue.receive(burst);
    EXPECT_DEATH(queue.receive(burst), "broken expectation");
}

}  // namespace
}  // namespace tapmeter::capture_files
