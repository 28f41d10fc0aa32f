#include "src/capture_files/format.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "tests/src/capture_files/capture_builder.h"

namespace tapmeter::capture_files {
namespace {

using testing::File;
using ::testing::HasSubstr;
using testing::PcapBuilder;
using testing::PcapngBuilder;

File file_of(std::string_view text) {
    const auto octets = std::as_bytes(std::span{text});
    return {octets.begin(), octets.end()};
}

std::string refusal(const File& file) {
    const auto format = recognise(file);
    return format ? "recognised: " + describe(*format) : format.error().message;
}

TEST(Format, recognises_every_classic_magic_in_both_orders) {
    for (const FileOrder order : {FileOrder::ours, FileOrder::swapped}) {
        for (const std::uint32_t magic : {0xa1b2c3d4U, 0xa1b23c4dU, 0xa1b2cd34U}) {
            const PcapBuilder built(
                {.order = order, .magic = magic, .snap_octets = 96, .network = 113});
            const auto format = recognise(built.file());
            ASSERT_TRUE(format) << format.error().message;
            const auto& classic = std::get<ClassicFormat>(*format);
            EXPECT_EQ(classic.order, order);
            EXPECT_EQ(classic.fraction_ns, magic == 0xa1b23c4dU ? 1U : 1'000U);
            EXPECT_EQ(classic.record_header_octets, magic == 0xa1b2cd34U ? 24 : 16);
            EXPECT_EQ(classic.link, LinkType::linux_sll);
            EXPECT_EQ(classic.snap_octets, 96U);
            EXPECT_FALSE(classic.lengths_may_be_exchanged);
        }
    }
}

TEST(Format, recognises_pcapng_in_both_orders) {
    for (const FileOrder order : {FileOrder::ours, FileOrder::swapped}) {
        const auto format = recognise(PcapngBuilder(order).section().file());
        ASSERT_TRUE(format) << format.error().message;
        EXPECT_EQ(std::get<PcapngFormat>(*format).order, order);
    }
}

TEST(Format, reads_the_fcs_length_only_where_it_is_present) {
    const auto fcs_octets = [](std::uint32_t network) {
        return std::get<ClassicFormat>(*recognise(PcapBuilder({.network = network}).file()))
            .fcs_octets;
    };
    EXPECT_EQ(fcs_octets(0x24000001), 4) << "two units of 16 bits";
    EXPECT_EQ(fcs_octets(0x14000001), 2);
    EXPECT_EQ(fcs_octets(0x20000001), 0) << "the presence bit is not set";
    EXPECT_EQ(fcs_octets(0x00000001), 0);
}

TEST(Format, only_the_low_half_of_the_network_field_is_the_link_type) {
    const auto format = recognise(PcapBuilder({.network = 0x30000001}).file());
    EXPECT_EQ(std::get<ClassicFormat>(*format).link, LinkType::ethernet);
}

TEST(Format, old_versions_may_have_exchanged_lengths) {
    for (std::uint16_t minor = 1; minor <= 5; ++minor) {
        const auto format = recognise(PcapBuilder({.minor = minor}).file());
        EXPECT_EQ(std::get<ClassicFormat>(*format).lengths_may_be_exchanged, minor < 4);
    }
}

TEST(Format, refuses_other_versions) {
    EXPECT_THAT(refusal(PcapBuilder({.major = 1}).file()),
                HasSubstr("offset 4: found pcap version 1.4, only 2.x is known"));
    EXPECT_THAT(refusal(PcapBuilder({.major = 3}).file()), HasSubstr("version 3.4"));
}

TEST(Format, names_the_cure_for_compressed_files) {
    EXPECT_EQ(refusal(file_of("\x1f\x8b\x08\x08 rest")),
              "offset 0: found 1f 8b 08 08, a gzip file, which is not read directly; "
              "zcat FILE | tapmeter read -");
    EXPECT_THAT(refusal(file_of("\x28\xb5\x2f\xfd rest")), HasSubstr("zstdcat FILE |"));
    EXPECT_THAT(refusal(file_of("\xfd\x37zXZ rest")), HasSubstr("xzcat FILE |"));
    EXPECT_THAT(refusal(file_of("BZh91AY")), HasSubstr("bzcat FILE |"));
    EXPECT_THAT(refusal(file_of("\x04\x22\x4d\x18 rest")), HasSubstr("lz4cat FILE |"));
    EXPECT_THAT(refusal(file_of("PK\x03\x04 rest")), HasSubstr("unzip -p FILE |"));
    EXPECT_THAT(refusal(file_of("snoop\0\0\0 rest")), HasSubstr("editcap FILE new.pcapng"));
}

TEST(Format, says_what_was_found_and_what_would_be_right) {
    EXPECT_THAT(refusal(file_of("\x7f\x45LF rest")),
                HasSubstr("offset 0: found 7f 45 4c 46, but a pcap file begins with a1 b2 c3 d4"));
    EXPECT_THAT(refusal({}), HasSubstr("is empty"));
    EXPECT_THAT(refusal(file_of("\xd4")), HasSubstr("found d4, but"));
    EXPECT_THAT(refusal(file_of("\xd4\xc3\xb2")), HasSubstr("found d4 c3 b2, but"));
}

TEST(Format, refuses_a_header_that_is_one_octet_short) {
    const File classic = PcapBuilder().file();
    EXPECT_THAT(refusal({classic.begin(), classic.end() - 1}),
                HasSubstr("found 23 octets, but a pcap file begins with a header of 24"));
    const File section = PcapngBuilder().section().file();
    EXPECT_THAT(refusal({section.begin(), section.end() - 1}),
                HasSubstr("found 27 octets, but a pcapng file begins with a header of 28"));
}

TEST(Format, refuses_a_section_header_without_byte_order_magic) {
    File file = PcapngBuilder().section().file();
    file[8] = std::byte{0xff};
    EXPECT_THAT(refusal(file), HasSubstr("offset 8: found byte-order magic ff "));
}

TEST(Format, describes_itself) {
    EXPECT_EQ(
        describe(*recognise(PcapBuilder({.magic = 0xa1b23c4d, .network = 0x24000001}).file())),
        "pcap, little-endian, nanoseconds, link type 1, snap length 65535, FCS of 4 octets");
    EXPECT_EQ(describe(*recognise(PcapngBuilder(FileOrder::swapped).section().file())),
              "pcapng, big-endian");
}

}  // namespace
}  // namespace tapmeter::capture_files
