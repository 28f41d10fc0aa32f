#include "pipeline/inspect/dns_opening.h"

#include <gtest/gtest.h>

#include "tests/pipeline/inspect/dissecting.h"
#include "tests/pipeline/inspect/dns_packets.h"

namespace tapmeter::inspect {
namespace {

using Part = DnsOpening::Part;
using testing::by_tcp;
using testing::by_udp;
using testing::DnsMessage;
using testing::DnsPath;
using testing::Frame;
using testing::text_of;
using testing::with_length;

class Opening : public ::testing::Test {
protected:
    Part take(const Frame& ip) { return opening_.take(testing::headers_of(ip), room_, name_); }
    Part take(bool to_server, const DnsMessage& message) {
        return take(by_udp(path_, to_server, text_of(message)));
    }
    // Of a flow that begins with it.
    static Part first(const Frame& ip) {
        PlainName room{};
        std::string_view name;
        return DnsOpening{}.take(testing::headers_of(ip), room, name);
    }
    static Part asks(const DnsMessage& message, const DnsPath& path = {}) {
        return first(by_udp(path, true, text_of(message)));
    }
    // Of the answer to a plain query.
    Part answer(const DnsMessage& message) {
        EXPECT_EQ(take(true, {}), Part::query);
        return take(false, message);
    }

    DnsOpening opening_;
    DnsPath path_;
    PlainName room_{};
    std::string_view name_;
};

TEST_F(Opening, of_a_question_and_its_answer_tells_the_name) {
    EXPECT_EQ(take(true, {.name = "WWW.Example_1.org"}), Part::query);
    EXPECT_EQ(name_, "www.example_1.org");
    EXPECT_EQ(take(false, {.name = "www.EXAMPLE_1.org", .response = true, .answer_types = {5, 1}}),
              Part::response);
    EXPECT_EQ(name_, "www.example_1.org");
}

TEST_F(Opening, may_ask_twice_before_the_answer) {
    EXPECT_EQ(take(true, {}), Part::query);
    EXPECT_EQ(take(true, {.query_type = 28}), Part::query);
    EXPECT_EQ(take(false, {.response = true, .answer_types = {28}, .data_octets = 16}),
              Part::response);
}

TEST_F(Opening, is_no_answer_alone) {
    EXPECT_EQ(take(false, {.response = true, .answer_types = {1}}), Part::odd);
    EXPECT_EQ(take(true, {}), Part::odd) << "nothing behind what is odd is looked at";
}

TEST_F(Opening, asks_one_question_and_says_nothing_else) {
    EXPECT_EQ(asks({.questions = 2}), Part::odd);
    EXPECT_EQ(asks({.questions = 0}), Part::odd);
    EXPECT_EQ(asks({.authorities = 1}), Part::odd);
    EXPECT_EQ(asks({.answer_types = {1}}), Part::odd);
    EXPECT_EQ(asks({.query_type = 0}), Part::odd);
    EXPECT_EQ(asks({.response = true}), Part::odd) << "from a client";
}

TEST_F(Opening, asks_for_a_name_that_a_host_may_have) {
    EXPECT_EQ(asks({.name = "a"}), Part::query);
    EXPECT_EQ(asks({.name = ""}), Part::odd) << "the root";
    EXPECT_EQ(asks({.name = "www.exam ple.org"}), Part::odd);
    EXPECT_EQ(asks({.name = "www.ex\xC3\xA4mple.org"}), Part::odd);
    const std::string label(63, 'x');
    EXPECT_EQ(asks({.name = label}), Part::query);
    EXPECT_EQ(asks({.name = label + "." + std::string(31, 'y')}), Part::query);
    EXPECT_EQ(asks({.name = label + "." + std::string(33, 'y')}), Part::odd) << "too long";
    EXPECT_EQ(asks({.name = std::string(64, 'x')}), Part::odd) << "a label of 64 octets";
}

TEST_F(Opening, is_between_a_server_and_a_port_without_a_meaning) {
    EXPECT_EQ(asks({}, {.client_port = 1'024}), Part::query);
    for (const int port : {0, 53, 123, 1'023, 5'001, 5'201, 5'353, 5'355}) {
        EXPECT_EQ(asks({}, {.client_port = static_cast<std::uint16_t>(port)}), Part::odd) << port;
    }
}

TEST_F(Opening, is_in_packets_that_are_whole) {
    const Frame plain = by_udp(path_, true, text_of({}));
    for (std::size_t octets = 0; octets < plain.size(); ++octets) {
        EXPECT_EQ(first(Frame(plain.begin(), plain.begin() + static_cast<long>(octets))), Part::odd)
            << octets;
    }
    EXPECT_EQ(first(plain), Part::query);
    Frame longer = plain;
    longer[3] = static_cast<std::byte>(std::to_integer<unsigned>(plain[3]) + 1);
    EXPECT_EQ(first(longer), Part::odd) << "by its own word";
    Frame fragment = plain;
    fragment[6] = std::byte{0x20};
    EXPECT_EQ(first(fragment), Part::odd);
    Frame short_datagram = plain;
    short_datagram[25] = static_cast<std::byte>(std::to_integer<unsigned>(plain[25]) - 1);
    EXPECT_EQ(first(short_datagram), Part::odd);
}

TEST_F(Opening, ends_with_records_that_everybody_asks_for) {
    EXPECT_EQ(answer({.response = true, .answer_types = {1, 16}}), Part::response);
}

TEST_F(Opening, ends_with_an_authority_too) {
    EXPECT_EQ(answer({.response = true, .authorities = 1}), Part::response);
}

TEST_F(Opening, that_is_answered_by_nothing_is_odd) {
    EXPECT_EQ(answer({.response = true}), Part::odd);
}

TEST_F(Opening, that_is_answered_by_a_service_record_is_odd) {
    EXPECT_EQ(answer({.response = true, .answer_types = {33}}), Part::odd);
}

TEST_F(Opening, that_is_answered_by_an_alias_for_a_service_record_is_odd) {
    EXPECT_EQ(answer({.response = true, .answer_types = {5, 33}}), Part::odd);
}

TEST_F(Opening, that_is_answered_too_often_is_odd) {
    EXPECT_EQ(answer({.response = true, .answer_types = std::vector<std::uint16_t>(17, 5)}),
              Part::odd);
}

TEST_F(Opening, that_is_answered_at_length_is_odd) {
    EXPECT_EQ(answer({.response = true, .answer_types = {16}, .data_octets = 500}), Part::odd);
}

class OpeningByTcp : public Opening {
protected:
    void shake_hands() {
        for (const Frame& frame : testing::dns_handshake(path_)) {
            EXPECT_EQ(take(frame), Part::handshake);
        }
    }
    Part send(bool to_server, const std::string& payload, std::uint32_t missing = 0,
              std::uint16_t bits = 0x18) {
        return take(by_tcp(path_, to_server,
                           {.control_bits = bits,
                            .sequence = (to_server ? 101 : 501) + missing,
                            .acknowledgment = to_server ? 501U : 101U},
                           payload));
    }
};

TEST_F(OpeningByTcp, is_behind_a_handshake) {
    shake_hands();
    EXPECT_EQ(send(true, with_length(text_of({}))), Part::query);
    EXPECT_EQ(name_, "www.example.org");
    EXPECT_EQ(send(false, with_length(text_of({.response = true, .answer_types = {1}}))),
              Part::response);
}

TEST_F(OpeningByTcp, may_have_more_messages_in_its_packet) {
    shake_hands();
    EXPECT_EQ(send(true, with_length(text_of({})) + with_length(text_of({.name = "other"}))),
              Part::query);
    EXPECT_EQ(name_, "www.example.org");
}

TEST_F(OpeningByTcp, is_odd_without_one) {
    EXPECT_EQ(send(true, with_length(text_of({}))), Part::odd);
}

TEST_F(OpeningByTcp, is_odd_in_pieces) {
    shake_hands();
    EXPECT_EQ(send(true, with_length(text_of({})).substr(0, 20)), Part::odd);
}

TEST_F(OpeningByTcp, is_odd_with_a_gap) {
    shake_hands();
    EXPECT_EQ(send(true, with_length(text_of({})), 1), Part::odd);
}

TEST_F(OpeningByTcp, is_odd_with_other_flags) {
    shake_hands();
    EXPECT_EQ(send(true, with_length(text_of({})), 0, 0x1C), Part::odd) << "RST";
}

TEST_F(OpeningByTcp, is_odd_when_the_server_acknowledges_something_else) {
    const auto frames = testing::dns_handshake(path_);
    EXPECT_EQ(take(frames[0]), Part::handshake);
    EXPECT_EQ(
        take(by_tcp(path_, false, {.control_bits = 0x12, .sequence = 500, .acknowledgment = 102})),
        Part::odd);
}

}  // namespace
}  // namespace tapmeter::inspect
