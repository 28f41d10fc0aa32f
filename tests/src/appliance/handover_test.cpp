#include "src/appliance/handover.h"

#include <gtest/gtest.h>

#include <csignal>

namespace tapmeter {
namespace {

using inspect::Doing;
using metrics::RestartReason;

flow::FlowKey key_of(std::uint16_t port) {
    flow::FlowKey key;
    key.low[12] = 192;
    key.low[15] = 1;
    key.high[12] = 198;
    key.high[15] = 2;
    key.low_port = 443;
    key.high_port = port;
    key.protocol = 17;
    key.ip_version = 4;
    return key;
}

std::unique_ptr<Handover> made(std::size_t workers = 2) {
    auto handover = Handover::make(workers);
    EXPECT_TRUE(handover.has_value());
    return std::move(*handover);
}

// As a worker's thread and its signal handler leave a slot.
void leave(Handover& handover, std::size_t worker, Doing doing, int signal) {
    inspect::CrashSlot& slot = handover.slot_of(worker);
    slot.key = key_of(static_cast<std::uint16_t>(1'000 + worker));
    slot.key.attached = 7;
    slot.doing.store(doing);
    slot.signal.store(signal);
}

TEST(Handover, the_flow_of_the_thread_that_ended_it_is_quarantined_and_no_other) {
    const auto handover = made();
    leave(*handover, 0, Doing::reading, 0);  // at work, as innocent as any
    leave(*handover, 1, Doing::dissecting, SIGSEGV);
    const auto fault = handover->crashed(SIGSEGV);
    ASSERT_TRUE(fault.has_value());
    EXPECT_EQ(fault->worker, 1U);
    EXPECT_EQ(fault->doing, Doing::dissecting);
    ASSERT_EQ(handover->quarantined().size(), 1U);
    EXPECT_EQ(handover->quarantined().front(), key_of(1'001));
    EXPECT_EQ(handover->quarantined().front().attached, 0U);
    const metrics::Restarts& restarts = handover->restarts();
    EXPECT_EQ(restarts.restarts[static_cast<std::size_t>(RestartReason::segv)], 1U);
    EXPECT_EQ(restarts.dpi_faults[static_cast<std::size_t>(Doing::dissecting)], 1U);
    EXPECT_EQ(restarts.flows_quarantined, 1U);
    EXPECT_EQ(handover->slot_of(0).doing.load(), Doing::nothing) << "ready for the next";
}

TEST(Handover, a_crash_outside_of_inspection_quarantines_nobody) {
    const auto handover = made();
    leave(*handover, 0, Doing::nothing, SIGABRT);
    const auto fault = handover->crashed(SIGABRT);
    ASSERT_TRUE(fault.has_value());
    EXPECT_EQ(fault->doing, Doing::nothing);
    EXPECT_FALSE(handover->crashed(SIGKILL).has_value());
    EXPECT_TRUE(handover->quarantined().empty());
    EXPECT_EQ(handover->restarts().total(), 2U);
}

TEST(Handover, so_many_flows_are_quarantined_then_the_oldest_is_forgotten) {
    const auto handover = made();
    for (std::size_t count = 0; count < 65; ++count) {
        inspect::CrashSlot& slot = handover->slot_of(0);
        slot.key = key_of(static_cast<std::uint16_t>(count));
        slot.doing.store(Doing::dissecting);
        slot.signal.store(SIGSEGV);
        handover->crashed(SIGSEGV);
    }
    EXPECT_EQ(handover->quarantined().size(), 64U);
    EXPECT_EQ(handover->quarantined()[0], key_of(64));
    EXPECT_EQ(handover->quarantined()[1], key_of(1));
}

// 1,000 packets reached the interface: 600 in the books of the one that crashed, 30 in its tables
// beyond them, 20 left before its workers, 350 in its rings or nowhere.
TEST(Handover, names_the_packets_that_reached_nobody_and_records_that_did_not_leave) {
    const auto handover = made();
    handover->take_stock();
    EXPECT_FALSE(handover->has_predecessor());
    const std::vector<WorkerBooks> none(1);
    handover->settle(none, {.device = 5'000, .offered = 0});

    WorkerBooks last;
    last.received_packets = 600;
    last.in_table.packets = 400;
    last.flows_active = 12;
    last.records_emitted[0] = 9;
    last.emitted.packets = 200;
    handover->books_of(0).publish(last);
    exporting::OutputCounters output;
    output.sent = {.records = 5, .packets = 120};
    output.left_out = {.records = 1, .packets = 10};
    handover->note({&output, 1}, 20, false);
    handover->crashed(SIGSEGV);

    handover->take_stock();
    EXPECT_TRUE(handover->has_predecessor());
    WorkerBooks next;
    next.adopted.packets = 430;
    next.flows_adopted = 11;
    handover->settle({&next, 1}, {.device = 6'004, .offered = 4});
    EXPECT_EQ(handover->restarts().packets_lost, 350U);
    EXPECT_EQ(handover->restarts().flows_adopted, 11U);
    EXPECT_EQ(handover->restarts().flows_lost, 1U);
    EXPECT_EQ(handover->lost_by_output(0).records, 3U);
    EXPECT_EQ(handover->lost_by_output(0).packets, 70U);
}

TEST(Handover, what_one_interface_does_not_count_is_not_known_of_all) {
    const auto handover = made();
    handover->take_stock();
    const std::vector<WorkerBooks> one(1);
    handover->settle(one, {.device = 5, .offered = 0, .known = false});
    handover->crashed(SIGSEGV);
    handover->take_stock();
    handover->settle(one, {.device = 50, .offered = 0, .known = true});
    EXPECT_FALSE(handover->restarts().packets_known);
    EXPECT_EQ(handover->restarts().packets_lost, 0U);
}

TEST(Handover, writes_a_flow_as_its_ends) {
    EXPECT_EQ(flow_text(key_of(40'000)), "UDP 192.0.0.1:443 - 198.0.0.2:40000");
    flow::FlowKey six = key_of(1);
    six.ip_version = 6;
    six.low = {};
    six.low[15] = 1;
    EXPECT_TRUE(flow_text(six).starts_with("UDP [::1]:443 - ")) << flow_text(six);
}

}  // namespace
}  // namespace tapmeter
