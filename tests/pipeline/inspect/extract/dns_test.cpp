#include "pipeline/inspect/extract/dns.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/support/messages.h"

namespace tapmeter::inspect::extract {
namespace {

using testing::Conversation;
using testing::dns_name;
using testing::dns_query;
using testing::Octets;

constexpr Ports dns_ports{.source = 50'000, .destination = 53};
constexpr ObservedAt at{std::chrono::seconds{1'700'000'000}};

// A response with an alias, an address of either kind and a mail exchange; names point back.
Octets response(unsigned id) {
    constexpr unsigned to_question = 0xc00c;
    Octets message = Octets{}.numbers({id, 0x8183, 1, 4, 0, 0});
    message.put(dns_name("www.example.com")).numbers({1, 1});
    const auto record = [&](unsigned type, const Octets& data) {
        message.put16(to_question).numbers({type, 1}).put32(60).vector16(data);
    };
    record(5, Octets{}.vector8(Octets{"alias"}).put16(0xc010));
    record(1, Octets::of_hex("c0000201"));
    record(28, Octets::of_hex("20010db8000000000000000000000001"));
    record(15, Octets{}.put16(10).put(dns_name("mx")));
    return message;
}

TEST(Dns, a_query_and_its_response_are_told) {
    Conversation conversation{dns_ports};
    EXPECT_TRUE(conversation.datagram(0, dns_query(7, "www.example.com", 1), at));
    conversation.datagram(1, response(7), at + std::chrono::microseconds{1'234});
    const auto& dns = conversation.metadata().dns;
    EXPECT_EQ(conversation.shown(Buffer::dns_query), "www.example.com|www.example.com");
    EXPECT_EQ(conversation.kept(dns.query), "www.example.com");
    EXPECT_EQ(dns.type, 1);
    EXPECT_EQ(dns.response_code, 3);
    EXPECT_EQ(dns.answers_told, 4);
    ASSERT_EQ(dns.answers_kept, 4);
    EXPECT_EQ(conversation.kept(dns.answers[0].data), "alias.example.com");
    EXPECT_EQ(conversation.kept(dns.answers[1].data), (std::string{"\xc0\x00\x02\x01", 4}));
    EXPECT_EQ(conversation.kept(dns.answers[2].data).size(), 16U);
    EXPECT_EQ(conversation.kept(dns.answers[3].data), "mx");
    EXPECT_EQ(dns.answers[3].time_to_live, 60U);
    EXPECT_TRUE(dns.has_response_time);
    EXPECT_EQ(dns.response_microseconds, 1'234U);
}

TEST(Dns, a_response_is_timed_by_its_id_among_the_newest_queries) {
    for (const unsigned queries : {4U, 5U}) {
        Conversation conversation{dns_ports};
        for (unsigned id = 1; id <= queries; ++id) {
            conversation.datagram(0, dns_query(id, "x", 1), at);
        }
        conversation.datagram(1, response(1), at);
        EXPECT_EQ(conversation.metadata().dns.has_response_time, queries == dns_pending_max);
        EXPECT_EQ(conversation.metadata().dns.queries, queries);
    }
}

TEST(Dns, messages_over_tcp_stand_behind_their_length) {
    Octets stream = Octets{}.vector16(dns_query(1, "a.example", 1));
    stream.vector16(dns_query(2, "b.example", 28));
    for (const std::size_t octets : {1U, 10U, 65'535U}) {
        Conversation conversation{dns_ports};
        conversation.send(0, stream, octets);
        EXPECT_EQ(conversation.shown(Buffer::dns_query), "a.example|b.example") << octets;
    }
}

std::string name_at(const Octets& message, std::size_t offset, std::size_t& end) {
    std::array<std::byte, dns_name_octets_max> text{};
    const std::size_t length = write_dns_name(message.view(), offset, text, end);
    return std::string{text_of(Bytes{text}.first(length))};
}

TEST(Dns, names_end_where_they_lie) {
    std::size_t end = 0;
    EXPECT_EQ(name_at(dns_name("a.b"), 0, end), "a.b");
    EXPECT_EQ(end, 5U);
    EXPECT_EQ(name_at(dns_name(""), 0, end), "");
    EXPECT_EQ(end, 1U);
    EXPECT_EQ(name_at(Octets{}.put8(5).put("abc"), 0, end), "");
    EXPECT_EQ(end, 0U);
    EXPECT_EQ(name_at(Octets{}.put16(0xc000), 0, end), "");
    EXPECT_EQ(end, 0U);
    EXPECT_EQ(name_at(Octets{}.put8(0x41).put8(0), 0, end), "");
    EXPECT_EQ(end, 0U);
    EXPECT_EQ(name_at(Octets{}.put8(1).put8('a').put16(0xc000), 2, end), "a");
    EXPECT_EQ(end, 0U) << "a pointer into a circle";
}

TEST(Dns, a_name_is_255_octets_at_most) {
    for (const std::size_t last : {61U, 62U}) {
        const std::string name = std::string(63, 'a') + "." + std::string(63, 'b') + "." +
                                 std::string(63, 'c') + "." + std::string(last, 'd');
        std::size_t end = 0;
        name_at(dns_name(name), 0, end);
        EXPECT_EQ(end != 0, last == 61) << last;
    }
}

TEST(Dns, pointers_are_bounded) {
    for (const std::size_t pointers : {dns_pointers_max, dns_pointers_max + 1}) {
        Octets message = Octets{}.put8(0);
        unsigned target = 0;
        for (std::size_t i = 0; i < pointers; ++i) {
            const auto here = static_cast<unsigned>(message.size());
            message.put16(0xc000U | target);
            target = here;
        }
        std::size_t end = 0;
        name_at(message, target, end);
        EXPECT_EQ(end != 0, pointers == dns_pointers_max);
    }
}

TEST(Dns, hostile_messages_end_in_counters) {
    Conversation conversation{dns_ports};
    conversation.datagram(0, Octets{}.numbers({1, 0x3900, 1, 0, 0, 0}));  // opcode 7
    EXPECT_EQ(conversation.count(ReadEvent::dns_bad_header), 1U);
    conversation.datagram(0, Octets{}.numbers({1, 0, 1, 0, 0, 0}).put8(9));
    EXPECT_EQ(conversation.count(ReadEvent::dns_bad_name), 1U);
    conversation.datagram(0, Octets{}.numbers({1, 0, 1, 0, 0, 0}).put8(0).put8(0));
    EXPECT_EQ(conversation.count(ReadEvent::dns_bad_record), 1U);
}

TEST(Dns, every_prefix_of_a_response_is_survived) {
    const Octets whole = response(1);
    for (std::size_t octets = 12; octets <= whole.size(); ++octets) {
        Conversation conversation{dns_ports};
        conversation.datagram(1, Octets{text_of(whole.view().first(octets))});
        EXPECT_EQ(conversation.metadata().dns.answers_kept == 4, octets == whole.size());
    }
}

TEST(Dns, a_shape_on_any_port) {
    EXPECT_TRUE(is_dns(dns_query(1, "example.com", 1).view()));
    EXPECT_TRUE(is_dns(response(1).view()));
    EXPECT_FALSE(is_dns(Octets{"GET / HTTP/1.1\r\nHost: example.com\r\n\r\n"}.view()));
    EXPECT_FALSE(is_dns(Octets{}.zeros(40).view()));
    EXPECT_FALSE(is_dns(Octets{}.numbers({1, 0, 1, 0, 0, 0}).view()));
}

}  // namespace
}  // namespace tapmeter::inspect::extract
