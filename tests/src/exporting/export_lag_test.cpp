#include "src/exporting/export_lag.h"

#include <gtest/gtest.h>

#include "src/exporting/ipfix_output.h"
#include "tests/support/collector.h"
#include "tests/support/flow_records.h"

namespace tapmeter::exporting {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;

const ObservedAt ended{hours{500'000}};

TEST(ExportLag, counts_in_the_class_whose_bound_is_kept) {
    ExportLag lag;
    lag.add(1, ended, ended + milliseconds{100});
    lag.add(2, ended, ended + milliseconds{101});
    lag.add(4, ended, ended + seconds{300});
    lag.add(8, ended, ended + seconds{301});
    EXPECT_EQ(lag.records[0], 1U);
    EXPECT_EQ(lag.records[1], 2U);
    EXPECT_EQ(lag.records[10], 4U);
    EXPECT_EQ(lag.records[11], 8U);
    EXPECT_EQ(lag.milliseconds, 100U + 2 * 101 + 4 * 300'000 + 8 * 301'000);
    EXPECT_EQ(lag.count(), 15U);
}

TEST(ExportLag, knows_no_future_no_recordings_and_no_time_that_nobody_gave) {
    ExportLag lag;
    lag.add(1, ended, ended - seconds{1});
    EXPECT_EQ(lag.records[0], 1U);
    EXPECT_EQ(lag.milliseconds, 0U);
    lag.add(1, ended, ended + hours{24} + milliseconds{1});
    lag.add(1, ObservedAt{}, ObservedAt{} + seconds{1});
    EXPECT_EQ(lag.count(), 1U);
}

TEST(ExportLag, tells_the_bound_that_so_many_keep) {
    ExportLag lag;
    EXPECT_EQ(lag.bound_of(50), 0U);
    lag.records[2] = 98;
    lag.records[5] = 1;
    lag.records[11] = 1;
    EXPECT_EQ(lag.bound_of(50), 500U);
    EXPECT_EQ(lag.bound_of(98), 500U);
    EXPECT_EQ(lag.bound_of(99), 5'000U);
    EXPECT_EQ(lag.bound_of(100), 0U) << "one was later than every bound";
}

TEST(ExportLag, is_counted_by_whoever_sends) {
    test_support::UdpListener listener;
    Config::Ipfix config;
    config.name = "test";
    config.host = "127.0.0.1";
    config.port = listener.port();
    const Interfaces point{{"eth1", ObservationDomainId{10}}};
    const auto output = open_ipfix(config, point).value();
    auto records = test_support::mixed_records(300);
    for (flow::FlowRecord& record : records) {
        record.end = observed_now() - seconds{20};
    }
    output->take(records);
    output->flush(std::chrono::steady_clock::now() + seconds{10});
    const ExportLag lag = output->counters().lag;
    EXPECT_EQ(lag.records[7], 300U) << "more than 10 s, no more than 30 s";
    EXPECT_GE(lag.milliseconds, 300U * 20'000);
}

}  // namespace
}  // namespace tapmeter::exporting
