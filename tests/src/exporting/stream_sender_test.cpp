#include "src/exporting/stream_sender.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <mutex>

#include "src/exporting/file_session.h"
#include "src/exporting/ipfix_output.h"
#include "src/exporting/tcp_session.h"
#include "tests/support/collector.h"
#include "tests/support/flow_records.h"
#include "tests/support/tcp_listener.h"

namespace tapmeter::exporting {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;
using test_support::Collector;
using test_support::mixed_records;
using test_support::TcpListener;

const Interfaces points{{"eth1", ObservationDomainId{10}}, {"eth2", ObservationDomainId{20}}};

Config::Ipfix config_for(std::uint16_t port) {
    Config::Ipfix config;
    config.name = "test";
    config.transport = Config::Transport::tcp;
    config.host = "127.0.0.1";
    config.port = port;
    config.reconnect = seconds{1};
    return config;
}

void expect_balanced(const OutputCounters& counters) {
    EXPECT_EQ(counters.taken.records, counters.left_out.records + counters.encoding.records +
                                          counters.queued.records + counters.sent.records +
                                          counters.dropped[0].records +
                                          counters.dropped[1].records);
}

TEST(StreamSender, a_session_begins_with_templates_and_counts_from_zero) {
    TcpListener listener;
    auto output = open_ipfix(config_for(listener.port()), points).value();
    const auto records = mixed_records(5'000, 2);
    output->take(records);
    ASSERT_TRUE(listener.accept());
    Collector collector;
    std::jthread flusher([&] { output->flush(steady_clock::now() + seconds{10}); });
    ASSERT_TRUE(listener.collect(collector, records.size()));
    flusher.join();
    EXPECT_TRUE(collector.faults().empty()) << collector.faults().front();
    EXPECT_EQ(collector.missing(), 0U);
    EXPECT_EQ(collector.messages().front().sequence, 0U);
    EXPECT_GT(collector.messages().front().template_sets, 0U);
    EXPECT_EQ(output->counters().sent.records, records.size());
    EXPECT_GE(collector.options().size(), 2U);
    expect_balanced(output->counters());
}

// Killed with what it has not read; what came twice is no more than one session had on its way.
TEST(StreamSender, a_collector_that_is_killed_costs_no_record) {
    TcpListener listener;
    auto output = open_ipfix(config_for(listener.port()), points).value();
    const auto first = mixed_records(2'000, 2);
    ASSERT_TRUE(listener.accept());
    Collector before;
    output->take(first);
    output->tick(steady_clock::now() + seconds{1});
    ASSERT_TRUE(listener.collect(before, 1'900));
    listener.hang_up();

    output->take(mixed_records(3'000, 2));
    ASSERT_TRUE(listener.accept(seconds{10})) << "it comes back after a second";
    Collector after;
    std::jthread flusher([&] { output->flush(steady_clock::now() + seconds{10}); });
    const OutputCounters at_break = output->counters();
    ASSERT_TRUE(listener.collect(after, 3'000));
    flusher.join();
    while (listener.read_some(after) && after.records().size() < 5'000 - at_break.sent.records) {
    }
    EXPECT_TRUE(after.faults().empty()) << after.faults().front();
    EXPECT_EQ(after.messages().front().sequence, 0U) << "a new session";
    EXPECT_EQ(after.missing(), 0U);
    std::set<std::uint64_t> ids;
    for (const Collector* collector : {&before, &after}) {
        for (const auto& record : collector->records()) {
            ids.insert(record.value(148));
        }
    }
    EXPECT_EQ(ids.size(), 3'000U) << "every flow id of both batches";
    EXPECT_EQ(output->counters().sent.records, 5'000U);
    EXPECT_EQ(output->counters().dropped[1].records, 0U);
    expect_balanced(output->counters());
}

TEST(StreamSender, a_collector_that_reads_nothing_is_counted_to_the_last_record) {
    TcpListener listener;
    Config::Ipfix config = config_for(listener.port());
    config.queue_messages = 64;
    auto output = open_ipfix(config, points).value();
    ASSERT_TRUE(listener.accept());
    const auto records = mixed_records(2'000, 2);
    for (int round = 0; round < 100; ++round) {
        output->take(records);
    }
    output->flush(steady_clock::now() + milliseconds{300});
    const OutputCounters counters = output->counters();
    expect_balanced(counters);
    EXPECT_EQ(counters.queued.records, 0U);
    EXPECT_EQ(counters.taken.records, 200'000U);
    EXPECT_GT(counters.dropped[0].records, 0U);

    Collector collector;  // and what was said to be sent is there
    ASSERT_TRUE(listener.collect(collector, counters.sent.records));
    EXPECT_TRUE(collector.faults().empty());
}

TEST(StreamSender, nobody_listens_and_everything_is_counted) {
    std::uint16_t port = 0;
    {
        TcpListener listener;
        port = listener.port();
    }
    std::mutex mutex;
    std::vector<std::string> lines;
    auto output = open_ipfix(config_for(port), points, [&](std::string line) {
                      const std::lock_guard lock(mutex);
                      lines.push_back(std::move(line));
                  }).value();
    output->take(mixed_records(500, 2));
    output->flush(steady_clock::now() + seconds{20});
    const OutputCounters counters = output->counters();
    EXPECT_EQ(counters.dropped[1].records, 500U);
    EXPECT_FALSE(counters.up);
    expect_balanced(counters);
    const std::lock_guard lock(mutex);
    ASSERT_FALSE(lines.empty());
    EXPECT_NE(lines.front().find("Connection refused"), std::string::npos) << lines.front();
}

// RFC 7011 section 10.4.1: octets flow one way. Who sends us more than a little is no collector.
TEST(StreamSender, a_peer_that_talks_is_left) {
    TcpListener listener;
    auto output = open_ipfix(config_for(listener.port()), points).value();
    ASSERT_TRUE(listener.accept());
    listener.send(foreign_octets_max);
    Collector collector;
    output->take(mixed_records(10, 2));
    output->tick(steady_clock::now() + seconds{1});
    ASSERT_TRUE(listener.collect(collector, 10)) << "exactly so much is borne";
    listener.send(1);
    const auto deadline = steady_clock::now() + seconds{10};
    while (listener.read_some(collector) && steady_clock::now() < deadline) {
    }
    EXPECT_LT(steady_clock::now(), deadline) << "the connection is still open";
}

TEST(StreamSender, a_name_that_means_nothing_is_tried_again_and_said) {
    Config::Ipfix config = config_for(4739);
    config.host = "nobody.invalid";
    std::mutex mutex;
    std::string line;
    auto output = open_ipfix(config, points, [&](std::string said) {
                      const std::lock_guard lock(mutex);
                      line = std::move(said);
                  }).value();
    output->take(mixed_records(10, 2));
    output->flush(steady_clock::now() + seconds{30});
    EXPECT_EQ(output->counters().dropped[1].records, 10U);
    const std::lock_guard lock(mutex);
    EXPECT_NE(line.find("cannot be resolved"), std::string::npos) << line;
}

class IpfixFiles : public testing::Test {
protected:
    IpfixFiles() {
        std::string name = (fs::temp_directory_path() / "tapmeter_files_XXXXXX").string();
        folder_ = ::mkdtemp(name.data());
    }
    ~IpfixFiles() override { fs::remove_all(folder_); }

    Config::Ipfix config() const {
        Config::Ipfix config;
        config.name = "flows";
        config.transport = Config::Transport::file;
        config.path = (folder_ / "made").string();
        config.compress = false;
        return config;
    }
    std::vector<fs::path> files() const {
        std::vector<fs::path> files;
        for (const auto& entry : fs::directory_iterator(folder_ / "made")) {
            files.push_back(entry.path());
        }
        std::ranges::sort(files);
        return files;
    }
    static std::vector<std::byte> content(const fs::path& path) {
        std::ifstream file(path, std::ios::binary);
        const std::string text{std::istreambuf_iterator<char>(file), {}};
        const auto octets = std::as_bytes(std::span{text});
        return {octets.begin(), octets.end()};
    }

    fs::path folder_;
};

TEST_F(IpfixFiles, a_file_is_messages_one_after_the_other) {
    const auto records = mixed_records(3'000, 2);
    {
        auto output = open_ipfix(config(), points).value();
        output->take(records);
        output->flush(steady_clock::now() + seconds{10});
        EXPECT_EQ(output->counters().sent.records, records.size());
        ASSERT_EQ(files().size(), 1U);
        EXPECT_EQ(files().front().extension(), ".part");
    }
    ASSERT_EQ(files().size(), 1U);
    EXPECT_EQ(files().front().extension(), ".ipfix");
    Collector collector;
    EXPECT_EQ(collector.read_stream(content(files().front())), 0U);
    EXPECT_TRUE(collector.faults().empty()) << collector.faults().front();
    EXPECT_EQ(collector.records().size(), records.size());
    EXPECT_EQ(collector.missing(), 0U);
}

TEST_F(IpfixFiles, every_file_can_be_read_by_itself) {
    Config::Ipfix rotating = config();
    rotating.rotate = seconds{1};
    {
        auto output = open_ipfix(rotating, points).value();
        const auto begin = steady_clock::now();
        while (steady_clock::now() < begin + milliseconds{2'300}) {
            output->take(mixed_records(20, 2));
            output->tick(steady_clock::now() + seconds{1});
            std::this_thread::sleep_for(milliseconds{20});
        }
        output->flush(steady_clock::now() + seconds{10});
        EXPECT_EQ(output->counters().dropped[1].records, 0U);
    }
    EXPECT_GE(files().size(), 3U);
    for (const fs::path& path : files()) {
        Collector collector;
        EXPECT_EQ(collector.read_stream(content(path)), 0U);
        EXPECT_TRUE(collector.faults().empty()) << path << ": " << collector.faults().front();
        EXPECT_EQ(collector.messages().front().sequence, 0U);
    }
}

TEST_F(IpfixFiles, a_closed_file_is_compressed) {
    Config::Ipfix packed = config();
    packed.compress = true;
    {
        auto output = open_ipfix(packed, points).value();
        output->take(mixed_records(3'000, 2));
        output->flush(steady_clock::now() + seconds{10});
    }
    ASSERT_EQ(files().size(), 1U);
    const fs::path file = files().front();
    EXPECT_EQ(file.extension(), ".zst");
    const auto octets = content(file);
    ASSERT_GT(octets.size(), 4U);
    EXPECT_EQ(octets[0], std::byte{0x28});  // RFC 8878 section 3.1.1: the magic number
    EXPECT_EQ(octets[3], std::byte{0xFD});
}

TEST_F(IpfixFiles, a_folder_that_cannot_be_made_is_refused_at_the_start) {
    Config::Ipfix bad = config();
    std::ofstream(folder_ / "made") << "a file";
    const auto output = open_ipfix(bad, points);
    ASSERT_FALSE(output);
    EXPECT_NE(output.error().message.find("export.ipfix 'flows'"), std::string::npos);
}

}  // namespace
}  // namespace tapmeter::exporting
