#include "pipeline/inspect/extract/smb.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/support/messages.h"

namespace tapmeter::inspect::extract {
namespace {

using testing::Conversation;
using testing::Octets;

constexpr Ports ports{.source = 50'000, .destination = 445};

Octets framed(const Octets& message) {
    return Octets{}.put32(static_cast<unsigned>(message.size())).put(message);
}

Octets little16(unsigned value) {
    return Octets{}.put8(value & 0xffU).put8(value >> 8U & 0xffU);
}

Octets smb2_head(unsigned command, bool from_server, unsigned next = 0) {
    return Octets{"\xfeSMB"}
        .zeros(8)
        .put(little16(command))
        .zeros(2)
        .put8(from_server ? 1 : 0)
        .zeros(3)
        .put(little16(next))
        .zeros(2 + 40);
}

Octets negotiated(unsigned command, bool from_server, unsigned dialect) {
    return framed(smb2_head(command, from_server).zeros(4).put(little16(dialect)));
}

Octets smb2_write(std::string_view data, unsigned next = 0) {
    return smb2_head(9, false, next)
        .zeros(2)
        .put(little16(64 + 16))
        .put(little16(static_cast<unsigned>(data.size())))
        .zeros(2 + 8)
        .put(data);
}

Octets smb2_read(std::string_view data) {
    return smb2_head(8, true)
        .zeros(2)
        .put8(64 + 16)
        .zeros(1)
        .put(little16(static_cast<unsigned>(data.size())))
        .zeros(2 + 8)
        .put(data);
}

Octets smb1_head(unsigned command, bool is_answer) {
    return Octets{"\xffSMB"}.put8(command).zeros(4).put8(is_answer ? 0x80U : 0U).zeros(22).put8(12);
}

Octets smb1_write(std::string_view data) {
    return smb1_head(0x2f, false)
        .zeros(20)
        .put(little16(static_cast<unsigned>(data.size())))
        .put(little16(33 + 24 + 2))
        .zeros(2)
        .put(data);
}

Octets smb1_read(std::string_view data) {
    return smb1_head(0x2e, true)
        .zeros(10)
        .put(little16(static_cast<unsigned>(data.size())))
        .put(little16(33 + 24 + 2))
        .zeros(10 + 2)
        .put(data);
}

TEST(Smb, the_servers_dialect_is_kept) {
    Conversation conversation{ports};
    conversation.send(0, negotiated(0, false, 0x0202));
    EXPECT_EQ(conversation.metadata().smb_dialect, 0);
    conversation.send(1, negotiated(0, true, 0x0311), 9);
    EXPECT_EQ(conversation.metadata().smb_dialect, 0x0311);
}

TEST(Smb, shows_what_is_written_and_read) {
    for (const std::size_t octets : {1U, 40U, 65'535U}) {
        Conversation conversation{ports};
        conversation.send(0, negotiated(0, false, 0x0202), octets);
        conversation.send(0, framed(smb2_write("written")), octets);
        conversation.send(1, negotiated(0, true, 0x0311), octets);
        conversation.send(1, framed(smb2_read("read")), octets);
        EXPECT_EQ(conversation.shown(Buffer::file_data), "written|read");
    }
}

TEST(Smb, shows_what_the_first_version_writes_and_reads) {
    Conversation conversation{ports};
    conversation.send(0, framed(smb1_write("written")));
    conversation.send(1, framed(smb1_read("read")), 7);
    EXPECT_EQ(conversation.shown(Buffer::file_data), "written|read");
    EXPECT_EQ(conversation.metadata().smb_dialect, 1);
}

TEST(Smb, reads_messages_that_share_a_frame) {
    Conversation conversation{ports};
    conversation.send(0, framed(smb2_write("one.", 64 + 16 + 4).put(smb2_write("two"))));
    EXPECT_EQ(conversation.shown(Buffer::file_data), "one.|two")
        << "the first as long as it says, the second behind it";
}

TEST(Smb, places_outside_a_message_show_nothing) {
    Conversation conversation{ports};
    conversation.send(0, framed(smb2_head(9, false).zeros(2).put(little16(500)).put32(7)));
    conversation.send(0, framed(smb2_head(9, false).zeros(2).put(little16(0)).put32(7)));
    conversation.send(0, framed(smb1_head(0x2f, true).zeros(30)));
    conversation.send(0, framed(smb2_write("", 1)));
    conversation.send(0, framed(Octets{"\xfdSMB encrypted"}));
    conversation.send(0, framed(Octets{}));
    EXPECT_EQ(conversation.shown(Buffer::file_data), "");
    conversation.send(0, framed(smb2_write("goes on")));
    EXPECT_EQ(conversation.shown(Buffer::file_data), "goes on");
}

// Of a frame that is longer than what is inspected.
TEST(Smb, shows_what_there_is_of_a_long_piece) {
    Extractor::Limits limits{.streams = {.window_octets = 1'024, .windows_max = 4},
                             .metadata_max = 4};
    Conversation conversation{ports, limits};
    conversation.send(0, framed(smb2_write(std::string(4'096, 'a'))), 500);
    EXPECT_EQ(conversation.shown(Buffer::file_data), std::string(1'024 - 4 - 80, 'a'));
}

TEST(Smb, without_signatures_reads_no_further_than_the_dialect) {
    Extractor::Limits limits{.streams = {.windows_max = 4}, .metadata_max = 4};
    limits.options.bodies = false;
    Conversation conversation{ports, limits};
    conversation.send(0, framed(smb2_write("written")));
    EXPECT_EQ(conversation.shown(Buffer::file_data), "");
    EXPECT_TRUE(conversation.flow().done[0]);
}

}  // namespace
}  // namespace tapmeter::inspect::extract
