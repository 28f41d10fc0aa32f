// How packets come to those who look into them: fragments, and what a dissector has told before.
#include <gtest/gtest.h>

#include <algorithm>

#include "pipeline/worker.h"
#include "tests/pipeline/inspect/content_flow.h"
#include "tests/support/replay_source.h"

namespace tapmeter::inspect {
namespace {

using namespace std::chrono_literals;
using tapmeter::testing::Frame;
using tapmeter::testing::FrameBuilder;
using tapmeter::testing::ReplaySource;
using tapmeter::testing::TimedFrame;
using testing::Sids;

// A worker that dissects, reads and compares what the frames carry, to their end.
class Played {
public:
    Played(const std::string& rules, const std::vector<Frame>& frames)
        : set_(testing::compile(rules)), source_(timed(frames)), worker_(parts()) {
        while (!worker_.exhausted()) {
            worker_.step();
        }
        while (!worker_.drain({})) {
        }
    }
    Sids sids() {
        alerts_.publish();
        Sids sids;
        for (const Alert& alert : alerts_.readable()) {
            sids.push_back(alert.sid);
        }
        return sids;
    }
    InspectionBooks books() const { return worker_.books().inspection; }

private:
    static std::vector<TimedFrame> timed(const std::vector<Frame>& frames) {
        std::vector<TimedFrame> result;
        for (const Frame& frame : frames) {
            result.push_back({frame, 1'000s + 1us * static_cast<std::int64_t>(result.size())});
        }
        return result;
    }
    Worker::Parts parts() {
        constexpr std::size_t states = 16;
        auto table = std::move(*flow::FlowTable::make(
            {.flows_max = 4'096, .pages = Region::Wanted::small, .populate = false}));
        Inspector::Settings settings{.states_max = states, .flow_places = table.places()};
        Comparison::Settings comparing;
        comparing.kit = std::move(*SignatureKit::make(*set_));
        comparing.alerts = &alerts_;
        comparing.states_max = states;
        comparing.side_octets_max = 16'384;
        comparing.histories_max = states;
        auto content = std::move(*ContentReader::make(
            {.states_max = states,
             .extractor = {.streams = {.windows_max = states}, .metadata_max = states}},
            std::move(*Comparison::make(std::move(comparing)))));
        auto dissector = std::move(*Dissector::load({.states_max = states}, names_));
        return {.source = source_,
                .ring = ring_,
                .table = std::move(table),
                .hash_key = {1, 2},
                .timeouts = {.idle = 30s, .active = 60s, .tcp_end = 2s},
                .flows_max = 4'096,
                .inspector = std::move(
                    *Inspector::make(settings, std::move(dissector), std::move(content)))};
    }

    std::unique_ptr<const SignatureSet> set_;
    ApplicationNames names_;
    AlertRing alerts_{64};
    RecordRing ring_{1'024};
    ReplaySource source_;
    Worker worker_;
};

// The octets [begin, end) behind the IP header of `whole`, as a fragment.
Frame part(const Frame& whole, std::size_t begin, std::size_t end) {
    constexpr std::size_t ethernet_octets = 14;
    constexpr std::size_t head_octets = ethernet_octets + 20;
    const auto at = [&](std::size_t octet) {
        return whole.begin() + static_cast<std::ptrdiff_t>(head_octets + octet);
    };
    const std::size_t octets = whole.size() - head_octets;
    end = std::min(end, octets);
    Frame frame(whole.begin(), at(0));
    frame.insert(frame.end(), at(begin), at(end));
    const std::size_t total = frame.size() - ethernet_octets;
    const std::size_t flags_and_offset = begin / 8 | (end < octets ? 0x2000U : 0U);
    frame[ethernet_octets + 2] = static_cast<std::byte>(total >> 8U);
    frame[ethernet_octets + 3] = static_cast<std::byte>(total);
    frame[ethernet_octets + 6] = static_cast<std::byte>(flags_and_offset >> 8U);
    frame[ethernet_octets + 7] = static_cast<std::byte>(flags_and_offset);
    return frame;
}

std::vector<Frame> in_parts(const Frame& whole, std::size_t octets) {
    std::vector<Frame> parts;
    for (std::size_t begin = 0; begin + 34 < whole.size(); begin += octets) {
        parts.push_back(part(whole, begin, begin + octets));
    }
    return parts;
}

constexpr const char* rules =
    "alert udp any any -> any any (content:\"|07|example\"; sid:1;)\n"
    "alert dns any any -> any any (dns.query; content:\"www.example.org\"; sid:2;)\n"
    "alert udp any any -> any any (dsize:33; sid:3;)\n"
    "alert ip any any -> any any (fragbits:M; sid:4;)\n";

TEST(InspectorPackets, what_is_cut_into_fragments_is_looked_into_once_it_is_whole) {
    const Frame whole = tapmeter::testing::dns_query("www.example.org");
    Played alone(rules, {whole});
    EXPECT_EQ(alone.sids(), (Sids{1, 3, 2}));
    EXPECT_EQ(alone.books().datagrams_joined, 0U);

    Played cut(rules, in_parts(whole, 16));
    EXPECT_EQ(cut.sids(), (Sids{4, 4, 1, 3, 2})) << "two with more to come, then the whole";
    EXPECT_EQ(cut.books().datagrams_joined, 1U);
    EXPECT_EQ(cut.books().described, 1U);
}

// Whichever comes first: those before the first fragment wait for its ports, and are parts of the
// datagram all the same. They are no packets of a flow that a rule could look at by itself.
TEST(InspectorPackets, fragments_that_come_before_their_first_are_part_of_the_whole) {
    auto parts = in_parts(tapmeter::testing::dns_query("www.example.org"), 16);
    ASSERT_EQ(parts.size(), 3U);
    const Sids whole{1, 3, 2};
    Played last_to_first(rules, {parts[2], parts[1], parts[0]});
    EXPECT_EQ(last_to_first.sids(), (Sids{4, 1, 3, 2})) << "of fragments the first alone";
    EXPECT_EQ(last_to_first.books().datagrams_joined, 1U);
    EXPECT_EQ(last_to_first.books().described, 1U);

    Played first_between(rules, {parts[1], parts[0], parts[2]});
    EXPECT_EQ(first_between.sids(), (Sids{4, 1, 3, 2}));
    EXPECT_EQ(first_between.books().datagrams_joined, 1U);
}

// The bound stays: of more datagrams than can wait, those that were heard of last become whole.
TEST(InspectorPackets, more_datagrams_than_can_wait_are_given_up) {
    constexpr unsigned too_many = 20;  // sixteen wait
    std::vector<Frame> frames;
    std::vector<Frame> firsts;
    for (unsigned number = 0; number < too_many; ++number) {
        auto parts = in_parts(tapmeter::testing::dns_query("www.example.org"), 16);
        constexpr std::size_t identification_at = 14 + 4;
        for (Frame& frame : parts) {
            frame[identification_at + 1] = static_cast<std::byte>(number + 1);
        }
        frames.insert(frames.end(), parts.rbegin(), parts.rend() - 1);
        firsts.push_back(parts.front());
    }
    frames.insert(frames.end(), firsts.rbegin(), firsts.rend());
    Played played("alert udp any any -> any any (dsize:33; sid:3;)\n", frames);
    EXPECT_EQ(played.books().datagrams_joined, 16U);
    EXPECT_GE(played.books().datagrams_given_up, 4U);
}

TEST(InspectorPackets, a_datagram_that_never_becomes_whole_shows_its_headers) {
    const auto parts = in_parts(tapmeter::testing::dns_query("www.example.org"), 16);
    Played cut(rules, {parts[0], parts[2]});
    EXPECT_EQ(cut.sids(), Sids{4});
    EXPECT_EQ(cut.books().datagrams_joined, 0U);
}

// A TCP header in three fragments: its flags are in the second.
TEST(InspectorPackets, a_header_in_pieces_is_one_header) {
    const Frame syn = tapmeter::testing::segment(true, 0x02);
    Played cut("alert tcp any any -> any any (flags:S; sid:1;)\n", in_parts(syn, 8));
    EXPECT_EQ(cut.sids(), Sids{1});
}

// The dissector tells before the packet is compared: a rule that names an application of which
// there is no extractor holds on the packet that gave it away, on any port.
TEST(InspectorPackets, a_dissector_tells_what_rules_ask_for) {
    const Frame ntp = FrameBuilder{}
                          .ethernet()
                          .ipv4()
                          .udp(40'000, 123)
                          .be8(0x23)
                          .be8(0)
                          .be16(0x0600)
                          .fill(44)
                          .frame();
    Played played(
        "alert ntp any any -> any any (msg:\"asked\"; sid:1;)\n"
        "alert snmp any any -> any any (msg:\"not asked\"; sid:2;)\n",
        {ntp});
    EXPECT_EQ(played.sids(), Sids{1});
}

}  // namespace
}  // namespace tapmeter::inspect
