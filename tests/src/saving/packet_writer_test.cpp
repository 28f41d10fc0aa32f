#include "src/saving/packet_writer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <csignal>
#include <thread>

#include "src/capture_files/file_capture.h"
#include "tests/src/saving/folder.h"
#include "tests/support/frames.h"

namespace tapmeter::saving {
namespace {

using testing::Folder;
using Names = std::vector<std::string>;
using Frame = tapmeter::testing::Frame;

constexpr std::uint32_t whole = 262'144;

struct Seen {
    Frame frame;
    std::int64_t time_ns = 0;
    std::uint32_t wire_octets = 0;
    LinkType link{};

    bool operator==(const Seen&) const = default;
};

// What our own reader finds in a file, and in which state the file is.
std::vector<Seen> read_all(const std::string& path) {
    auto capture = capture_files::open({.paths = {path}});
    EXPECT_TRUE(capture) << path;
    std::vector<Seen> all;
    Burst burst;
    PacketSource& queue = (*capture)->queue(0);
    while (!queue.exhausted()) {
        queue.receive(burst);
        for (const Packet& packet : burst.view()) {
            all.push_back({Frame(packet.frame.begin(), packet.frame.end()),
                           packet.observed_at.time_since_epoch().count(), packet.wire_octets,
                           packet.link});
        }
        queue.release();
    }
    EXPECT_TRUE((*capture)->status()) << path;
    return all;
}

// A writer with its rings; packets are put and written in this thread's time.
class Bench {
public:
    explicit Bench(Rotation::Settings rotation, std::size_t workers = 1, bool compress = false) {
        PacketWriter::Parts parts{.rotation = std::move(rotation),
                                  .compress = compress,
                                  .rings = {},
                                  .points = {{"eth1", "udp"}, {"eth2", ""}},
                                  .statistics =
                                      [](std::size_t) {
                                          Blocks::Statistics statistics;
                                          statistics.received = 7;
                                          statistics.comment = "dropped rx_missed 1";
                                          return statistics;
                                      },
                                  .log = [this](const std::string& line) { said.push_back(line); }};
        for (std::size_t worker = 0; worker < workers; ++worker) {
            rings_.push_back(std::move(*SaveRing::make(8 * SaveRing::chunk_octets, false)));
            parts.rings.push_back(rings_.back().get());
        }
        made_ = PacketWriter::make(std::move(parts));
    }

    bool is_made() const { return made_.has_value(); }
    std::string fault() const { return made_ ? "" : made_.error().message; }

    Seen put(const Frame& frame, std::int64_t time_ns, LinkType link = LinkType::ethernet,
             std::size_t worker = 0) {
        Packet packet = tapmeter::testing::packet_of(frame, link, frame.size() + 2);
        packet.observed_at = ObservedAt{Nanoseconds{time_ns}};
        packet.observation_point = next_point;
        EXPECT_TRUE(rings_[worker]->put(packet, whole));
        return {frame, time_ns, packet.wire_octets, link};
    }
    // What was put so far is written, as at the end of the program.
    void finish() {
        for (const auto& ring : rings_) {
            ring->flush();
        }
        std::jthread writer([this](const std::stop_token& stop) { (*made_)->run(stop); });
    }
    WriterBooks books() const {
        const WriterBooks books = (*made_)->books();
        SavedTotals found = books.written;
        found += books.buffered;
        for (const SavedTotals& dropped : books.dropped) {
            found += dropped;
        }
        EXPECT_EQ(books.taken, found);
        return books;
    }

    std::uint16_t next_point = 0;
    std::vector<std::string> said;

private:
    std::vector<std::unique_ptr<SaveRing>> rings_;
    Result<std::unique_ptr<PacketWriter>> made_;
};

TEST(PacketWriter, writes_what_it_was_given) {
    const Folder folder;
    Bench bench({.file = folder / "x.pcapng"});
    std::vector<Seen> given;
    for (unsigned i = 0; i < 2'000; ++i) {
        bench.next_point = i % 2;
        given.push_back(bench.put(Frame(i, static_cast<std::byte>(i)),
                                  1'700'000'000'000'000'001 + i,
                                  i % 3 == 0 ? LinkType::raw_ip : LinkType::ethernet));
    }
    bench.finish();
    EXPECT_EQ(read_all(folder / "x.pcapng"), given);
    const WriterBooks books = bench.books();
    EXPECT_EQ(books.written.packets, 2'000U);
    EXPECT_EQ(books.taken.octets, 1'999U * 1'000);
    EXPECT_EQ(books.files, 1U);
    EXPECT_LE(books.file_octets, std::filesystem::file_size(folder / "x.pcapng"));
    EXPECT_EQ(bench.said, Names{});
}

TEST(PacketWriter, a_file_without_packets_is_a_file) {
    const Folder folder;
    Bench bench({.file = folder / "x.pcapng"});
    bench.finish();
    EXPECT_EQ(read_all(folder / "x.pcapng").size(), 0U);
}

TEST(PacketWriter, keeps_the_packets_of_all_workers) {
    const Folder folder;
    Bench bench({.file = folder / "x.pcapng"}, 3);
    for (unsigned i = 0; i < 300; ++i) {
        bench.put(Frame(60), i, LinkType::ethernet, i % 3);
    }
    bench.finish();
    EXPECT_EQ(read_all(folder / "x.pcapng").size(), 300U);
}

TEST(PacketWriter, begins_files_by_size) {
    const Folder folder;
    Bench bench({.file = folder / "x", .file_octets = 10'000, .files = 3});
    std::vector<Seen> given;
    for (unsigned i = 0; i < 40; ++i) {
        given.push_back(bench.put(Frame(968), i));  // 1,000 octets a block
    }
    bench.finish();
    // 10 go over 10,000 octets with the head of the file: 40 packets make four files.
    EXPECT_EQ(folder.names(), (Names{"x0", "x1", "x2"}));
    EXPECT_EQ(read_all(folder / "x1"), std::vector<Seen>(given.begin() + 10, given.begin() + 20));
    EXPECT_EQ(read_all(folder / "x0"), std::vector<Seen>(given.begin() + 30, given.end()));
    EXPECT_EQ(bench.books().files, 4U);
}

TEST(PacketWriter, stops_behind_the_last_file_of_time_and_counts) {
    ::setenv("TZ", "UTC", 1);
    ::tzset();
    const Folder folder;
    Bench bench({.file = folder / "x-%S", .files = 2, .rotate = std::chrono::seconds(10)});
    for (std::int64_t second = 0; second < 40; ++second) {
        bench.put(Frame(60), second * 1'000'000'000);
    }
    bench.finish();
    EXPECT_EQ(folder.names(), (Names{"x-00", "x-10"}));
    EXPECT_EQ(bench.books().written.packets, 20U);
    EXPECT_EQ(bench.books().dropped[index_of(NotWritten::files_used_up)].packets, 20U);
}

TEST(PacketWriter, compresses_closed_files) {
    const Folder folder;
    {
        Bench bench({.file = folder / "x", .file_octets = 10'000}, 1, true);
        for (unsigned i = 0; i < 15; ++i) {
            bench.put(Frame(968), i);
        }
        bench.finish();
    }
    EXPECT_EQ(folder.names(), (Names{"x.zst", "x1.zst"}));
}

TEST(PacketWriter, a_file_that_cannot_be_made_is_said_at_the_start) {
    const Folder folder;
    const Bench bench({.file = folder / "no/such/x"});
    EXPECT_FALSE(bench.is_made());
    EXPECT_THAT(bench.fault(), ::testing::HasSubstr("no/such/x: cannot be made"));
}

TEST(PacketWriter, a_later_file_that_cannot_be_made_is_said_and_counted) {
    const Folder folder;
    Bench bench({.file = folder / "no/x-%S", .rotate = std::chrono::seconds(10)});
    ASSERT_TRUE(bench.is_made());
    for (unsigned i = 0; i < 100; ++i) {
        bench.put(Frame(60), i);
    }
    bench.finish();
    EXPECT_EQ(bench.books().dropped[index_of(NotWritten::file_error)].packets, 100U);
    ASSERT_EQ(bench.said.size(), 1U);
    EXPECT_THAT(bench.said[0], ::testing::HasSubstr("cannot be made"));
}

// A limit on the size of files refuses octets as a full disk does, with EFBIG.
TEST(PacketWriter, a_disk_that_takes_no_more_leaves_a_whole_file_and_names_the_rest) {
    const Folder folder;
    std::signal(SIGXFSZ, SIG_IGN);
    rlimit before{};
    ::getrlimit(RLIMIT_FSIZE, &before);
    Bench bench({.file = folder / "x.pcapng"});
    std::vector<Seen> given;
    for (unsigned i = 0; i < 3'000; ++i) {
        given.push_back(bench.put(Frame(968), i));
    }
    rlimit small = before;
    small.rlim_cur = 1'500'000;
    ::setrlimit(RLIMIT_FSIZE, &small);
    bench.finish();
    ::setrlimit(RLIMIT_FSIZE, &before);

    const WriterBooks books = bench.books();
    const auto written = books.written.packets;
    EXPECT_GT(written, 1'000U);
    EXPECT_LT(written, 1'500U);
    EXPECT_EQ(books.dropped[index_of(NotWritten::file_error)].packets, 3'000 - written);
    EXPECT_EQ(
        read_all(folder / "x.pcapng"),
        std::vector<Seen>(given.begin(), given.begin() + static_cast<std::ptrdiff_t>(written)));
    ASSERT_FALSE(bench.said.empty());
    EXPECT_THAT(bench.said[0], ::testing::HasSubstr("metering goes on"));
}

// A crash cuts the file anywhere: all packets in front of the cut are there.
TEST(PacketWriter, a_file_that_is_cut_off_is_readable_up_to_there) {
    const Folder folder;
    Bench bench({.file = folder / "x.pcapng"});
    std::vector<Seen> given;
    for (unsigned i = 0; i < 20; ++i) {
        given.push_back(bench.put(Frame(100, static_cast<std::byte>(i)), i));
    }
    bench.finish();
    const auto octets = std::filesystem::file_size(folder / "x.pcapng");
    std::size_t most = 0;
    for (std::uintmax_t size = 200; size < octets; size += 7) {
        std::filesystem::copy_file(folder / "x.pcapng", folder / "cut",
                                   std::filesystem::copy_options::overwrite_existing);
        std::filesystem::resize_file(folder / "cut", size);
        auto capture = capture_files::open({.paths = {folder / "cut"}});
        ASSERT_TRUE(capture);
        Burst burst;
        std::size_t packets = 0;
        while (!(*capture)->queue(0).exhausted()) {
            (*capture)->queue(0).receive(burst);
            packets += burst.count;
            (*capture)->queue(0).release();
        }
        EXPECT_GE(packets, most);
        most = packets;
    }
    EXPECT_EQ(most, given.size());
}

}  // namespace
}  // namespace tapmeter::saving
