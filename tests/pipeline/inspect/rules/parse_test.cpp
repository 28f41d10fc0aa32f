#include "pipeline/inspect/rules/parse.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "pipeline/inspect/rules/buffer.h"
#include "pipeline/inspect/rules/group.h"
#include "pipeline/inspect/rules/keywords.h"
#include "pipeline/inspect/rules/lexer.h"
#include "pipeline/inspect/rules/numbers.h"
#include "pipeline/inspect/rules/rule_files.h"

namespace tapmeter::inspect::rules {
namespace {

const std::vector<Variable> variables = with_defaults({});

std::string with_options(const std::string& options) {
    return "alert tcp any any -> any any (" + options + " sid:7;)";
}

tl::expected<Rule, LeftOut> read(const std::string& text) {
    RuleReader reader{text};
    return parse_rule(reader.next().value_or(RuleText{}), "local.rules", variables);
}

Rule must_read(const std::string& options) {
    auto rule = read(with_options(options));
    EXPECT_TRUE(rule) << options << ": " << (rule ? "" : text_of(rule.error()));
    return rule ? std::move(*rule) : Rule{};
}

const BufferConditions& buffer_of(const Rule& rule, Buffer buffer) {
    static const BufferConditions none{};
    const auto found = std::ranges::find(rule.buffers, buffer, &BufferConditions::buffer);
    return found == rule.buffers.end() ? none : *found;
}

const Content& content_of(const Rule& rule, Buffer buffer, std::size_t at = 0) {
    static const Content none{};
    const auto& conditions = buffer_of(rule, buffer).conditions;
    const auto* const content =
        at < conditions.size() ? std::get_if<Content>(&conditions[at]) : nullptr;
    EXPECT_NE(content, nullptr);
    return content == nullptr ? none : *content;
}

TEST(Application, is_known_by_the_names_that_nDPI_gives) {
    EXPECT_EQ(application_labelled("SMBv23"), Application::smb);
    EXPECT_EQ(application_labelled("FTP_CONTROL"), Application::ftp);
    EXPECT_EQ(application_labelled("IPsec"), Application::ike);
    EXPECT_EQ(application_labelled("Google"), Application::unknown);
    EXPECT_EQ(application_labelled("http"), Application::unknown)
        << "names are as nDPI writes them";
}

TEST(ParseRule, header_and_description) {
    const auto rule = read(
        "drop udp $HOME_NET 1024: <> [192.0.2.1,!$HOME_NET] !53 (msg:\"a \\\"name\\\" \\; more\"; "
        "reference:url,example.org; classtype:trojan-activity; metadata:created_at 2020_01_01, "
        "policy drop; gid:3; sid:2000001; rev:9;)");
    ASSERT_FALSE(rule) << "!$HOME_NET is nothing where HOME_NET is any";
    const auto good = read(
        "drop udp $HOME_NET 1024: <> 192.0.2.1 !53 (msg:\"a \\\"name\\\" \\; more\"; "
        "reference:url,example.org; classtype:trojan-activity; metadata:created_at 2020_01_01, "
        "policy drop; gid:3; sid:2000001; rev:9;)");
    ASSERT_TRUE(good) << text_of(good.error());
    EXPECT_EQ(good->action, Action::drop);
    EXPECT_EQ(good->transport, Transport::udp);
    EXPECT_TRUE(good->both_ways);
    EXPECT_EQ(good->message, "a \"name\" ; more");
    EXPECT_EQ(good->category, "A Network Trojan was detected");
    EXPECT_EQ(good->priority, 1);
    EXPECT_EQ(good->gid, 3U);
    EXPECT_EQ(good->sid, 2'000'001U);
    EXPECT_EQ(good->rev, 9U);
    ASSERT_EQ(good->metadata.size(), 2U);
    EXPECT_EQ(good->metadata[1], (std::pair<std::string, std::string>{"policy", "drop"}));
    EXPECT_FALSE(good->destination_port.contains(53));
}

TEST(ParseRule, applications_are_protocols) {
    for (const auto& [word, application] :
         {std::pair{"http", Application::http}, std::pair{"tls", Application::tls},
          std::pair{"ssl", Application::tls}, std::pair{"smb", Application::smb},
          std::pair{"mqtt", Application::mqtt}, std::pair{"ikev2", Application::ike},
          std::pair{"dcerpc", Application::dcerpc}, std::pair{"ftp-data", Application::ftp_data}}) {
        const auto rule = read(std::string("alert ") + word + " any any -> any any (sid:1;)");
        ASSERT_TRUE(rule) << word;
        EXPECT_EQ(rule->application, application);
        EXPECT_EQ(rule->transport, Transport::ip) << "on any transport and port";
    }
    EXPECT_EQ(read("alert icmpv6 any any -> any any (sid:1;)")->ip_version, 6);
    EXPECT_TRUE(read("alert tcp-pkt any any -> any any (content:\"a\"; sid:1;)")->packet_only);
}

TEST(ParseRule, contents) {
    const Rule rule = must_read(
        "content:\"AB|0d 0A|\\;\\\"\\\\\"; nocase; offset:3; depth:20; content:!\"x\"; "
        "distance:-2; "
        "within:5; content:\"end\"; endswith; fast_pattern:1,2;");
    const Content& first = content_of(rule, Buffer::payload);
    EXPECT_EQ(first.octets, "ab\r\n;\"\\");
    EXPECT_TRUE(first.nocase);
    EXPECT_EQ(first.offset->value, 3);
    EXPECT_EQ(first.depth->value, 20);
    const Content& second = content_of(rule, Buffer::payload, 1);
    EXPECT_TRUE(second.negated);
    EXPECT_EQ(second.distance->value, -2);
    const Content& third = content_of(rule, Buffer::payload, 2);
    EXPECT_TRUE(third.ends_with);
    EXPECT_EQ(third.fast_offset, 1);
    EXPECT_EQ(third.fast_length, 2);
}

TEST(ParseRule, old_modifiers_and_sticky_buffers_say_the_same) {
    const Rule old = must_read("content:\"/a\"; http_uri; content:\"b\"; uricontent:\"c\";");
    const Rule sticky =
        must_read("http.uri; content:\"/a\"; pkt_data; content:\"b\"; http.uri; content:\"c\";");
    for (const Rule* const rule : {&old, &sticky}) {
        EXPECT_EQ(buffer_of(*rule, Buffer::http_uri).conditions.size(), 2U);
        EXPECT_EQ(content_of(*rule, Buffer::http_uri, 1).octets, "c");
        EXPECT_EQ(content_of(*rule, Buffer::payload).octets, "b");
    }
}

TEST(ParseRule, every_buffer_name_is_a_keyword) {
    for (const BufferName& name : buffer_names) {
        const std::string keyword{name.keyword};
        const Rule rule = must_read(name.sticky ? keyword + "; content:\"abc\";"
                                                : "content:\"abc\"; " + keyword + ";");
        EXPECT_EQ(content_of(rule, name.buffer).octets, "abc") << keyword;
    }
}

TEST(ParseRule, pcre_goes_where_its_letter_says) {
    const auto cut = read(with_options("pcre:\"/a;b/\";"));
    EXPECT_FALSE(cut) << "';' must be escaped everywhere";
    const Rule good = must_read("pcre:!\"/^x\\/y\\x3b/RUsi\"; pcre:/blah/; content:\"z\";");
    const auto& conditions = buffer_of(good, Buffer::http_uri).conditions;
    ASSERT_EQ(conditions.size(), 1U);
    const auto& regex = *std::get_if<Regex>(&conditions[0]);
    EXPECT_EQ(regex.pattern, "^x\\/y\\x3b");
    EXPECT_TRUE(regex.negated && regex.relative && regex.dot_all && regex.caseless);
    EXPECT_EQ(buffer_of(good, Buffer::payload).conditions.size(), 2U)
        << "the letter moves one pcre, not what follows";
}

TEST(ParseRule, numbers_inside_the_payload) {
    const Rule rule = must_read(
        "byte_extract:2,4,size,relative,little; byte_test:4,!>,size,0,relative,string,hex; "
        "byte_jump:4,-4,relative,multiplier 2,align,post_offset -1; isdataat:!size,relative; "
        "content:\"a\"; within:size;");
    const auto& conditions = buffer_of(rule, Buffer::payload).conditions;
    ASSERT_EQ(conditions.size(), 5U);
    const auto& test = *std::get_if<ByteTest>(&conditions[1]);
    EXPECT_TRUE(test.negated);
    EXPECT_EQ(test.comparison, ByteTest::Comparison::greater);
    EXPECT_EQ(test.value.variable, 0);
    EXPECT_EQ(test.reading.base, 16);
    const auto& jump = *std::get_if<ByteJump>(&conditions[2]);
    EXPECT_EQ(jump.reading.offset.value, -4);
    EXPECT_EQ(jump.multiplier, 2U);
    EXPECT_EQ(jump.post_offset, -1);
    EXPECT_TRUE(jump.align);
    EXPECT_TRUE(std::get_if<DataAt>(&conditions[3])->negated);
    EXPECT_EQ(std::get_if<Content>(&conditions[4])->within->variable, 0);
}

TEST(ParseRule, packets_and_flows) {
    const Rule rule = must_read(
        "flow:established, from_client; dsize:10<>20; flags:S+,12; ttl:>5; itype:7<>20; "
        "ip_proto:udp; flowbits:isset,a|b; flowbits:set,c; detection_filter:track by_src, count 5, "
        "seconds 60; stream_size:server,<,11; urilen:<70,raw; http.uri; bsize:3; "
        "app-layer-protocol:!http;");
    EXPECT_TRUE(rule.flow.established && rule.flow.to_server);
    ASSERT_EQ(rule.tests.size(), 5U);
    EXPECT_FALSE(rule.tests[0].bounds.admits(10));
    EXPECT_TRUE(rule.tests[0].bounds.admits(11));
    EXPECT_TRUE(rule.tests[0].bounds.admits(19));
    EXPECT_FALSE(rule.tests[0].bounds.admits(20));
    EXPECT_EQ(rule.tests[3].bounds.low, 17U);
    EXPECT_EQ(rule.flags->mode, FlagsTest::Mode::all);
    EXPECT_EQ(rule.flags->looked_at, 0x3F);
    EXPECT_EQ(rule.flowbits.at(0).names.size(), 2U);
    EXPECT_EQ(rule.threshold->kind, Threshold::Kind::detection_filter);
    EXPECT_EQ(buffer_of(rule, Buffer::http_raw_uri).conditions.size(), 1U);
    EXPECT_TRUE(rule.application_tests.at(0).negated);
}

TEST(ParseRule, one_fault_leaves_the_whole_rule_out) {
    const std::array<std::pair<std::string, std::string>, 30> wrong{{
        {"lua:script.lua;", "keyword \"lua\" is not supported"},
        {"content:\"\";", "1 to 4096"},
        {"content:\"a|0g|\";", "not hexadecimal"},
        {"content:\"a|0|\";", "odd number"},
        {"content:\"a|0d\";", "'|' is not closed"},
        {"content:\"a;", "quote is not closed"},
        {"nocase;", "before any content"},
        {"http_uri;", "before any content"},
        {"content:\"abc\"; depth:2;", "no shorter than its content"},
        {"content:\"abc\"; offset:65536;", "must be 0 to 65535"},
        {"content:\"abc\"; offset:x;", "byte_extract"},
        {"content:\"abc\"; fast_pattern:2,2;", "ends behind"},
        {"content:\"abc\"; startswith; offset:1; startswith;", "startswith cannot"},
        {"pcre:\"abc\";", "/pattern/modifiers"},
        {"pcre:\"/abc/q\";", "modifier 'q'"},
        {"flow:sideways;", "\"sideways\" is not supported"},
        {"flow:to_server,to_client;", "contradict"},
        {"flags:Z;", "no TCP control bit"},
        {"dsize:x;", "whole number"},
        {"dsize:9<>10;", "holds no number"},
        {"itype:256;", "0 to 255"},
        {"flowbits:isset;", "flowbits takes"},
        {"flowbits:set,a|b;", "several names"},
        {"threshold:type limit, track by_none, count 1;", "not supported"},
        {"byte_test:9,>,1,0;", "too many"},
        {"byte_jump:4,0,dce;", "no word of byte_jump"},
        {"bsize:3;", "behind a buffer's name"},
        {"ipopts:none;", "no IPv4 option"},
        {"sid:0;", "must be a whole number"},
        {"content:\"a\"", "no ';'"},
    }};
    for (const auto& [options, why] : wrong) {
        const auto rule = read("alert tcp any any -> any any (" + options + ")");
        ASSERT_FALSE(rule) << options;
        EXPECT_NE(text_of(rule.error()).find(why), std::string::npos) << text_of(rule.error());
    }
}

TEST(ParseRule, the_place_is_told_by_line_and_column) {
    RuleReader reader{
        "# comment\n\nalert tcp any any -> any any ( \\\n  content:\"a\"; \\\n  lua:x; "
        "sid:5;)\n"};
    const auto text = reader.next();
    ASSERT_TRUE(text);
    const auto rule = parse_rule(*text, "f.rules", variables);
    ASSERT_FALSE(rule);
    EXPECT_EQ(rule.error().place.line, 5U);
    EXPECT_EQ(rule.error().place.column, 3U);
    EXPECT_EQ(rule.error().cause, LeftOut::Cause::unsupported);
    EXPECT_EQ(text_of(rule.error()).substr(0, 12), "f.rules:5:3:");
    EXPECT_FALSE(reader.next());
}

TEST(ParseRule, headers_that_are_wrong) {
    for (const char* const text :
         {"alert tcp any any -> any (sid:1;)", "alert tcp any any <- any any (sid:1;)",
          "alert nosuch any any -> any any (sid:1;)", "log tcp any any -> any any (sid:1;)",
          "alert tcp any any -> any any", "alert tcp any any -> any any (sid:1;",
          "alert tcp any any -> any 99999 (sid:1;)", "alert tcp any any -> any any (msg:\"x\";)"}) {
        EXPECT_FALSE(read(text)) << text;
    }
}

TEST(ParseRule, limits_are_kept_on_both_sides) {
    std::string contents;
    for (std::size_t i = 0; i < contents_per_rule_max; ++i) {
        contents += "content:\"abc\"; ";
    }
    EXPECT_TRUE(read(with_options(contents)));
    EXPECT_FALSE(read(with_options(contents + "content:\"abc\"; ")));
    EXPECT_TRUE(read(with_options("content:\"" + std::string(content_octets_max, 'a') + "\";")));
    EXPECT_FALSE(
        read(with_options("content:\"" + std::string(content_octets_max + 1, 'a') + "\";")));
    const std::string plain = with_options("");
    const std::string blanks(rule_octets_max - plain.size(), ' ');
    EXPECT_TRUE(read(with_options(blanks)));
    EXPECT_FALSE(read(with_options(blanks + " ")));
    const auto huge = read(with_options(std::string(std::size_t{1} << 20U, 'x') + ";"));
    ASSERT_FALSE(huge);
    EXPECT_NE(huge.error().why.find("longer than"), std::string::npos);
}

TEST(Settle, of_two_with_one_sid_the_higher_rev_stays) {
    RuleSet set;
    parse_rules(
        "alert tcp any any -> any any (sid:1; rev:2; msg:\"new\";)\n"
        "alert tcp any any -> any any (sid:2; rev:1; msg:\"first\";)\n"
        "alert tcp any any -> any any (sid:1; rev:1; msg:\"old\";)\n"
        "alert tcp any any -> any any (sid:2; rev:1; msg:\"second\";)\n"
        "alert tcp any any -> any any (gid:2; sid:2; msg:\"other\";)\n",
        "f.rules", variables, set);
    settle(set);
    ASSERT_EQ(set.rules.size(), 3U);
    EXPECT_EQ(set.rules[0].message, "new");
    EXPECT_EQ(set.rules[1].message, "second");
    EXPECT_EQ(set.rules[2].message, "other");
    ASSERT_EQ(set.left_out.size(), 2U);
    EXPECT_EQ(set.left_out[0].cause, LeftOut::Cause::duplicate);
}

TEST(Bounds, comparisons) {
    const Limits limits{"x", 0, 100};
    EXPECT_TRUE(parse_bounds(">=5", limits)->admits(5));
    EXPECT_FALSE(parse_bounds(">5", limits)->admits(5));
    EXPECT_TRUE(parse_bounds("<=5", limits)->admits(5));
    EXPECT_FALSE(parse_bounds("!5", limits)->admits(5));
    EXPECT_TRUE(parse_bounds("3-5", limits)->admits(5));
    EXPECT_TRUE(parse_bounds("0x10", limits)->admits(16));
    EXPECT_FALSE(parse_bounds("<0", limits)) << "holds no number";
    EXPECT_FALSE(parse_bounds("101", limits));
    EXPECT_FALSE(parse_bounds("5x", limits));
}

TEST(Buffers, each_has_a_name_of_its_own_and_comes_back_by_it) {
    for (std::size_t i = 1; i < buffers; ++i) {
        const auto buffer = static_cast<Buffer>(i);
        const auto* const name = find_buffer_name(name_of(buffer));
        ASSERT_NE(name, nullptr) << i;
        EXPECT_EQ(name->buffer, buffer);
    }
    EXPECT_EQ(name_of(Buffer::payload), "payload");
    EXPECT_EQ(application_of(Buffer::http_location), Application::http);
    EXPECT_EQ(application_of(Buffer::tls_server_name), Application::tls);
    EXPECT_EQ(application_of(Buffer::dns_query), Application::dns);
    EXPECT_EQ(application_of(Buffer::icmpv6_header), Application::unknown);
}

}  // namespace
}  // namespace tapmeter::inspect::rules
