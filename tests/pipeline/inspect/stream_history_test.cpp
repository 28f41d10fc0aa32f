#include "pipeline/inspect/stream_history.h"

#include <gtest/gtest.h>

#include <string>
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

TEST(StreamHistory, a_short_stream_has_a_short_window_and_moves_when_it_has_outgrown_it) {
    constexpr std::size_t most = StreamHistory::short_octets;
    StreamHistory history = std::move(*StreamHistory::reserve(4 * most, 1, false));
    StreamHistory::Place place{};
    const std::string brim(most, 'a');
    EXPECT_EQ(text_of(history.extend(place, octets_of(brim))), brim);
    EXPECT_EQ(history.octets_taken(), most);
    EXPECT_EQ(text_of(history.extend(place, octets_of("b"))), brim + "b");
    EXPECT_EQ(history.octets_taken(), 4 * most) << "the short one is free again";
    StreamHistory::Place other{};
    EXPECT_EQ(text_of(history.extend(other, octets_of(brim))), brim);
    EXPECT_EQ(text_of(history.extend(other, octets_of("b"))), "b") << "no window is free";
    EXPECT_EQ(history.refused(), 1U);
    EXPECT_EQ(text_of(history.extend(other, octets_of("c"))), "c") << "the short one is still its";
    history.forget(place);
    history.forget(other);
    EXPECT_EQ(history.windows_taken(), 0U);
}

TEST(StreamHistory, without_a_short_window_takes_another) {
    StreamHistory history =
        std::move(*StreamHistory::reserve(2 * StreamHistory::short_octets, 1, false));
    StreamHistory::Place one{};
    StreamHistory::Place other{};
    history.extend(one, octets_of("ab"));
    history.extend(other, octets_of("12"));
    EXPECT_EQ(history.octets_taken(), 3 * StreamHistory::short_octets);
    EXPECT_EQ(text_of(history.extend(other, octets_of("3"))), "123");
    EXPECT_EQ(text_of(history.extend(one, octets_of("c"))), "abc");
    EXPECT_EQ(history.refused(), 0U);
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
