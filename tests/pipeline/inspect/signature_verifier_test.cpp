#include "pipeline/inspect/signature_verifier.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "pipeline/inspect/rules/parse.h"
#include "pipeline/inspect/signature_regex.h"
#include "pipeline/inspect/signature_search.h"

namespace tapmeter::inspect {
namespace {

using rules::Content;

Bytes octets_of(std::string_view text) {
    return std::as_bytes(std::span{text});
}

// The payload conditions of a rule with these options.
BufferSteps steps(const std::string& options) {
    const std::string line = "alert tcp any any -> any any (" + options + " sid:1;)";
    rules::RuleReader reader{line};
    auto text = reader.next();
    EXPECT_TRUE(text);
    const auto rule = rules::parse_rule(*text, "x", {});
    EXPECT_TRUE(rule) << (rule ? "" : text_of(rule.error()));
    auto made = rule && !rule->buffers.empty() ? steps_of(rule->buffers.front())
                                               : rules::Parsed<BufferSteps>(BufferSteps{});
    EXPECT_TRUE(made) << (made ? "" : made.error());
    return made ? std::move(*made) : BufferSteps{};
}

bool holds(const std::string& options, std::string_view buffer) {
    Verifier verifier;
    return verifier.matches(steps(options), octets_of(buffer));
}

TEST(Verifier, places_are_kept_to_the_octet) {
    EXPECT_TRUE(holds("content:\"abc\"; offset:2; depth:3;", "xxabc"));
    EXPECT_FALSE(holds("content:\"abc\"; offset:3; depth:3;", "xxabc"));
    EXPECT_FALSE(holds("content:\"abc\"; offset:1; depth:3;", "xxabc"));
    EXPECT_TRUE(holds("content:\"a\"; content:\"b\"; distance:1; within:2;", "axb"));
    EXPECT_FALSE(holds("content:\"a\"; content:\"b\"; distance:1; within:1;", "axxb"));
    EXPECT_TRUE(holds("content:\"abc\"; startswith;", "abcd"));
    EXPECT_FALSE(holds("content:\"abc\"; startswith;", "xabc"));
    EXPECT_TRUE(holds("content:\"abc\"; endswith;", "abcabc"));
    EXPECT_FALSE(holds("content:\"abc\"; endswith;", "abcx"));
    EXPECT_TRUE(holds("content:\"b\"; content:\"a\"; distance:-2; within:1;", "ab"));
    EXPECT_TRUE(holds("content:\"ABC\"; nocase;", "xxaBcxx"));
    EXPECT_FALSE(holds("content:\"ABC\";", "xxaBcxx"));
}

TEST(Verifier, an_earlier_match_is_given_up_for_a_later_one) {
    EXPECT_TRUE(holds("content:\"a\"; content:\"b\"; distance:0; within:1;", "a_a_ab"));
    EXPECT_TRUE(
        holds("content:\"a\"; content:\"b\"; distance:0; content:\"c\"; distance:0; "
              "within:1;",
              "a b a bc"));
    EXPECT_TRUE(holds("pcre:\"/a+/\"; content:\"x\"; distance:0; within:1;", "aa aaax"));
    EXPECT_FALSE(holds("content:\"a\"; content:\"b\"; distance:0; within:1;", "a_a_a_b"));
}

TEST(Verifier, negated_conditions) {
    EXPECT_TRUE(holds("content:!\"x\";", "abc"));
    EXPECT_FALSE(holds("content:!\"b\";", "abc"));
    EXPECT_TRUE(holds("content:\"a\"; content:!\"b\"; within:1;", "ab aa"));
    EXPECT_FALSE(holds("content:\"a\"; content:!\"b\"; within:1;", "ab"));
    EXPECT_TRUE(holds("content:\"a\"; content:!\"b\"; distance:5; within:5;", "a"));
    EXPECT_FALSE(holds("pcre:!\"/b/\";", "abc"));
}

TEST(Verifier, expressions) {
    EXPECT_TRUE(holds("content:\"id=\"; pcre:\"/^[0-9]{2}$/R\";", "id=x id=42"));
    EXPECT_FALSE(holds("content:\"id=\"; pcre:\"/^[0-9]{2}$/R\";", "id=423"));
    EXPECT_TRUE(holds("pcre:\"/(?<!x)abc\\b(a)?\\1?/i\";", "ABC ")) << "look-around";
    EXPECT_TRUE(holds("pcre:\"/^b/m\";", "a\nb"));
    EXPECT_FALSE(holds("pcre:\"/^b/\";", "a\nb"));
}

TEST(Verifier, numbers) {
    using namespace std::string_view_literals;
    EXPECT_TRUE(holds("byte_test:2,=,258,0;", "\x01\x02"sv));
    EXPECT_TRUE(holds("byte_test:2,=,513,0,little;", "\x01\x02"sv));
    EXPECT_FALSE(holds("byte_test:2,=,258,1;", "\x01\x02"sv)) << "behind the end";
    EXPECT_TRUE(holds("byte_test:3,>,100,0,string,dec;", "101"));
    EXPECT_FALSE(holds("byte_test:3,>,101,0,string,dec;", "101"));
    EXPECT_TRUE(holds("byte_test:4,=,0x1f,0,string,hex;", "0x1f"));
    EXPECT_TRUE(holds("byte_test:1,&,8,0;", "\x0c"));
    EXPECT_TRUE(holds("byte_test:1,!&,2,0;", "\x0c"));
    EXPECT_TRUE(holds("byte_jump:1,0; content:\"x\"; within:1;", "\x02..x"));
    EXPECT_FALSE(holds("byte_jump:1,0; content:\"x\"; within:1;", "\x03..x"));
    EXPECT_FALSE(holds("byte_jump:1,0;", "\xff..x")) << "beyond the end";
    EXPECT_TRUE(holds("byte_jump:1,0,from_end,post_offset -2; isdataat:1,relative;", "\x01..x"));
    EXPECT_TRUE(holds("byte_extract:1,0,n; content:\"x\"; offset:n; depth:1;", "\x03..x"));
    EXPECT_FALSE(holds("byte_extract:1,0,n; content:\"x\"; offset:n; depth:1;", "\x02..x"));
    EXPECT_TRUE(
        holds("content:\"n\"; byte_extract:1,0,n,relative; isdataat:!n,relative;", "n\x05"));
}

TEST(Verifier, data_at_both_sides_of_the_end) {
    EXPECT_TRUE(holds("isdataat:2;", "abc"));
    EXPECT_FALSE(holds("isdataat:3;", "abc"));
    EXPECT_TRUE(holds("content:\"a\"; isdataat:2,relative;", "abc"));
    EXPECT_FALSE(holds("content:\"a\"; isdataat:3,relative;", "abc"));
    EXPECT_TRUE(holds("content:\"c\"; isdataat:!1,relative;", "abc"));
    EXPECT_FALSE(holds("content:\"b\"; isdataat:!1,relative;", "abc"));
}

TEST(Verifier, transformations) {
    EXPECT_TRUE(holds("dns.query; dotprefix; content:\".b.c\"; startswith; endswith;", "b.c"));
    EXPECT_TRUE(holds("http.uri; to_lowercase; content:\"abc\";", "ABC"));
    EXPECT_TRUE(holds("http.uri; strip_whitespace; content:\"abc\";", "a b\tc"));
}

TEST(Verifier, work_is_bounded) {
    std::string options;
    for (int i = 0; i < 20; ++i) {
        options += "content:\"a\"; distance:0; ";
    }
    const BufferSteps made = steps(options + "content:\"b\"; distance:0;");
    Verifier verifier;
    EXPECT_FALSE(verifier.matches(made, octets_of(std::string(1'000, 'a'))));
    EXPECT_EQ(verifier.gave_up(), 1U);
    const BufferSteps evil = steps("pcre:\"/(a+)+$/\";");
    EXPECT_FALSE(verifier.matches(evil, octets_of(std::string(40, 'a') + "b")));
    EXPECT_GE(verifier.gave_up(), 2U);
}

TEST(Regex, what_is_wrong_is_said) {
    rules::Regex regex;
    regex.pattern = "a(b";
    const auto code = RegexCode::compile(regex);
    ASSERT_FALSE(code);
    EXPECT_NE(code.error().find("character 3"), std::string::npos) << code.error();
}

TEST(Search, text_numbers_stop_at_what_is_no_digit) {
    const rules::Reading decimal{.octets = 4, .base = 10};
    EXPECT_EQ(number_of_octets(decimal, octets_of("12x4")), 12U);
    EXPECT_EQ(number_of_octets(decimal, octets_of("x")), std::nullopt);
    const rules::Reading wide{.octets = 23, .base = 16};
    EXPECT_EQ(number_of_octets(wide, octets_of("fffffffffffffffffffffff")),
              std::numeric_limits<std::uint64_t>::max());
}

// ---------------------------------------------------------------- against a naive matcher

// Tries every place of every content, by plain recursion and plain comparison.
class Naive {
public:
    Naive(const std::vector<Content>& contents, std::string_view buffer)
        : contents_(contents), buffer_(buffer) {}

    bool matches(std::size_t index = 0, std::size_t last = 0) const {
        if (index == contents_.size()) {
            return true;
        }
        const Content& content = contents_[index];
        bool found = false;
        for (std::size_t at = 0; at + content.octets.size() <= buffer_.size(); ++at) {
            if (!fits(content, at, last)) {
                continue;
            }
            found = true;
            if (!content.negated && matches(index + 1, at + content.octets.size())) {
                return true;
            }
        }
        return content.negated && !found && matches(index + 1, last);
    }

private:
    bool fits(const Content& content, std::size_t at, std::size_t last) const {
        const auto begin = static_cast<std::int64_t>(at);
        const auto end = begin + static_cast<std::int64_t>(content.octets.size());
        std::string here{buffer_.substr(at, content.octets.size())};
        if (content.nocase) {
            std::ranges::transform(here, here.begin(),
                                   [](char c) { return static_cast<char>(std::tolower(c)); });
        }
        const auto from = static_cast<std::int64_t>(last);
        bool good = here == content.octets;
        const std::int64_t offset = content.offset ? content.offset->value : 0;
        good = good && (!content.offset || begin >= offset);
        good = good && (!content.depth || end <= offset + content.depth->value);
        const std::int64_t distance = content.distance ? content.distance->value : 0;
        good = good && (!content.relative() || begin >= from + distance);
        good = good && (!content.within || end <= from + distance + content.within->value);
        return good && (!content.ends_with || end == static_cast<std::int64_t>(buffer_.size()));
    }

    const std::vector<Content>& contents_;
    std::string_view buffer_;
};

// Short contents of few letters over short buffers: most places matter.
Content random_content(std::mt19937& random) {
    const auto roll = [&random](unsigned sides) {
        return static_cast<std::int64_t>(random() % sides);
    };
    Content content;
    const auto size = static_cast<std::size_t>(1 + roll(3));
    for (std::size_t i = 0; i < size; ++i) {
        content.octets += "abc"[static_cast<std::size_t>(roll(3))];
    }
    content.nocase = roll(3) == 0;
    content.negated = roll(5) == 0;
    content.ends_with = roll(8) == 0;
    const auto octets = static_cast<std::int64_t>(size);
    if (roll(2) == 0) {
        if (roll(2) == 0) {
            content.distance = rules::Operand{roll(6) - 3};
        }
        if (roll(2) == 0 || !content.distance) {
            content.within = rules::Operand{octets + roll(4)};
        }
    } else {
        if (roll(3) == 0) {
            content.offset = rules::Operand{roll(6)};
        }
        if (roll(3) == 0) {
            content.depth = rules::Operand{octets + roll(6)};
        }
    }
    return content;
}

TEST(Verifier, says_what_a_naive_matcher_says) {
    std::mt19937 random{20'261'121};
    Verifier verifier;
    std::size_t held = 0;
    for (unsigned round = 0; round < 200'000; ++round) {
        std::vector<Content> contents;
        BufferSteps made;
        const std::size_t count = 1 + random() % 5;
        for (std::size_t i = 0; i < count; ++i) {
            contents.push_back(random_content(random));
            made.steps.push_back({.condition = contents.back(), .regex = {}});
        }
        std::string buffer;
        const std::size_t size = random() % 24;
        for (std::size_t i = 0; i < size; ++i) {
            buffer += "abcABC"[random() % 6];
        }
        const bool expected = Naive{contents, buffer}.matches();
        held += expected ? 1 : 0;
        ASSERT_EQ(verifier.matches(made, octets_of(buffer)), expected)
            << "round " << round << ", buffer " << buffer << ", contents " << count;
    }
    EXPECT_EQ(verifier.gave_up(), 0U);
    EXPECT_GT(held, 20'000U) << "the test must see both answers often";
    EXPECT_LT(held, 180'000U);
}

}  // namespace
}  // namespace tapmeter::inspect
