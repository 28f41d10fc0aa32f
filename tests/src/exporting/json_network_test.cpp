// Lines of JSON and messages of syslog to receivers by UDP, TCP and a unix socket.
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <nlohmann/json.hpp>
#include <regex>
#include <set>

#include "src/exporting/json_output.h"
#include "tests/src/exporting/json_test.h"
#include "tests/support/collector.h"
#include "tests/support/flow_records.h"

namespace tapmeter::exporting {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;
using test_support::mixed_records;
using test_support::UdpListener;
using To = Config::Json::To;

// A receiver's end of a stream, by TCP on loopback or a unix socket; reads when told.
class LineReceiver {
public:
    LineReceiver(To to, const std::string& path) {
        socket_ = ::socket(to == To::tcp ? AF_INET : AF_UNIX, SOCK_STREAM, 0);
        sockaddr_un local{};
        sockaddr_in internet{};
        local.sun_family = AF_UNIX;
        path.copy(local.sun_path, sizeof local.sun_path - 1);
        internet.sin_family = AF_INET;
        internet.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        auto* const at = to == To::tcp ? reinterpret_cast<sockaddr*>(&internet)
                                       : reinterpret_cast<sockaddr*>(&local);
        socklen_t length = to == To::tcp ? sizeof internet : sizeof local;
        if (::bind(socket_, at, length) != 0 || ::listen(socket_, 4) != 0) {
            std::abort();  // a test without its socket tests nothing
        }
        if (to == To::tcp) {
            ::getsockname(socket_, at, &length);
            port_ = ntohs(internet.sin_port);
        }
    }
    LineReceiver(const LineReceiver&) = delete;
    LineReceiver& operator=(const LineReceiver&) = delete;
    ~LineReceiver() {
        hang_up();
        ::close(socket_);
    }
    std::uint16_t port() const { return port_; }
    bool accept(std::chrono::milliseconds patience = seconds{10}) {
        pollfd waiting{socket_, POLLIN, 0};
        if (::poll(&waiting, 1, static_cast<int>(patience.count())) <= 0) {
            return false;
        }
        hang_up();
        connection_ = ::accept(socket_, nullptr, nullptr);
        return true;
    }
    void hang_up() {
        if (connection_ >= 0) {
            ::close(connection_);
            connection_ = -1;
        }
    }
    // Until `octets` have come, or nothing comes for so long.
    std::string read(std::size_t octets, std::chrono::milliseconds patience = seconds{5}) {
        std::string text;
        std::vector<char> part(65'536);
        pollfd waiting{connection_, POLLIN, 0};
        while (text.size() < octets &&
               ::poll(&waiting, 1, static_cast<int>(patience.count())) > 0) {
            const auto got = ::recv(connection_, part.data(), part.size(), 0);
            if (got <= 0) {
                break;
            }
            text.append(part.data(), static_cast<std::size_t>(got));
        }
        return text;
    }

private:
    int socket_ = -1;
    int connection_ = -1;
    std::uint16_t port_ = 0;
};

class JsonNetwork : public JsonTest {
protected:
    Config::Json config_to(To to, std::uint16_t port) const {
        Config::Json config = JsonTest::config();
        config.to = to;
        config.host = "127.0.0.1";
        config.port = port;
        config.path = path();
        config.reconnect = seconds{1};
        return config;
    }
    static std::vector<std::string> lines_of(const std::string& text) {
        std::vector<std::string> lines;
        std::istringstream in(text);
        for (std::string line; std::getline(in, line);) {
            lines.push_back(line);
        }
        return lines;
    }
    static std::set<std::uint64_t> ids_of(const std::vector<std::string>& lines) {
        std::set<std::uint64_t> ids;
        for (const std::string& line : lines) {
            const auto record = nlohmann::json::parse(line, nullptr, false);
            EXPECT_FALSE(record.is_discarded()) << line;
            ids.insert(record["flow_id"].get<std::uint64_t>());
        }
        return ids;
    }
};

TEST_F(JsonNetwork, a_stream_gets_every_line) {
    for (const To to : {To::tcp, To::unix_socket}) {
        LineReceiver receiver(to, path());
        auto output = open_json(config_to(to, receiver.port()), json_points).value();
        ASSERT_TRUE(receiver.accept());
        output->take(mixed_records(3'000, 2));
        std::string text;
        std::jthread reader([&] { text = receiver.read(std::size_t{1} << 40U, seconds{1}); });
        output->flush(steady_clock::now() + seconds{10});
        reader.join();
        EXPECT_EQ(ids_of(lines_of(text)).size(), 3'000U);
        const OutputCounters counters = output->counters();
        EXPECT_EQ(counters.sent.records, 3'000U);
        EXPECT_EQ(counters.message_octets, text.size());
        expect_balanced(counters);
    }
}

TEST_F(JsonNetwork, a_receiver_that_comes_back_gets_what_it_missed) {
    LineReceiver receiver(To::tcp, "");
    auto output = open_json(config_to(To::tcp, receiver.port()), json_points).value();
    ASSERT_TRUE(receiver.accept());
    const auto records = mixed_records(2'000, 2);
    output->take(std::span{records}.first(1'000));
    output->tick(steady_clock::now() + seconds{1});
    std::string before = receiver.read(100'000, milliseconds{500});
    before += receiver.read(std::size_t{1} << 40U, milliseconds{500});
    receiver.hang_up();
    output->take(std::span{records}.subspan(1'000));
    ASSERT_TRUE(receiver.accept());
    std::string after;
    std::jthread reader([&] { after = receiver.read(std::size_t{1} << 40U, seconds{1}); });
    output->flush(steady_clock::now() + seconds{10});
    reader.join();
    auto ids = ids_of(lines_of(before));
    ids.merge(ids_of(lines_of(after)));
    EXPECT_EQ(ids.size(), 2'000U);
    EXPECT_EQ(output->counters().sent.records, 2'000U);
    expect_balanced(output->counters());
}

TEST_F(JsonNetwork, a_receiver_that_does_not_read_is_counted_to_the_last_record) {
    LineReceiver receiver(To::unix_socket, path());
    Config::Json config = config_to(To::unix_socket, 0);
    config.queue_blocks = 4;
    auto output = open_json(config, json_points).value();
    ASSERT_TRUE(receiver.accept());
    const auto records = mixed_records(2'000, 2);
    const auto begin = steady_clock::now();
    for (int round = 0; round < 20; ++round) {
        output->take(records);
    }
    EXPECT_LT(steady_clock::now() - begin, seconds{5}) << "nobody waits for it";
    output->flush(steady_clock::now() + milliseconds{300});
    const OutputCounters counters = output->counters();
    expect_balanced(counters);
    EXPECT_EQ(counters.taken.records, 40'000U);
    EXPECT_GT(counters.dropped[0].records, 0U);
    const std::string text = receiver.read(std::size_t{1} << 40U, milliseconds{300});
    EXPECT_GE(lines_of(text).size(), counters.sent.records);
}

TEST_F(JsonNetwork, nobody_there_is_no_error_and_everything_is_counted) {
    for (const To to : {To::tcp, To::unix_socket}) {
        std::uint16_t port = 0;
        {
            LineReceiver receiver(to, path());
            port = receiver.port();
        }
        ::unlink(path().c_str());
        auto output = open_json(config_to(to, port), json_points).value();
        output->take(mixed_records(100, 2));
        output->flush(steady_clock::now() + seconds{10});
        EXPECT_EQ(output->counters().dropped[1].records, 100U);
        EXPECT_FALSE(output->counters().up);
        expect_balanced(output->counters());
    }
}

TEST_F(JsonNetwork, a_datagram_is_a_line) {
    UdpListener listener;
    auto output = open_json(config_to(To::udp, listener.port()), json_points).value();
    output->take(mixed_records(100, 2));
    output->flush(steady_clock::now() + seconds{10});
    EXPECT_EQ(output->counters().sent.records, 100U);
    std::vector<std::string> lines;
    for (int index = 0; index < 100; ++index) {
        const auto datagram = listener.receive(seconds{5}).value();
        lines.emplace_back(reinterpret_cast<const char*>(datagram.data()), datagram.size());
        EXPECT_EQ(lines.back().find('\n'), lines.back().size() - 1);
    }
    EXPECT_EQ(ids_of(lines).size(), 100U);
    EXPECT_FALSE(listener.receive(milliseconds{50}).has_value());
    expect_balanced(output->counters());
}

TEST_F(JsonNetwork, a_receiver_by_udp_that_comes_late_gets_what_the_queue_holds) {
    std::uint16_t port = 0;
    {
        UdpListener listener;
        port = listener.port();
    }
    auto output = open_json(config_to(To::udp, port), json_points).value();
    output->take(mixed_records(50, 2));
    const auto deadline = steady_clock::now() + seconds{10};
    while (output->counters().up && steady_clock::now() < deadline) {
        std::this_thread::yield();
    }
    EXPECT_FALSE(output->counters().up);
    UdpListener listener(false, port);
    std::jthread flusher([&] { output->flush(steady_clock::now() + seconds{10}); });
    std::vector<std::string> lines;
    while (lines.size() < 50) {
        const auto datagram = listener.receive(seconds{5});
        ASSERT_TRUE(datagram.has_value()) << lines.size();
        lines.emplace_back(reinterpret_cast<const char*>(datagram->data()), datagram->size());
    }
    flusher.join();
    EXPECT_EQ(ids_of(lines).size(), 50U);
    EXPECT_EQ(output->counters().sent.records, 50U);
}

// RFC 5424 section 6; over a stream, RFC 6587 section 3.4.1.
TEST_F(JsonNetwork, syslog_messages_are_those_of_the_rfc) {
    const std::regex header(
        "<142>1 \\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d(\\.\\d{1,6})?Z "
        "[!-~]{1,255} tapmeter \\d+ flow - ");
    const auto json_of = [&](const std::string& message) {
        std::smatch match;
        EXPECT_TRUE(
            std::regex_search(message, match, header, std::regex_constants::match_continuous))
            << message;
        return message.substr(static_cast<std::size_t>(match.length()));
    };
    std::vector<std::string> lines;
    {
        UdpListener listener;
        Config::Json config = config_to(To::udp, listener.port());
        config.framing = Config::Json::Framing::syslog;
        config.syslog_facility = 17;
        auto output = open_json(config, json_points).value();
        output->take(mixed_records(50, 2));
        output->flush(steady_clock::now() + seconds{10});
        for (int index = 0; index < 50; ++index) {
            const auto datagram = listener.receive(seconds{5}).value();
            lines.push_back(
                json_of({reinterpret_cast<const char*>(datagram.data()), datagram.size()}));
        }
        EXPECT_EQ(ids_of(lines).size(), 50U);
    }
    LineReceiver receiver(To::tcp, "");
    Config::Json config = config_to(To::tcp, receiver.port());
    config.framing = Config::Json::Framing::syslog;
    config.syslog_facility = 17;
    auto output = open_json(config, json_points).value();
    ASSERT_TRUE(receiver.accept());
    output->take(mixed_records(1'000, 2));
    std::string text;
    std::jthread reader([&] { text = receiver.read(std::size_t{1} << 40U, seconds{1}); });
    output->flush(steady_clock::now() + seconds{10});
    reader.join();
    lines.clear();
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t space = text.find(' ', at);
        const std::size_t octets = std::stoull(text.substr(at, space - at));
        lines.push_back(json_of(text.substr(space + 1, octets)));
        at = space + 1 + octets;
    }
    EXPECT_EQ(ids_of(lines).size(), 1'000U);
}

// One receiver stands still; the other output has everything at once.
TEST_F(JsonNetwork, a_slow_receiver_holds_nobody_up) {
    LineReceiver slow(To::tcp, "");
    LineReceiver quick(To::unix_socket, path());
    Config::Json config = config_to(To::tcp, slow.port());
    config.queue_blocks = 2;
    auto held_up = open_json(config, json_points).value();
    auto other = open_json(config_to(To::unix_socket, 0), json_points).value();
    ASSERT_TRUE(slow.accept());
    ASSERT_TRUE(quick.accept());
    std::string text;
    std::jthread reader([&] { text = quick.read(std::size_t{1} << 40U, seconds{1}); });
    const auto records = mixed_records(2'000, 2);
    for (int round = 0; round < 10; ++round) {
        held_up->take(records);
        other->take(records);
    }
    other->flush(steady_clock::now() + seconds{10});
    reader.join();
    EXPECT_EQ(other->counters().sent.records, 20'000U);
    EXPECT_EQ(lines_of(text).size(), 20'000U);
    EXPECT_GT(held_up->counters().dropped[0].records, 0U);
    expect_balanced(held_up->counters());
}

}  // namespace
}  // namespace tapmeter::exporting
