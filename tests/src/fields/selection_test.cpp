#include "src/fields/selection.h"

#include <gtest/gtest.h>

namespace tapmeter::fields {
namespace {

using Words = std::vector<std::string>;

std::vector<std::string_view> names(const std::vector<Item>& items) {
    std::vector<std::string_view> names;
    for (const Item& item : items) {
        names.push_back(all_fields[item.field].name);
    }
    return names;
}

std::vector<Item> parsed(const Words& words) {
    const auto items = parse_words(words, TimeUnit::milliseconds);
    EXPECT_TRUE(items.has_value()) << (items ? "" : items.error().must);
    return items.value_or(std::vector<Item>{});
}

TEST(Selection, keeps_the_order_of_the_words) {
    using Names = std::vector<std::string_view>;
    EXPECT_EQ(names(parsed({"protocolIdentifier", "octetDeltaCount"})),
              (Names{"protocolIdentifier", "octetDeltaCount"}));
    EXPECT_EQ(
        names(parsed({"destinationAddress", "reverseOctetDeltaCount"})),
        (Names{"destinationIPv4Address", "destinationIPv6Address", "reverseOctetDeltaCount"}));
}

TEST(Selection, default_is_what_is_sent_without_a_list) {
    for (const TimeUnit unit :
         {TimeUnit::milliseconds, TimeUnit::microseconds, TimeUnit::nanoseconds}) {
        EXPECT_EQ(parse_words({"default"}, unit).value(), default_items(unit, false, true));
    }
    EXPECT_EQ(parsed({"default", "interfaceName"}).back().octets, variable_length);
}

TEST(Selection, refuses_what_means_nothing_and_says_which_word) {
    struct Bad {
        Words words;
        std::size_t word;
    };
    for (const Bad& bad :
         {Bad{{"octetDeltaCount", "octetCount"}, 1}, Bad{{""}, 0},
          Bad{{"octetDeltaCount", "flowId", "octetDeltaCount"}, 2}, Bad{{"default", "flowId"}, 1},
          Bad{{"octetDeltaCount/0"}, 0}, Bad{{"octetDeltaCount/9"}, 0},
          Bad{{"octetDeltaCount/"}, 0}, Bad{{"octetDeltaCount/4x"}, 0},
          Bad{{"sourceTransportPort/1"}, 0}, Bad{{"interfaceName/4"}, 0},
          Bad{{"sourceIPv4Address"}, 0}, Bad{{"sourceTransportPort"}, 0}, Bad{{}, 0}}) {
        const auto items = parse_words(bad.words, TimeUnit::milliseconds);
        ASSERT_FALSE(items.has_value()) << bad.words.front();
        EXPECT_EQ(items.error().word, bad.word);
        EXPECT_FALSE(items.error().must.empty());
    }
}

TEST(Selection, takes_as_many_words_as_one_message_of_512_octets_can_define) {
    Words words;
    for (const Field& field : all_fields) {
        if (words.size() < words_max) {
            words.emplace_back(field.name);
        }
    }
    EXPECT_EQ(parsed(words).size(), words_max);
    words.emplace_back(all_fields[words_max].name);
    EXPECT_FALSE(parse_words(words, TimeUnit::milliseconds).has_value());
}

TEST(Selection, a_counter_may_be_shorter) {
    const auto items = parsed({"octetDeltaCount/4", "packetDeltaCount/8", "flowId"});
    EXPECT_EQ(items[0].octets, 4);
    EXPECT_EQ(items[1].octets, 8);
    EXPECT_EQ(in_full(items)[0].octets, 8);
}

TEST(Selection, each_kind_of_flow_gets_what_it_has) {
    const auto items = parsed({"sourceAddress", "sourceTransportPort", "icmpTypeCode"});
    using Names = std::vector<std::string_view>;
    EXPECT_EQ(names(items_for({4, false, false}, items)),
              (Names{"sourceIPv4Address", "sourceTransportPort"}));
    EXPECT_EQ(names(items_for({6, true, false}, items)),
              (Names{"sourceIPv6Address", "icmpTypeCodeIPv6"}));
    EXPECT_EQ(
        names(items_for({6, false, true}, items)),
        (Names{"sourceIPv6Address", "sourceTransportPort", "sourceIPv6PrefixLength",
               "destinationIPv6PrefixLength", "flowSelectorAlgorithm", "samplingProbability"}));
}

TEST(Selection, two_records_a_flow_have_no_reverse_direction) {
    for (const Item& item : default_items(TimeUnit::milliseconds, false, false)) {
        EXPECT_FALSE(all_fields[item.field].reverse);
        EXPECT_NE(all_fields[item.field].name, "biflowDirection");
    }
}

}  // namespace
}  // namespace tapmeter::fields
