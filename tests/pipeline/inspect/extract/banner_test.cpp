#include "pipeline/inspect/extract/banner.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/support/messages.h"

namespace tapmeter::inspect::extract {
namespace {

using testing::Conversation;
using testing::Octets;

TEST(Ssh, both_sides_say_who_they_are) {
    for (const std::size_t octets : {1U, 6U, 65'535U}) {
        Conversation conversation{{.source = 50'000, .destination = 22}};
        conversation.send(1, Octets{"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\nrest"}, octets);
        conversation.send(0, Octets{"SSH-1.99-PuTTY\n"}, octets);
        EXPECT_EQ(conversation.shown(Buffer::ssh_proto), "2.0|1.99");
        EXPECT_EQ(conversation.shown(Buffer::ssh_software), "OpenSSH_9.2p1|PuTTY");
        const auto& ssh = conversation.metadata().ssh;
        EXPECT_EQ(conversation.kept(ssh.client_software), "PuTTY");
        EXPECT_EQ(conversation.kept(ssh.server_software), "OpenSSH_9.2p1");
    }
}

TEST(Ssh, a_banner_without_end_is_cut) {
    Conversation conversation{{.source = 50'000, .destination = 22}};
    conversation.send(1, Octets{"SSH-2.0-" + std::string(2'000, 'x')}, 100);
    EXPECT_TRUE(conversation.metadata().ssh.server_software.cut());
    EXPECT_EQ(conversation.metadata().ssh.server_software.length(), text_max::banner);
}

TEST(Ssh, lines_before_it_are_bounded) {
    Conversation conversation{{.source = 50'000, .destination = 22}};
    conversation.extractor().set_protocol(conversation.flow(), Protocol::ssh);
    for (int line = 0; line < 32; ++line) {
        conversation.send(1, Octets{"welcome\r\n"});
    }
    EXPECT_EQ(conversation.count(ReadEvent::ssh_no_banner), 1U);
}

TEST(Greeting, ftp_and_smtp_are_told_apart) {
    const auto protocol_of = [](std::string_view line, std::uint16_t port) {
        Conversation conversation{{.source = 50'000, .destination = port}};
        conversation.send(1, Octets{line}, 4);
        return conversation.flow().protocol;
    };
    EXPECT_EQ(protocol_of("220 ready\r\n", 21), Protocol::ftp);
    EXPECT_EQ(protocol_of("220-ready\r\n", 25), Protocol::smtp);
    EXPECT_EQ(protocol_of("220 x ESMTP\r\n", 9'999), Protocol::smtp);
    EXPECT_EQ(protocol_of("220 (vsFTPd)\r\n", 9'999), Protocol::ftp);
    EXPECT_EQ(protocol_of("220 x\r\n", 9'999), Protocol::unknown);
    EXPECT_EQ(protocol_of("2200 x\r\n", 21), Protocol::unknown);
}

}  // namespace
}  // namespace tapmeter::inspect::extract
