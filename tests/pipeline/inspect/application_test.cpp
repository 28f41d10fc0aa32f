#include "pipeline/inspect/application.h"

#include <gtest/gtest.h>

#include <fstream>

#include "pipeline/base/packet.h"
#include "tests/pipeline/inspect/conversations.h"
#include "tests/pipeline/inspect/dissecting.h"

namespace tapmeter::inspect {
namespace {

using namespace std::chrono_literals;
using testing::Frame;
using Step = Dissector::Step;

constexpr std::size_t ethernet_octets = 14;

// One dissector for all tests that need no rules of their own: it takes 50 ms to make.
class Dissected : public ::testing::Test {
protected:
    static Dissector& dissector() {
        static const auto one = std::move(*Dissector::load({.states_max = 64}, names()));
        return *one;
    }
    static ApplicationNames& names() {
        static ApplicationNames all;
        return all;
    }

    Dissected() : state_(Dissector::state_octets()) { Dissector::begin(state_); }
    ~Dissected() override { dissector().end(state_); }

    Step look(const Frame& frame) {
        return dissector().inspect(state_,
                                   testing::headers_of(Bytes{frame}.subspan(ethernet_octets)),
                                   ObservedAt{1'700'000'000s});
    }
    std::string label() { return names().label(dissector().label(state_)); }

    std::vector<std::byte> state_;
};

TEST_F(Dissected, http_is_told_by_its_packets) {
    for (const Frame& frame : testing::http_conversation()) {
        if (look(frame) == Step::decided) {
            break;
        }
    }
    EXPECT_EQ(label(), "HTTP");
    EXPECT_EQ(dissector().label(state_).confidence, flow::Confidence::dissected);
    EXPECT_EQ(names().category(dissector().label(state_).category), "Web");
}

TEST_F(Dissected, a_name_that_nDPI_knows_gives_both_parts) {
    look(testing::dns_query("www.google.com"));
    EXPECT_EQ(label(), "DNS.Google");
}

// What rules go by: the protocol that packets have told, not what runs over it, and no guess.
TEST_F(Dissected, tells_what_a_flow_speaks_in_the_words_of_rules) {
    EXPECT_EQ(dissector().spoken(state_), rules::Application::unknown);
    look(testing::dns_query("www.google.com"));
    EXPECT_EQ(dissector().spoken(state_), rules::Application::dns);
}

TEST_F(Dissected, a_guess_is_nothing_that_a_flow_has_spoken) {
    look(testing::segment(true, 0x02, {}, 22));
    dissector().give_up(state_);
    EXPECT_EQ(label(), "SSH");
    EXPECT_EQ(dissector().spoken(state_), rules::Application::unknown);
}

TEST_F(Dissected, a_port_is_a_guess_and_says_so) {
    EXPECT_EQ(look(testing::segment(true, 0x02, {}, 22)), Step::more);
    EXPECT_EQ(label(), "Unknown");
    EXPECT_EQ(dissector().label(state_).confidence, flow::Confidence::unknown);
    dissector().give_up(state_);
    EXPECT_EQ(label(), "SSH");
    EXPECT_EQ(dissector().label(state_).confidence, flow::Confidence::port);
}

TEST_F(Dissected, the_packet_that_ends_nDPI_is_survived) {
    const Frame frame = testing::dtls_certificate();
    look(frame);
    look(frame);
    dissector().give_up(state_);
    EXPECT_NE(dissector().label(state_).confidence, flow::Confidence::dissected);
}

TEST_F(Dissected, a_packet_of_another_transport_ends_the_inspection) {
    for (const Frame& frame : testing::http_conversation()) {
        ASSERT_NE(look(frame), Step::hopeless);
    }
    const flow::Application before = dissector().label(state_);
    EXPECT_EQ(look(testing::dns_query("www.google.com")), Step::hopeless);
    EXPECT_EQ(dissector().label(state_).application, before.application) << "it was not looked at";
}

TEST_F(Dissected, packets_of_any_length_are_read_within_their_bounds) {
    const Frame frame = testing::http_conversation()[3];
    for (std::size_t octets = 0; octets + ethernet_octets <= frame.size(); ++octets) {
        const Frame cut(frame.begin() + ethernet_octets,
                        frame.begin() + static_cast<long>(ethernet_octets + octets));
        dissector().inspect(state_, testing::headers_of(cut), ObservedAt{1s});
    }
    Frame jumbo = frame;
    jumbo.resize(100'000);
    look(jumbo);
}

TEST_F(Dissected, what_a_flow_has_taken_is_given_back) {
    const std::size_t before = dissector().octets_used();
    for (const Frame& frame : testing::http_conversation()) {
        look(frame);
    }
    EXPECT_GT(dissector().octets_used(), before) << "URL and user agent";
    dissector().end(state_);
    Dissector::begin(state_);
    EXPECT_EQ(dissector().octets_used(), before);
}

TEST(Dissector, a_state_is_small_and_a_module_fits_into_its_arena) {
    EXPECT_LE(Dissector::state_octets(), 768U);
    ApplicationNames names;
    const auto dissector = Dissector::load({.states_max = 1'000}, names);
    ASSERT_TRUE(dissector);
    EXPECT_GT((*dissector)->octets_left(), 1'000U * 384);
    EXPECT_EQ((*dissector)->allocations_refused(), 0U);
}

class Rules : public ::testing::Test {
protected:
    std::string file(const std::string& text) {
        const std::string name = ::testing::TempDir() + "rules" + std::to_string(files_++);
        std::ofstream(name) << text;
        return name;
    }
    // The label of a SYN to `port` once nobody knows better.
    std::string guess(Dissector& dissector, std::uint16_t port) {
        std::vector<std::byte> state(Dissector::state_octets());
        Dissector::begin(state);
        const Frame frame = testing::segment(true, 0x02, {}, port);
        dissector.inspect(state, testing::headers_of(Bytes{frame}.subspan(ethernet_octets)),
                          ObservedAt{1s});
        dissector.give_up(state);
        const std::string label = names_.label(dissector.label(state));
        dissector.end(state);
        return label;
    }

    ApplicationNames names_;
    unsigned files_ = 0;
};

TEST_F(Rules, add_protocols_of_the_operators_own) {
    const auto dissector =
        Dissector::load({.states_max = 64, .protocols_file = file("tcp:8999@Shop\n")}, names_);
    ASSERT_TRUE(dissector) << dissector.error().message;
    EXPECT_EQ(guess(**dissector, 8'999), "Shop");
    EXPECT_NE(guess(**dissector, 8'998), "Shop");
}

TEST_F(Rules, keep_their_numbers_when_the_file_changes) {
    const auto first = Dissector::load(
        {.states_max = 64, .protocols_file = file("tcp:8999@Shop\ntcp:8998@Post\n")}, names_);
    const auto second = Dissector::load(
        {.states_max = 64, .protocols_file = file("tcp:8998@Post\ntcp:8999@Shop\n")}, names_);
    ASSERT_TRUE(first && second);
    EXPECT_EQ(guess(**first, 8'999), "Shop");
    EXPECT_EQ(guess(**second, 8'999), "Shop");
    EXPECT_EQ(guess(**second, 8'998), "Post");
}

TEST_F(Rules, that_cannot_be_read_are_refused_with_their_line) {
    const std::string name = file("tcp:1@A\nnonsense\n");
    const auto refused = Dissector::load({.states_max = 64, .protocols_file = name}, names_);
    ASSERT_FALSE(refused);
    EXPECT_TRUE(refused.error().message.starts_with(name + ":2: ")) << refused.error().message;
}

}  // namespace
}  // namespace tapmeter::inspect
