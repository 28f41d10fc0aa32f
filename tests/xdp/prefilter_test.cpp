#include "xdp/prefilter.h"

#include <bpf/bpf.h>
#include <gtest/gtest.h>
#include <unistd.h>
#include <optional>

#include "tests/bpf/frames.h"

namespace tapmeter::xdp {
namespace {

using testing::WireFrame;

class PrefilterRulesInForce : public ::testing::Test {
protected:
    void SetUp() override {
        if (geteuid() != 0) {
            GTEST_SKIP() << "needs root: loads a BPF program";
        }
        auto loaded = Prefilter::load();
        ASSERT_TRUE(loaded) << loaded.error().message;
        prefilter_.emplace(std::move(*loaded));
    }

    void run(const WireFrame& frame, int times = 1) {
        bpf_test_run_opts options{};
        options.sz = sizeof(options);
        options.data_in = frame.octets().data();
        options.data_size_in = static_cast<std::uint32_t>(frame.octets().size());
        options.repeat = times;
        ASSERT_EQ(bpf_prog_test_run_opts(prefilter_->program(), &options), 0);
    }
    std::uint64_t counted(prefilter_fate fate) {
        const auto counters = prefilter_->counters();
        EXPECT_TRUE(counters);
        return counters->packets[fate].value;
    }
    // The fate that a frame from this address to this port meets.
    prefilter_fate fate_of(std::uint32_t source, std::uint16_t port) {
        const FateCounters before = *prefilter_->counters();
        run(WireFrame{}.ethernet(0x0800).ipv4({.source = source}).ports(9, port).padded_to(60));
        const FateCounters after = *prefilter_->counters();
        for (int fate = prefilter_excluded; fate < prefilter_fates; ++fate) {
            const auto index = static_cast<std::size_t>(fate);
            if (after.packets[index] != before.packets[index]) {
                return static_cast<prefilter_fate>(fate);
            }
        }
        return prefilter_seen;
    }
    PrefilterRules rules(std::initializer_list<const char*> prefixes,
                         std::vector<std::uint16_t> ports = {}) {
        PrefilterRules made;
        for (const char* prefix : prefixes) {
            made.excluded.push_back(*parse_prefix(prefix));
        }
        made.denied_ports = std::move(ports);
        return made;
    }

    std::optional<Prefilter> prefilter_;
};

constexpr std::uint32_t in_10 = 0x0a00'0001;
constexpr std::uint32_t in_192_0_2 = 0xc000'0201;

TEST_F(PrefilterRulesInForce, closed_until_it_is_opened) {
    ASSERT_TRUE(prefilter_->apply(rules({"10.0.0.0/8"})));
    EXPECT_EQ(fate_of(in_10, 80), prefilter_seen) << "nothing is counted at all";
    EXPECT_EQ(counted(prefilter_seen), 0U);
    ASSERT_TRUE(prefilter_->open());
    EXPECT_EQ(fate_of(in_10, 80), prefilter_excluded);
    ASSERT_TRUE(prefilter_->apply({}));
    EXPECT_EQ(fate_of(in_10, 80), prefilter_no_socket) << "and stays open when rules change";
}

TEST_F(PrefilterRulesInForce, replace_each_other) {
    ASSERT_TRUE(prefilter_->open());
    ASSERT_TRUE(prefilter_->apply(rules({"10.0.0.0/8"}, {53})));
    EXPECT_EQ(fate_of(in_10, 80), prefilter_excluded);
    EXPECT_EQ(fate_of(in_192_0_2, 53), prefilter_denied);
    EXPECT_EQ(fate_of(in_192_0_2, 22), prefilter_no_socket);

    ASSERT_TRUE(prefilter_->apply(rules({"192.0.2.0/24", "2001:db8::/32"}, {22})));
    EXPECT_EQ(fate_of(in_10, 80), prefilter_no_socket) << "the old prefix is gone";
    EXPECT_EQ(fate_of(in_10, 53), prefilter_no_socket) << "the old port is gone";
    EXPECT_EQ(fate_of(in_10, 22), prefilter_denied);
    EXPECT_EQ(fate_of(in_192_0_2, 80), prefilter_excluded);

    ASSERT_TRUE(prefilter_->apply(rules({})));
    EXPECT_EQ(fate_of(in_192_0_2, 22), prefilter_no_socket);
    // What was there before is really gone, not only switched off.
    ASSERT_TRUE(prefilter_->apply(rules({"203.0.113.0/24"}, {1})));
    EXPECT_EQ(fate_of(in_192_0_2, 22), prefilter_no_socket);
}

TEST_F(PrefilterRulesInForce, stay_when_the_new_ones_are_wrong) {
    ASSERT_TRUE(prefilter_->open());
    ASSERT_TRUE(prefilter_->apply(rules({"10.0.0.0/8"})));
    PrefilterRules wrong = rules({"192.0.2.0/24"});
    wrong.sample = sample_max + 1;
    EXPECT_FALSE(prefilter_->apply(wrong));
    EXPECT_EQ(fate_of(in_10, 80), prefilter_excluded);
    EXPECT_EQ(fate_of(in_192_0_2, 80), prefilter_no_socket);
}

TEST_F(PrefilterRulesInForce, a_smaller_sample_takes_effect_at_once) {
    ASSERT_TRUE(prefilter_->open());
    PrefilterRules sampled;
    sampled.sample = sample_max;
    ASSERT_TRUE(prefilter_->apply(sampled));
    const WireFrame frame = WireFrame{}.ethernet(0x0806).padded_to(60);
    run(frame, 1'000);
    EXPECT_EQ(counted(prefilter_sampled_out), 1'000U);
    sampled.sample = 10;
    ASSERT_TRUE(prefilter_->apply(sampled));
    run(frame, 100);
    EXPECT_GE(counted(prefilter_no_socket), 9U);
    EXPECT_LE(counted(prefilter_no_socket), 11U);
}

// A full list replaced by another full list: for a moment both are there.
TEST_F(PrefilterRulesInForce, full_lists_replace_each_other) {
    ASSERT_TRUE(prefilter_->open());
    const auto full = [](std::uint8_t first_octet) {
        PrefilterRules made;
        for (std::uint32_t i = 0; i < excluded_prefixes_max; ++i) {
            Prefix prefix{.family = Prefix::Family::ipv4, .length = 32, .octets = {}};
            prefix.octets = {first_octet, static_cast<std::uint8_t>(i >> 16U),
                             static_cast<std::uint8_t>(i >> 8U), static_cast<std::uint8_t>(i)};
            made.excluded.push_back(prefix);
        }
        return made;
    };
    ASSERT_TRUE(prefilter_->apply(full(10)));
    EXPECT_EQ(fate_of(0x0a01'869f, 80), prefilter_excluded) << "the last of 100,000";
    EXPECT_EQ(fate_of(0x0a01'86a0, 80), prefilter_no_socket) << "one beyond";
    const auto replaced = prefilter_->apply(full(11));
    ASSERT_TRUE(replaced) << replaced.error().message;
    EXPECT_EQ(fate_of(0x0a01'869f, 80), prefilter_no_socket);
    EXPECT_EQ(fate_of(0x0b01'869f, 80), prefilter_excluded);
    ASSERT_TRUE(prefilter_->apply({}));
    EXPECT_EQ(fate_of(0x0b01'869f, 80), prefilter_no_socket);
}

}  // namespace
}  // namespace tapmeter::xdp
