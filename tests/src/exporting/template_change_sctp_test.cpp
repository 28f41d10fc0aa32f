// Templates that change at a reload, over SCTP: the Collector's stack is in this process.
#include <gtest/gtest.h>

#include "src/exporting/ipfix_output.h"
#include "tests/support/collector.h"
#include "tests/support/flow_records.h"
#include "tests/support/sctp_peer.h"

namespace tapmeter::exporting {
namespace {

using std::chrono::seconds;
using std::chrono::steady_clock;
using test_support::Collector;
using test_support::SctpPeer;

const Interfaces points{{"eth1", ObservationDomainId{10}}};

// Every message that has come, in the order of the one stream.
Collector all_of(const SctpPeer& peer) {
    Collector collector;
    for (const std::string& message : peer.messages()) {
        EXPECT_EQ(collector.read_stream(std::as_bytes(std::span{message})), 0U);
    }
    return collector;
}

// RFC 7011 section 8.3: reliably and in order, as all that we send over SCTP.
TEST(TemplateChangeSctp, is_a_withdrawal_and_new_ids_in_the_same_association) {
    SctpPeer peer;
    Config::Ipfix config;
    config.name = "test";
    config.transport = Config::Transport::sctp;
    config.host = "127.0.0.1";
    config.port = SctpPeer::port;
    config.udp_encapsulation = peer.udp_port();
    auto output = open_ipfix(config, points).value();
    Config fresh;
    fresh.ipfix = {config};
    const auto records = test_support::mixed_records(300);
    std::uint64_t wanted = 0;
    for (const std::vector<std::string>& fields :
         {std::vector<std::string>{}, {"flowId", "octetDeltaCount"}, {}}) {
        fresh.ipfix[0].fields = fields;
        output->reload(fresh);
        output->take(records);
        wanted += records.size();
        output->tick(steady_clock::now() + wanted * seconds{1});
        const auto deadline = steady_clock::now() + seconds{20};
        while (output->counters().sent.records < wanted && steady_clock::now() < deadline) {
            peer.serve();
        }
        ASSERT_EQ(output->counters().sent.records, wanted);
    }
    const Collector collector = all_of(peer);
    EXPECT_TRUE(collector.faults().empty()) << collector.faults().front();
    EXPECT_EQ(collector.missing(), 0U);
    EXPECT_EQ(collector.records().size(), wanted);
    ASSERT_EQ(collector.withdrawn().size(), 2 * flow_kinds);
    EXPECT_EQ(collector.withdrawn().front(), 256U);
    EXPECT_EQ(collector.withdrawn().back(), 1'024 + flow_kinds - 1);
    EXPECT_GE(collector.records().back().template_id, 1'040U);
}

}  // namespace
}  // namespace tapmeter::exporting
