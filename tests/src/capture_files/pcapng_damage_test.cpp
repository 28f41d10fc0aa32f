#include <gtest/gtest.h>

#include <string>

#include "src/capture_files/pcapng.h"
#include "tests/src/capture_files/capture_builder.h"
#include "tests/src/capture_files/seen.h"

namespace tapmeter::capture_files {
namespace {

using testing::File;
using testing::FileWriter;
using testing::frame_of;
using testing::PcapngBuilder;
using testing::read_all;

PcapngBuilder start() {
    PcapngBuilder builder;
    builder.section().interface(1).whole(0, 1, frame_of(60));
    return builder;
}

// Each ends the reading after the packet of start(), with these words.
struct Case {
    const char* name;
    File file;
    std::string words;
};

class PcapngDamage : public ::testing::TestWithParam<Case> {};

TEST_P(PcapngDamage, is_named_and_the_packets_before_it_are_delivered) {
    const std::string at = "offset " + std::to_string(start().file().size()) + ": ";
    for (const std::size_t step : {std::size_t{1}, std::size_t{4'096}, std::size_t{1} << 22U}) {
        const auto reading = read_all(GetParam().file, step);
        EXPECT_EQ(reading.packets.size(), 1U);
        EXPECT_EQ(reading.last, Turn::damaged);
        EXPECT_EQ(describe(reading.damage), at + GetParam().words);
    }
}

FileWriter option(std::uint16_t code, std::size_t octets) {
    FileWriter options(FileOrder::ours);
    return PcapngBuilder::option(options, code, frame_of(octets));
}

File wrong_byte_order_magic() {
    return start().block(0x0a0d0d0a, FileWriter(FileOrder::ours).put32(1).put64(0).put32(0)).file();
}

INSTANTIATE_TEST_SUITE_P(
    , PcapngDamage,
    ::testing::Values(
        Case{"total_length_0", start().raw_block({6, 0, 0}, {}).file(),
             "block claims 0 octets in all, must be a multiple of 4 and at least 32"},
        Case{"total_length_below_its_type", start().raw_block({6, 28, 28}, frame_of(16)).file(),
             "block claims 28 octets in all, must be a multiple of 4 and at least 32"},
        Case{"total_length_of_unknown_block", start().raw_block({77, 8, 8}, {}).file(),
             "block claims 8 octets in all, must be a multiple of 4 and at least 12"},
        Case{"total_length_not_in_words", start().raw_block({77, 14, 14}, frame_of(2)).file(),
             "block claims 14 octets in all, must be a multiple of 4 and at least 12"},
        Case{"trailing_length", start().raw_block({3, 20, 24}, frame_of(8)).file(),
             "block of 20 octets ends with the length 24, both must be the same"},
        Case{"section_shorter_than_its_header",
             start()
                 .raw_block({0x0a0d0d0a, 24, 24},
                            {std::byte{0x4d}, std::byte{0x3c}, std::byte{0x2b}, std::byte{0x1a}})
                 .file(),
             "block claims 24 octets in all, must be a multiple of 4 and at least 28"},
        Case{"byte_order_magic", wrong_byte_order_magic(),
             "section header has byte-order magic 01000000, must be 1a2b3c4d or 4d3c2b1a"},
        Case{"section_version", start().section(FileOrder::ours, 2).file(),
             "section has major version 2, only 1 is known"},
        Case{"unknown_interface", start().whole(1, 1, frame_of(60)).file(),
             "packet of interface 1, but the section has described 1 interfaces so far"},
        Case{"captured_beyond_the_limit",
             start().enhanced({0, 1, captured_octets_max + 1, 0}, frame_of(60)).file(),
             "packet record claims 262145 octets, at most 262144 are possible"},
        Case{"captured_4_gib", start().enhanced({0, 1, 0xffffffff, 0}, frame_of(60)).file(),
             "packet record claims 4294967295 octets, at most 262144 are possible"},
        Case{"captured_beyond_the_block", start().enhanced({0, 1, 61, 61}, frame_of(60)).file(),
             "packet claims 61 octets, its block has room for 60"},
        Case{"simple_packet_beyond_the_block", start().simple(61, frame_of(60)).file(),
             "packet claims 61 octets, its block has room for 60"},
        Case{"simple_packet_beyond_the_limit", start().simple(0xffffffff, frame_of(60)).file(),
             "packet record claims 4294967295 octets, at most 262144 are possible"},
        Case{"time_resolution_of_2_octets", start().interface_with(1, 0, option(9, 2)).file(),
             "time or FCS option of an interface has 2 octets, must have 1"},
        Case{"time_offset_of_4_octets", start().interface_with(1, 0, option(14, 4)).file(),
             "time or FCS option of an interface has 4 octets, must have 8"},
        Case{"fcs_length_of_0_octets", start().interface_with(1, 0, option(13, 0)).file(),
             "time or FCS option of an interface has 0 octets, must have 1"}),
    [](const auto& test) { return std::string(test.param.name); });

TEST(Pcapng, a_skipped_block_must_end_with_its_length_too) {
    const File file = start().raw_block({77, 28, 24}, frame_of(16)).file();
    const auto reading = read_all(file);
    EXPECT_EQ(describe(reading.damage),
              "offset " + std::to_string(file.size() - 4) +
                  ": block of 28 octets ends with the length 24, both must be the same");
}

TEST(Pcapng, a_skipped_block_longer_than_the_file_is_a_cut) {
    const auto reading = read_all(start().raw_block({77, 0xfffffffc, 0}, frame_of(100)).file());
    EXPECT_EQ(reading.damage.kind, Damage::Kind::cut);
    EXPECT_EQ(reading.packets.size(), 1U);
}

TEST(Pcapng, a_simple_packet_needs_an_interface) {
    const auto reading = read_all(PcapngBuilder().section().simple(60, frame_of(60)).file());
    EXPECT_EQ(reading.damage.kind, Damage::Kind::unknown_interface);
}

}  // namespace
}  // namespace tapmeter::capture_files
