#include "pipeline/inspect/stream_history.h"

#include <gtest/gtest.h>

#include <string_view>

#include "pipeline/inspect/extract/findings.h"

namespace tapmeter::inspect {
namespace {

using extract::octets_of;
using extract::text_of;

StreamHistory small(std::size_t windows = 2) {
    return std::move(*StreamHistory::reserve(8, windows, false));
}

TEST(StreamHistory, shows_a_stream_in_one_piece) {
    StreamHistory history = small();
    StreamHistory::Place place{};
    EXPECT_EQ(text_of(history.extend(place, octets_of("GET"))), "GET");
    EXPECT_EQ(text_of(history.extend(place, octets_of(" /abc"))), "GET /abc") << "to the brim";
    EXPECT_EQ(text_of(history.extend(place, octets_of("d"))), "d") << "begins again";
}

TEST(StreamHistory, keeps_directions_apart) {
    StreamHistory history = small();
    StreamHistory::Place one{};
    StreamHistory::Place other{};
    history.extend(one, octets_of("ab"));
    history.extend(other, octets_of("12"));
    EXPECT_EQ(text_of(history.extend(one, octets_of("c"))), "abc");
    EXPECT_EQ(text_of(history.extend(other, octets_of("3"))), "123");
    EXPECT_EQ(history.windows_taken(), 2U);
}

TEST(StreamHistory, forgets_what_lies_before_a_gap) {
    StreamHistory history = small();
    StreamHistory::Place place{};
    history.extend(place, octets_of("ab"));
    StreamHistory::restart(place);
    EXPECT_EQ(text_of(history.extend(place, octets_of("cd"))), "cd");
}

TEST(StreamHistory, without_a_window_shows_each_part_alone_and_counts_it) {
    StreamHistory history = small(1);
    StreamHistory::Place one{};
    StreamHistory::Place other{};
    history.extend(one, octets_of("ab"));
    EXPECT_EQ(text_of(history.extend(other, octets_of("12"))), "12");
    EXPECT_EQ(text_of(history.extend(other, octets_of("3"))), "3");
    EXPECT_EQ(history.refused(), 2U);
    history.forget(one);
    EXPECT_EQ(history.windows_taken(), 0U);
    history.extend(other, octets_of("4"));
    EXPECT_EQ(text_of(history.extend(other, octets_of("5"))), "45") << "a window has become free";
}

TEST(StreamHistory, a_part_larger_than_a_window_is_shown_alone) {
    StreamHistory history = small();
    StreamHistory::Place place{};
    history.extend(place, octets_of("ab"));
    EXPECT_EQ(text_of(history.extend(place, octets_of("123456789"))), "123456789");
    EXPECT_EQ(text_of(history.extend(place, octets_of("c"))), "c");
}

}  // namespace
}  // namespace tapmeter::inspect
