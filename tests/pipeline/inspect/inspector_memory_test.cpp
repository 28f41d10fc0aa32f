// What a flow costs in memory while nobody knows yet what it carries.
#include <gtest/gtest.h>

#include "pipeline/worker.h"
#include "tests/pipeline/inspect/content_flow.h"
#include "tests/pipeline/inspect/inspecting_worker.h"

namespace tapmeter::inspect {
namespace {

using tapmeter::testing::few_seconds;
using tapmeter::testing::Frame;
using tapmeter::testing::FrameBuilder;
using tapmeter::testing::ReplaySource;
using tapmeter::testing::segment;
using tapmeter::testing::timed;

constexpr std::uint64_t octets_max = 1'229;  // 1.2 KiB
constexpr unsigned flows = 4'000;
// One that many flows meet half of, one that many meet.
constexpr const char* two_rules =
    "alert http any any -> any any (http.method; content:\"GET\"; http.cookie; content:\"a\"; "
    "sid:1;)\n"
    "alert tls any any -> any any (tls.sni; content:\"example\"; sid:2;)\n";

// One that waits for its answer, as flows do: a SYN, a hello, a request, or nothing that anybody
// can name.
std::vector<Frame> waiting_flow(unsigned number) {
    const auto port = static_cast<std::uint16_t>(50'000 + number);
    const unsigned kind = number % 10;
    if (kind < 3) {
        return {segment(true, 0x02, {}, 443, port)};
    }
    if (kind < 7) {
        const std::string server = "host" + std::to_string(number) + ".example.org";
        return tapmeter::testing::tls_conversation(server, port);
    }
    if (kind < 9) {
        auto request = tapmeter::testing::http_conversation(80, port);
        request.pop_back();
        return request;
    }
    return {FrameBuilder{}.ethernet().ipv4().udp(port, 9'999).text("no protocol").frame()};
}

// A worker that has met all of these flows, and nothing behind them.
class Met {
public:
    explicit Met(const std::string& rules)
        : set_(rules.empty() ? nullptr : testing::compile(rules)),
          source_(frames()),
          worker_(parts()) {
        while (!worker_.exhausted()) {
            worker_.step();
        }
    }
    InspectionBooks books() const { return worker_.books().inspection; }

    // Memory that one more flow at one time costs, as the program takes it at its start.
    static std::uint64_t octets_of_a_state(bool with_rules) {
        const auto octets_for = [&](std::size_t states) {
            Comparison::Settings comparing;
            comparing.states_max = states;
            return Inspector::octets_for({.states_max = states}) +
                   Dissector::octets_for({.states_max = states}) +
                   ContentReader::octets_for({.states_max = states}) +
                   (with_rules ? Comparison::octets_for(comparing) : 0);
        };
        return (octets_for(2 * flows) - octets_for(flows)) / flows;
    }

private:
    static std::vector<tapmeter::testing::TimedFrame> frames() {
        std::vector<Frame> all;
        for (unsigned number = 0; number < flows; ++number) {
            const auto some = waiting_flow(number);
            all.insert(all.end(), some.begin(), some.end());
        }
        return timed(all);
    }
    std::unique_ptr<Comparison> comparison() {
        if (set_ == nullptr) {
            return nullptr;
        }
        Comparison::Settings settings;
        settings.kit = std::move(*SignatureKit::make(*set_));
        settings.alerts = &alerts_;
        settings.states_max = flows;
        settings.side_octets_max = 16'384;
        settings.histories_max = flows;
        return std::move(*Comparison::make(std::move(settings)));
    }
    Worker::Parts parts() {
        auto table = std::move(*flow::FlowTable::make(
            {.flows_max = 16'384, .pages = Region::Wanted::small, .populate = false}));
        Inspector::Settings settings{.states_max = flows, .flow_places = table.places()};
        auto dissector = std::move(*Dissector::load({.states_max = flows}, names_));
        auto content = std::move(*ContentReader::make(
            {.states_max = flows,
             .extractor = {.streams = {.windows_max = 16}, .metadata_max = flows}},
            comparison()));
        return {.source = source_,
                .ring = ring_,
                .table = std::move(table),
                .hash_key = {1, 2},
                .timeouts = few_seconds,
                .flows_max = 16'384,
                .inspector = std::move(
                    *Inspector::make(settings, std::move(dissector), std::move(content)))};
    }

    std::unique_ptr<const SignatureSet> set_;
    ApplicationNames names_;
    AlertRing alerts_{8'192};
    RecordRing ring_{1'024};
    ReplaySource source_;
    Worker worker_;
};

TEST(InspectorMemory, of_an_undecided_flow_is_small) {
    const InspectionBooks books = Met("").books();
    ASSERT_EQ(books.undecided, flows);
    const std::uint64_t octets = books.flow_octets / flows;
    EXPECT_LE(octets, octets_max);
    EXPECT_GT(octets, Dissector::state_octets()) << "nDPI's blocks and our own are in it";
    EXPECT_EQ(books.dissector_refusals, 0U);
    EXPECT_LE(Met::octets_of_a_state(false), octets_max);
    RecordProperty("octets_in_use", std::to_string(octets));
}

TEST(InspectorMemory, of_one_that_is_compared_with_rules_is_little_more) {
    const InspectionBooks books = Met(two_rules).books();
    ASSERT_EQ(books.undecided, flows);
    EXPECT_EQ(books.signatures.raised, flows * 4 / 10);
    EXPECT_EQ(books.signatures.memories_refused, flows / 10) << "six in ten want one, half get it";
    EXPECT_LE(Met::octets_of_a_state(true), octets_max + 128);
    RecordProperty("octets_in_use", std::to_string(books.flow_octets / flows));
}

TEST(InspectorMemory, goes_with_the_flows) {
    ReplaySource source(timed(waiting_flow(3)));
    tapmeter::testing::InspectingWorker worker(source, {.states_max = 64});
    worker.step();
    EXPECT_GT(worker.books().flow_octets, Dissector::state_octets());
    worker.run_to_the_end();
    EXPECT_EQ(worker.books().flow_octets, 0U);
}

}  // namespace
}  // namespace tapmeter::inspect
