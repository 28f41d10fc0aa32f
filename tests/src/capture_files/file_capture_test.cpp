#include "src/capture_files/file_capture.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <thread>

#include "src/capture_files/file_descriptor.h"
#include "tests/src/capture_files/seen.h"
#include "tests/src/capture_files/temporary_file.h"

namespace tapmeter::capture_files {
namespace {

using testing::File;
using testing::frame_of;
using ::testing::HasSubstr;
using testing::PcapBuilder;
using testing::PcapngBuilder;
using testing::Seen;
using testing::TemporaryFile;

File pcap_of(unsigned packets) {
    PcapBuilder builder;
    for (unsigned i = 0; i < packets; ++i) {
        builder.packet(i, i, frame_of(i * 7 % 1'600, i));
    }
    return builder.file();
}

std::vector<Seen> read_all(FileCapture& capture) {
    std::vector<Seen> packets;
    Burst burst;
    PacketSource& queue = capture.queue(0);
    while (!queue.exhausted()) {
        queue.receive(burst);
        for (const Packet& packet : burst.view()) {
            packets.push_back(testing::seen(packet));
        }
        queue.release();
    }
    return packets;
}

std::string refusal(const Options& options) {
    const auto capture = open(options);
    return capture ? "opened" : capture.error().message;
}

// A pipe whose every read gives one piece of the file: what a slow writer does at worst. (A pipe
// in "packet mode" keeps the pieces apart.)
class SlowPipe {
public:
    SlowPipe(const File& file, std::size_t piece_octets) {
        std::array<int, 2> ends{-1, -1};
        EXPECT_EQ(::pipe2(ends.data(), O_CLOEXEC | O_DIRECT), 0);
        reading_ = FileDescriptor{ends[0]};
        path_ = "/dev/fd/" + std::to_string(ends[0]);
        writer_ = std::jthread([&file, piece_octets, to = ends[1]] {
            const FileDescriptor writing{to};
            for (std::size_t at = 0; at < file.size(); at += piece_octets) {
                const std::size_t octets = std::min(piece_octets, file.size() - at);
                ASSERT_EQ(::write(to, &file[at], octets), static_cast<ssize_t>(octets));
            }
        });
    }
    const std::string& path() const { return path_; }
    void leave_to_the_reader() { reading_.reset(); }

private:
    FileDescriptor reading_{-1};
    std::string path_;
    std::jthread writer_;
};

TEST(FileCapture, reads_a_file_and_balances_its_books) {
    const File content = pcap_of(200);
    const TemporaryFile file(content);
    const auto capture = open({.paths = {file.path()}, .observation_point = 4});
    ASSERT_TRUE(capture) << capture.error().message;
    EXPECT_EQ((*capture)->queues(), 1U);
    EXPECT_TRUE((*capture)->symmetric());
    EXPECT_TRUE((*capture)->views_stay_valid());
    EXPECT_EQ((*capture)->describe(), "capture file " + file.path().string());

    const auto packets = read_all(**capture);

    EXPECT_EQ(packets, testing::read_all(content).packets);
    EXPECT_TRUE((*capture)->status());
    const CaptureCounters counters = (*capture)->counters();
    EXPECT_EQ(counters.offered, Packets{200});
    EXPECT_EQ(counters.received, Packets{200});
    EXPECT_EQ(counters.received_octets, (*capture)->queue(0).counters().received_octets);
    EXPECT_EQ((*capture)->progress().octets_read, Octets{content.size()});
    EXPECT_EQ((*capture)->progress().octets_total, Octets{content.size()});
}

TEST(FileCapture, a_pipe_gives_the_same_packets_in_whatever_pieces_it_comes) {
    PcapngBuilder pcapng(FileOrder::swapped);
    pcapng.section().interface(1);
    for (unsigned i = 0; i < 70; ++i) {
        pcapng.whole(0, i, frame_of(i, i)).foreign(5, i);
    }
    for (const File& content : {pcap_of(70), pcapng.file()}) {
        const auto expected = testing::read_all(content).packets;
        for (const std::size_t piece : {1U, 7U, 4'096U}) {
            SlowPipe pipe(content, piece);
            const auto capture = open({.paths = {pipe.path()}});
            ASSERT_TRUE(capture) << capture.error().message;
            pipe.leave_to_the_reader();
            EXPECT_FALSE((*capture)->views_stay_valid());
            EXPECT_EQ(read_all(**capture), expected) << piece;
            EXPECT_TRUE((*capture)->status());
            EXPECT_EQ((*capture)->progress().octets_read, Octets{content.size()});
            EXPECT_EQ((*capture)->progress().octets_total, Octets{0});
        }
    }
}

TEST(FileCapture, views_into_a_mapped_file_are_still_right_at_its_end) {
    const File content = pcap_of(2'000);
    const TemporaryFile file(content);
    const auto capture = open({.paths = {file.path(), file.path()}});
    ASSERT_TRUE(capture) << capture.error().message;
    std::vector<Packet> views;
    Burst burst;
    PacketSource& queue = (*capture)->queue(0);
    while (!queue.exhausted()) {
        queue.receive(burst);
        views.insert(views.end(), burst.view().begin(), burst.view().end());
        queue.release();
    }
    const auto expected = testing::read_all(content).packets;
    ASSERT_EQ(views.size(), 2 * expected.size());
    for (std::size_t i = 0; i < views.size(); ++i) {
        EXPECT_EQ(testing::seen(views[i]), expected[i % expected.size()]);
    }
}

TEST(FileCapture, a_stop_ends_a_pipe_that_says_nothing) {
    std::array<int, 2> ends{-1, -1};
    ASSERT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
    const FileDescriptor reading{ends[0]};
    const FileDescriptor writing{ends[1]};
    const File content = pcap_of(1);
    ASSERT_EQ(::write(ends[1], content.data(), content.size()),
              static_cast<ssize_t>(content.size()));
    const auto capture = open({.paths = {"/dev/fd/" + std::to_string(ends[0])}});
    ASSERT_TRUE(capture) << capture.error().message;
    PacketSource& queue = (*capture)->queue(0);
    Burst burst;
    queue.receive(burst);
    EXPECT_EQ(burst.count, 1U);
    queue.release();
    queue.receive(burst);
    EXPECT_EQ(burst.count, 0U);
    EXPECT_FALSE(queue.exhausted()) << "the writer may still say something";
    queue.release();
    (*capture)->stop_arrivals();
    queue.receive(burst);
    EXPECT_TRUE(queue.exhausted());
    queue.release();
}

TEST(FileCapture, says_what_it_uses) {
    const TemporaryFile file(pcap_of(1));
    const auto value_of = [&file](const std::string& name, bool keep_pages) -> std::string {
        const auto capture = open({.paths = {file.path()}, .keep_pages = keep_pages});
        for (const Capability& fact : (*capture)->capabilities()) {
            if (fact.name == name) {
                return fact.value;
            }
        }
        return "";
    };
    EXPECT_EQ(value_of("files", false), "1");
    EXPECT_EQ(value_of("format", false),
              "pcap, little-endian, microseconds, link type 1, snap length 65535");
    EXPECT_EQ(value_of("zero copy", false), "yes: mapped");
    EXPECT_EQ(value_of("pages", false), "given back behind the reader");
    EXPECT_EQ(value_of("pages", true), "kept");
}

TEST(FileCapture, refuses_what_is_no_capture_file_by_its_name) {
    const TemporaryFile good(pcap_of(1));
    const TemporaryFile empty({});
    const TemporaryFile text(frame_of(100));
    File compressed = frame_of(100);
    compressed[0] = std::byte{0x1f};
    compressed[1] = std::byte{0x8b};
    const TemporaryFile gzip(compressed);
    const auto named = [](const TemporaryFile& file) { return file.path().string() + ": "; };
    EXPECT_EQ(refusal({.paths = {good.path(), empty.path()}}),
              named(empty) + "is empty, but a capture file begins with a file header");
    EXPECT_THAT(refusal({.paths = {text.path()}}),
                HasSubstr(named(text) + "offset 0: found 01 0c 17 22, but a pcap file begins"));
    EXPECT_THAT(refusal({.paths = {gzip.path()}}), HasSubstr("zcat FILE | tapmeter read -"));
    EXPECT_EQ(refusal({.paths = {"/nonexistent.pcap"}}),
              "/nonexistent.pcap: cannot be opened: No such file or directory");
    EXPECT_THAT(refusal({.paths = {"/"}}), HasSubstr("/: cannot be opened: is a directory"));
}

TEST(FileCapture, the_number_of_files_and_pipes_has_limits) {
    EXPECT_EQ(refusal({}), "0 capture files are named, must be 1 to 16384");
    const TemporaryFile file(pcap_of(1));
    EXPECT_EQ(refusal({.paths = std::vector(files_max + 1, file.path())}),
              "16385 capture files are named, must be 1 to 16384");
    EXPECT_EQ(refusal({.paths = std::vector(files_max, file.path())}), "opened");

    for (const std::size_t count : {pipes_max, pipes_max + 1}) {
        const File content = pcap_of(1);
        std::vector<std::unique_ptr<SlowPipe>> pipes;
        Options options;
        for (std::size_t i = 0; i < count; ++i) {
            pipes.push_back(std::make_unique<SlowPipe>(content, 4'096));
            options.paths.emplace_back(pipes.back()->path());
        }
        EXPECT_EQ(refusal(options),
                  count == pipes_max ? "opened" : "17 pipes are named, must be at most 16");
    }
}

}  // namespace
}  // namespace tapmeter::capture_files
