#include "src/appliance/services.h"

#include <gtest/gtest.h>

#include "tests/src/appliance/appliance_bench.h"

namespace tapmeter {
namespace {

flow::FlowRecord record_to(std::uint16_t port, std::uint8_t protocol) {
    flow::FlowRecord record;
    record.ip_version = 4;
    record.protocol = protocol;
    record.destination[12] = 10;
    record.destination_port = port;
    record.source[12] = 192;
    record.source_port = 40'000;
    return record;
}

TEST(Services, are_told_by_hosts_ports_and_protocol) {
    Config config;
    config.services = {{.name = "dns",
                        .hosts = {"10.0.0.0/8", "2001:db8::/32"},
                        .ports = {53, 853},
                        .applications = {},
                        .protocol = Config::KpiService::Protocol::udp},
                       {.name = "calls", .hosts = {}, .ports = {}, .applications = {"SIP"}}};
    const auto services = make_services(config);
    ASSERT_TRUE(services) << services.error().message;
    ASSERT_EQ(services->size(), 2U);
    const exporting::Service& dns = services->front();
    EXPECT_TRUE(dns.towards.matches(record_to(53, 17)));
    EXPECT_FALSE(dns.away.matches(record_to(53, 17)));
    EXPECT_FALSE(dns.towards.matches(record_to(53, 6)));
    EXPECT_FALSE(dns.towards.matches(record_to(54, 17)));
    flow::FlowRecord back = record_to(53, 17);
    std::swap(back.source, back.destination);
    std::swap(back.source_port, back.destination_port);
    EXPECT_TRUE(dns.away.matches(back));
    EXPECT_TRUE(services->back().towards.empty());
    EXPECT_EQ(services->back().applications, std::vector<std::string>{"SIP"});
}

TEST(Services, that_make_no_filter_are_named) {
    Config config;
    config.services = {{.name = "odd", .hosts = {"nowhere"}, .ports = {}, .applications = {}}};
    const auto services = make_services(config);
    ASSERT_FALSE(services);
    EXPECT_NE(services.error().message.find("odd"), std::string::npos);
}

// The whole program over a recording: what the services carried is what the records say.
TEST(Services, are_metered_from_the_records_that_leave) {
    const testing::Recording made = testing::recording(200);
    const capture_files::testing::TemporaryFile source(made.file);
    testing::ApplianceBench bench({"pcap:" + source.path().string()}, 2);
    bench.config.analytics.tcp = true;
    bench.config.captures[0].link_speed = 2'500;
    bench.config.services = {
        {.name = "all", .hosts = {}, .ports = {}, .applications = {}},
        {.name = "tcp",
         .hosts = {},
         .ports = {},
         .applications = {},
         .protocol = Config::KpiService::Protocol::tcp},
        {.name = "none", .hosts = {"203.0.113.77"}, .ports = {}, .applications = {}}};
    ASSERT_TRUE(bench.build());
    ASSERT_TRUE(bench.appliance->start());
    bench.wait_for_packets(made.packets);
    bench.appliance->stop(std::chrono::seconds(10));
    const metrics::Snapshot snapshot = bench.appliance->snapshot();
    EXPECT_EQ(snapshot.interfaces.at(0).counters.link_speed_bits, 2'500'000'000U);
    ASSERT_EQ(snapshot.services.size(), 3U);
    const exporting::ServiceCounts& all = snapshot.services[0].counts;
    EXPECT_EQ(all.to_service.packets + all.from_service.packets, made.packets);
    EXPECT_EQ(all.flows, 200U);
    EXPECT_EQ(all.answered, 200U);
    EXPECT_EQ(all.attempts(), 200U);
    const exporting::ServiceCounts& tcp = snapshot.services[1].counts;
    EXPECT_GT(tcp.flows, 0U);
    EXPECT_LT(tcp.flows, 200U);
    EXPECT_EQ(tcp.segments, tcp.to_service.packets + tcp.from_service.packets);
    EXPECT_EQ(tcp.retransmissions, 0U);
    EXPECT_EQ(snapshot.services[2].counts.flows, 0U);
}

}  // namespace
}  // namespace tapmeter
