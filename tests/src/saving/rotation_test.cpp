#include "src/saving/rotation.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <ctime>
#include <vector>

namespace tapmeter::saving {
namespace {

using namespace std::chrono_literals;
using Names = std::vector<std::string>;
using Verdict = Rotation::Verdict;

ObservedAt at(std::int64_t seconds) {
    return ObservedAt{std::chrono::seconds{seconds}};
}

class InUtc : public testing::Test {
protected:
    void SetUp() override {
        ::setenv("TZ", "UTC", 1);
        ::tzset();
    }
};
using OfRotation = InUtc;

// The names of the files of `packets` packets, each of which makes its file 100 octets longer.
Names names_of(Rotation rotation, int packets, std::int64_t seconds_between = 0) {
    Names names;
    std::uint64_t octets = 0;
    if (rotation.begins_at_once()) {
        rotation.begin();
        names.push_back(rotation.name());
    }
    for (int i = 0; i < packets; ++i) {
        const Verdict verdict = rotation.before(at(1'000 + i * seconds_between), octets);
        if (verdict == Verdict::no_more) {
            names.emplace_back("no more");
            break;
        }
        if (verdict == Verdict::next_file) {
            names.push_back(rotation.name());
            octets = 0;
        }
        octets += 100;
    }
    return names;
}

TEST_F(OfRotation, one_file_stays_one) {
    EXPECT_EQ(names_of(Rotation({.file = "x"}), 100), Names{"x"});
    EXPECT_EQ(names_of(Rotation({.file = "x%Y"}), 3), Names{"x%Y"});
}

// As tcpdump -C: the packet behind the one that made the file too large begins the next.
TEST_F(OfRotation, by_size) {
    EXPECT_EQ(names_of(Rotation({.file = "x", .file_octets = 150}), 7),
              (Names{"x", "x1", "x2", "x3"}));
    // Exactly so large is not larger.
    EXPECT_EQ(names_of(Rotation({.file = "x", .file_octets = 200}), 7), (Names{"x", "x1", "x2"}));
}

// As tcpdump -C -W: as many digits as the last number has.
TEST_F(OfRotation, by_size_in_a_ring) {
    EXPECT_EQ(names_of(Rotation({.file = "x", .file_octets = 50, .files = 3}), 5),
              (Names{"x0", "x1", "x2", "x0", "x1"}));
    EXPECT_EQ(names_of(Rotation({.file = "x", .file_octets = 50, .files = 11}), 3),
              (Names{"x00", "x01", "x02"}));
    EXPECT_EQ(names_of(Rotation({.file = "x", .file_octets = 50, .files = 10}), 2),
              (Names{"x0", "x1"}));
    EXPECT_EQ(names_of(Rotation({.file = "x", .file_octets = 50, .files = 1}), 2),
              (Names{"x", "x"}));
}

TEST_F(OfRotation, by_time) {
    EXPECT_EQ(names_of(Rotation({.file = "x-%H%M%S", .rotate = 10s}), 5, 4),
              (Names{"x-001640", "x-001652"}));
    EXPECT_EQ(names_of(Rotation({.file = "x-%H%M%S", .rotate = 10s}), 4, 5),
              (Names{"x-001640", "x-001650"}));
    // As tcpdump -G -W: behind so many files there are no more.
    EXPECT_EQ(names_of(Rotation({.file = "x-%S", .files = 2, .rotate = 10s}), 9, 10),
              (Names{"x-40", "x-50", "no more"}));
}

// As tcpdump -G -C: numbers begin anew with each time; -W only says how many digits there are.
TEST_F(OfRotation, by_time_and_size) {
    EXPECT_EQ(names_of(Rotation({.file = "x-%S-", .file_octets = 150, .rotate = 10s}), 8, 2),
              (Names{"x-40-", "x-40-1", "x-40-2", "x-50-", "x-50-1"}));
    EXPECT_EQ(
        names_of(Rotation({.file = "x-%S-", .file_octets = 50, .files = 2, .rotate = 10s}), 4, 4),
        (Names{"x-40-0", "x-40-1", "x-40-0", "x-52-0"}));
}

TEST_F(OfRotation, packets_from_before_change_nothing) {
    Rotation rotation({.file = "x-%S", .rotate = 10s});
    EXPECT_EQ(rotation.before(at(1'000), 0), Verdict::next_file);
    EXPECT_EQ(rotation.before(at(500), 100), Verdict::same_file);
    EXPECT_EQ(rotation.before(at(1'009), 100), Verdict::same_file);
    EXPECT_EQ(rotation.before(at(1'010), 100), Verdict::next_file);
}

}  // namespace
}  // namespace tapmeter::saving
