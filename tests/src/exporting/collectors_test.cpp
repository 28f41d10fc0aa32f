// Real collectors read what we send: nfcapd, tshark, libfixbuf. Each is skipped, with its name,
// where this machine does not have it.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cinttypes>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <numeric>
#include <sstream>

#include "src/exporting/ipfix_output.h"
#include "tests/support/collector.h"
#include "tests/support/flow_records.h"

namespace tapmeter::exporting {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;
using test_support::mixed_records;
using test_support::UdpListener;
using Messages = std::vector<std::vector<std::byte>>;

constexpr std::size_t records_exported = 1'500;
const Interfaces points{{"eth1", ObservationDomainId{10}}, {"eth2", ObservationDomainId{20}}};

struct Ran {
    int status = -1;
    std::string output;
};

Ran run(const std::string& command) {
    Ran ran;
    FILE* const pipe = ::popen(command.c_str(), "r");
    std::array<char, 4'096> part{};
    while (const std::size_t octets = std::fread(part.data(), 1, part.size(), pipe)) {
        ran.output.append(part.data(), octets);
    }
    ran.status = ::pclose(pipe);
    return ran;
}

bool has(const std::string& program) {
    return run("command -v " + program + " 2>/dev/null").status == 0;
}

Config::Ipfix config_for(std::uint16_t port) {
    Config::Ipfix config;
    config.name = "test";
    config.host = "127.0.0.1";
    config.port = port;
    return config;
}

// A folder of its own for each test, gone afterwards.
class Collectors : public testing::Test {
protected:
    Collectors() {
        std::string name = (fs::temp_directory_path() / "tapmeter_ipfix_XXXXXX").string();
        folder_ = ::mkdtemp(name.data());
    }
    ~Collectors() override { fs::remove_all(folder_); }
    std::string path(const char* name) const { return (folder_ / name).string(); }

    fs::path folder_;
};

// The messages of one session, as they left.
Messages exported(Config::Ipfix config, std::span<const FlowRecord> records) {
    UdpListener listener;
    config.port = listener.port();
    auto output = open_ipfix(config, points).value();
    output->take(records);
    output->flush(steady_clock::now() + seconds{20});
    EXPECT_EQ(output->counters().sent.records, records.size());
    Messages messages;
    for (std::uint64_t i = 0; i < output->counters().messages; ++i) {
        messages.push_back(listener.receive(seconds{10}).value());
    }
    return messages;
}

void put(std::ostream& file, const void* from, std::size_t octets) {
    file.write(static_cast<const char*>(from), static_cast<std::streamsize>(octets));
}

// A capture file (LINKTYPE_RAW) of the messages, from UDP port 40000 to 4739.
void write_pcap(const std::string& path, const Messages& messages) {
    std::ofstream file(path, std::ios::binary);
    const std::array<std::uint32_t, 6> head{0xA1B2C3D4, 0x0004'0002, 0, 0, 65'535, 101};
    put(file, head.data(), sizeof head);
    std::uint32_t microseconds = 0;
    for (const auto& message : messages) {
        const auto octets = static_cast<std::uint32_t>(message.size() + 28);
        const std::array<std::uint32_t, 4> packet{1'763'633'800, ++microseconds, octets, octets};
        put(file, packet.data(), sizeof packet);
        const auto udp_octets = static_cast<std::uint16_t>(octets - 20);
        const std::array<std::uint8_t, 28> headers{0x45,
                                                   0,
                                                   static_cast<std::uint8_t>(octets >> 8U),
                                                   static_cast<std::uint8_t>(octets),
                                                   0,
                                                   0,
                                                   0x40,
                                                   0,
                                                   64,
                                                   17,
                                                   0,
                                                   0,
                                                   127,
                                                   0,
                                                   0,
                                                   1,
                                                   127,
                                                   0,
                                                   0,
                                                   1,
                                                   0x9C,
                                                   0x40,
                                                   0x12,
                                                   0x83,
                                                   static_cast<std::uint8_t>(udp_octets >> 8U),
                                                   static_cast<std::uint8_t>(udp_octets),
                                                   0,
                                                   0};
        put(file, headers.data(), headers.size());
        put(file, message.data(), message.size());
    }
}

// The sum of numbers with commas between them.
std::uint64_t sum_of(const std::string& column) {
    std::istringstream numbers(column);
    std::uint64_t sum = 0;
    for (std::string number; std::getline(numbers, number, ',');) {
        sum += std::stoull(number);
    }
    return sum;
}

std::vector<Config::Ipfix> all_templates() {
    std::vector<Config::Ipfix> configs;
    for (const TimeUnit unit :
         {TimeUnit::milliseconds, TimeUnit::microseconds, TimeUnit::nanoseconds}) {
        for (const bool quirk : {false, true}) {
            configs.push_back(config_for(0));
            configs.back().time_unit = unit;
            configs.back().quirk_nfdump = quirk;
            configs.back().message_octets_max = quirk ? 512 : 0;
        }
    }
    return configs;
}

TEST_F(Collectors, tshark_reads_all_and_complains_of_nothing) {
    if (!has("tshark")) {
        GTEST_SKIP() << "tshark is not installed";
    }
    for (const Config::Ipfix& config : all_templates()) {
        const auto records = mixed_records(records_exported, 2);
        write_pcap(path("x.pcap"), exported(config, records));
        const std::string tshark = "tshark -n -r " + path("x.pcap") + " -d udp.port==4739,cflow";
        const Ran complaints = run(tshark +
                                   " -Y '_ws.malformed || _ws.expert' 2>&1 | "
                                   "grep -v 'Running as user'");
        EXPECT_EQ(complaints.output, "");

        std::uint64_t flow_ids = 0;
        std::uint64_t packets = 0;
        std::uint64_t octets = 0;
        for (const FlowRecord& record : records) {
            flow_ids += record.flow_id;
            packets += record.forward.packets.value + record.reverse.packets.value;
            octets += record.forward.octets.value + record.reverse.octets.value;
        }
        // All occurrences in all messages; the reverse elements have the same field names.
        const Ran values = run(tshark +
                               " -T fields -E occurrence=a -e cflow.flow_id "
                               "-e cflow.packets -e cflow.octets 2>/dev/null");
        std::array<std::uint64_t, 3> sums{};
        std::istringstream lines(values.output);
        for (std::string line; std::getline(lines, line);) {
            std::istringstream columns(line);
            for (std::uint64_t& sum : sums) {
                std::string column;
                std::getline(columns, column, '\t');
                sum += sum_of(column);
            }
        }
        EXPECT_EQ(sums, (std::array{flow_ids, packets, octets}));
    }
}

TEST_F(Collectors, libfixbuf_reads_all_and_warns_of_nothing) {
    const char* const reader = std::getenv("TAPMETER_FIXBUF_READER");
    if (reader == nullptr || *reader == '\0') {
        GTEST_SKIP() << "libfixbuf-dev is not installed (TAPMETER_FIXBUF_READER names the reader)";
    }
    for (const Config::Ipfix& config : all_templates()) {
        const auto records = mixed_records(records_exported, 2);
        std::uint64_t packets = 0;
        std::uint64_t octets = 0;
        for (const FlowRecord& record : records) {
            packets += record.forward.packets.value + record.reverse.packets.value;
            octets += record.forward.octets.value + record.reverse.octets.value;
        }
        {
            std::ofstream file(path("x.ipfix"), std::ios::binary);
            for (const auto& message : exported(config, records)) {
                put(file, message.data(), message.size());
            }
        }
        const Ran read = run(std::string{reader} + " " + path("x.ipfix") + " 2>&1");
        std::ostringstream expected;
        expected << records.size() << ' ' << packets << ' ' << octets << ' '
                 << records_exported * (records_exported + 1) / 2 << '\n';
        EXPECT_EQ(read.output, expected.str());
        EXPECT_EQ(read.status, 0);
    }
}

// nfcapd as a child, listening on a free port of loopback; ended by its pid.
class Nfcapd {
public:
    Nfcapd(const std::string& folder, std::uint16_t port) : port_(port) {
        const std::string port_text = std::to_string(port);
        const std::string log = folder + ".log";
        pid_ = ::fork();
        if (pid_ == 0) {
            const int out = ::open(log.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
            ::dup2(out, STDOUT_FILENO);
            ::dup2(out, STDERR_FILENO);
            ::execlp("nfcapd", "nfcapd", "-w", folder.c_str(), "-p", port_text.c_str(), "-b",
                     "127.0.0.1", "-B", "8000000", "-t", "3600", nullptr);
            ::_exit(127);
        }
    }
    Nfcapd(const Nfcapd&) = delete;
    Nfcapd& operator=(const Nfcapd&) = delete;
    ~Nfcapd() { stop(); }

    // Waits until it listens and has read all that came; false: it does not get there.
    bool idle() const {
        std::ostringstream local;
        local << ": 0100007F:" << std::hex << std::uppercase << port_ << ' ';
        const auto deadline = steady_clock::now() + seconds{20};
        while (steady_clock::now() < deadline) {
            std::ifstream sockets("/proc/net/udp");
            for (std::string line; std::getline(sockets, line);) {
                if (line.find(local.str()) != std::string::npos &&
                    line.find(":00000000 00:") != std::string::npos) {
                    return true;
                }
            }
            ::usleep(10'000);
        }
        return false;
    }

    void stop() {
        if (pid_ > 0) {
            ::kill(pid_, SIGINT);
            ::waitpid(pid_, nullptr, 0);
            pid_ = -1;
        }
    }

private:
    std::uint16_t port_;
    pid_t pid_ = -1;
};

TEST_F(Collectors, nfdump_has_the_same_sums_and_no_sequence_error) {
    if (!has("nfcapd") || !has("nfdump")) {
        GTEST_SKIP() << "nfcapd and nfdump are not installed";
    }
    const std::string folder = path("nf");
    fs::create_directory(folder);
    std::uint16_t port = 0;
    {
        UdpListener listener;
        port = listener.port();
    }
    const auto records = mixed_records(records_exported, 2);
    Nfcapd nfcapd(folder, port);
    ASSERT_TRUE(nfcapd.idle()) << "nfcapd does not listen";
    Config::Ipfix config = config_for(port);
    config.quirk_nfdump = true;
    {
        auto output = open_ipfix(config, points).value();
        output->take(records);
        output->flush(steady_clock::now() + seconds{20});
        EXPECT_EQ(output->counters().sent.records, records.size());
    }
    ASSERT_TRUE(nfcapd.idle());
    nfcapd.stop();

    std::ifstream log_file(folder + ".log");
    const std::string log{std::istreambuf_iterator<char>(log_file), {}};
    EXPECT_NE(log.find("Sequence Errors: 0"), std::string::npos) << log;

    const Ran read = run("nfdump -q -N -R " + folder +
                         " -o 'fmt:%sa %sp %dp %pr %flg %ipkt %opkt %ibyt %obyt' 2>&1");
    std::istringstream lines(read.output);
    std::array<std::uint64_t, 4> sums{};
    std::size_t seen = 0;
    std::size_t flags_seen = 0;
    for (std::string line; std::getline(lines, line);) {
        std::istringstream words(line);
        std::string source, source_port, destination_port, protocol, flags;
        words >> source >> source_port >> destination_port >> protocol >> flags;
        std::array<std::uint64_t, 4> counts{};
        for (auto& count : counts) {
            words >> count;
        }
        if (!words) {
            continue;
        }
        ++seen;
        for (std::size_t i = 0; i < sums.size(); ++i) {
            sums[i] += counts[i];
        }
        flags_seen += protocol == "6" && flags == "...AP.SF" ? 1U : 0U;
        if (protocol == "6" || protocol == "17") {
            EXPECT_EQ(source_port, "51234") << line;
            EXPECT_EQ(destination_port, "443") << line;
        }
    }
    std::array<std::uint64_t, 4> expected{};
    std::size_t tcp = 0;
    for (const FlowRecord& record : records) {
        expected[0] += record.forward.packets.value;
        expected[1] += record.reverse.packets.value;
        expected[2] += record.forward.octets.value;
        expected[3] += record.reverse.octets.value;
        tcp += record.protocol == 6 ? 1U : 0U;
    }
    EXPECT_EQ(seen, records.size()) << read.output.substr(0, 2'000);
    EXPECT_EQ(sums, expected);
    EXPECT_EQ(flags_seen, tcp) << "forward flags, not overwritten by the reverse ones";
}

}  // namespace
}  // namespace tapmeter::exporting
