#include "src/metrics/look.h"

#include <gtest/gtest.h>

#include "tests/src/metrics/sample.h"

namespace tapmeter::metrics {
namespace {

// A program whose counters move on at every single read.
class Moving {
public:
    Accounts accounts() {
        return {.interfaces =
                    [this] {
                        order += "i";
                        snapshot_.interfaces[0].counters.offered.value += 10;
                        snapshot_.interfaces[0].counters.received.value += 7;
                        return snapshot_.interfaces;
                    },
                .steering_waiting =
                    [this] {
                        order += "s";
                        return std::uint64_t{5};
                    },
                .shunt_counted =
                    [this] {
                        order += "c";
                        return std::uint64_t{404};
                    },
                .workers =
                    [this] {
                        order += "w";
                        snapshot_.workers[1].books.records_emitted[0] += 3;
                        return snapshot_.workers;
                    },
                .rings =
                    [this] {
                        order += "r";
                        return snapshot_.rings;
                    },
                .outputs =
                    [this] {
                        order += "o";
                        return snapshot_.outputs;
                    }};
    }

    std::string order;

private:
    Snapshot snapshot_ = sample_snapshot();
};

TEST(Look, goes_against_the_road_and_looks_twice_at_its_ends) {
    Moving moving;
    const Snapshot snapshot = take_look(moving.accounts());
    EXPECT_EQ(moving.order, "iworwcsi");
    EXPECT_EQ(snapshot.steering_waiting, 5U);
    EXPECT_EQ(snapshot.shunt_waiting, 4U) << "counted, less what two workers have folded";
    EXPECT_EQ(snapshot.outputs.size(), 2U);
    EXPECT_EQ(snapshot.rings.size(), 2U);
}

TEST(Look, knows_what_moved_meanwhile) {
    Moving moving;
    const Snapshot snapshot = take_look(moving.accounts());
    EXPECT_EQ(snapshot.interfaces[0].packets_meanwhile, 17U);
    EXPECT_EQ(snapshot.interfaces[1].packets_meanwhile, 0U);
    EXPECT_EQ(snapshot.workers[0].records_meanwhile, 0U);
    EXPECT_EQ(snapshot.workers[1].records_meanwhile, 3U);
}

}  // namespace
}  // namespace tapmeter::metrics
