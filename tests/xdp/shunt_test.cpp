#include "xdp/shunt.h"

#include <bpf/bpf.h>
#include <gtest/gtest.h>
#include <unistd.h>
#include <array>
#include <chrono>
#include <memory>
#include <optional>
#include <thread>

#include "tests/bpf/frames.h"
#include "xdp/prefilter.h"

namespace tapmeter::xdp {
namespace {

using namespace std::chrono_literals;
using testing::WireFrame;

constexpr std::uint32_t slots = 3;

// The key of the frame below: from 192.0.2.1 port `port` to 198.51.100.1 port 53 by UDP.
ShuntKey key_of(std::uint16_t port) {
    ShuntKey key{};
    constexpr std::array<unsigned, 4> low{192, 0, 2, 1};
    constexpr std::array<unsigned, 4> high{198, 51, 100, 1};
    for (std::size_t octet = 0; octet < 4; ++octet) {
        key[12 + octet] = static_cast<std::byte>(low[octet]);
        key[28 + octet] = static_cast<std::byte>(high[octet]);
    }
    key[32] = static_cast<std::byte>(port);  // host order, as on every machine that runs this
    key[33] = static_cast<std::byte>(port >> 8U);
    key[34] = std::byte{53};
    key[40] = std::byte{17};
    key[41] = std::byte{4};
    return key;
}

// Two programs in the kernel, as of two interfaces, behind one shunt with two doors.
class ShuntInTheKernel : public ::testing::Test {
protected:
    void SetUp() override {
        if (geteuid() != 0) {
            GTEST_SKIP() << "needs root: loads a BPF program";
        }
        auto shunt = Shunt::open({.workers = 2, .flows_max = slots, .clock = &clock_});
        ASSERT_TRUE(shunt) << shunt.error().message;
        shunt_ = std::move(*shunt);
        for (auto* program : {&one_, &other_}) {
            auto loaded = Prefilter::load(shunt_.get());
            ASSERT_TRUE(loaded) << loaded.error().message;
            program->emplace(std::move(*loaded));
            ASSERT_TRUE((*program)->open());
        }
    }

    static void run(const Prefilter& program, std::uint16_t port, int times = 1) {
        const WireFrame frame =
            WireFrame{}.ethernet(0x0800).ipv4({}).ports(port, 53).padded_to(100);
        bpf_test_run_opts options{};
        options.sz = sizeof(options);
        options.data_in = frame.octets().data();
        options.data_size_in = static_cast<std::uint32_t>(frame.octets().size());
        options.repeat = times;
        ASSERT_EQ(bpf_prog_test_run_opts(program.program(), &options), 0);
    }
    std::uint64_t packets(std::size_t door, std::uint32_t slot, std::uint16_t turn) {
        return shunt_->door(door).read(slot, turn, 0)->packets;
    }
    // Puts a flow in whose record will not be cut.
    void enter(std::size_t door, std::uint32_t slot, std::uint16_t port, std::uint16_t turn = 2) {
        shunt_->door(door).set_cut(slot, clock_.now() + 1h, turn);
        shunt_->door(door).enter(slot, key_of(port));
        shunt_->serve();
    }
    void leave(std::size_t door, std::uint32_t slot, std::uint16_t port) {
        shunt_->door(door).leave(slot, key_of(port));
        shunt_->serve();
    }

    const LiveClock clock_;
    std::unique_ptr<Shunt> shunt_;
    std::optional<Prefilter> one_;
    std::optional<Prefilter> other_;
};

TEST_F(ShuntInTheKernel, counts_of_all_interfaces_are_read_at_the_door) {
    enter(1, 2, 1'000);
    run(*one_, 1'000, 5);
    run(*other_, 1'000, 7);
    run(*other_, 1'001, 9);
    EXPECT_EQ(packets(1, 2, 2), 12U);
    EXPECT_EQ(shunt_->counted(), Packets{12});
    EXPECT_EQ(one_->counters()->packets[prefilter_shunted], Packets{5});
    EXPECT_EQ(other_->counters()->packets[prefilter_shunted], Packets{7});
    EXPECT_EQ(other_->counters()->octets[prefilter_shunted], Octets{700});
    for (std::uint32_t slot = 0; slot < slots; ++slot) {
        EXPECT_EQ(packets(0, slot, 2), 0U);
    }
}

TEST_F(ShuntInTheKernel, stamps_packets_by_the_clock_of_the_workers) {
    enter(0, 0, 1'000);
    const ObservedAt before = clock_.now();
    run(*one_, 1'000);
    std::this_thread::sleep_for(2ms);
    run(*one_, 1'000);
    const auto counts = shunt_->door(0).read(0, 2, 0);
    EXPECT_GE(counts->first, before);
    EXPECT_GE(counts->last - counts->first, 2ms);
    EXPECT_LE(counts->last, clock_.now());
    EXPECT_EQ(counts->ttl_min, 64U);
}

TEST_F(ShuntInTheKernel, a_cut_in_the_past_divides_the_counts) {
    enter(0, 0, 1'000, 7);
    run(*one_, 1'000, 2);
    shunt_->door(0).set_cut(0, clock_.now() - 1ms, 7);
    run(*one_, 1'000, 3);
    EXPECT_EQ(packets(0, 0, 7), 2U);
    EXPECT_EQ(packets(0, 0, 8), 3U);
    shunt_->door(0).set_cut(0, clock_.now() + 1h, 8);
    run(*one_, 1'000, 4);
    EXPECT_EQ(packets(0, 0, 8), 7U);
    EXPECT_EQ(shunt_->counted(), Packets{9});
}

TEST_F(ShuntInTheKernel, a_flow_that_left_is_no_longer_counted_and_its_counts_stay) {
    enter(0, 1, 1'000);
    run(*one_, 1'000, 5);
    EXPECT_EQ(shunt_->door(0).state(1), ShuntState::asked);
    leave(0, 1, 1'000);
    EXPECT_EQ(shunt_->door(0).state(1), ShuntState::gone);
    run(*one_, 1'000, 5);
    EXPECT_EQ(packets(0, 1, 2), 5U);
    EXPECT_EQ(one_->counters()->packets[prefilter_shunted], Packets{5});

    enter(0, 1, 2'000, 4);  // the slot again, for another flow: counts go on from there
    run(*one_, 2'000, 3);
    EXPECT_EQ(packets(0, 1, 4), 8U);
    EXPECT_EQ(shunt_->counted(), Packets{8});
}

TEST_F(ShuntInTheKernel, a_key_that_is_in_is_refused_and_its_leaving_changes_nothing) {
    enter(0, 0, 1'000);
    enter(1, 0, 1'000);
    EXPECT_EQ(shunt_->door(1).state(0), ShuntState::refused);
    leave(1, 0, 1'000);
    EXPECT_EQ(shunt_->door(1).state(0), ShuntState::refused);
    run(*one_, 1'000);
    EXPECT_EQ(packets(0, 0, 2), 1U);
}

// What a refused flow asked comes late, behind the next flow's wish for the same slot.
TEST_F(ShuntInTheKernel, a_late_leave_of_a_refused_flow_does_not_touch_the_next) {
    enter(0, 0, 1'000);
    enter(1, 0, 1'000);
    shunt_->door(1).leave(0, key_of(1'000));
    enter(1, 0, 2'000);
    EXPECT_EQ(shunt_->door(1).state(0), ShuntState::asked);
    run(*one_, 1'000);
    run(*one_, 2'000);
    EXPECT_EQ(packets(0, 0, 2), 1U);
    EXPECT_EQ(packets(1, 0, 2), 1U);
}

TEST_F(ShuntInTheKernel, its_thread_serves_until_it_is_told_to_stop) {
    std::jthread thread([this](const std::stop_token& stop) { shunt_->run(stop); });
    shunt_->door(0).set_cut(0, clock_.now() + 1h, 2);
    shunt_->door(0).enter(0, key_of(1'000));
    shunt_->door(0).leave(0, key_of(1'000));
    for (int tries = 0; shunt_->door(0).state(0) != ShuntState::gone && tries < 5'000; ++tries) {
        std::this_thread::sleep_for(1ms);
    }
    EXPECT_EQ(shunt_->door(0).state(0), ShuntState::gone);
}

TEST_F(ShuntInTheKernel, that_is_too_large_names_the_cure) {
    constexpr std::uint32_t workers = 65'536;  // no map has lines for so many
    const auto shunt =
        Shunt::open({.workers = workers, .flows_max = ShuntDoor::slots_max, .clock = &clock_});
    ASSERT_FALSE(shunt);
    EXPECT_EQ(shunt.error().kind, Error::Kind::no_memory);
    EXPECT_NE(shunt.error().message.find("lower shunt.flows_max"), std::string::npos)
        << shunt.error().message;
}

}  // namespace
}  // namespace tapmeter::xdp
