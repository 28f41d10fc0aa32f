#include "pipeline/inspect/signatures.h"

#include <gtest/gtest.h>

#include <array>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "pipeline/inspect/signature_match.h"
#include "pipeline/inspect/signature_set.h"
#include "tests/pipeline/inspect/compiled_rules.h"

namespace tapmeter::inspect {
namespace {

using rules::Application;
using rules::Buffer;

std::unique_ptr<SignatureKit> kit_of(const SignatureSet& set) {
    auto kit = SignatureKit::make(set);
    EXPECT_TRUE(kit);
    return std::move(*kit);
}

// A worker with one flow.
class Bench {
public:
    explicit Bench(const std::string& rules, std::size_t ring = 64)
        : set_(compile(rules)), signatures_(kit_of(*set_), 3), ring_(ring) {
        headers.protocol = 6;
        headers.ip_version = 4;
        headers.source_port = 40'000;
        headers.destination_port = 80;
    }

    // The sids of the alerts that the packet raised.
    std::vector<std::uint32_t> look(Inspected packet) {
        packet.memory = &memory;
        packet.at = at;
        signatures_.inspect(packet, ring_);
        ring_.publish();
        std::vector<std::uint32_t> sids;
        while (!ring_.readable().empty()) {
            for (const Alert& alert : ring_.readable()) {
                sids.push_back(alert.sid);
                last = alert;
            }
            ring_.consume(ring_.readable().size());
        }
        return sids;
    }
    std::vector<std::uint32_t> payload(std::string_view text, bool to_server = true) {
        headers.payload = octets_of(text);
        Inspected packet{.headers = headers};
        packet.to_server = to_server;
        packet.established = true;
        packet.application = application;
        return look(packet);
    }
    std::vector<std::uint32_t> named(std::vector<NamedOctets> buffers) {
        headers.payload = {};
        Inspected packet{.headers = headers};
        packet.to_server = true;
        packet.established = true;
        packet.application = application;
        packet.named = buffers;
        return look(packet);
    }
    Signatures& signatures() { return signatures_; }
    AlertRing& ring() { return ring_; }

    decode::Headers headers{};
    Application application = Application::unknown;
    SignatureMemory memory{};
    ObservedAt at{Nanoseconds{1'000'000'000}};
    Alert last{};

private:
    std::unique_ptr<const SignatureSet> set_;
    Signatures signatures_;
    AlertRing ring_;
};

using Sids = std::vector<std::uint32_t>;

std::string tcp(const std::string& options) {
    return "alert tcp any any -> any any (" + options + ")\n";
}

TEST(Signatures, payloads_ports_and_directions) {
    Bench bench{tcp("content:\"evil\"; sid:1;") +
                "alert tcp any any -> any 443 (content:\"evil\"; sid:2;)\n"
                "alert udp any any -> any any (content:\"evil\"; sid:3;)\n" +
                tcp("flow:to_client; content:\"evil\"; sid:4;") +
                "alert tcp any 80 <> any any (content:\"evil\"; sid:5;)\n"};
    EXPECT_EQ(bench.payload("some evil octets"), (Sids{1, 5}));
    EXPECT_EQ(bench.payload("some good octets"), Sids{});
    EXPECT_EQ(bench.payload("evil", false), (Sids{1, 4, 5}));
    EXPECT_EQ(bench.last.worker, 3);
    EXPECT_EQ(bench.memory.sids_count, 3);
    EXPECT_EQ(bench.memory.matches, 5U);
    const auto& counters = bench.signatures().counters();
    EXPECT_EQ(counters.raised.read(), 5U);
    EXPECT_EQ(counters.emitted.read(), 5U);
}

TEST(Signatures, rules_that_nothing_announces) {
    Bench bench{tcp("dsize:3; sid:1;") + tcp("flags:S; sid:2;") +
                "alert tcp any any -> any 81 (dsize:3; sid:3;)\n" +
                "alert ip any any -> any any (ttl:<5; sid:4;)\n" +
                tcp("content:!\"abc\"; dsize:>0; sid:5;") + tcp("pcre:\"/(?=b)bc/\"; sid:6;")};
    EXPECT_EQ(bench.payload("abc"), (Sids{1, 4, 6}));
    bench.headers.time_to_live = 5;
    EXPECT_EQ(bench.payload("abcd"), Sids{6});
    EXPECT_EQ(bench.payload("xyz"), (Sids{1, 5}));
    bench.headers.tcp_control_bits = 2;
    bench.headers.source_port = 81;
    EXPECT_EQ(bench.payload(""), Sids{2});
}

TEST(Signatures, runs_of_one_octet) {
    Bench bench{tcp("content:\"|00 00 00 00|\"; sid:1;") +
                tcp("content:\"" + std::string(70, 'x') + "\"; sid:2;") +
                tcp("content:\"AAAA\"; nocase; sid:3;") +
                tcp("content:\"|00 00 00 00|\"; offset:4; depth:4; sid:4;")};
    EXPECT_EQ(bench.payload(std::string("a\0\0\0b", 5)), Sids{});
    EXPECT_EQ(bench.payload(std::string("a\0\0\0\0b", 6)), Sids{1});
    EXPECT_EQ(bench.payload(std::string("abcd\0\0\0\0", 8)), (Sids{1, 4}));
    EXPECT_EQ(bench.payload(std::string(69, 'x')), Sids{}) << "longer than what is looked for";
    EXPECT_EQ(bench.payload(std::string(70, 'x')), Sids{2});
    EXPECT_EQ(bench.payload("aAaA"), Sids{3});
}

// What announces a rule may be all that it looks for: then where it was found decides.
TEST(Signatures, a_literal_holds_where_it_was_found) {
    Bench bench{tcp("content:\"literal\"; sid:1;") +
                "alert tcp-pkt any any -> any any (content:\"literal\"; sid:2;)\n" +
                "alert tcp-stream any any -> any any (content:\"literal\"; sid:3;)\n"};
    const auto see = [&](std::string_view payload, std::string_view stream, std::size_t fresh) {
        bench.headers.payload = octets_of(payload);
        Inspected packet{.headers = bench.headers};
        packet.in_stream = true;
        packet.stream = octets_of(stream);
        packet.stream_fresh = fresh;
        return bench.look(packet);
    };
    EXPECT_EQ(see("lite", "lite", 4), Sids{});
    EXPECT_EQ(see("ral", "literal", 3), (Sids{1, 3})) << "in the stream, in no packet";
    EXPECT_EQ(see(" literal", "literal literal", 8), Sids{2}) << "the stream has had it";
    EXPECT_EQ(see("literal", "", 0), Sids{2}) << "out of order: not in the stream yet";
    bench.memory = {};
    EXPECT_EQ(see("literal", "x", 1), Sids{2}) << "the stream got something else";
    EXPECT_EQ(see("x", "xliteral", 7), (Sids{1, 3}));
}

TEST(Signatures, streams_are_looked_at_across_packets_and_fire_once) {
    Bench bench{tcp("content:\"over two\"; sid:1;") + tcp("content:\"over two\"; depth:8; sid:2;") +
                "alert tcp-pkt any any -> any any (content:\"over\"; sid:3;)\n"
                "alert tcp-stream any any -> any any (content:\"packets\"; sid:4;)\n"};
    const std::string_view stream = "it goes over two packets";
    const auto part = [&](std::size_t end, std::size_t fresh) {
        bench.headers.payload = octets_of(stream.substr(end - fresh, fresh));
        Inspected packet{.headers = bench.headers};
        packet.in_stream = true;
        packet.stream = octets_of(stream.substr(0, end));
        packet.stream_fresh = fresh;
        return bench.look(packet);
    };
    EXPECT_EQ(part(12, 12), Sids{3});
    EXPECT_EQ(part(17, 5), Sids{1}) << "the literal began in the packet before";
    EXPECT_EQ(part(24, 7), Sids{4});
    EXPECT_EQ(part(24, 8), Sids{}) << "each once a direction";
    EXPECT_EQ(bench.payload("over two"), (Sids{1, 2, 3})) << "no stream: the payload";
}

TEST(Signatures, messages_of_applications) {
    Bench bench{
        "alert http any any -> any any (http.method; content:\"POST\"; http.uri; content:\"/a\"; "
        "http.request_body; content:\"secret\"; sid:1;)\n"
        "alert http any any -> any any (content:\"/a\"; http_uri; content:!\"b\"; http_uri; "
        "sid:2;)\n"
        "alert http any any -> any any (urilen:>3; sid:3;)\n"
        "alert dns any any -> any any (dns.query; dotprefix; content:\".evil.example\"; endswith; "
        "sid:4;)\n"
        "alert http any any -> any any (http.user_agent; bsize:0; sid:5;)\n"};
    bench.application = Application::http;
    EXPECT_EQ(bench.named({{Buffer::http_method, 0, octets_of("POST")},
                           {Buffer::http_uri, 0, octets_of("/a")}}),
              Sids{2});
    EXPECT_EQ(bench.named({{Buffer::http_request_body, 1, octets_of("secret")}}), Sids{})
        << "of another message";
    EXPECT_EQ(bench.named({{Buffer::http_request_body, 0, octets_of("a secret")}}), Sids{1})
        << "the head was met before its body came";
    EXPECT_EQ(
        bench.named({{Buffer::http_uri, 2, octets_of("/abc")}, {Buffer::http_user_agent, 2, {}}}),
        (Sids{3, 5}));
    EXPECT_EQ(bench.named({{Buffer::dns_query, 0, octets_of("evil.example")}}), Sids{});
    bench.application = Application::dns;
    EXPECT_EQ(bench.named({{Buffer::dns_query, 0, octets_of("EVIL.example")}}), Sids{});
    EXPECT_EQ(bench.named({{Buffer::dns_query, 0, octets_of("www.evil.example")}}), Sids{4});
    EXPECT_EQ(bench.named({{Buffer::dns_query, 0, octets_of("evil.example")}}), Sids{4});
    EXPECT_EQ(bench.named({{Buffer::dns_query, 0, octets_of("notevil.example")}}), Sids{});
}

TEST(Signatures, flowbits_live_in_the_flow) {
    Bench bench{tcp("content:\"b\"; flowbits:isset,seen|other; sid:2;") +
                tcp("content:\"a\"; flowbits:set,seen; noalert; sid:1;") +
                tcp("content:\"c\"; flowbits:unset,seen; sid:3;") +
                tcp("content:\"d\"; flowbits:isnotset,seen; sid:4;")};
    EXPECT_EQ(bench.payload("b"), Sids{});
    EXPECT_EQ(bench.payload("ab"), Sids{2}) << "the rule that sets runs before the one that asks";
    EXPECT_EQ(bench.payload("d"), Sids{});
    EXPECT_EQ(bench.payload("c"), Sids{3});
    EXPECT_EQ(bench.payload("bd"), Sids{4});
    EXPECT_EQ(bench.signatures().counters().silent.read(), 1U);
}

TEST(Signatures, thresholds) {
    Bench bench{
        tcp("content:\"a\"; threshold:type limit, track by_src, count 2, seconds 10; sid:1;") +
        tcp("content:\"a\"; threshold:type threshold, track by_dst, count 3, seconds 10; sid:2;") +
        tcp("content:\"a\"; threshold:type both, track by_rule, count 2, seconds 10; sid:3;") +
        tcp("content:\"a\"; detection_filter:track by_src, count 2, seconds 10; sid:4;")};
    EXPECT_EQ(bench.payload("a"), Sids{1});
    EXPECT_EQ(bench.payload("a"), (Sids{1, 3}));
    EXPECT_EQ(bench.payload("a"), (Sids{2, 4}));
    EXPECT_EQ(bench.payload("a"), Sids{4});
    bench.at += std::chrono::seconds{10};
    EXPECT_EQ(bench.payload("a"), Sids{1}) << "another window";
    const auto& counters = bench.signatures().counters();
    EXPECT_EQ(counters.raised.read(),
              counters.emitted.read() + counters.refused.read() + counters.suppressed.read());
    EXPECT_EQ(counters.suppressed.read(), 13U);
}

TEST(Signatures, a_passing_rule_ends_the_packet) {
    Bench bench{tcp("content:\"evil\"; sid:1;") +
                "pass tcp any any -> any any (content:\"known\"; sid:2;)\n"};
    EXPECT_EQ(bench.payload("known evil"), Sids{});
    EXPECT_EQ(bench.payload("evil"), Sids{1});
    EXPECT_EQ(bench.signatures().counters().passed.read(), 1U);
}

TEST(Signatures, a_full_ring_refuses_and_the_law_holds) {
    Bench bench{
        tcp("content:\"a\"; sid:1;") + tcp("content:\"a\"; sid:2;") + tcp("content:\"a\"; sid:3;"),
        2};
    EXPECT_EQ(bench.payload("a"), (Sids{1, 2}));
    const auto& counters = bench.signatures().counters();
    EXPECT_EQ(counters.raised.read(), 3U);
    EXPECT_EQ(counters.refused.read(), 1U);
    EXPECT_EQ(counters.emitted.read(), 2U);
}

TEST(Signatures, a_crafted_payload_costs_no_more_than_the_limits) {
    std::string rules;
    for (unsigned i = 0; i < 1'000; ++i) {
        rules += tcp("content:\"" + std::to_string(1'000 + i) +
                     "\"; content:\"never\"; nocase; sid:" + std::to_string(i + 1) + ";");
    }
    std::string all;
    for (unsigned i = 0; i < 1'000; ++i) {
        all += std::to_string(1'000 + i);
    }
    Bench bench{rules};
    bench.payload(all);
    const auto& counters = bench.signatures().counters();
    EXPECT_LE(counters.candidates.read(), 2U * Prefilter::callbacks_max);
}

TEST(Signatures, another_set_is_taken_where_a_burst_begins) {
    Bench bench{tcp("content:\"a\"; flowbits:set,x; sid:1;")};
    const auto next = compile(tcp("content:\"a\"; sid:2;"), 2);
    EXPECT_EQ(bench.signatures().offer(kit_of(*next)), nullptr);
    EXPECT_EQ(bench.payload("a"), Sids{1}) << "the old set is active until then";
    EXPECT_EQ(bench.signatures().retired(), nullptr);
    bench.signatures().turn_burst();
    EXPECT_EQ(bench.payload("a"), Sids{2});
    EXPECT_EQ(bench.last.generation, 2U);
    EXPECT_EQ(bench.memory.flowbits[0], 0U) << "bits of the old set mean nothing now";
    EXPECT_EQ(bench.memory.sids_count, 2) << "what has matched stays";
    const auto third = compile(tcp("content:\"a\"; sid:3;"), 3);
    EXPECT_EQ(bench.signatures().offer(kit_of(*third)), nullptr);
    bench.signatures().turn_burst();
    EXPECT_EQ(bench.payload("a"), Sids{2}) << "the last one was not fetched yet";
    EXPECT_NE(bench.signatures().retired(), nullptr);
    bench.signatures().turn_burst();
    EXPECT_EQ(bench.payload("a"), Sids{3});
    EXPECT_EQ(bench.signatures().counters().reloads.read(), 2U);
}

// Under TSan: the control side offers while the worker inspects.
TEST(Signatures, reloads_under_traffic) {
    Bench bench{tcp("content:\"a\"; sid:1;"), 1'024};
    std::vector<std::unique_ptr<const SignatureSet>> sets;
    for (std::uint32_t generation = 2; generation < 6; ++generation) {
        sets.push_back(compile(tcp("content:\"a\"; sid:1;"), generation));
    }
    std::atomic<bool> done{false};
    std::thread control{[&] {
        for (const auto& set : sets) {
            const auto back = bench.signatures().offer(kit_of(*set));
            while (bench.signatures().retired() == nullptr) {
                std::this_thread::yield();
            }
        }
        done = true;
    }};
    std::size_t packets = 0;
    std::size_t alerts = 0;
    while (!done) {
        bench.signatures().turn_burst();
        alerts += bench.payload("a").size();
        ++packets;
    }
    control.join();
    EXPECT_EQ(alerts, packets) << "no packet without its alert, whichever set was active";
    EXPECT_EQ(bench.signatures().counters().reloads.read(), 4U);
}

}  // namespace
}  // namespace tapmeter::inspect
