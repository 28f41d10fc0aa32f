#include "pipeline/inspect/signature_compile.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>

#include "pipeline/inspect/rules/rule_files.h"
#include "pipeline/inspect/signature_cache.h"
#include "pipeline/inspect/signature_hyperscan.h"
#include "pipeline/inspect/signature_plan.h"
#include "pipeline/inspect/signature_prefilter.h"
#include "pipeline/inspect/signature_set.h"

namespace tapmeter::inspect {
namespace {

namespace fs = std::filesystem;

rules::RuleSet parsed(const std::string& text) {
    rules::RuleSet set;
    const auto variables = rules::with_defaults({});
    rules::parse_rules(text, "x.rules", variables, set);
    return set;
}

ScanPlan plan_of(const std::string& text) {
    const auto set = parsed(text);
    EXPECT_TRUE(set.left_out.empty());
    return plan_scans(set.rules);
}

std::string tcp(const std::string& options) {
    return "alert tcp any any -> any any (" + options + " sid:1;)\n";
}

class InFolder : public testing::Test {
protected:
    void SetUp() override {
        std::string pattern = (fs::temp_directory_path() / "signatures.XXXXXX").string();
        folder_ = mkdtemp(pattern.data());
    }
    void TearDown() override { fs::remove_all(folder_); }
    fs::path folder_;
};
using Cache = InFolder;

TEST(Plan, the_authors_choice_then_the_rarest) {
    const auto announced = [](const std::string& options, std::size_t slot) {
        const ScanPlan plan = plan_of(tcp(options));
        const auto& [literals, runs, expressions, always] = plan.by_slot[slot];
        if (runs.size() == 1 && literals.empty()) {
            return std::string(runs[0].length, static_cast<char>(runs[0].octet));
        }
        return literals.size() == 1 ? literals[0].octets : std::string("?");
    };
    EXPECT_EQ(announced("content:\"abc\"; content:\"longer one\";", slot_tcp), "longer one");
    EXPECT_EQ(announced("content:\"abc\"; fast_pattern; content:\"longer one\";", slot_tcp), "abc");
    EXPECT_EQ(announced("content:\"abcdef\"; fast_pattern:2,3;", slot_tcp), "cde");
    EXPECT_EQ(announced("content:\"aaaaaa\"; content:\"|f0 f1|z\";", slot_tcp), "\xf0\xf1z");
    EXPECT_EQ(announced("content:!\"longer one\"; content:\"abc\";", slot_tcp), "abc");
    EXPECT_EQ(announced("content:\"in the payload\"; content:\"uri\"; http_uri;",
                        slot_of(rules::Buffer::http_uri)),
              "uri");
    EXPECT_EQ(announced("http.uri; content:\"u\"; http.request_body; content:\"a long body\";",
                        slot_of(rules::Buffer::http_uri)),
              "u")
        << "the head is gone when the body comes";
    EXPECT_EQ(announced("content:\"" + std::string(literal_octets_max + 1, 'x') + "\";", slot_tcp),
              std::string(literal_octets_max, 'x'));
}

TEST(Plan, every_rule_is_announced_somewhere) {
    const auto always = plan_of(tcp("urilen:5;"));
    EXPECT_EQ(always.by_slot[slot_of(rules::Buffer::http_uri)].always.size(), 1U);
    const auto expression = plan_of(tcp("pcre:\"/a[0-9]+/\";"));
    EXPECT_EQ(expression.by_slot[slot_tcp].expressions.size(), 1U);
    const auto packet = plan_of(tcp("dsize:5;"));
    EXPECT_EQ(packet.every_packet.size(), 1U);
    const auto any = plan_of("alert ip any any -> any any (content:\"abc\"; sid:1;)\n");
    for (const std::size_t slot : {slot_tcp, slot_udp, slot_other}) {
        EXPECT_EQ(any.by_slot[slot].literals.size(), 1U);
    }
    const auto shared = plan_of(tcp("content:\"abc\"; dsize:1;") + tcp("content:\"abc\";") +
                                tcp("content:\"abc\"; nocase;"));
    EXPECT_EQ(shared.by_slot[slot_tcp].literals.size(), 2U) << "one for both that are equal";
}

// One octet again and again is looked for beside Hyperscan, in the order of octets and lengths.
TEST(Plan, runs_of_one_octet_stand_apart) {
    const auto plan = plan_of(tcp("content:\"AAAA\";") + tcp("content:\"|00 00 00|\"; nocase;") +
                              tcp("content:\"|00|\";") + tcp("content:\"aaaa\"; nocase;") +
                              tcp("content:\"AAAA\"; dsize:9;") + tcp("content:\"AAAB\";"));
    const SlotPlan& slot = plan.by_slot[slot_tcp];
    ASSERT_EQ(slot.runs.size(), 3U);
    EXPECT_EQ(slot.runs[0].length, 1U);
    EXPECT_EQ(slot.runs[1].length, 3U);
    EXPECT_EQ(slot.runs[2].octet, std::byte{'A'});
    EXPECT_EQ(slot.runs[2].rules.size(), 2U);
    EXPECT_EQ(slot.literals.size(), 2U) << "a letter in either case is no run";
    EXPECT_EQ(plan.literals, 5U);
}

TEST(Compile, a_set_compiles_in_a_child_and_finds) {
    const ScanPlan plan = plan_of(tcp("content:\"evil\"; nocase;") + tcp("pcre:\"/x[0-9]y/\";"));
    const auto compiled = compile_scans(plan, {}, {});
    ASSERT_TRUE(compiled) << compiled.error().message;
    EXPECT_FALSE(compiled->literals[slot_tcp].empty());
    EXPECT_TRUE(compiled->literals[slot_udp].empty());
    const auto prefilter = Prefilter::make(plan, *compiled);
    ASSERT_TRUE(prefilter) << prefilter.error().message;
    EXPECT_EQ(prefilter->databases(), 2U);
    auto scratch = prefilter->make_scratch();
    ASSERT_TRUE(scratch);
    Candidates candidates{2};
    const auto found = [&](std::string_view text) {
        candidates.clear();
        prefilter->scan(slot_tcp, std::as_bytes(std::span{text}), *scratch, candidates);
        const auto sorted = candidates.sorted();
        return std::vector<std::uint32_t>(sorted.begin(), sorted.end());
    };
    EXPECT_EQ(found("an EVIL x5y"), (std::vector<std::uint32_t>{0, 1}));
    EXPECT_EQ(found("xy"), std::vector<std::uint32_t>{});
}

TEST(Compile, what_hyperscan_cannot_take_is_looked_at_always) {
    auto rules = parsed(tcp("pcre:\"/(a)(b)\\2+?c{1,40000}/\";"));
    const auto set = SignatureSet::build(std::move(rules), {});
    ASSERT_TRUE(set) << set.error().message;
    EXPECT_EQ((*set)->coverage().loaded, 1U);
    EXPECT_EQ((*set)->coverage().every_packet, 1U);
}

TEST(Compile, a_wrong_expression_leaves_its_rule_out) {
    auto rules = parsed(tcp("content:\"a\"; pcre:\"/a(/\";") +
                        "alert tcp any any -> any any (content:\"b\"; sid:2;)\n");
    const auto set = SignatureSet::build(std::move(rules), {});
    ASSERT_TRUE(set) << set.error().message;
    EXPECT_EQ((*set)->coverage().loaded, 1U);
    ASSERT_EQ((*set)->coverage().left_out.size(), 1U);
    EXPECT_NE((*set)->coverage().left_out[0].why.find("character"), std::string::npos);
}

// RELIABILITY, finding 8: small text, seconds of work.
ScanPlan heavy_plan() {
    std::string text;
    for (unsigned i = 0; i < 40; ++i) {
        text += "alert tcp any any -> any any (pcre:\"/(.{1,200}x" + std::to_string(i) +
                "){50}/\"; sid:" + std::to_string(i + 1) + ";)\n";
    }
    return plan_of(text);
}

TEST(Compile, time_stops_the_child_and_says_so) {
    CompileLimits limits;
    limits.cpu_time = std::chrono::seconds{1};
    const auto late = compile_scans(heavy_plan(), limits, {});
    ASSERT_FALSE(late);
    EXPECT_NE(late.error().message.find("more than 1 s of CPU"), std::string::npos)
        << late.error().message;
    EXPECT_NE(late.error().message.find("stays active"), std::string::npos);
}

TEST(Compile, memory_stops_the_child_and_says_so) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    GTEST_SKIP() << "a sanitizer maps more memory than a limit could speak of";
#endif
    CompileLimits limits;
    limits.memory_octets = std::size_t{8} << 20U;
    std::string many;
    for (unsigned i = 0; i < 20'000; ++i) {
        many += "alert tcp any any -> any any (content:\"" + std::to_string(i * 7'919U) +
                "-one-of-many\"; sid:" + std::to_string(i + 1) + ";)\n";
    }
    const auto starved = compile_scans(plan_of(many), limits, {});
    ASSERT_FALSE(starved);
    EXPECT_NE(starved.error().message.find("load fewer rules"), std::string::npos)
        << starved.error().message;
}

TEST_F(Cache, the_second_time_is_read) {
    const ScanPlan plan = plan_of(tcp("content:\"evil\";"));
    const auto first = compile_scans(plan, {}, folder_.string());
    ASSERT_TRUE(first && !first->from_cache);
    const auto second = compile_scans(plan, {}, folder_.string());
    ASSERT_TRUE(second);
    EXPECT_TRUE(second->from_cache);
    EXPECT_EQ(second->literals, first->literals);
    const auto other = compile_scans(plan_of(tcp("content:\"evil2\";")), {}, folder_.string());
    EXPECT_FALSE(other->from_cache);
}

TEST_F(Cache, damage_of_any_octet_is_seen) {
    const ScanPlan plan = plan_of(tcp("content:\"evil\";"));
    ASSERT_TRUE(compile_scans(plan, {}, folder_.string()));
    const fs::path file = folder_ / cache_name_of(plan);
    std::string good;
    {
        std::ifstream in{file, std::ios::binary};
        good.assign(std::istreambuf_iterator<char>(in), {});
    }
    ASSERT_TRUE(read_cache(file.string()));
    for (std::size_t at = 0; at < good.size(); at += good.size() / 50 + 1) {
        std::string bad = good;
        bad[at] = static_cast<char>(bad[at] ^ 1);
        std::ofstream{file, std::ios::binary} << bad;
        EXPECT_FALSE(read_cache(file.string())) << at;
        std::ofstream{file, std::ios::binary} << good.substr(0, at);
        EXPECT_FALSE(read_cache(file.string())) << "cut at " << at;
    }
    EXPECT_FALSE(read_cache((folder_ / "none").string()));
}

TEST_F(Cache, a_folder_that_cannot_be_written_costs_time_only) {
    const ScanPlan plan = plan_of(tcp("content:\"evil\";"));
    const auto compiled = compile_scans(plan, {}, (folder_ / "none").string());
    EXPECT_TRUE(compiled);
}

}  // namespace
}  // namespace tapmeter::inspect
