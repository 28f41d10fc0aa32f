#include "src/config/toml_text.h"

#include <gtest/gtest.h>

namespace tapmeter::config {
namespace {

std::string repeated(std::string_view text, std::size_t times) {
    std::string out;
    for (std::size_t i = 0; i < times; ++i) {
        out += text;
    }
    return out;
}

Position place_of(const std::optional<Fault>& fault) {
    return fault ? fault->at : Position{};
}

TEST(TextFault, allows_utf8_crlf_and_a_byte_order_mark) {
    EXPECT_FALSE(find_text_fault(""));
    EXPECT_FALSE(
        find_text_fault("\xEF\xBB\xBF[flow]\r\n# \xC3\xA4 \xE2\x82\xAC \xF0\x9F\x98\x80\r\n"));
    EXPECT_FALSE(find_text_fault("\x7F\xC2\x80\xDF\xBF\xE0\xA0\x80\xED\x9F\xBF\xF4\x8F\xBF\xBF"));
}

TEST(TextFault, finds_what_is_not_utf8) {
    for (const std::string_view octets :
         {"\x80", "\xC0\x80", "\xC1\xBF", "\xC3", "\xC3(", "\xE0\x80\x80", "\xE2\x82",
          "\xED\xA0\x80", "\xF0\x80\x80\x80", "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xFF"}) {
        const auto fault = find_text_fault("a\n\xC3\xA4 " + std::string(octets));
        ASSERT_TRUE(fault);
        EXPECT_EQ(fault->at, (Position{2, 3}));
        EXPECT_NE(fault->message.find("UTF-8"), std::string::npos);
    }
    EXPECT_NE(find_text_fault("\xFF\xFE[\0")->message.find("UTF-16"), std::string::npos);
}

TEST(TextFault, finds_nul_and_size) {
    EXPECT_EQ(place_of(find_text_fault(std::string("a\n\0", 3))), (Position{2, 1}));
    EXPECT_FALSE(find_text_fault(std::string(file_octets_max, ' ')));
    EXPECT_TRUE(find_text_fault(std::string(file_octets_max + 1, ' ')));
}

TEST(ShapeFault, bounds_brackets) {
    EXPECT_FALSE(find_shape_fault("a = " + repeated("[", 16) + repeated("]", 16)));
    EXPECT_EQ(place_of(find_shape_fault("a = " + repeated("[", 17))), (Position{1, 21}));
    EXPECT_EQ(place_of(find_shape_fault("a = " + repeated("{a=", 17))), (Position{1, 53}));
    EXPECT_TRUE(find_shape_fault("a = " + repeated("[", 1'000'000)));
    EXPECT_FALSE(find_shape_fault(repeated("[a]\n", 1'000)));
    EXPECT_FALSE(find_shape_fault("a = '" + repeated("[", 100) + "'"));
    EXPECT_FALSE(find_shape_fault("a = \"\\\"" + repeated("[", 100) + "\""));
    EXPECT_FALSE(find_shape_fault("# " + repeated("[", 100)));
    EXPECT_FALSE(find_shape_fault("a = \"\"\"x\n" + repeated("[", 100) + "\"\"\"\"\" # end"));
    EXPECT_TRUE(find_shape_fault("a = \"\"\"x\"\"\"\"\"\nb = " + repeated("[", 17)));
    EXPECT_TRUE(find_shape_fault("a = '''x'''''\nb = " + repeated("[", 17)));
}

TEST(ShapeFault, bounds_dotted_keys) {
    EXPECT_FALSE(find_shape_fault(repeated("a.", 15) + "a = 1"));
    EXPECT_TRUE(find_shape_fault(repeated("a.", 16) + "a = 1"));
    EXPECT_TRUE(find_shape_fault("[" + repeated("a . ", 16) + "a]"));
    EXPECT_TRUE(find_shape_fault("x = {" + repeated("\"a\".", 16) + "a = 1}"));
    EXPECT_FALSE(find_shape_fault("a = [" + repeated("1.5, ", 100) + "]"));
}

TEST(ShapeFault, wants_a_name_in_every_header) {
    for (const std::string_view text : {"[\n", "[[\n]]", "[ #", "[]", "[=]", "[\xC3\xA4]", "[ [a]]",
                                        "a = 1\n [\t]", "[", "[.a]"}) {
        ASSERT_TRUE(find_shape_fault(text)) << text;
        EXPECT_NE(find_shape_fault(text)->message.find("needs a name"), std::string::npos);
    }
    for (const std::string_view text :
         {"[a]", "[ a ]", "[[a]]", "[[ a ]]", "['a']", "[\"a\"]", "a = []", "a = [\n[\n1]]\n[b]"}) {
        EXPECT_FALSE(find_shape_fault(text)) << text;
    }
}

}  // namespace
}  // namespace tapmeter::config
