#include "src/exporting/protocol.h"

#include <gtest/gtest.h>

#include <array>

namespace tapmeter::exporting {
namespace {

TEST(Protocol, a_header_that_was_stored_is_read_again) {
    for (const Protocol* protocol : {&ipfix_protocol, &netflow9_protocol, &netflow5_protocol}) {
        std::array<std::byte, header_octets_max> octets{};
        MessageHeader header{1'763'633'800, 0xFFFF'FFFE, ObservationDomainId{7}, 0, 0};
        header.uptime_origin = protocol->tells_uptime ? 1'763'000'000 : 0;
        const auto message = std::span{octets}.first(protocol->header_octets);
        protocol->store(message, header);
        const MessageHeader again = protocol->read(message);
        EXPECT_EQ(again.export_time, header.export_time);
        EXPECT_EQ(again.sequence, header.sequence);
        EXPECT_EQ(again.domain, header.domain);
        EXPECT_EQ(again.uptime_origin, header.uptime_origin);
    }
}

TEST(Protocol, an_uptime_has_32_bits_of_milliseconds) {
    EXPECT_TRUE(is_told_by_uptime(100, 100));
    EXPECT_FALSE(is_told_by_uptime(99, 100));
    EXPECT_TRUE(is_told_by_uptime(4'294'966, 0));
    EXPECT_FALSE(is_told_by_uptime(4'294'967, 0)) << "the last second is not whole";
}

}  // namespace
}  // namespace tapmeter::exporting
