#include "pipeline/inspect/content_reader.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "pipeline/decode/frame.h"
#include "pipeline/inspect/rules/rule_files.h"
#include "pipeline/inspect/signature_set.h"
#include "tests/pipeline/inspect/conversations.h"

namespace tapmeter::inspect {
namespace {

using testing::Frame;
using testing::segment;
using Wants = ContentReader::Wants;

std::unique_ptr<const SignatureSet> compile(const std::string& text) {
    rules::RuleSet rules;
    rules::parse_rules(text, "test.rules", rules::with_defaults({}), rules);
    rules::settle(rules);
    EXPECT_TRUE(rules.left_out.empty());
    return std::move(*SignatureSet::build(std::move(rules), {}));
}

// One flow from 10.0.0.1 and its reader.
class Reader {
public:
    explicit Reader(const std::string& rules = "", std::size_t side_octets_max = 16'384) {
        std::unique_ptr<Comparison> comparison;
        if (!rules.empty()) {
            set_ = compile(rules);
            Comparison::Settings settings;
            settings.kit = std::move(*SignatureKit::make(*set_));
            settings.alerts = &alerts_;
            settings.states_max = 4;
            settings.side_octets_max = side_octets_max;
            settings.histories_max = 4;
            comparison = std::move(*Comparison::make(std::move(settings)));
        }
        reader_ = std::move(*ContentReader::make(
            {.states_max = 4,
             .extractor = {.streams = {.window_octets = side_octets_max, .windows_max = 4},
                           .metadata_max = 2}},
            std::move(comparison)));
        reader_->begin(state);
    }

    Wants read(const Frame& frame, bool compares = true) {
        const Packet packet = testing::packet_of(frame);
        const auto headers = decode::decode_frame(packet);
        EXPECT_TRUE(headers);
        flow::write_key(*headers, false, flow_.key);
        const bool from_client = headers->source.back() == 1;
        flow_.state = flow_.key.low.back() == 1 ? 0 : flow::state::initiator_is_high;
        return reader_->read(
            {.headers = *headers,
             .at = packet.observed_at,
             .direction = from_client ? Direction::from_initiator : Direction::from_responder,
             .state = state,
             .flow_id = 77},
            compares);
    }
    void read_all(const std::vector<Frame>& frames) {
        for (const Frame& frame : frames) {
            read(frame);
        }
    }
    void finish() { reader_->finish(state, flow_); }

    std::vector<std::uint32_t> sids() {
        alerts_.publish();
        std::vector<std::uint32_t> sids;
        for (const Alert& alert : alerts_.readable()) {
            EXPECT_EQ(alert.flow_id, 77U);
            sids.push_back(alert.sid);
        }
        return sids;
    }
    SignatureBooks books() const {
        SignatureBooks books;
        reader_->comparison()->tell(books);
        EXPECT_EQ(books.raised, books.emitted + books.refused + books.suppressed);
        return books;
    }
    ContentReader& reader() { return *reader_; }

    static constexpr StateIndex state{2};

private:
    std::unique_ptr<const SignatureSet> set_;
    AlertRing alerts_{64};
    std::unique_ptr<ContentReader> reader_;
    flow::Flow flow_{};
};

using Sids = std::vector<std::uint32_t>;

TEST(ContentReader, keeps_the_facts_of_a_flow_until_it_is_forgotten) {
    Reader flow;
    flow.read_all(testing::http_conversation());
    const Metadata* const metadata = flow.reader().metadata(Reader::state);
    ASSERT_NE(metadata, nullptr);
    EXPECT_EQ(metadata->view(metadata->http.host), "www.example.org");
    EXPECT_EQ(metadata->http.status, 200U);
    flow.finish();
    const std::uint32_t number = flow.reader().detach(Reader::state);
    ASSERT_NE(number, 0U);
    EXPECT_EQ(flow.reader().metadata(Reader::state), nullptr);
    const Metadata& kept = flow.reader().metadata_at(number);
    EXPECT_EQ(kept.view(kept.http.uri), "/index.html");
    flow.reader().forget(number);
    EXPECT_EQ(flow.reader().extractor().metadata_taken(), 0U);
}

TEST(ContentReader, says_when_no_more_packets_are_wanted) {
    Reader flow;
    EXPECT_EQ(flow.read(segment(true, 0x02)), Wants::facts);
    EXPECT_EQ(flow.read(segment(true, 0x18, "nothing that anybody reads")), Wants::facts);
    for (unsigned packet = 0; packet < 40; ++packet) {
        flow.read(segment(packet % 2 == 0, 0x18, "?", 80, 40'000, 26 + packet / 2));
    }
    EXPECT_EQ(flow.read(segment(true, 0x10)), Wants::nothing);
}

TEST(ContentReader, compares_packets_streams_and_parts_of_messages) {
    Reader flow(
        "alert tcp any any -> any 80 (flow:established,to_server; content:\"index\"; sid:1;)\n"
        "alert http any any -> any any (http.host; content:\"example.org\"; endswith; sid:2;)\n"
        "alert http any any -> any any (http.stat_code; content:\"200\"; sid:3;)\n"
        "alert tcp any any -> any any (flags:S; sid:4;)\n"
        "alert http any any -> any any (http.host; content:\"elsewhere\"; sid:5;)\n");
    flow.read_all(testing::http_conversation());
    EXPECT_EQ(flow.sids(), (Sids{4, 1, 2, 3}));
    flow.finish();
    const Metadata& metadata = flow.reader().metadata_at(flow.reader().detach(Reader::state));
    EXPECT_EQ(metadata.signatures.sids_count, 4U);
    EXPECT_EQ(metadata.signatures.matches, 4U);
    EXPECT_EQ(metadata.signatures.sids[0], 4U);
}

TEST(ContentReader, finds_what_two_segments_share) {
    Reader flow("alert tcp any any -> any any (flow:established; content:\"needle\"; sid:1;)\n");
    flow.read_all({segment(true, 0x02), segment(false, 0x12), segment(true, 0x10),
                   segment(true, 0x18, "a nee")});
    EXPECT_EQ(flow.sids(), Sids{});
    flow.read(segment(true, 0x18, "dle", 80, 40'000, 5));
    EXPECT_EQ(flow.sids(), Sids{1});
}

TEST(ContentReader, looks_at_what_waited_when_the_flow_leaves) {
    Reader flow("alert tcp any any -> any any (flow:established; content:\"needle\"; sid:1;)\n");
    flow.read_all({segment(true, 0x02), segment(false, 0x12), segment(true, 0x10),
                   segment(true, 0x18, "needle", 80, 40'000, 100)});
    EXPECT_EQ(flow.sids(), Sids{}) << "octets before it are missing";
    flow.finish();
    EXPECT_EQ(flow.sids(), Sids{1});
}

TEST(ContentReader, a_stream_is_compared_as_far_as_it_is_inspected) {
    Reader flow("alert tcp any any -> any any (content:\"needle\"; sid:1;)\n", 256);
    flow.read_all({segment(true, 0x02), segment(false, 0x12), segment(true, 0x10)});
    const std::string first(256, '.');
    EXPECT_EQ(flow.read(segment(true, 0x18, first)), Wants::signatures) << "the server may speak";
    flow.read(segment(true, 0x18, "needle", 80, 40'000, 256));
    EXPECT_EQ(flow.sids(), Sids{}) << "behind the inspected part";
    EXPECT_NE(flow.read(segment(false, 0x18, first)), Wants::signatures);
}

TEST(ContentReader, a_flow_without_cycles_is_not_compared_any_more) {
    Reader flow("alert tcp any any -> any any (content:\"example\"; sid:1;)\n");
    const auto frames = testing::http_conversation();
    flow.read(frames[0]);
    flow.read(frames[1], false);
    flow.read(frames[2]);
    flow.read(frames[3]);
    EXPECT_EQ(flow.sids(), Sids{});
    EXPECT_EQ(flow.books().flows_shed, 1U);
    ASSERT_NE(flow.reader().metadata(Reader::state), nullptr) << "facts cost little";
}

TEST(ContentReader, compares_datagrams_and_packets_without_ports) {
    Reader names(
        "alert dns any any -> any any (dns.query; content:\"example\"; sid:1;)\n"
        "alert udp any any -> any 53 (content:\"|03|org\"; sid:2;)\n");
    names.read(testing::dns_query("www.example.org"));
    EXPECT_EQ(names.sids(), (Sids{2, 1}));

    Reader echoes("alert icmp any any -> any any (itype:8; sid:3;)\n");
    const Frame echo = testing::FrameBuilder{}
                           .ethernet()
                           .ipv4({.protocol = 1, .source = 0x0a00'0001, .destination = 0x0a00'0002})
                           .icmp(8, 0)
                           .frame();
    echoes.read(echo);
    EXPECT_EQ(echoes.sids(), Sids{3});
}

TEST(ContentReader, connections_without_a_beginning_are_no_streams) {
    Reader flow(
        "alert tcp any any -> any any (flow:established; content:\"example\"; sid:1;)\n"
        "alert http any any -> any any (http.host; content:\"example\"; sid:2;)\n"
        "alert tcp any any -> any any (content:\"example\"; sid:3;)\n");
    flow.read(testing::http_conversation()[3]);
    EXPECT_EQ(flow.sids(), Sids{3});
}

}  // namespace
}  // namespace tapmeter::inspect
