// Templates that change at a reload, with every transport: withdrawn in the session (RFC 7011
// section 8.1), or used no more, or in another session; what waits is read with those it was made
// with.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "tests/src/exporting/template_change.h"
#include "tests/support/dtls_collector.h"
#include "tests/support/spool_folder.h"

namespace tapmeter::exporting {
namespace {

namespace fs = std::filesystem;
using collector_pair::points;
using template_change::both_withdrawn;
using template_change::Changing;
using template_change::expect_flawless;
using template_change::ids_of;
using template_change::packet_delta_count;
using template_change::protocol_identifier;
using template_change::sets_of;
using template_change::short_list;
using template_change::tcp_to;
using template_change::unused_port;
using test_support::Collector;
using test_support::TcpListener;
using test_support::UdpListener;
using test_support::wait_until;

// By the record of its flow key, in all domains.
std::size_t times_announced(const Collector& collector, std::uint16_t id) {
    constexpr std::uint16_t template_id = 145;
    return static_cast<std::size_t>(
        std::ranges::count_if(collector.options(), [&](const auto& record) {
            return record.has(template_id) && record.value(template_id) == id;
        }));
}

TEST(TemplateChange, over_tcp_is_a_withdrawal_and_new_ids_in_the_same_session) {
    TcpListener listener;
    Changing exporter(tcp_to(listener.port()));
    ASSERT_TRUE(listener.accept());
    Collector collector;
    exporter.take(1'000);
    ASSERT_TRUE(listener.collect(collector, 1'000));
    EXPECT_EQ(
        exporter.change_to(short_list),
        "output ipfix/test: template changed: 8 new Templates from id 1024, 8 are withdrawn\n");
    exporter.take(1'000);
    ASSERT_TRUE(listener.collect(collector, 2'000));
    EXPECT_EQ(collector.withdrawn(), both_withdrawn({256}));
    EXPECT_EQ(exporter.change_to({"flowId", "octetDeltaCount/1"}),
              "output ipfix/test: template changed: 16 new Templates from id 1040, 8 are "
              "withdrawn\n");
    exporter.take(1'000);
    ASSERT_TRUE(listener.collect(collector, 3'000)) << "all in one connection";
    expect_flawless(collector);
    EXPECT_EQ(collector.withdrawn(), both_withdrawn({256, 1'024}));
    EXPECT_EQ(ids_of(collector).size(), 3'000U);
    EXPECT_EQ(sets_of(collector), (std::set<unsigned>{256, 1'024, 1'040}));
    for (const auto& record : collector.records()) {
        EXPECT_EQ(record.has(protocol_identifier), record.template_id < 1'024);
        EXPECT_EQ(record.has(packet_delta_count), record.template_id < 1'040);
    }
    wait_until([&] { return exporter.output->counters().sent.records == 3'000; });
    test_support::expect_balanced(exporter.output->counters());
}

// Flow keys, and what our own elements mean (RFC 5610), are told of the new ones.
TEST(TemplateChange, brings_what_explains_the_new_templates) {
    TcpListener listener;
    Changing exporter(tcp_to(listener.port()));
    ASSERT_TRUE(listener.accept());
    Collector collector;
    exporter.take(100);
    ASSERT_TRUE(listener.collect(collector, 100));
    exporter.config.ipfix[0].enterprise_number = 32'473;
    exporter.change_to({"flowId", "protocolIdentifier", "workerId"});
    exporter.take(100);
    ASSERT_TRUE(listener.collect(collector, 200));
    expect_flawless(collector);
    std::size_t interfaces = 0;
    bool explained = false;
    for (const auto& record : collector.options()) {
        constexpr std::uint16_t interface_name = 82;
        constexpr std::uint16_t element_name = 341;
        interfaces += record.has(interface_name) ? 1U : 0U;
        explained = explained || record.text(element_name) == "workerId";
    }
    EXPECT_EQ(times_announced(collector, 256), points.size());
    EXPECT_EQ(times_announced(collector, 1'024), points.size());
    EXPECT_EQ(interfaces, points.size()) << "what has not changed is not told again";
    EXPECT_TRUE(explained);
    EXPECT_TRUE(collector.records().back().has(
        collector.records().back().fields.rbegin()->first.second, 32'473));
}

// Both kinds wait; the session begins with the Templates of the first.
TEST(TemplateChange, while_the_collector_is_away_is_made_where_it_belongs) {
    const std::uint16_t port = unused_port();
    Changing exporter(tcp_to(port));
    exporter.take(2'000);
    exporter.change_to(short_list);
    exporter.take(2'000);
    exporter.config.ipfix[0].biflow = false;
    exporter.change_to({});
    exporter.take(1'000);
    TcpListener listener(port);
    ASSERT_TRUE(listener.accept());
    Collector collector;
    ASSERT_TRUE(listener.collect(collector, 5'000));
    wait_until([&] {
        listener.read_some(collector);
        return exporter.output->counters().sent.records == 5'000;
    });
    expect_flawless(collector);
    EXPECT_EQ(ids_of(collector).size(), 5'000U);
    EXPECT_EQ(sets_of(collector), (std::set<unsigned>{256, 1'024, 1'040}));
    EXPECT_EQ(collector.withdrawn(), both_withdrawn({256, 1'024}));
}

// What was not confirmed comes again in the next session, which begins with its Templates.
TEST(TemplateChange, outlives_a_session_that_breaks) {
    TcpListener listener;
    Changing exporter(tcp_to(listener.port()));
    ASSERT_TRUE(listener.accept());
    Collector before;
    exporter.take(1'000);
    ASSERT_TRUE(listener.collect(before, 1'000));
    listener.hang_up();
    exporter.take(500);
    exporter.change_to(short_list);
    exporter.take(1'000);
    ASSERT_TRUE(listener.accept());
    Collector after;
    ASSERT_TRUE(listener.collect(after, 1'500));
    wait_until([&] { return exporter.output->counters().sent.records == 2'500; });
    expect_flawless(before);
    expect_flawless(after);
    std::set<std::uint64_t> ids = ids_of(before);
    ids.merge(ids_of(after));
    EXPECT_EQ(ids.size(), 2'500U);
    EXPECT_EQ(after.messages().front().sequence, 0U);
    EXPECT_EQ(sets_of(after), (std::set<unsigned>{256, 1'024}));
    EXPECT_EQ(after.withdrawn(), both_withdrawn({256}));
    EXPECT_TRUE(before.withdrawn().empty());
}

// RFC 7011 section 8.4: nothing may be withdrawn; the new ones come several times.
TEST(TemplateChange, over_udp_is_new_ids_and_no_withdrawal) {
    UdpListener listener;
    Config::Ipfix udp;
    udp.port = listener.port();
    Changing exporter(udp);
    Collector collector;
    exporter.take(1'000);
    ASSERT_TRUE(listener.collect(collector, 1'000));
    EXPECT_EQ(exporter.change_to(short_list),
              "output ipfix/test: template changed: 8 new Templates from id 1024, 8 are used no "
              "more\n");
    exporter.take(2'000);
    ASSERT_TRUE(listener.collect(collector, 3'000));
    wait_until([&] {
        listener.collect_waiting(collector);
        return times_announced(collector, 1'024) >= 2 * points.size();
    });
    expect_flawless(collector);  // a withdrawal would be a fault
    EXPECT_TRUE(collector.withdrawn().empty());
    EXPECT_EQ(sets_of(collector), (std::set<unsigned>{256, 1'024}));
    EXPECT_EQ(ids_of(collector).size(), 3'000U);
}

TEST(TemplateChange, over_dtls_is_new_ids_and_no_withdrawal) {
    const test_support::Certificates files;
    test_support::DtlsCollector listener(files);
    Config::Ipfix dtls;
    dtls.transport = Config::Transport::dtls;
    dtls.port = listener.port();
    dtls.tls_certificate = files.pem("exporter");
    dtls.tls_key = files.key("exporter");
    dtls.tls_ca = files.pem("authority");
    Changing exporter(dtls);
    Collector collector;
    exporter.take(300);
    ASSERT_TRUE(listener.collect(collector, 300));
    exporter.change_to(short_list);
    exporter.take(300);
    ASSERT_TRUE(listener.collect(collector, 600));
    expect_flawless(collector);
    EXPECT_EQ(sets_of(collector), (std::set<unsigned>{256, 1'024}));
    EXPECT_EQ(listener.sessions(), 1);
}

TEST(TemplateChange, begins_a_new_file) {
    const test_support::SpoolFolder folder;
    Config::Ipfix file;
    file.transport = Config::Transport::file;
    file.path = folder.path() / "made";
    file.compress = false;
    {
        Changing exporter(file);
        exporter.take(1'000);
        wait_until([&] { return exporter.output->counters().sent.records == 1'000; });
        EXPECT_EQ(exporter.change_to(short_list),
                  "output ipfix/test: template changed: 8 new Templates from id 1024, a new file "
                  "begins with them\n");
        exporter.take(1'000);
        EXPECT_EQ(test_support::finished(*exporter.output).sent.records, 2'000U);
    }
    std::set<std::uint64_t> ids;
    std::size_t files = 0;
    for (const auto& entry : fs::directory_iterator(folder.path() / "made")) {
        std::ifstream stream(entry.path(), std::ios::binary);
        const std::string text{std::istreambuf_iterator<char>(stream), {}};
        Collector collector;
        EXPECT_EQ(collector.read_stream(std::as_bytes(std::span{text})), 0U);
        expect_flawless(collector);
        EXPECT_TRUE(collector.withdrawn().empty());
        EXPECT_EQ(sets_of(collector).size(), 1U);
        ids.merge(ids_of(collector));
        ++files;
    }
    EXPECT_EQ(files, 2U);
    EXPECT_EQ(ids.size(), 2'000U);
}

TEST(TemplateChange, in_netflow_9_is_new_ids) {
    UdpListener listener;
    Config::Ipfix netflow;
    netflow.transport = Config::Transport::netflow9;
    netflow.port = listener.port();
    Changing exporter(netflow);
    exporter.take(100);
    EXPECT_EQ(exporter.change_to({"sourceAddress", "octetDeltaCount"}),
              "output netflow/test: template changed: 8 new Templates from id 1024, 8 are used no "
              "more\n");
    exporter.config.ipfix[0].time_unit = Config::TimeUnit::microseconds;
    EXPECT_EQ(exporter.reload(), "") << "it has one form of times";
    exporter.take(100);
    wait_until([&] { return exporter.output->counters().sent.records == 200; });
    std::set<std::uint16_t> flow_sets;
    while (const auto message = listener.receive(std::chrono::milliseconds{100})) {
        for (Bytes rest = std::span{*message}.subspan(20); rest.size() >= 4;) {
            flow_sets.insert(load_be16(rest.first<2>()));
            rest = rest.subspan(load_be16(rest.subspan<2, 2>()));
        }
    }
    EXPECT_TRUE(flow_sets.contains(0) && flow_sets.contains(256) && flow_sets.contains(1'024));
}

TEST(TemplateChange, that_cannot_be_made_changes_nothing) {
    TcpListener listener;
    Changing exporter(tcp_to(listener.port()));
    exporter.config.ipfix[0].fields = {"default", "workerId"};  // an element of ours
    const auto refused = exporter.output->check_reload(exporter.config);
    ASSERT_FALSE(refused.has_value());
    EXPECT_NE(refused.error().message.find("export.ipfix 'test': template holds \"workerId\""),
              std::string::npos)
        << refused.error().message;
    exporter.config.ipfix.clear();
    EXPECT_EQ(exporter.reload(), "") << "a block that is gone stays until the restart";
    ASSERT_TRUE(listener.accept());
    Collector collector;
    exporter.take(100);
    ASSERT_TRUE(listener.collect(collector, 100));
    expect_flawless(collector);
    EXPECT_EQ(sets_of(collector), (std::set<unsigned>{256}));

    Config::Ipfix netflow;
    netflow.transport = Config::Transport::netflow5;
    netflow.port = 9;
    Changing version5(netflow);
    version5.config.ipfix[0].biflow = false;
    EXPECT_EQ(version5.reload(), "");
    version5.config.ipfix[0].fields = short_list;
    EXPECT_FALSE(version5.output->check_reload(version5.config).has_value());
    version5.config.ipfix[0].transport = Config::Transport::udp;
    EXPECT_EQ(version5.reload(), "") << "that is for the next start";
}

}  // namespace
}  // namespace tapmeter::exporting
