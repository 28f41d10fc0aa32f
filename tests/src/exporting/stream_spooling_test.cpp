// A Collector over TCP that is away, slow or gone for good, with a spool: nothing is lost, and each
// session can be read by itself.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <set>

#include "src/exporting/ipfix_output.h"
#include "tests/support/flow_records.h"
#include "tests/support/tcp_listener.h"

namespace tapmeter::exporting {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;
using test_support::Collector;
using test_support::TcpListener;

const Interfaces points{{"eth1", ObservationDomainId{10}}, {"eth2", ObservationDomainId{20}}};

class StreamSpooling : public testing::Test {
protected:
    StreamSpooling() {
        std::string name = (fs::temp_directory_path() / "tapmeter_spool_XXXXXX").string();
        folder_ = ::mkdtemp(name.data());
    }
    ~StreamSpooling() override { fs::remove_all(folder_); }

    Config::Ipfix config_for(std::uint16_t port) const {
        Config::Ipfix config;
        config.name = "test";
        config.transport = Config::Transport::tcp;
        config.host = "127.0.0.1";
        config.port = port;
        config.reconnect = seconds{1};
        config.queue_messages = 512;
        config.spool_folder = folder_;
        config.spool_octets = std::uint64_t{256} << 20U;
        return config;
    }
    // The next records, each with an id of its own.
    std::vector<flow::FlowRecord> next_records(std::size_t count) {
        auto records = test_support::mixed_records(count, 2);
        for (flow::FlowRecord& record : records) {
            record.flow_id = ++last_id_;
        }
        return records;
    }
    // As a worker's ring would: little by little, so that the sending thread has a chance.
    void take(Output& output, std::size_t count) {
        for (std::size_t done = 0; done < count; done += 200) {
            const auto records = next_records(std::min<std::size_t>(200, count - done));
            const auto deadline = steady_clock::now() + seconds{20};
            while (!output.ready() && steady_clock::now() < deadline) {
                std::this_thread::yield();
            }
            output.take(records);
        }
    }
    static void expect_balanced(const OutputCounters& counters) {
        std::uint64_t found = counters.left_out.records + counters.encoding.records +
                              counters.queued.records + counters.spooled.records +
                              counters.sent.records;
        for (const RecordTotals& dropped : counters.dropped) {
            found += dropped.records;
        }
        EXPECT_EQ(counters.taken.records + counters.recovered.records, found);
    }
    static std::uint64_t dropped(const OutputCounters& counters) {
        std::uint64_t records = 0;
        for (const RecordTotals& one : counters.dropped) {
            records += one.records;
        }
        return records;
    }
    void read_into(const Collector& collector, std::vector<std::uint64_t>& ids) {
        EXPECT_TRUE(collector.faults().empty()) << collector.faults().front();
        EXPECT_EQ(collector.missing(), 0U);
        for (const auto& record : collector.records()) {
            ids.push_back(record.value(148));
        }
    }
    static void expect_all_in_order(const std::vector<std::uint64_t>& ids, std::uint64_t last) {
        std::set<std::uint64_t> seen;
        for (const std::uint64_t id : ids) {
            // A first arrival is never overtaken by a later one of the same domain.
            if (seen.insert(id).second && id > 2) {
                EXPECT_TRUE(seen.contains(id - 2)) << id;
            }
        }
        EXPECT_EQ(seen.size(), last);
    }
    // What is in the kernel already.
    static void read_rest(TcpListener& listener, Collector& collector) {
        std::size_t before = 0;
        do {
            before = collector.messages().size();
        } while (listener.read_some(collector) && collector.messages().size() != before);
    }
    bool spool_is_empty() const {
        return std::ranges::none_of(fs::directory_iterator(folder_), [](const auto& entry) {
            return entry.path().extension() == ".spool";
        });
    }

    fs::path folder_;
    std::uint64_t last_id_ = 0;
};

TEST_F(StreamSpooling, a_collector_that_is_away_costs_nothing) {
    std::uint16_t port = 0;
    {
        TcpListener listener;
        port = listener.port();
    }
    auto output = open_ipfix(config_for(port), points).value();
    take(*output, 30'000);
    EXPECT_GT(output->counters().spooled.records, 20'000U);
    expect_balanced(output->counters());
    TcpListener listener(port);
    ASSERT_TRUE(listener.accept());
    Collector collector;
    take(*output, 1'000);
    std::jthread flusher([&] { output->flush(steady_clock::now() + seconds{20}); });
    ASSERT_TRUE(listener.collect(collector, last_id_));
    flusher.join();
    std::vector<std::uint64_t> ids;
    read_into(collector, ids);
    EXPECT_EQ(ids.size(), last_id_) << "each of them once";
    expect_all_in_order(ids, last_id_);
    EXPECT_EQ(collector.messages().front().sequence, 0U);
    EXPECT_GT(collector.messages().front().template_sets, 0U);
    EXPECT_EQ(output->counters().sent.records, last_id_);
    EXPECT_EQ(dropped(output->counters()), 0U);
    EXPECT_TRUE(spool_is_empty());
}

// Killed again and again. (What the kernel has taken in for a process that dies is lost with it,
// and no exporter can know; so this one reads that first.)
TEST_F(StreamSpooling, a_collector_that_dies_and_comes_back_misses_nothing) {
    TcpListener listener;
    auto output = open_ipfix(config_for(listener.port()), points).value();
    std::vector<std::uint64_t> ids;
    for (int life = 0; life < 3; ++life) {
        ASSERT_TRUE(listener.accept());
        Collector collector;
        take(*output, 2'000);
        output->tick(steady_clock::now() + seconds{1});
        const auto deadline = steady_clock::now() + seconds{20};
        while (output->counters().sent.records < last_id_ && steady_clock::now() < deadline) {
            listener.read_some(collector);
        }
        read_rest(listener, collector);
        listener.hang_up();
        read_into(collector, ids);
        take(*output, 10'000);
    }
    ASSERT_TRUE(listener.accept());
    Collector collector;
    take(*output, 4'000);
    std::jthread flusher([&] { output->flush(steady_clock::now() + seconds{20}); });
    const auto deadline = steady_clock::now() + seconds{20};
    while (output->counters().sent.records < last_id_ && steady_clock::now() < deadline) {
        listener.read_some(collector);
    }
    flusher.join();
    read_rest(listener, collector);
    read_into(collector, ids);
    expect_all_in_order(ids, last_id_);
    EXPECT_EQ(dropped(output->counters()), 0U);
    expect_balanced(output->counters());
}

TEST_F(StreamSpooling, a_slow_reader_is_waited_for_on_disk) {
    TcpListener listener;
    auto output = open_ipfix(config_for(listener.port()), points).value();
    ASSERT_TRUE(listener.accept());
    take(*output, 120'000);  // nobody reads
    EXPECT_GT(output->counters().spooled.records, 0U);
    expect_balanced(output->counters());
    Collector collector;
    std::jthread flusher([&] { output->flush(steady_clock::now() + seconds{30}); });
    ASSERT_TRUE(listener.collect(collector, last_id_, seconds{30}));
    flusher.join();
    std::vector<std::uint64_t> ids;
    read_into(collector, ids);
    EXPECT_EQ(ids.size(), last_id_);
    expect_all_in_order(ids, last_id_);
    EXPECT_EQ(output->counters().sent.records, last_id_);
    EXPECT_EQ(dropped(output->counters()), 0U);
    EXPECT_TRUE(spool_is_empty());
}

TEST_F(StreamSpooling, what_is_left_at_the_end_is_sent_by_the_next_run) {
    std::uint16_t port = 0;
    {
        TcpListener listener;
        port = listener.port();
    }
    {
        auto output = open_ipfix(config_for(port), points).value();
        take(*output, 20'000);
        output->flush(steady_clock::now() + seconds{2});
        EXPECT_EQ(output->counters().spooled.records, 20'000U);
        EXPECT_EQ(dropped(output->counters()), 0U);
        expect_balanced(output->counters());
    }
    TcpListener listener(port);
    auto output = open_ipfix(config_for(port), points).value();
    EXPECT_EQ(output->counters().recovered.records, 20'000U);
    expect_balanced(output->counters());
    ASSERT_TRUE(listener.accept());
    take(*output, 500);
    Collector collector;
    std::jthread flusher([&] { output->flush(steady_clock::now() + seconds{20}); });
    ASSERT_TRUE(listener.collect(collector, last_id_));
    flusher.join();
    std::vector<std::uint64_t> ids;
    read_into(collector, ids);
    expect_all_in_order(ids, last_id_);
    EXPECT_EQ(output->counters().sent.records, last_id_);
    expect_balanced(output->counters());
    EXPECT_TRUE(spool_is_empty());
}

// Its messages need the Templates they were made with, under the same numbers as ours.
TEST_F(StreamSpooling, a_run_with_other_templates_has_a_session_of_its_own) {
    std::uint16_t port = 0;
    {
        TcpListener listener;
        port = listener.port();
    }
    {
        Config::Ipfix config = config_for(port);
        config.fields = {"flowId", "octetDeltaCount", "packetDeltaCount"};
        auto output = open_ipfix(config, points).value();
        take(*output, 5'000);
        output->flush(steady_clock::now() + seconds{2});
    }
    TcpListener listener(port);
    auto output = open_ipfix(config_for(port), points).value();
    ASSERT_TRUE(listener.accept());
    Collector before;
    ASSERT_TRUE(listener.collect(before, 5'000));
    EXPECT_TRUE(before.records().front().has(148));
    EXPECT_FALSE(before.records().front().has(7)) << "the templates of then";
    take(*output, 2'000);
    ASSERT_TRUE(listener.accept()) << "at once, not after the time of reconnect";
    Collector after;
    std::jthread flusher([&] { output->flush(steady_clock::now() + seconds{20}); });
    ASSERT_TRUE(listener.collect(after, 2'000));
    flusher.join();
    EXPECT_TRUE(after.records().front().has(136));
    std::vector<std::uint64_t> ids;
    read_into(before, ids);
    read_into(after, ids);
    expect_all_in_order(ids, last_id_);
    EXPECT_TRUE(spool_is_empty());
    expect_balanced(output->counters());
}

TEST_F(StreamSpooling, a_spool_that_is_too_small_loses_the_oldest_to_the_last_record) {
    std::uint16_t port = 0;
    {
        TcpListener listener;
        port = listener.port();
    }
    Config::Ipfix config = config_for(port);
    config.spool_octets = std::uint64_t{8} << 20U;
    auto output = open_ipfix(config, points).value();
    take(*output, 150'000);
    output->flush(steady_clock::now() + seconds{2});
    const OutputCounters counters = output->counters();
    expect_balanced(counters);
    const auto full = counters.dropped[static_cast<std::size_t>(RecordDropped::spool_full)];
    EXPECT_GT(full.records, 0U);
    EXPECT_EQ(full.records + counters.spooled.records, 150'000U);
}

TEST_F(StreamSpooling, is_refused_where_nothing_says_what_has_arrived) {
    Config::Ipfix config = config_for(4'739);
    config.transport = Config::Transport::udp;
    const auto refused = check_ipfix(config, points);
    ASSERT_FALSE(refused.has_value());
    EXPECT_NE(refused.error().message.find("tcp://"), std::string::npos);
    config.transport = Config::Transport::tcp;
    EXPECT_TRUE(check_ipfix(config, points).has_value());
    std::ofstream(folder_ / "file") << "no folder";
    config.spool_folder = folder_ / "file" / "spool";
    EXPECT_FALSE(check_ipfix(config, points).has_value());
    EXPECT_FALSE(open_ipfix(config, points).has_value());
}

}  // namespace
}  // namespace tapmeter::exporting
