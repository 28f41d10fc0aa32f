#include "src/capture_files/pcapng_interface.h"

#include <gtest/gtest.h>

#include "tests/src/capture_files/capture_builder.h"

namespace tapmeter::capture_files {
namespace {

using testing::File;
using testing::FileWriter;
using testing::PcapngBuilder;

FileWriter body(FileOrder order) {
    return FileWriter(order).put16(113).put16(0xffff).put32(1'500);
}

TEST(PcapngInterface, is_microseconds_without_fcs_where_there_are_no_options) {
    for (const FileOrder order : {FileOrder::ours, FileOrder::swapped}) {
        Interface interface;
        const FileWriter fixed = body(order);
        EXPECT_FALSE(read_interface(order, fixed.file(), interface));
        EXPECT_EQ(interface.link, LinkType::linux_sll);
        EXPECT_EQ(interface.snap_octets, 1'500U);
        EXPECT_EQ(interface.fcs_octets, 0);
        EXPECT_EQ(interface.times.at(3).time_since_epoch(), Nanoseconds{3'000});
    }
}

TEST(PcapngInterface, fcs_lengths_from_8_on_are_bits) {
    for (const auto& [written, octets] :
         {std::pair{0, 0}, {2, 2}, {4, 4}, {7, 7}, {8, 1}, {16, 2}, {32, 4}, {255, 31}}) {
        FileWriter whole = body(FileOrder::ours);
        PcapngBuilder::option(whole, 13, {static_cast<std::byte>(written)});
        Interface interface;
        EXPECT_FALSE(read_interface(FileOrder::ours, whole.file(), interface));
        EXPECT_EQ(interface.fcs_octets, octets);
    }
}

TEST(PcapngInterface, options_must_have_their_length) {
    for (const std::uint16_t code : {std::uint16_t{9}, std::uint16_t{13}, std::uint16_t{14}}) {
        const std::size_t right = code == 14 ? 8 : 1;
        for (const std::size_t octets : {right - 1, right, right + 1}) {
            FileWriter whole = body(FileOrder::ours);
            PcapngBuilder::option(whole, code, File(octets));
            Interface interface;
            const Damage damage = read_interface(FileOrder::ours, whole.file(), interface);
            EXPECT_EQ(damage.kind,
                      octets == right ? Damage::Kind::none : Damage::Kind::interface_option);
        }
    }
}

TEST(PcapngInterface, an_option_cut_by_the_end_of_the_block_is_not_read) {
    FileWriter whole = body(FileOrder::ours);
    whole.put16(9).put16(8).put32(0);
    Interface interface;
    EXPECT_FALSE(read_interface(FileOrder::ours, whole.file(), interface));
    whole = body(FileOrder::ours).put16(9);
    EXPECT_FALSE(read_interface(FileOrder::ours, whole.file(), interface));
    EXPECT_EQ(interface.times.at(3).time_since_epoch(), Nanoseconds{3'000});
}

}  // namespace
}  // namespace tapmeter::capture_files
