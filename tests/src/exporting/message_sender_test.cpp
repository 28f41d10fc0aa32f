#include "src/exporting/message_sender.h"

#include <gtest/gtest.h>
#include <sys/eventfd.h>

#include <atomic>
#include <thread>

#include "tests/support/collector.h"
#include "tests/support/flow_records.h"

namespace tapmeter::exporting {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using test_support::Collector;
using test_support::tcp_record;
using test_support::UdpListener;
using Clock = TemplateSchedule::Clock;

TEST(TemplateSchedule, at_once_then_soon_then_by_time) {
    TemplateSchedule schedule({seconds{60}, 1'000});
    const Clock::time_point start{};
    EXPECT_TRUE(schedule.due(start));
    schedule.templates_sent(start);
    EXPECT_FALSE(schedule.due(start + milliseconds{499}));
    EXPECT_TRUE(schedule.due(start + milliseconds{500}));
    schedule.templates_sent(start + milliseconds{500});
    EXPECT_FALSE(schedule.due(start + milliseconds{60'499}));
    EXPECT_TRUE(schedule.due(start + milliseconds{60'500}));
}

TEST(TemplateSchedule, by_messages) {
    TemplateSchedule schedule({seconds{60}, 20});
    const Clock::time_point start{};
    for (const int messages : {16, 20, 20}) {  // the second copy comes sooner
        schedule.templates_sent(start);
        for (int i = 0; i < messages; ++i) {
            EXPECT_FALSE(schedule.due(start)) << i << " of " << messages;
            schedule.message_sent();
        }
        EXPECT_TRUE(schedule.due(start));
    }
}

TEST(TemplateSchedule, a_small_refresh_count_bounds_the_second_copy_too) {
    TemplateSchedule schedule({seconds{60}, 1});
    schedule.templates_sent({});
    EXPECT_FALSE(schedule.due({}));
    schedule.message_sent();
    EXPECT_TRUE(schedule.due({}));
}

TEST(TemplateSchedule, domains_are_spread_and_keep_their_distance) {
    TemplateSchedule schedule({seconds{60}, 1'000, seconds{15}});
    schedule.templates_sent({});
    schedule.templates_sent({});
    EXPECT_FALSE(schedule.due(Clock::time_point{milliseconds{44'999}}));
    EXPECT_TRUE(schedule.due(Clock::time_point{seconds{45}}));
    schedule.templates_sent(Clock::time_point{seconds{45}});
    EXPECT_FALSE(schedule.due(Clock::time_point{seconds{104}}));
    EXPECT_TRUE(schedule.due(Clock::time_point{seconds{105}}));
}

TEST(TemplateSchedule, forgets_when_the_collector_may_have) {
    TemplateSchedule schedule({seconds{60}, 1'000});
    schedule.templates_sent({});
    schedule.forget();
    EXPECT_TRUE(schedule.due({}));
}

// The sender with its thread, and messages put into its queue by hand.
class MessageSenderTest : public testing::Test {
protected:
    static inline std::atomic<Clock::rep> given_time{0};
    static Clock::time_point now() { return Clock::time_point{Clock::duration{given_time.load()}}; }

    void start(std::uint16_t port, std::uint32_t refresh_messages = 1'000) {
        given_time = 0;
        Config::Ipfix config;
        config.name = "test";
        config.host = "127.0.0.1";
        config.port = port;
        config.template_refresh_messages = refresh_messages;
        config.queue_messages = 256;
        Sender::Setup setup{"ipfix/test", config, {}, {}, &now};
        for (const std::uint32_t domain : {10U, 20U}) {
            setup.streams.push_back({.templates = templates_,
                                     .domain = ObservationDomainId{domain},
                                     .interfaces = {},
                                     .options = options_,
                                     .applications = {}});
        }
        sender_.emplace(std::move(setup), UdpSession::open(config.host, config.port).value(),
                        queue_, account_);
        thread_ = std::jthread([this] { sender_->run(); });
    }

    void push(std::uint32_t stream) {
        MessageBuilder& builder = builders_[stream];
        ASSERT_TRUE(builder.add(templates_->all()[0], tcp_record()));
        const RecordTotals contents = builder.contents();
        const Bytes message = builder.finish(7);
        const auto room = queue_.writable();
        ASSERT_FALSE(room.empty());
        std::ranges::copy(message, room.begin());
        account_.taker.handed_over += contents;
        account_.taker.taken += contents;
        account_.publish_taker();
        queue_.push({.octets = static_cast<std::uint32_t>(message.size()),
                     .stream = stream,
                     .contents = contents,
                     .sequence = pushed_[stream]++,
                     .sequence_step = 1,
                     .templates = templates_});
        queue_.wake();
    }

    void TearDown() override {
        queue_.drain(Clock::now() + seconds{5});
        queue_.stop();
    }

    bool options_ = false;
    const TemplateSet* templates_ = TemplateSet::of({}).value();
    std::array<std::uint32_t, 2> pushed_{};
    Account account_;
    OutputQueue queue_{{256, 1'420}, Descriptor(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC))};
    std::array<MessageBuilder, 2> builders_{MessageBuilder{ObservationDomainId{10}, 1'420, 0},
                                            MessageBuilder{ObservationDomainId{20}, 1'420, 0}};
    std::optional<MessageSender> sender_;
    std::jthread thread_;
};

TEST_F(MessageSenderTest, templates_come_before_the_first_data_of_each_domain) {
    UdpListener listener;
    start(listener.port());
    push(0);
    push(1);
    push(0);
    Collector collector;
    ASSERT_TRUE(listener.collect(collector, 3));
    EXPECT_TRUE(collector.faults().empty()) << collector.faults().front();
    EXPECT_EQ(collector.records()[1].domain, 20U);
    EXPECT_EQ(collector.missing(), 0U);
}

TEST_F(MessageSenderTest, templates_are_refreshed_by_count) {
    UdpListener listener;
    start(listener.port(), 10);
    for (int i = 0; i < 45; ++i) {
        push(0);
    }
    Collector collector;
    ASSERT_TRUE(listener.collect(collector, 45));
    EXPECT_TRUE(collector.faults().empty());
    EXPECT_EQ(collector.missing(), 0U);
    std::size_t data_since = 0;
    for (const auto& message : collector.messages()) {
        data_since = message.template_sets > 0 ? 0 : data_since + message.data_records;
        EXPECT_LE(data_since, 10U);
    }
    const std::size_t sets = template_sets(biflow_templates(TimeUnit::milliseconds, false),
                                           message_octets_unknown_path - message_header_octets)
                                 .size();
    EXPECT_EQ(collector.template_sets(), 5 * sets) << "each time all of them";
}

TEST_F(MessageSenderTest, templates_are_refreshed_by_time_even_while_idle) {
    UdpListener listener;
    start(listener.port());
    push(0);
    Collector collector;
    ASSERT_TRUE(listener.collect(collector, 1));
    const std::size_t at_start = collector.template_sets();
    given_time = Clock::duration{milliseconds{500}}.count();  // the second copy
    while (collector.template_sets() < 2 * at_start) {
        const auto datagram = listener.receive(seconds{10});
        ASSERT_TRUE(datagram);
        collector.read(*datagram);
    }
    given_time = Clock::duration{milliseconds{60'500}}.count();
    while (collector.template_sets() < 3 * at_start) {
        const auto datagram = listener.receive(seconds{10});
        ASSERT_TRUE(datagram);
        collector.read(*datagram);
    }
    EXPECT_EQ(collector.messages().back().sequence, 1U) << "templates do not count";
    EXPECT_TRUE(collector.faults().empty());
}

TEST_F(MessageSenderTest, counts_messages_octets_and_templates) {
    UdpListener listener;
    start(listener.port());
    for (int i = 0; i < 5; ++i) {
        push(0);
    }
    Collector collector;
    ASSERT_TRUE(listener.collect(collector, 5));
    queue_.drain(Clock::now() + seconds{10});
    listener.collect_waiting(collector);
    const OutputCounters counters = account_.read();
    std::size_t octets = 0;
    for (const auto& message : collector.messages()) {
        octets += message.octets;
    }
    EXPECT_EQ(counters.sent.records, 5U);
    EXPECT_EQ(counters.messages, collector.messages().size());
    EXPECT_EQ(counters.message_octets, octets);
    EXPECT_EQ(counters.templates, collector.template_sets());
    EXPECT_TRUE(counters.up);
}

}  // namespace
}  // namespace tapmeter::exporting
