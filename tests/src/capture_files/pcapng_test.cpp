#include "src/capture_files/pcapng.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/src/capture_files/capture_builder.h"
#include "tests/src/capture_files/seen.h"

namespace tapmeter::capture_files {
namespace {

using testing::File;
using testing::FileWriter;
using testing::frame_of;
using testing::PcapngBuilder;
using testing::read_all;
using testing::Seen;

constexpr std::int64_t us = 1'000;

class PcapngOrder : public ::testing::TestWithParam<FileOrder> {};

TEST_P(PcapngOrder, reads_every_kind_of_packet_block) {
    const auto file = PcapngBuilder(GetParam())
                          .section()
                          .interface(1, 96)
                          .whole(0, 0x0001'0000'0002, frame_of(61, 1))
                          .obsolete({0, 7, 33, 1'500}, frame_of(33, 2))
                          .simple(60, frame_of(60, 3))
                          .simple(1'514, frame_of(96, 4))
                          .file();
    const auto reading = read_all(file);
    EXPECT_EQ(reading.last, Turn::end);
    const std::vector<Seen> expected{
        {frame_of(61, 1), 0x0001'0000'0002 * us, 61, LinkType::ethernet},
        {frame_of(33, 2), 7 * us, 1'500, LinkType::ethernet},
        {frame_of(60, 3), 7 * us, 60, LinkType::ethernet},      // the time of the one before it
        {frame_of(96, 4), 7 * us, 1'514, LinkType::ethernet}};  // cut at the snap length
    EXPECT_EQ(reading.packets, expected);
}

TEST_P(PcapngOrder, interfaces_have_their_own_link_type_clock_and_snap_length) {
    PcapngBuilder builder(GetParam());
    FileWriter nanoseconds = builder.body();
    FileWriter offset = builder.body();
    PcapngBuilder::option(nanoseconds, 2, frame_of(5));  // if_name, padded by 3
    PcapngBuilder::option(nanoseconds, 9, {std::byte{9}});
    PcapngBuilder::option(offset, 9, {std::byte{0x80 + 10}});
    PcapngBuilder::option(offset, 14, builder.body().put64(100).file());
    PcapngBuilder::option(offset, 0, {});
    PcapngBuilder::option(offset, 9, {std::byte{3}});  // behind the end of options
    const auto file = builder.section()
                          .interface(1)
                          .interface_with(101, 64, nanoseconds)
                          .interface_with(113, 0, offset)
                          .interface(105)
                          .whole(2, 512, frame_of(20, 1))
                          .whole(1, 512, frame_of(30, 2))
                          .whole(0, 512, frame_of(40, 3))
                          .whole(3, 512, frame_of(50, 4))
                          .file();
    const auto reading = read_all(file);
    EXPECT_EQ(reading.last, Turn::end);
    const std::vector<Seen> expected{{frame_of(20, 1), 100'500'000'000, 20, LinkType::linux_sll},
                                     {frame_of(30, 2), 512, 30, LinkType::raw_ip},
                                     {frame_of(40, 3), 512 * us, 40, LinkType::ethernet},
                                     {frame_of(50, 4), 512 * us, 50, LinkType::unknown}};
    EXPECT_EQ(reading.packets, expected);
}

TEST_P(PcapngOrder, cut_at_any_octet_gives_the_packets_before) {
    const auto build = [](int blocks) {
        PcapngBuilder builder(GetParam());
        builder.section();
        if (blocks > 0) {
            builder.interface(1);
        }
        if (blocks > 1) {
            builder.whole(0, 1, frame_of(61, 1));
        }
        if (blocks > 2) {
            builder.foreign(5, 24);
        }
        if (blocks > 3) {
            builder.obsolete({0, 2, 10, 10}, frame_of(10));
        }
        if (blocks > 4) {
            builder.simple(5, frame_of(5));
        }
        return builder.file();
    };
    const File file = build(5);
    std::vector<std::size_t> ends;
    for (int blocks = 0; blocks < 5; ++blocks) {
        ends.push_back(build(blocks).size());
    }
    for (std::size_t octets = ends[0]; octets < file.size(); ++octets) {
        const auto reading = read_all({file.begin(), file.begin() + static_cast<long>(octets)});
        const bool between = std::ranges::find(ends, octets) != ends.end();
        EXPECT_EQ(reading.last, between ? Turn::end : Turn::damaged) << octets;
        EXPECT_EQ(reading.packets.size(), octets < ends[2] ? 0U : (octets < ends[4] ? 1U : 2U))
            << octets;
        if (!between) {
            EXPECT_EQ(reading.damage.kind, Damage::Kind::cut) << octets;
        }
    }
    EXPECT_EQ(read_all(file).packets.size(), 3U);
}

INSTANTIATE_TEST_SUITE_P(, PcapngOrder, ::testing::Values(FileOrder::ours, FileOrder::swapped),
                         [](const auto& test) {
                             return test.param == FileOrder::ours ? "ours" : "swapped";
                         });

TEST(Pcapng, sections_of_both_orders_follow_each_other_and_forget_interfaces) {
    const auto file = PcapngBuilder()
                          .section(FileOrder::ours)
                          .interface(1)
                          .whole(0, 1, frame_of(60, 1))
                          .section(FileOrder::swapped)
                          .interface(101)
                          .whole(0, 2, frame_of(60, 2))
                          .section(FileOrder::ours)
                          .whole(0, 3, frame_of(60, 3))
                          .file();
    const auto reading = read_all(file);
    ASSERT_EQ(reading.packets.size(), 2U);
    EXPECT_EQ(reading.packets[0].link, LinkType::ethernet);
    EXPECT_EQ(reading.packets[1].link, LinkType::raw_ip);
    EXPECT_EQ(reading.last, Turn::damaged);
    EXPECT_EQ(reading.damage.kind, Damage::Kind::unknown_interface);
    EXPECT_NE(describe(reading.damage)
                  .find("packet of interface 0, but the section has described 0 interfaces"),
              std::string::npos);
}

TEST(Pcapng, blocks_of_other_types_are_skipped_whatever_their_size) {
    const auto file = PcapngBuilder()
                          .section()
                          .foreign(4, 0)
                          .foreign(5, 60)
                          .interface(1)
                          .foreign(0x0bad, 2 * block_head_octets_max)
                          .whole(0, 1, frame_of(60))
                          .foreign(0xffffffff, 4)
                          .file();
    for (const std::size_t step : {std::size_t{7}, std::size_t{4'096}, std::size_t{1} << 22U}) {
        const auto reading = read_all(file, step);
        EXPECT_EQ(reading.last, Turn::end);
        EXPECT_EQ(reading.packets.size(), 1U);
    }
}

TEST(Pcapng, options_larger_than_what_is_looked_at_are_skipped) {
    PcapngBuilder builder;
    FileWriter options = builder.body();
    PcapngBuilder::option(options, 9, {std::byte{9}});
    for (int i = 0; i < 10; ++i) {
        PcapngBuilder::option(options, 1, frame_of(65'000));
    }
    const auto file = builder.section()
                          .interface_with(1, 0, options)
                          .enhanced({0, 5, 60, 60}, frame_of(60), options)
                          .whole(0, 6, frame_of(60))
                          .file();
    ASSERT_GT(options.size(), block_head_octets_max);
    const auto reading = read_all(file);
    EXPECT_EQ(reading.last, Turn::end);
    ASSERT_EQ(reading.packets.size(), 2U);
    EXPECT_EQ(reading.packets[0].ns, 5) << "the resolution stands before the large options";
}

TEST(Pcapng, the_frame_check_sequence_is_cut_off) {
    PcapngBuilder builder;
    const auto with_option = [&builder](std::uint16_t code, const File& value) {
        FileWriter options = builder.body();
        return PcapngBuilder::option(options, code, value);
    };
    const auto flags = [&](std::uint32_t fcs_octets) {
        return with_option(2, builder.body().put32(fcs_octets << 5U).file());
    };
    const auto file = builder.section()
                          .interface_with(1, 0, with_option(13, {std::byte{32}}))  // bits
                          .interface_with(1, 0, with_option(13, {std::byte{2}}))   // octets
                          .whole(0, 0, frame_of(64))
                          .whole(1, 0, frame_of(64))
                          .enhanced({1, 0, 64, 64}, frame_of(64), flags(4))
                          .enhanced({1, 0, 64, 64}, frame_of(64), flags(0))
                          .simple(64, frame_of(64))
                          .file();
    const auto reading = read_all(file);
    std::vector<std::uint32_t> wire;
    for (const Seen& packet : reading.packets) {
        wire.push_back(packet.wire_octets);
        EXPECT_EQ(packet.frame.size(), packet.wire_octets);
    }
    EXPECT_EQ(wire, (std::vector<std::uint32_t>{60, 62, 60, 62, 60}));
}

TEST(Pcapng, options_that_run_past_their_block_are_not_read) {
    PcapngBuilder builder;
    const auto bad = builder.body().put16(2).put16(400).put32(4U << 5U);
    const auto file =
        builder.section().interface(1).enhanced({0, 1, 64, 64}, frame_of(64), bad).file();
    const auto reading = read_all(file);
    EXPECT_EQ(reading.last, Turn::end);
    ASSERT_EQ(reading.packets.size(), 1U);
    EXPECT_EQ(reading.packets[0].wire_octets, 64U);
}

TEST(Pcapng, interfaces_end_at_their_limit) {
    for (const std::size_t count : {interfaces_max, interfaces_max + 1}) {
        PcapngBuilder builder;
        builder.section();
        for (std::size_t i = 0; i < count; ++i) {
            builder.interface(1);
        }
        builder.whole(interfaces_max - 1, 1, frame_of(60));
        const auto reading = read_all(builder.file());
        EXPECT_EQ(reading.packets.size(), count == interfaces_max ? 1U : 0U);
        EXPECT_EQ(reading.damage.kind,
                  count == interfaces_max ? Damage::Kind::none : Damage::Kind::too_many_interfaces);
    }
}

TEST(Pcapng, lengths_are_those_of_the_wire_or_of_what_was_captured) {
    const auto file = PcapngBuilder()
                          .section()
                          .interface(1)
                          .enhanced({0, 1, 60, 1'514}, frame_of(60))
                          .enhanced({0, 1, 60, 59}, frame_of(60))
                          .file();
    const auto reading = read_all(file);
    ASSERT_EQ(reading.packets.size(), 2U);
    EXPECT_EQ(reading.packets[0].wire_octets, 1'514U);
    EXPECT_EQ(reading.packets[1].wire_octets, 60U);
}

}  // namespace
}  // namespace tapmeter::capture_files
