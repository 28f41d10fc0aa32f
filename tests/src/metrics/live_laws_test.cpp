#include <gtest/gtest.h>

#include "pipeline/base/packet.h"
#include "src/metrics/snapshot.h"
#include "tests/src/metrics/broken_laws.h"
#include "tests/src/metrics/sample.h"

// Laws across two threads while packets are in flight: late is allowed up to what fits between the
// two, surplus never.
namespace tapmeter::metrics {
namespace {

using Names = std::set<std::string>;

const std::string received_packets = "workers: received packets";
const std::string whole_packets = "appliance: whole packets";

WorkerBooks& books(Snapshot& snapshot) {
    return snapshot.workers[1].books;
}
CaptureCounters& capture(Snapshot& snapshot) {
    return snapshot.interfaces[1].counters;
}
exporting::OutputCounters& output(Snapshot& snapshot) {
    return snapshot.outputs[1].counters;
}

Snapshot live() {
    Snapshot snapshot = sample_snapshot();
    snapshot.settled = false;
    return snapshot;
}

// How many packets are allowed between a queue's burst and the next account.
constexpr std::uint64_t hands = 2 * burst_packets_max;

TEST(LiveLaws, offered_packets_may_be_late_by_what_the_hands_hold) {
    Snapshot snapshot = live();
    capture(snapshot).offered.value += hands * 2;  // two queues
    EXPECT_EQ(broken(snapshot), Names{});
    capture(snapshot).offered.value += 1;
    EXPECT_EQ(broken(snapshot), Names{"interface p1: offered packets"});
    snapshot.interfaces[1].packets_meanwhile = 1;
    EXPECT_EQ(broken(snapshot), Names{});
}

TEST(LiveLaws, more_received_than_offered_is_red_at_once) {
    Snapshot snapshot = live();
    capture(snapshot).offered.value -= 1;
    EXPECT_EQ(broken(snapshot), (Names{"interface p1: offered packets", whole_packets}));
}

TEST(LiveLaws, the_hole_in_the_whole_is_found_beyond_all_hands) {
    Snapshot snapshot = live();
    // Lost a little on each interface: no single law sees it, the sum of the allowances does not.
    const std::uint64_t allowed = hands * (4 + 2);  // four queues, two workers
    books(snapshot).non_ip[index_of(NonIp::arp)] = 0;
    books(snapshot).metered.packets = 0;
    const Names red = broken(snapshot);
    ASSERT_GT(1'000 - 60, allowed);
    EXPECT_TRUE(red.contains(whole_packets));
}

TEST(LiveLaws, what_was_shunted_is_folded_or_waits) {
    Snapshot snapshot = live();
    snapshot.interfaces[1].packets_meanwhile = 50;
    const std::uint64_t allowed = hands * 4 + 50;
    capture(snapshot).offered.value += 5'000;
    capture(snapshot).shunted.value += 5'000;
    snapshot.shunt_waiting = 5'000 - allowed;
    EXPECT_EQ(broken(snapshot), Names{});
    snapshot.shunt_waiting -= 1;
    EXPECT_EQ(broken(snapshot), Names{"workers: shunted packets"});
    snapshot.shunt_waiting = 5'000 + hands * 4 + 51;
    EXPECT_TRUE(broken(snapshot).contains("workers: shunted packets"));
}

TEST(LiveLaws, workers_may_lag_behind_the_interfaces_but_never_lead) {
    Snapshot snapshot = live();
    const std::uint64_t allowed = hands * (4 + 2);
    WorkerBooks& late = books(snapshot);
    late.received_packets -= allowed;
    late.metered.packets -= allowed;
    late.in_table.packets = 0;
    late.emitted.packets = late.metered.packets - late.refused.packets;
    snapshot.rings[1].taken.packets = late.emitted.packets;
    EXPECT_EQ(broken(snapshot), Names{});
    late.received_packets -= 1;
    late.non_ip[index_of(NonIp::arp)] -= 1;
    EXPECT_EQ(broken(snapshot), (Names{received_packets, whole_packets}));

    Snapshot leading = live();
    ++books(leading).received_packets;
    ++books(leading).non_ip[0];
    EXPECT_EQ(broken(leading), (Names{received_packets, whole_packets}));
}

TEST(LiveLaws, a_ring_may_hold_what_it_can_hold) {
    Snapshot snapshot = live();
    Snapshot::Ring& ring = snapshot.rings[1];
    books(snapshot).records_emitted[0] += ring.capacity;
    books(snapshot).active_cuts += ring.capacity;
    EXPECT_EQ(broken(snapshot), Names{});
    books(snapshot).records_emitted[0] += 1;
    books(snapshot).active_cuts += 1;
    EXPECT_EQ(broken(snapshot), Names{"ring 1: ring records"});
    snapshot.workers[1].records_meanwhile = 1;
    EXPECT_EQ(broken(snapshot), Names{});
}

TEST(LiveLaws, a_record_taken_but_never_emitted_is_red_at_once) {
    Snapshot snapshot = live();
    snapshot.rings[1].taken.records += 1;
    for (Snapshot::Output& each : snapshot.outputs) {
        each.counters.taken.records += 1;
        each.counters.sent.records += 1;
    }
    EXPECT_EQ(broken(snapshot), Names{"ring 1: ring records"});
    snapshot.rings[1].waiting = 10;
    EXPECT_EQ(broken(snapshot), Names{"ring 1: ring records"});
}

// A batch that the exporter core has counted and not yet given back stands in both.
TEST(LiveLaws, a_batch_may_be_both_waiting_and_taken) {
    Snapshot snapshot = live();
    snapshot.rings[1].waiting = 20;
    EXPECT_EQ(broken(snapshot), Names{});
    snapshot.rings[1].taken.records -= 5;
    snapshot.rings[1].taken.packets -= 5;
    EXPECT_EQ(broken(snapshot), Names{});  // given to the outputs, counted next
}

TEST(LiveLaws, packets_of_late_records_may_be_late_but_not_of_taken_ones) {
    Snapshot snapshot = live();
    snapshot.rings[1].taken.packets -= 1;
    EXPECT_EQ(broken(snapshot), Names{"ring 1: ring packets"});
    snapshot.rings[1].taken.records -= 1;
    snapshot.rings[1].waiting = 1;
    EXPECT_EQ(broken(snapshot), Names{});
    snapshot.rings[1].taken.packets += 2;  // more than was emitted
    EXPECT_EQ(broken(snapshot), Names{"ring 1: ring packets"});
}

TEST(LiveLaws, an_output_may_be_a_batch_behind_and_never_ahead) {
    Snapshot snapshot = live();
    snapshot.rings[0].taken.records += 2 * 256;
    books(snapshot).records_emitted[0] += 0;
    snapshot.workers[0].books.records_emitted[0] += 2 * 256;
    snapshot.workers[0].books.active_cuts += 2 * 256;
    EXPECT_EQ(broken(snapshot), Names{});
    snapshot.rings[0].taken.records += 1;
    snapshot.workers[0].books.records_emitted[0] += 1;
    snapshot.workers[0].books.active_cuts += 1;
    EXPECT_EQ(broken(snapshot),
              (Names{"output ipfix/main: exporter records", "output json/file: exporter records"}));

    Snapshot ahead = live();
    ++output(ahead).taken.records;
    ++output(ahead).sent.records;
    EXPECT_EQ(broken(ahead), Names{"output json/file: exporter records"});
}

TEST(LiveLaws, octets_of_late_packets_are_allowed_and_no_surplus) {
    Snapshot snapshot = live();
    books(snapshot).received_octets += 1;
    books(snapshot).unmetered_octets += 1;
    EXPECT_EQ(broken(snapshot), Names{"workers: received octets"});

    Snapshot late = live();
    books(late).received_octets -= 1'000;
    books(late).unmetered_octets -= 1'000;
    EXPECT_EQ(broken(late), Names{});
}

TEST(LiveLaws, report_both_sides_and_what_exceeds_the_allowance) {
    Snapshot snapshot = live();
    capture(snapshot).offered.value += hands * 2 + 7;
    for (const Law& law : laws(snapshot)) {
        if (law.name == "interface p1: offered packets") {
            EXPECT_EQ(law.key, "offered");
            EXPECT_EQ(law.left, 1'140 + hands * 2 + 7);
            EXPECT_EQ(law.right, 1'140U);
            EXPECT_EQ(law.imbalance, 7U);
        }
    }
}

}  // namespace
}  // namespace tapmeter::metrics
