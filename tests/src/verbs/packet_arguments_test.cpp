#include "src/verbs/packet_arguments.h"

#include <gtest/gtest.h>

#include "src/config/load.h"

namespace tapmeter::verbs {
namespace {

using Words = std::vector<std::string>;

TEST(PacketOptions, become_keys_of_the_configuration) {
    EXPECT_EQ(PacketOptions{}.sets(), Words{});
    PacketOptions options;
    options.write = "/tmp/x-%H.pcapng";
    options.file_millions = 3;
    options.files = 4;
    options.rotate = 60;
    options.snap_octets = 96;
    LoadRequest request;
    request.sets = options.sets();
    const auto loaded = load_config(request);
    ASSERT_TRUE(loaded);
    const Config::Write& write = loaded->config.write;
    EXPECT_EQ(write.file, "/tmp/x-%H.pcapng");
    EXPECT_EQ(write.file_octets, 3'000'000U);
    EXPECT_EQ(write.files, 4U);
    EXPECT_EQ(write.rotate, std::chrono::seconds(60));
    EXPECT_EQ(write.snap_octets, 96U);

    options.snap_octets = 0;  // tcpdump's word for all octets
    request.sets = options.sets();
    EXPECT_EQ(load_config(request)->config.write.snap_octets, 0U);
}

TEST(PacketOptions, filter_of_several_words_is_one_expression) {
    PacketOptions options;
    EXPECT_EQ(options.filter(), "");
    options.filter_words = {"tcp", "port 443"};
    EXPECT_EQ(options.filter(), "tcp port 443");
}

TEST(PacketOptions, a_wrong_filter_is_told_before_anything_starts) {
    Draft draft;
    EXPECT_EQ(packet_options_fault(draft, "run"), std::nullopt);
    draft.run.packets.filter_words = {"udp", "prot", "53"};
    EXPECT_NE(packet_options_fault(draft, "run")->find("\"udp prot 53\" must be"),
              std::string::npos);
    EXPECT_EQ(packet_options_fault(draft, "read"), std::nullopt);
    EXPECT_EQ(packet_options_fault(draft, "check"), std::nullopt);
    draft.read.files = {"-", "ip proto"};
    EXPECT_NE(packet_options_fault(draft, "read"), std::nullopt);
}

}  // namespace
}  // namespace tapmeter::verbs
