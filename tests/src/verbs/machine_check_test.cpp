#include "src/verbs/machine_check.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>

#include "tests/src/capture_files/temporary_file.h"

namespace tapmeter::verbs {
namespace {

using Verdict = Finding::Verdict;
using ::testing::HasSubstr;

Config with(const std::string& source) {
    Config config;
    Config::Capture capture;
    capture.name = "p0";
    capture.source = source;
    config.captures.push_back(capture);
    config.workers.count = 1;
    config.flow.flows_max = 1'024;
    return config;
}

// The finding about `what`; an empty one where there is none.
Finding finding(const Config& config, const std::string& what) {
    const auto findings = check_machine(config);
    const auto found = std::ranges::find(findings, what, &Finding::what);
    EXPECT_NE(found, findings.end()) << what;
    return found != findings.end() ? *found : Finding{};
}

TEST(MachineCheck, an_interface_that_is_not_there_blocks_and_the_cure_lists_those_that_are) {
    for (const std::string source : {"nosuchport0", "xdp:nosuchport0"}) {
        const Finding found = finding(with(source), "capture \"p0\"");
        EXPECT_EQ(found.verdict, Verdict::blocker);
        EXPECT_THAT(found.found, HasSubstr("\"nosuchport0\""));
        EXPECT_THAT(found.cure, HasSubstr("tapmeter devices"));
    }
}

TEST(MachineCheck, a_capture_file_is_opened_and_one_that_is_not_there_blocks) {
    const capture_files::testing::TemporaryFile file(capture_files::testing::PcapBuilder().file());
    EXPECT_EQ(finding(with("pcap:" + file.path().string()), "capture \"p0\"").verdict, Verdict::ok);
    const Finding missing = finding(with("pcap:/nonexistent/x.pcap"), "capture \"p0\"");
    EXPECT_EQ(missing.verdict, Verdict::blocker);
    EXPECT_THAT(missing.found, HasSubstr("/nonexistent/x.pcap"));
}

TEST(MachineCheck, a_core_that_this_process_may_not_use_blocks) {
    Config config = with("gen:");
    config.workers.cores = {5'000};
    const Finding found = finding(config, "workers.cores");
    EXPECT_EQ(found.verdict, Verdict::blocker);
    EXPECT_THAT(found.found, HasSubstr("core 5000"));
    EXPECT_FALSE(found.cure.empty());
}

TEST(MachineCheck, more_workers_than_cores_and_too_large_tables_are_warnings) {
    Config config = with("gen:");
    config.workers.count = workers_max;
    EXPECT_EQ(finding(config, "workers").verdict, Verdict::warning);
    EXPECT_EQ(finding(config, "flow tables").verdict, Verdict::ok);
    config.flow.flows_max = flows_per_worker_max;
    const Finding tables = finding(config, "flow tables");
    EXPECT_EQ(tables.verdict, Verdict::warning);
    EXPECT_THAT(tables.found, HasSubstr("TB for 64 workers"));
    EXPECT_THAT(tables.cure, HasSubstr("flow.flows_max"));
}

TEST(MachineCheck, without_captures_it_says_how_to_name_one) {
    const Finding found = finding({}, "captures");
    EXPECT_EQ(found.verdict, Verdict::warning);
    EXPECT_THAT(found.cure, HasSubstr("[[capture]]"));
}

TEST(MachineCheck, a_bad_prefilter_blocks) {
    Config config = with("nosuchport0");
    config.captures[0].prefilter.exclude = {"10.0.0.0/33"};
    EXPECT_EQ(finding(config, "capture \"p0\": prefilter").verdict, Verdict::blocker);
}

// Looking must not be noticed: not a template, not an empty message.
TEST(MachineCheck, sends_nothing_to_the_collectors_it_looks_up) {
    const int collector = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t octets = sizeof(address);
    // NOLINTBEGIN(*-reinterpret-cast): the sockets API
    ASSERT_EQ(::bind(collector, reinterpret_cast<const sockaddr*>(&address), octets), 0);
    ASSERT_EQ(::getsockname(collector, reinterpret_cast<sockaddr*>(&address), &octets), 0);
    // NOLINTEND(*-reinterpret-cast)
    Config config = with("gen:");
    Config::Ipfix ipfix;
    ipfix.name = "main";
    ipfix.host = "127.0.0.1";
    ipfix.port = ntohs(address.sin_port);
    config.ipfix = {ipfix};
    EXPECT_EQ(finding(config, "collector main").verdict, Verdict::ok);
    char octet = 0;
    EXPECT_EQ(::recv(collector, &octet, 1, MSG_DONTWAIT), -1);
    ::close(collector);
}

}  // namespace
}  // namespace tapmeter::verbs
