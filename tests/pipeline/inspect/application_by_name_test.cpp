// What is told by a DNS name that was asked for before is what nDPI would have told: two
// dissectors, one of which remembers no names, see the same flows.

#include <gtest/gtest.h>

#include <array>
#include <random>

#include "pipeline/inspect/application.h"
#include "tests/pipeline/inspect/dissecting.h"
#include "tests/pipeline/inspect/dns_packets.h"

namespace tapmeter::inspect {
namespace {

using namespace std::chrono_literals;
using testing::DnsMessage;
using testing::DnsPath;
using testing::Frame;
using testing::with_length;
using Step = Dissector::Step;

class Twins : public ::testing::Test {
protected:
    struct One {
        One(ApplicationNames& names, std::size_t known_names)
            : dissector(std::move(
                  *Dissector::load({.states_max = 64, .known_names = known_names}, names))),
              state(Dissector::state_octets()) {}

        std::unique_ptr<Dissector> dissector;
        std::vector<std::byte> state;
        Step step = Step::more;
    };

    // Whether both say the same of each packet, and in the end.
    void compare(const std::vector<Frame>& flow) {
        for (One* one : {&plain_, &knowing_}) {
            Dissector::begin(one->state);
            one->step = Step::more;
        }
        for (std::size_t i = 0; i < flow.size() && !over(); ++i) {
            for (One* one : {&plain_, &knowing_}) {
                one->step = one->dissector->inspect(one->state, testing::headers_of(flow[i]),
                                                    ObservedAt{1'700'000'000s});
            }
            ASSERT_EQ(plain_.step, knowing_.step) << "packet " << i;
        }
        for (One* one : {&plain_, &knowing_}) {
            if (!over()) {
                one->dissector->give_up(one->state);
            }
        }
        const flow::Application told = plain_.dissector->label(plain_.state);
        const flow::Application known = knowing_.dissector->label(knowing_.state);
        EXPECT_EQ(names_.label(told), names_.label(known));
        EXPECT_EQ(told.category, known.category);
        EXPECT_EQ(told.confidence, known.confidence);
        EXPECT_EQ(told.risks, known.risks);
        EXPECT_EQ(told.risk_score, known.risk_score);
        EXPECT_EQ(plain_.dissector->spoken(plain_.state),
                  knowing_.dissector->spoken(knowing_.state));
        for (One* one : {&plain_, &knowing_}) {
            one->dissector->end(one->state);
        }
    }
    bool over() const {
        const auto ends = [](Step step) { return step == Step::decided || step == Step::hopeless; };
        return ends(plain_.step) && ends(knowing_.step);
    }

    ApplicationNames names_;
    One plain_{names_, 0};
    One knowing_{names_, 64};  // few, so that they are often overwritten
};

constexpr std::array names{"www.google.com",
                           "www.facebook.com",
                           "WWW.Example.org",
                           "teams.microsoft.com",
                           "zoom.us",
                           "xn--bcher-kva.de",
                           "a",
                           "host.local",
                           "1.0.0.127.in-addr.arpa",
                           "kq3v9xjz7wqpl2mxnvb8.biz",
                           "bbcbedxhgjmdobdprmen.com",
                           "a.b.c.d.e.f.g.example.net",
                           "play.googleapis.com",
                           "netflix.com",
                           "skype.com",
                           "_ldap._tcp.example.org"};
constexpr std::array<std::uint32_t, 4> servers{0x0808'0808, 0x0101'0101, 0x0a00'0035, 0xa99b'0101};
constexpr std::array<std::uint16_t, 8> types{1, 28, 5, 33, 16, 12, 13, 65};

class Random {
public:
    explicit Random(unsigned seed) : engine_(seed) {}
    std::size_t below(std::size_t n) { return engine_() % n; }
    bool one_in(std::size_t n) { return below(n) == 0; }

    // Plain more often than not.
    DnsMessage message(bool response) {
        DnsMessage message{.name = names.at(below(names.size())), .response = response};
        if (response) {
            for (std::size_t i = below(3); i > 0; --i) {
                message.answer_types.push_back(types.at(one_in(4) ? below(types.size()) : i - 1));
            }
            message.data_octets = one_in(10) ? 300 : 16;
        }
        message.flags = one_in(10) ? static_cast<std::uint16_t>(below(0x8000)) : 0;
        message.questions = one_in(20) ? 2 : 1;
        message.query_type = one_in(20) ? 0 : types.at(below(types.size()));
        message.authorities = one_in(10) ? 1 : 0;
        return message;
    }
    Frame damaged(Frame frame) {
        const std::size_t at = below(frame.size());
        if (one_in(20) && !is_of_the_key(at)) {
            frame.at(at) ^= static_cast<std::byte>(1U << below(8));
        }
        if (one_in(40)) {
            frame.resize(below(frame.size()));
        }
        return frame;
    }

    std::vector<Frame> flow() {
        const DnsPath path{
            .client = one_in(4) ? servers.at(below(servers.size())) : 0x0a00'0001,
            .server = servers.at(below(servers.size())),
            .client_port = static_cast<std::uint16_t>(one_in(10) ? below(6'000) : 40'000)};
        return one_in(2) ? by_udp(path) : by_tcp(path);
    }

private:
    // Protocol, addresses and ports: all packets of a flow have the same.
    static bool is_of_the_key(std::size_t at) { return at == 9 || (at >= 12 && at < 24); }

    std::vector<Frame> by_udp(const DnsPath& path) {
        std::vector<Frame> flow;
        const DnsMessage question = message(false);
        for (std::size_t i = 0, packets = 1 + below(7); i < packets; ++i) {
            const bool to_server = i == 0 ? !one_in(10) : one_in(3);
            DnsMessage next = message(!to_server);
            if (!one_in(4)) {
                next.name = question.name;
            }
            flow.push_back(damaged(testing::by_udp(path, to_server, testing::text_of(next))));
        }
        return flow;
    }

    std::vector<Frame> by_tcp(const DnsPath& path) {
        std::vector<Frame> flow = testing::dns_handshake(path);
        if (one_in(10)) {
            flow.erase(flow.begin() + static_cast<long>(below(flow.size())));
        }
        const DnsMessage question = message(false);
        std::array<std::uint32_t, 2> next{101, 501};
        for (std::size_t i = 0, packets = below(4); i < packets; ++i) {
            const bool to_server = i == 0 || one_in(3);
            DnsMessage said = message(!to_server);
            if (!one_in(4)) {
                said.name = question.name;
            }
            std::string payload = with_length(testing::text_of(said));
            if (one_in(5)) {
                payload += with_length(testing::text_of(message(!to_server)));
            }
            if (one_in(10)) {
                payload.resize(below(payload.size()));
            }
            auto& sequence = next.at(to_server ? 0 : 1);
            flow.push_back(damaged(testing::by_tcp(path, to_server,
                                                   {.control_bits = 0x18,
                                                    .sequence = sequence + (one_in(20) ? 1U : 0U),
                                                    .acknowledgment = next.at(to_server ? 1 : 0)},
                                                   payload)));
            sequence += static_cast<std::uint32_t>(payload.size());
        }
        return flow;
    }

    std::mt19937 engine_;
};

TEST_F(Twins, tell_the_same_of_a_name_that_is_asked_for_again) {
    const DnsPath path;
    for (int round = 0; round < 3; ++round) {
        compare({testing::by_udp(path, true, testing::text_of({.name = "www.google.com"})),
                 testing::by_udp(
                     path, false,
                     testing::text_of(
                         {.name = "www.google.com", .response = true, .answer_types = {1}}))});
    }
    EXPECT_EQ(names_.label(knowing_.dissector->label(knowing_.state)), "DNS.Google");
}

TEST_F(Twins, tell_the_same_of_any_DNS_flow) {
    constexpr int flows = 50'000;
    Random random(7);
    for (int flow = 0; flow < flows && !HasFailure(); ++flow) {
        SCOPED_TRACE(flow);
        compare(random.flow());
    }
}

TEST_F(Twins, tell_the_same_of_any_port_of_the_client) {
    for (unsigned port = 1; port < 65'536 && !HasFailure(); ++port) {
        SCOPED_TRACE(port);
        const DnsPath path{.client_port = static_cast<std::uint16_t>(port)};
        const std::string question = testing::text_of({});
        const std::string answer = testing::text_of({.response = true, .answer_types = {1}});
        compare({testing::by_udp(path, true, question), testing::by_udp(path, false, answer)});
        std::vector<Frame> by_tcp = testing::dns_handshake(path);
        by_tcp.push_back(testing::by_tcp(path, true, {.sequence = 101, .acknowledgment = 501},
                                         with_length(question)));
        by_tcp.push_back(testing::by_tcp(path, false, {.sequence = 501, .acknowledgment = 101},
                                         with_length(answer)));
        compare(by_tcp);
    }
}

// nDPI takes nothing from the arena for a flow that it never sees.
TEST_F(Twins, ask_nDPI_once_for_a_name) {
    const DnsPath path;
    const std::vector<Frame> flow{
        testing::by_udp(path, true, testing::text_of({.name = "www.example.org"}))};
    compare(flow);
    const std::size_t used = knowing_.dissector->octets_used();
    compare(flow);
    EXPECT_EQ(knowing_.dissector->octets_used(), used);
}

}  // namespace
}  // namespace tapmeter::inspect
