#include "src/appliance/interface_watch.h"

#include <gtest/gtest.h>
#include <array>
#include <cstdlib>
#include <utility>

namespace tapmeter {
namespace {

// An interface whose fate is in our hands.
class Port final : public Capture {
public:
    std::size_t queues() const noexcept override { return 0; }
    PacketSource& queue(std::size_t) noexcept override { std::abort(); }
    bool symmetric() const noexcept override { return true; }
    CaptureCounters counters() const override { return now; }
    std::string describe() const override { return "port"; }
    std::vector<Capability> capabilities() const override { return {}; }
    Result<bool> reopen() override {
        if (!refusal.empty()) {
            return failed(Error::Kind::io, refusal);
        }
        return std::exchange(returns, false);
    }

    CaptureCounters now;
    bool returns = false;
    std::string refusal;
};

class InterfaceWatchTest : public ::testing::Test {
protected:
    InterfaceWatchTest() {
        for (Port*& port : ports_) {
            auto made = std::make_unique<Port>();
            port = made.get();
            captures_.push_back(std::move(made));
        }
    }
    // What is told at the next look; "!" in front of what is amiss.
    std::vector<std::string> told() {
        std::vector<std::string> texts;
        for (const auto& event : watch_.look(captures_)) {
            texts.push_back((event.well ? "" : "!") + event.text);
        }
        return texts;
    }
    using Texts = std::vector<std::string>;

    std::array<Port*, 2> ports_{};
    std::vector<std::unique_ptr<Capture>> captures_;
    InterfaceWatch watch_{{"a", "b"}};
};

TEST_F(InterfaceWatchTest, tells_each_change_of_a_link_once) {
    EXPECT_EQ(told(), Texts{});
    ports_[1]->now.link_up = false;
    EXPECT_EQ(told(), Texts{"!interface b has no link"});
    EXPECT_EQ(told(), Texts{});
    ports_[1]->now.link_up = true;
    ports_[0]->now.link_up = false;
    EXPECT_EQ(told(), (Texts{"!interface a has no link", "interface b has link"}));
}

TEST_F(InterfaceWatchTest, an_interface_that_is_gone_has_no_word_of_its_link) {
    ports_[0]->now.present = ports_[0]->now.link_up = false;
    EXPECT_EQ(told(),
              Texts{"!interface a is gone; it is captured again once there is one of its name"});
    EXPECT_EQ(told(), Texts{});
    ports_[0]->now.present = ports_[0]->now.link_up = ports_[0]->returns = true;
    const auto events = watch_.look(captures_);
    ASSERT_EQ(events.size(), 1U);
    EXPECT_TRUE(events.front().well);
    EXPECT_TRUE(events.front().returned);
    EXPECT_EQ(events.front().text, "interface a is back: port");
    EXPECT_EQ(told(), Texts{});
}

TEST_F(InterfaceWatchTest, a_return_between_two_looks_is_told_as_one) {
    ports_[0]->returns = true;
    EXPECT_EQ(told(), Texts{"interface a is back: port"});
}

TEST_F(InterfaceWatchTest, why_it_cannot_be_captured_is_told_once_for_each_reason) {
    ports_[0]->refusal = "somebody has it";
    const std::string front = "!interface a is there again and cannot be captured: ";
    EXPECT_EQ(told(), Texts{front + "somebody has it"});
    EXPECT_EQ(told(), Texts{});
    ports_[0]->refusal = "no memory";
    EXPECT_EQ(told(), Texts{front + "no memory"});
    ports_[0]->refusal.clear();
    ports_[0]->returns = true;
    EXPECT_EQ(told(), Texts{"interface a is back: port"});
    ports_[0]->refusal = "no memory";
    EXPECT_EQ(told(), Texts{front + "no memory"}) << "in its next life";
}

}  // namespace
}  // namespace tapmeter
