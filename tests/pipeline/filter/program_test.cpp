#include "pipeline/filter/program.h"

#include <gtest/gtest.h>
#include <random>

#include "tests/support/frames.h"

namespace tapmeter::filter {
namespace {

using Steps = std::vector<Instruction>;

// Codes of bpf(4) that the tests below write.
constexpr std::uint16_t ld_word = 0x20;
constexpr std::uint16_t ld_half = 0x28;
constexpr std::uint16_t ld_octet = 0x30;
constexpr std::uint16_t ld_octet_indexed = 0x50;
constexpr std::uint16_t ld_immediate = 0x00;
constexpr std::uint16_t ld_scratch = 0x60;
constexpr std::uint16_t ld_length = 0x80;
constexpr std::uint16_t ldx_immediate = 0x01;
constexpr std::uint16_t ldx_header_length = 0xb1;
constexpr std::uint16_t st = 0x02;
constexpr std::uint16_t stx = 0x03;
constexpr std::uint16_t jump = 0x05;
constexpr std::uint16_t jump_equal = 0x15;
constexpr std::uint16_t ret_operand = 0x06;
constexpr std::uint16_t ret_accumulator = 0x16;
constexpr std::uint16_t tax = 0x07;
constexpr std::uint16_t txa = 0x87;

testing::Frame octets(std::initializer_list<int> values) {
    testing::Frame frame;
    for (const int value : values) {
        frame.push_back(static_cast<std::byte>(value));
    }
    return frame;
}

bool accepts(const Steps& steps, const testing::Frame& frame, std::uint32_t wire_octets = 0) {
    const auto program = Program::verified(steps);
    EXPECT_TRUE(program) << program.error().message;
    return program && program->accepts({.frame = frame, .wire_octets = wire_octets});
}

TEST(Program, loads_up_to_the_last_octet_and_not_beyond) {
    const testing::Frame frame = octets({1, 2, 3, 4, 5, 0, 0, 0});
    for (const auto& [code, size] : {std::pair{ld_word, 4U}, {ld_half, 2U}, {ld_octet, 1U}}) {
        for (std::uint32_t at = 0; at <= 10; ++at) {
            // The answer is 1 wherever the load is inside.
            EXPECT_EQ(accepts({{code, 0, 0, at}, {ret_operand, 0, 0, 1}}, frame),
                      at + size <= frame.size())
                << code << " " << at;
        }
        EXPECT_FALSE(accepts({{code, 0, 0, 0xffff'ffff}, {ret_operand, 0, 0, 1}}, frame));
    }
    EXPECT_TRUE(accepts({{ld_word, 0, 0, 1},
                         {jump_equal, 0, 1, 0x0203'0405},
                         {ret_operand, 0, 0, 1},
                         {ret_operand, 0, 0, 0}},
                        frame));
}

TEST(Program, an_index_that_overflows_is_beyond_the_frame) {
    const testing::Frame frame = octets({9, 9});
    EXPECT_TRUE(
        accepts({{ldx_immediate, 0, 0, 1}, {ld_octet_indexed, 0, 0, 0}, {ret_accumulator, 0, 0, 0}},
                frame));
    EXPECT_FALSE(accepts(
        {{ldx_immediate, 0, 0, 0xffff'ffff}, {ld_octet_indexed, 0, 0, 1}, {ret_operand, 0, 0, 1}},
        frame));
}

TEST(Program, knows_the_registers) {
    const testing::Frame frame = octets({0x46});
    // The header length of IPv4: six words are 24 octets.
    EXPECT_TRUE(accepts({{ldx_header_length, 0, 0, 0},
                         {txa, 0, 0, 0},
                         {jump_equal, 0, 1, 24},
                         {ret_operand, 0, 0, 1},
                         {ret_operand, 0, 0, 0}},
                        frame));
    EXPECT_TRUE(accepts({{ld_length, 0, 0, 0},
                         {tax, 0, 0, 0},
                         {stx, 0, 0, 15},
                         {ld_immediate, 0, 0, 0},
                         {ld_scratch, 0, 0, 15},
                         {jump_equal, 0, 1, 1'500},
                         {ret_operand, 0, 0, 1},
                         {ret_operand, 0, 0, 0}},
                        frame, 1'500));
    EXPECT_FALSE(accepts({{ld_scratch, 0, 0, 3}, {ret_accumulator, 0, 0, 0}}, frame));
    EXPECT_TRUE(accepts(
        {{ld_immediate, 0, 0, 7}, {st, 0, 0, 0}, {ld_scratch, 0, 0, 0}, {ret_accumulator, 0, 0, 0}},
        frame));
}

struct Sum {
    std::uint16_t operation;
    std::uint32_t left;
    std::uint32_t right;
    std::uint32_t result;
};

TEST(Program, calculates_with_32_bits) {
    for (const Sum& sum : {Sum{0x00, 0xffff'ffff, 2, 1},
                           {0x10, 1, 2, 0xffff'ffff},
                           {0x20, 0x1'0001, 0x1'0000, 0x1'0000},
                           {0x30, 7, 2, 3},
                           {0x40, 5, 2, 7},
                           {0x50, 7, 5, 5},
                           {0x60, 1, 31, 0x8000'0000},
                           {0x60, 1, 32, 0},
                           {0x70, 0x8000'0000, 31, 1},
                           {0x70, 1, 33, 0},
                           {0x80, 1, 0, 0xffff'ffff},
                           {0x90, 7, 4, 3},
                           {0xa0, 5, 1, 4}}) {
        for (const unsigned by_index : {0x00U, 0x08U}) {
            const auto code = static_cast<std::uint16_t>(0x04U | sum.operation | by_index);
            EXPECT_TRUE(accepts({{ldx_immediate, 0, 0, sum.right},
                                 {ld_immediate, 0, 0, sum.left},
                                 {code, 0, 0, sum.right},
                                 {jump_equal, 0, 1, sum.result},
                                 {ret_operand, 0, 0, 1},
                                 {ret_operand, 0, 0, 0}},
                                octets({1})))
                << code;
        }
    }
    // A division by an index of nothing refuses the packet; by an operand it is no program.
    EXPECT_FALSE(accepts({{0x3c, 0, 0, 0}, {ret_operand, 0, 0, 1}}, octets({1})));
    EXPECT_FALSE(Program::verified(Steps{{0x34, 0, 0, 0}, {ret_operand, 0, 0, 1}}));
}

TEST(Program, must_end_and_stay_inside) {
    EXPECT_FALSE(Program::verified({}));
    EXPECT_FALSE(Program::verified(Steps{{ld_octet, 0, 0, 0}}));
    EXPECT_FALSE(Program::verified(Steps{{jump, 0, 0, 1}, {ret_operand, 0, 0, 1}}));
    EXPECT_TRUE(Program::verified(Steps{{jump, 0, 0, 0}, {ret_operand, 0, 0, 1}}));
    EXPECT_FALSE(Program::verified(Steps{{jump, 0, 0, 0xffff'ffff}, {ret_operand, 0, 0, 1}}));
    EXPECT_FALSE(Program::verified(Steps{{jump_equal, 1, 0, 0}, {ret_operand, 0, 0, 1}}));
    EXPECT_FALSE(Program::verified(Steps{{jump_equal, 0, 1, 0}, {ret_operand, 0, 0, 1}}));
    EXPECT_FALSE(Program::verified(Steps{{st, 0, 0, 16}, {ret_operand, 0, 0, 1}}));
    EXPECT_FALSE(Program::verified(Steps{{ld_scratch, 0, 0, 16}, {ret_operand, 0, 0, 1}}));
    EXPECT_FALSE(Program::verified(Steps{{0xb4, 0, 0, 1}, {ret_operand, 0, 0, 1}}));
    EXPECT_FALSE(Program::verified(Steps{{0x55, 0, 0, 1}, {ret_operand, 0, 0, 1}}));
    EXPECT_FALSE(Program::verified(Steps{{0x38, 0, 0, 1}, {ret_operand, 0, 0, 1}}));
    EXPECT_FALSE(Program::verified(Steps(instructions_max + 1, {ret_operand, 0, 0, 1})));
    EXPECT_TRUE(Program::verified(Steps(instructions_max, {ret_operand, 0, 0, 1})));
    EXPECT_FALSE(Program{}.accepts({}));
}

// Whatever passes the look-over is run on any frame without leaving it: the sanitizers watch.
TEST(Program, any_verified_program_runs_on_any_frame) {
    std::mt19937 random(7);
    std::size_t ran = 0;
    for (int turn = 0; turn < 200'000; ++turn) {
        Steps steps(1 + random() % 8);
        for (Instruction& step : steps) {
            step = {static_cast<std::uint16_t>(random() & 0xffU),
                    static_cast<std::uint8_t>(random() % 4),
                    static_cast<std::uint8_t>(random() % 4),
                    random() % 2 != 0 ? static_cast<std::uint32_t>(random() % 20)
                                      : static_cast<std::uint32_t>(random())};
        }
        steps.push_back({ret_accumulator, 0, 0, 0});
        const auto program = Program::verified(steps);
        if (!program) {
            continue;
        }
        testing::Frame frame(random() % 24, std::byte{0x45});
        const auto cut = static_cast<std::uint32_t>(random() % (frame.size() + 1));
        (void)program->accepts({.frame = frame, .wire_octets = 60});
        if (frame.size() >= 4U + cut) {
            (void)program->accepts({.frame = frame,
                                    .wire_octets = 60,
                                    .cut = cut,
                                    .header_octets = 4,
                                    .type_at = 2,
                                    .type = {std::byte{8}, std::byte{0}}});
        }
        ++ran;
    }
    EXPECT_GT(ran, 100U);
}

}  // namespace
}  // namespace tapmeter::filter
