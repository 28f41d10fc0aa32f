// IPFIX over DTLS, from flow records to what a collector has decrypted.
#include <gtest/gtest.h>

#include <atomic>

#include "src/exporting/dtls_session.h"
#include "src/exporting/ipfix_output.h"
#include "tests/support/dtls_collector.h"
#include "tests/support/flow_records.h"
#include "tests/support/output_end.h"

namespace tapmeter::exporting {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;
using test_support::Certificates;
using test_support::Collector;
using test_support::DtlsCollector;
using test_support::expect_balanced;
using test_support::mixed_records;

const Interfaces points{{"eth1", ObservationDomainId{10}}, {"eth2", ObservationDomainId{20}}};

class DtlsOutputTest : public testing::Test {
protected:
    static inline std::atomic<steady_clock::rep> ahead{0};
    static steady_clock::time_point now() {
        return steady_clock::now() + steady_clock::duration{ahead.load()};
    }
    static void let_pass(steady_clock::duration time) { ahead += time.count(); }

    DtlsOutputTest() { ahead = 0; }

    Config::Ipfix config_for(std::uint16_t port) const {
        Config::Ipfix config;
        config.name = "test";
        config.transport = Config::Transport::dtls;
        config.host = "127.0.0.1";
        config.port = port;
        config.reconnect = seconds{1};
        config.tls_certificate = files.pem("exporter");
        config.tls_key = files.key("exporter");
        config.tls_ca = files.pem("authority");
        return config;
    }
    static std::unique_ptr<Output> opened(const Config::Ipfix& config) {
        IpfixStart start;
        start.now = now;
        return open_ipfix(config, points, {}, start).value();
    }
    static bool serve_until(DtlsCollector& collector, const std::function<bool()>& so) {
        const auto deadline = steady_clock::now() + seconds{20};
        while (!so() && steady_clock::now() < deadline) {
            collector.serve();
        }
        return so();
    }
    // Each tick is a second after the one before, so that what is in progress leaves.
    void take(Output& output, std::span<const FlowRecord> records) {
        output.take(records);
        output.tick(now() + ++ticks * seconds{1});
    }

    Certificates files;
    int ticks = 0;
};

TEST_F(DtlsOutputTest, every_record_arrives_behind_templates_and_numbers_begin_at_zero) {
    DtlsCollector collector(files);
    auto output = opened(config_for(collector.port()));
    const auto records = mixed_records(2'000, 2);
    ASSERT_TRUE(serve_until(collector, [&] { return output->counters().up; }));
    take(*output, records);
    Collector reader;
    ASSERT_TRUE(collector.collect(reader, records.size()));
    EXPECT_TRUE(reader.faults().empty()) << reader.faults().front();
    EXPECT_EQ(reader.missing(), 0U);
    EXPECT_EQ(reader.messages().front().sequence, 0U);
    EXPECT_GT(reader.messages().front().template_sets, 0U);
    EXPECT_GE(reader.options().size(), 2U);
    EXPECT_LE(reader.longest_message(), 1'420U);
    EXPECT_GT(reader.longest_message(), message_octets_unknown_path) << "the path is known";
    EXPECT_EQ(output->counters().sent.records, records.size());
    EXPECT_TRUE(output->counters().up);
    expect_balanced(output->counters());
}

TEST_F(DtlsOutputTest, templates_come_a_second_time_soon_and_then_by_time) {
    DtlsCollector collector(files);
    Config::Ipfix config = config_for(collector.port());
    config.options = false;
    auto output = opened(config);
    const std::size_t once = points.size() * Announcement({.templates = TemplateSet::of({}).value(),
                                                           .domain = ObservationDomainId{10},
                                                           .interfaces = points,
                                                           .options = false})
                                                 .opening()
                                                 .size();
    ASSERT_TRUE(serve_until(collector, [&] { return collector.messages().size() == once; }));
    for (const auto later : {milliseconds{501}, milliseconds{60'001}, milliseconds{60'001}}) {
        const std::size_t before = collector.messages().size();
        let_pass(later);
        EXPECT_TRUE(serve_until(collector, [&] {
            return collector.messages().size() == before + once;
        })) << collector.messages().size();
    }
    Collector reader;
    ASSERT_TRUE(collector.collect(reader, 0));
    EXPECT_TRUE(reader.faults().empty()) << reader.faults().front();
    EXPECT_EQ(output->counters().templates, reader.template_sets());
    EXPECT_EQ(collector.sessions(), 1);
}

TEST_F(DtlsOutputTest, records_wait_for_a_collector_that_is_away_and_meet_a_new_session) {
    auto collector = std::make_unique<DtlsCollector>(files);
    const std::uint16_t port = collector->port();
    auto output = opened(config_for(port));
    const auto records = mixed_records(300, 2);
    take(*output, records);
    Collector before;
    ASSERT_TRUE(collector->collect(before, records.size()));

    collector.reset();
    take(*output, std::span{records}.first(1));  // lost, as UDP would; the refusal comes back
    test_support::wait_until([&] { return !output->counters().up; });
    const std::uint64_t sent = output->counters().sent.records;
    EXPECT_EQ(sent, records.size() + 1);
    take(*output, records);
    test_support::wait_until([&] { return output->counters().queued.records == records.size(); });
    expect_balanced(output->counters());

    collector = std::make_unique<DtlsCollector>(files, DtlsCollector::Setup{.port = port});
    Collector after;
    const std::uint64_t wanted = records.size();
    let_pass(seconds{1});
    ASSERT_TRUE(collector->collect(after, wanted));
    EXPECT_TRUE(after.faults().empty()) << after.faults().front();
    EXPECT_EQ(after.missing(), 0U);
    EXPECT_EQ(after.messages().front().sequence, 0U) << "a new session";
    EXPECT_EQ(output->counters().sent.records, sent + wanted);
    expect_balanced(output->counters());
}

TEST_F(DtlsOutputTest, a_session_is_renewed_without_loss) {
    DtlsCollector collector(files);
    Config::Ipfix config = config_for(collector.port());
    config.dtls_renew = seconds{30};
    auto output = opened(config);
    const auto records = mixed_records(100, 2);
    for (int session = 1; session <= 3; ++session) {
        take(*output, records);
        ASSERT_TRUE(serve_until(collector, [&] {
            return output->counters().sent.records ==
                   records.size() * static_cast<std::size_t>(session);
        }));
        ASSERT_TRUE(serve_until(collector, [&] { return collector.sessions() == session; }));
        let_pass(seconds{31});
    }
    ASSERT_TRUE(serve_until(collector, [&] { return collector.sessions() == 4; }));
    EXPECT_TRUE(output->counters().up);
    expect_balanced(output->counters());
}

TEST_F(DtlsOutputTest, what_waits_for_one_that_is_away_goes_to_another_of_its_group) {
    std::uint16_t nobody = 0;
    { nobody = DtlsCollector(files).port(); }
    DtlsCollector spare(files);
    Config::Ipfix first = config_for(nobody);
    Config::Ipfix second = config_for(spare.port());
    first.group = second.group = "siem";
    second.name = "spare";
    CollectorGroup* group = nullptr;
    IpfixStart start;
    start.group = &group;
    const auto main = open_ipfix(first, points, {}, start).value();
    const auto other = open_ipfix(second, points, {}, start).value();
    const auto records = mixed_records(300, 2);
    main->take(records);
    other->take(records);
    Collector reader;
    ASSERT_TRUE(serve_until(spare, [&] {
        const auto later = steady_clock::now() + seconds{++ticks};
        main->tick(later);
        other->tick(later);
        return other->counters().sent.records == records.size();
    }));
    ASSERT_TRUE(spare.collect(reader, records.size()));
    EXPECT_TRUE(reader.faults().empty()) << reader.faults().front();
    EXPECT_EQ(reader.missing(), 0U);
    EXPECT_EQ(main->counters().handed_on.records, records.size());
    EXPECT_EQ(other->counters().inherited.records, records.size());
    expect_balanced(main->counters());
    expect_balanced(other->counters());
}

TEST_F(DtlsOutputTest, what_it_cannot_do_is_refused) {
    Config::Ipfix config = config_for(9);
    config.spool_folder = "/tmp";
    const auto spooled = open_ipfix(config, points);
    ASSERT_FALSE(spooled.has_value());
    EXPECT_NE(spooled.error().message.find("spool: only"), std::string::npos)
        << spooled.error().message;
    config.spool_folder.clear();
    config.message_octets_max = dtls_message_octets_max + 1;
    const auto longer = open_ipfix(config, points);
    ASSERT_FALSE(longer.has_value());
    EXPECT_NE(longer.error().message.find("at most 16000"), std::string::npos)
        << longer.error().message;
    config.message_octets_max = dtls_message_octets_max;
    EXPECT_TRUE(open_ipfix(config, points).has_value());
}

}  // namespace
}  // namespace tapmeter::exporting
