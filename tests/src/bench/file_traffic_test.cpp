#include "src/bench/file_traffic.h"

#include <gtest/gtest.h>

#include <array>

#include "src/generator/conversation.h"
#include "src/metrics/totals.h"
#include "tests/src/bench/in_memory_worker.h"
#include "tests/src/capture_files/capture_builder.h"
#include "tests/src/capture_files/temporary_file.h"

namespace tapmeter::bench {
namespace {

using capture_files::testing::TemporaryFile;
using Kind = TrafficRequest::Kind;

Result<Traffic> read(const std::filesystem::path& path, std::uint64_t packets_min) {
    return make_traffic(
        {.kind = Kind::file, .file = path, .packets_min = packets_min, .worker = 0});
}

// TCP and UDP, IPv4 and IPv6.
struct Recording {
    capture_files::testing::File file;
    std::uint64_t packets = 0;
    std::uint64_t octets = 0;
};
Recording recorded(std::uint64_t conversations) {
    Recording recording;
    capture_files::testing::PcapBuilder builder;
    for (std::uint64_t number = 0; number < conversations; ++number) {
        generator::Conversation conversation(number);
        while (!conversation.finished()) {
            std::array<std::byte, generator::frame_octets_max> octets{};
            const std::size_t size = conversation.next(octets);
            builder.packet(1, 0,
                           {octets.begin(), octets.begin() + static_cast<std::ptrdiff_t>(size)});
            ++recording.packets;
            recording.octets += size;
        }
    }
    recording.file = builder.file();
    return recording;
}

TEST(FileTraffic, each_copy_and_each_pass_makes_flows_of_its_own) {
    constexpr std::uint64_t conversations = 40;
    const auto recording = recorded(conversations);
    const TemporaryFile file(recording.file);
    auto traffic = read(file.path(), 2 * recording.packets);
    ASSERT_TRUE(traffic) << traffic.error().message;
    EXPECT_EQ(traffic->packets(), 2 * recording.packets);

    MemorySource source(*traffic, {.packets_max = 4 * recording.packets});
    testing::InMemoryWorker worker(source, 65'536);
    while (!worker.worker().exhausted()) {
        worker.worker().step();
        worker.empty_ring();
    }
    const WorkerBooks books = worker.worker().books();
    EXPECT_EQ(books.flows_created, 4 * conversations);
    EXPECT_EQ(books.received_octets, 4 * recording.octets);
    EXPECT_EQ(metrics::sum(books.undecoded), 0U);
}

TEST(FileTraffic, refuses_what_holds_no_packet_or_is_no_capture) {
    const TemporaryFile none(capture_files::testing::PcapBuilder().file());
    const auto empty = read(none.path(), 1);
    ASSERT_FALSE(empty);
    EXPECT_NE(empty.error().message.find("holds no packet"), std::string::npos);

    const TemporaryFile text(capture_files::testing::frame_of(100));
    EXPECT_FALSE(read(text.path(), 1));
    EXPECT_FALSE(read("/nowhere/at/all.pcap", 1));
}

}  // namespace
}  // namespace tapmeter::bench
