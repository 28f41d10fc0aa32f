#include "src/capture_files/parsed.h"

#include <gtest/gtest.h>

#include <array>
#include <cerrno>

namespace tapmeter::capture_files {
namespace {

TEST(Damage, is_none_until_something_is_found) {
    EXPECT_FALSE(Damage{});
    EXPECT_TRUE(Damage{.kind = Damage::Kind::cut});
}

TEST(Damage, says_what_was_found_where_and_what_would_be_right) {
    EXPECT_EQ(describe({.kind = Damage::Kind::captured_too_long,
                        .offset = 1'234,
                        .found = 4'294'967'295,
                        .wanted = captured_octets_max}),
              "offset 1234: packet record claims 4294967295 octets, at most 262144 are possible");
    EXPECT_EQ(describe({.kind = Damage::Kind::cut, .offset = 40, .found = 20, .wanted = 76}),
              "offset 40: the file ends inside a record: 20 of 76 octets are there (a capture "
              "program that was killed leaves this)");
    EXPECT_EQ(describe({.kind = Damage::Kind::read_failed, .offset = 5, .found = EIO}),
              "offset 5: cannot be read on: Input/output error");
}

TEST(CutFcs, takes_octets_off_the_wire_length_and_only_then_off_the_frame) {
    struct Case {
        std::size_t captured;
        std::uint32_t wire, fcs;
        std::size_t captured_left;
        std::uint32_t wire_left;
    };
    const std::array<std::byte, 64> octets{};
    for (const Case& c : {Case{64, 64, 0, 64, 64}, Case{64, 64, 4, 60, 60}, Case{61, 64, 4, 60, 60},
                          Case{60, 64, 4, 60, 60}, Case{59, 64, 4, 59, 60}, Case{0, 64, 4, 0, 60},
                          Case{4, 4, 4, 0, 0}, Case{3, 3, 4, 3, 3}}) {
        Packet packet{.frame = Bytes{octets}.first(c.captured), .wire_octets = c.wire};
        cut_fcs(packet, c.fcs);
        EXPECT_EQ(packet.frame.size(), c.captured_left) << c.captured << " of " << c.wire;
        EXPECT_EQ(packet.wire_octets, c.wire_left) << c.captured << " of " << c.wire;
    }
}

}  // namespace
}  // namespace tapmeter::capture_files
