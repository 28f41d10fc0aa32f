#include "src/exporting/json_output.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "tests/src/exporting/json_test.h"
#include "tests/support/flow_records.h"

namespace tapmeter::exporting {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;
using test_support::mixed_records;

class JsonOutputTest : public JsonTest {};

TEST_F(JsonOutputTest, writes_a_line_per_record) {
    auto output = open_json(config(), json_points).value();
    output->take(mixed_records(3'000, 2));
    output->flush(steady_clock::now() + seconds{20});
    EXPECT_EQ(lines(), 3'000U);
    const OutputCounters counters = output->counters();
    expect_balanced(counters);
    EXPECT_EQ(counters.sent.records, 3'000U);
    EXPECT_EQ(counters.message_octets, fs::file_size(path()));
    EXPECT_EQ(output->name(), "json/test");
    struct stat status {};
    ASSERT_EQ(::stat(path().c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777U & ~0640U, 0U);
}

// Independent readers: every line is JSON, the sums are those of the records, and the hostile name
// comes back as it must.
TEST_F(JsonOutputTest, python_and_jq_read_every_line) {
    const auto records = mixed_records(2'000, 2);
    std::uint64_t packets = 0;
    for (const FlowRecord& record : records) {
        packets += record.forward.packets.value + record.reverse.packets.value;
    }
    for (const auto format : {Config::Json::Format::eve, Config::Json::Format::flat}) {
        fs::remove(path());
        auto output = open_json(config(format), json_points).value();
        output->take(records);
        output->flush(steady_clock::now() + seconds{20});
        const bool eve = format == Config::Json::Format::eve;
        const std::string sum = eve ? "r['flow']['pkts_toserver']+r['flow']['pkts_toclient']"
                                    : "r['packetDeltaCount']+r['reversePacketDeltaCount']";
        const std::string name = eve ? "in_iface" : "interfaceName";
        const std::string python =
            "python3 -c \"import json,sys,ipaddress\n"
            "rs=[json.loads(l) for l in open(sys.argv[1],encoding='utf-8')]\n"
            "assert len(rs)==2000\n"
            "assert sum(" +
            sum +
            " for r in rs)==int(sys.argv[2])\n"
            "assert rs[1]['" +
            name +
            "']=='pcap:'+chr(34)+chr(92)+chr(1)+chr(0xfffd)+chr(10)+'.pcap'\n"
            "for r in rs:\n"
            " a=r.get('src_ip') or r.get('sourceIPv4Address') or r['sourceIPv6Address']\n"
            " assert str(ipaddress.ip_address(a))==a,a\n"
            "\" " +
            path() + " " + std::to_string(packets);
        EXPECT_EQ(std::system(python.c_str()), 0) << python;
        if (std::system("command -v jq >/dev/null") == 0) {
            const std::string jq = "test $(jq -c . " + path() + " | wc -l) = 2000";
            EXPECT_EQ(std::system(jq.c_str()), 0);
        }
    }
}

TEST_F(JsonOutputTest, a_partial_block_leaves_within_half_a_second) {
    auto output = open_json(config(), json_points).value();
    const auto start = steady_clock::now();
    output->tick(start);
    output->take(mixed_records(1));
    output->tick(start + milliseconds{300});
    EXPECT_EQ(output->counters().encoding.records, 1U);
    output->tick(start + milliseconds{400});
    EXPECT_EQ(output->counters().encoding.records, 0U);
}

TEST_F(JsonOutputTest, appends_and_reopens_after_a_rotation) {
    auto output = open_json(config(), json_points).value();
    output->take(mixed_records(10));
    output->tick(steady_clock::now() + seconds{1});
    while (output->counters().sent.records < 10) {
        std::this_thread::yield();
    }
    fs::rename(path(), folder_ / "eve.json.1");
    output->reopen();
    output->take(mixed_records(5));
    output->flush(steady_clock::now() + seconds{20});
    EXPECT_EQ(lines(), 5U);
    output.reset();
    auto again = open_json(config(), json_points).value();
    again->take(mixed_records(2));
    again->flush(steady_clock::now() + seconds{20});
    EXPECT_EQ(lines(), 7U);
}

TEST_F(JsonOutputTest, a_folder_that_is_not_there_is_named) {
    Config::Json json = config();
    json.path = (folder_ / "none" / "eve.json").string();
    const auto output = open_json(json, json_points);
    ASSERT_FALSE(output);
    EXPECT_NE(output.error().message.find("none/eve.json"), std::string::npos);
}

TEST_F(JsonOutputTest, names_too_long_for_a_line_are_refused) {
    Interfaces long_names{{std::string(4'094, 'x'), ObservationDomainId{1}}};
    EXPECT_TRUE(open_json(config(), long_names));
    long_names[0].name += 'x';
    EXPECT_FALSE(open_json(config(), long_names));
}

// A FIFO whose reader does not read: the queue fills, and what it drops is counted exactly.
TEST_F(JsonOutputTest, a_full_queue_is_counted_and_never_waits) {
    ASSERT_EQ(::mkfifo(path().c_str(), 0600), 0);
    const Descriptor reader(::open(path().c_str(), O_RDONLY | O_NONBLOCK));
    Config::Json json = config();
    json.queue_blocks = 2;
    auto output = open_json(json, json_points).value();
    output->take(mixed_records(5'000));
    const OutputCounters counters = output->counters();
    expect_balanced(counters);
    EXPECT_EQ(counters.taken.records, 5'000U);
    EXPECT_GT(counters.dropped[0].records, 4'000U);
    const auto before = steady_clock::now();
    output->flush(before + milliseconds{100});
    EXPECT_LT(steady_clock::now() - before, seconds{20});
    const OutputCounters at_end = output->counters();
    expect_balanced(at_end);
    EXPECT_EQ(at_end.queued.records, 0U);
    EXPECT_GT(at_end.dropped[1].records, 0U);
}

}  // namespace
}  // namespace tapmeter::exporting
