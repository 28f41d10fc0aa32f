#include "src/capture_files/classic.h"

#include <gtest/gtest.h>

#include <tuple>

#include "tests/src/capture_files/capture_builder.h"
#include "tests/src/capture_files/seen.h"

namespace tapmeter::capture_files {
namespace {

using testing::File;
using testing::frame_of;
using testing::PcapBuilder;
using testing::read_all;
using testing::Seen;

struct Variant {
    const char* name;
    FileOrder order;
    std::uint32_t magic;
    std::int64_t fraction_ns;
};

class ClassicVariant : public ::testing::TestWithParam<Variant> {
protected:
    static PcapBuilder builder() {
        return PcapBuilder({.order = GetParam().order, .magic = GetParam().magic});
    }
};

TEST_P(ClassicVariant, gives_every_packet_its_octets_time_and_length) {
    const auto file = builder()
                          .packet(1'700'000'000, 999'999, frame_of(60, 1))
                          .record({0, 0, 96, 1'514}, frame_of(96, 2))
                          .packet(0xffffffff, 0xffffffff, frame_of(0))
                          .file();
    const auto reading = read_all(file);

    EXPECT_EQ(reading.last, Turn::end);
    const std::int64_t fraction = GetParam().fraction_ns;
    const std::vector<Seen> expected{
        {frame_of(60, 1), 1'700'000'000'000'000'000 + 999'999 * fraction, 60, LinkType::ethernet},
        {frame_of(96, 2), 0, 1'514, LinkType::ethernet},
        {frame_of(0), 0xffffffffLL * 1'000'000'000 + 0xffffffffLL * fraction, 0,
         LinkType::ethernet}};
    EXPECT_EQ(reading.packets, expected);
}

TEST_P(ClassicVariant, cut_at_any_octet_gives_the_packets_before) {
    const File header = builder().file();
    const File first = builder().packet(1, 2, frame_of(60, 1)).file();
    const File file = builder().packet(1, 2, frame_of(60, 1)).packet(3, 4, frame_of(7, 2)).file();
    for (std::size_t octets = header.size(); octets < file.size(); ++octets) {
        const auto reading = read_all({file.begin(), file.begin() + static_cast<long>(octets)});
        const bool between = octets == header.size() || octets == first.size();
        EXPECT_EQ(reading.last, between ? Turn::end : Turn::damaged) << octets;
        EXPECT_EQ(reading.packets.size(), octets < first.size() ? 0U : 1U) << octets;
        if (!between) {
            const std::size_t start = octets < first.size() ? header.size() : first.size();
            EXPECT_EQ(reading.damage.kind, Damage::Kind::cut) << octets;
            EXPECT_EQ(reading.damage.offset, start) << octets;
            EXPECT_EQ(reading.damage.found, octets - start) << octets;
        }
    }
}

INSTANTIATE_TEST_SUITE_P(
    , ClassicVariant,
    ::testing::Values(Variant{"microseconds", FileOrder::ours, 0xa1b2c3d4, 1'000},
                      Variant{"microseconds_swapped", FileOrder::swapped, 0xa1b2c3d4, 1'000},
                      Variant{"nanoseconds", FileOrder::ours, 0xa1b23c4d, 1},
                      Variant{"nanoseconds_swapped", FileOrder::swapped, 0xa1b23c4d, 1},
                      Variant{"modified", FileOrder::ours, 0xa1b2cd34, 1'000},
                      Variant{"modified_swapped", FileOrder::swapped, 0xa1b2cd34, 1'000}),
    [](const auto& test) { return std::string(test.param.name); });

TEST(Classic, a_packet_is_as_long_on_the_wire_as_what_was_captured_of_it) {
    const auto reading = read_all(PcapBuilder().record({0, 0, 60, 59}, frame_of(60)).file());
    ASSERT_EQ(reading.packets.size(), 1U);
    EXPECT_EQ(reading.packets[0].wire_octets, 60U);
    EXPECT_EQ(reading.packets[0].frame.size(), 60U);
}

TEST(Classic, exchanged_lengths_of_old_versions_are_put_right) {
    for (const std::uint16_t minor : {std::uint16_t{3}, std::uint16_t{4}}) {
        const auto reading =
            read_all(PcapBuilder({.minor = minor}).record({0, 0, 100, 60}, frame_of(60)).file());
        ASSERT_EQ(reading.packets.size(), minor == 3 ? 1U : 0U);
        if (minor == 3) {
            EXPECT_EQ(reading.packets[0].wire_octets, 100U);
            EXPECT_EQ(reading.packets[0].frame.size(), 60U);
        }
    }
}

TEST(Classic, captured_octets_end_at_their_limit) {
    for (const std::uint32_t captured :
         {captured_octets_max, captured_octets_max + 1, 0x80000000U, 0xffffffffU}) {
        const auto file = PcapBuilder()
                              .packet(1, 0, frame_of(60))
                              .record({2, 0, captured, captured}, frame_of(captured_octets_max))
                              .file();
        const auto reading = read_all(file);
        const bool possible = captured == captured_octets_max;
        EXPECT_EQ(reading.packets.size(), possible ? 2U : 1U);
        EXPECT_EQ(reading.last, possible ? Turn::end : Turn::damaged);
        if (!possible) {
            EXPECT_EQ(describe(reading.damage), "offset 100: packet record claims " +
                                                    std::to_string(captured) +
                                                    " octets, at most 262144 are possible");
        }
    }
}

TEST(Classic, the_snap_length_of_the_header_is_no_limit) {
    const auto file = PcapBuilder({.snap_octets = 64}).packet(1, 0, frame_of(1'514)).file();
    const auto reading = read_all(file);
    ASSERT_EQ(reading.packets.size(), 1U);
    EXPECT_EQ(reading.packets[0].frame, frame_of(1'514));
}

TEST(Classic, the_frame_check_sequence_is_cut_off) {
    const auto file = PcapBuilder({.network = 0x24000001})  // 4 octets
                          .packet(0, 0, frame_of(64))
                          .record({0, 0, 62, 64}, frame_of(62))
                          .record({0, 0, 60, 64}, frame_of(60))
                          .record({0, 0, 50, 64}, frame_of(50))
                          .packet(0, 0, frame_of(4))
                          .packet(0, 0, frame_of(3))
                          .file();
    const auto reading = read_all(file);
    const auto lengths = [&reading](std::size_t i) {
        return std::pair{reading.packets.at(i).frame.size(), reading.packets.at(i).wire_octets};
    };
    ASSERT_EQ(reading.packets.size(), 6U);
    EXPECT_EQ(lengths(0), std::pair(std::size_t{60}, 60U));
    EXPECT_EQ(lengths(1), std::pair(std::size_t{60}, 60U)) << "two octets of it were captured";
    EXPECT_EQ(lengths(2), std::pair(std::size_t{60}, 60U)) << "none of it was captured";
    EXPECT_EQ(lengths(3), std::pair(std::size_t{50}, 60U));
    EXPECT_EQ(lengths(4), std::pair(std::size_t{0}, 0U));
    EXPECT_EQ(lengths(5), std::pair(std::size_t{3}, 3U)) << "too short to have one";
}

TEST(Classic, bursts_are_filled_to_the_brim) {
    for (const std::size_t packets : {63U, 64U, 65U, 128U, 129U}) {
        PcapBuilder builder;
        for (unsigned i = 0; i < packets; ++i) {
            builder.packet(i, 0, frame_of(i % 90, i));
        }
        ClassicReader reader;
        reader.start(std::get<ClassicFormat>(*recognise(builder.file())), 7);
        Burst burst;
        const Bytes records = Bytes{builder.file()}.subspan(classic_header_octets);
        const Parsed parsed = reader.read(records, burst);
        EXPECT_EQ(burst.count, std::min<std::size_t>(packets, 64));
        EXPECT_EQ(parsed.consumed == records.size(), packets <= 64);
        EXPECT_EQ(parsed.wanted == 0, packets >= 64) << packets;
        EXPECT_EQ(burst.packets[0].observation_point, 7);
        EXPECT_EQ(read_all(builder.file()).packets.size(), packets);
    }
}

}  // namespace
}  // namespace tapmeter::capture_files
