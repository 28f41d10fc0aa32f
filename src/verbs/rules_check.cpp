#include "src/verbs/rules_check.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <string_view>
#include <utility>

#include "src/appliance/signatures.h"
#include "src/verbs/configuration.h"
#include "src/verbs/table.h"

namespace tapmeter::verbs {

namespace {

using inspect::Coverage;
using inspect::rules::LeftOut;

std::string_view name_of(LeftOut::Cause cause) {
    constexpr std::array<std::string_view, 4> names{"unsupported", "malformed", "duplicate",
                                                    "too many"};
    return names.at(static_cast<std::size_t>(cause));
}

struct Reason {
    std::string what;  // "unsupported: lua"
    std::size_t rules = 0;
};

// Commonest first.
std::vector<Reason> reasons_of(const std::vector<LeftOut>& left_out) {
    std::vector<Reason> reasons;
    for (const LeftOut& rule : left_out) {
        const std::string what = std::string(name_of(rule.cause)) + ": " + rule.subject;
        const auto found = std::ranges::find(reasons, what, &Reason::what);
        if (found == reasons.end()) {
            reasons.push_back({what, 1});
        } else {
            ++found->rules;
        }
    }
    std::ranges::stable_sort(reasons, std::ranges::greater{}, &Reason::rules);
    return reasons;
}

std::string as_text(const Coverage& coverage, bool quiet) {
    std::string text;
    for (const LeftOut& rule : coverage.left_out) {
        text += quiet ? "" : text_of(rule) + "\n";
    }
    for (const Reason& reason : reasons_of(coverage.left_out)) {
        text += "left out, " + reason.what + ": " + std::to_string(reason.rules) + "\n";
    }
    text += "rules loaded: " + std::to_string(coverage.loaded) + " of " +
            std::to_string(coverage.loaded + coverage.left_out.size()) + "\n";
    text += "scanned for: " + std::to_string(coverage.literals) + " literals, " +
            std::to_string(coverage.expressions) + " expressions in " +
            std::to_string(coverage.databases) + " databases of " +
            std::to_string(coverage.database_octets / 1'024) + " KiB\n";
    text +=
        "rules that every packet of their ports meets: " + std::to_string(coverage.every_packet) +
        "\n";
    text += coverage.from_cache ? "compiled: taken from the cache in " : "compiled in ";
    text += std::to_string(coverage.compile_time.count()) + " ms\n";
    return text;
}

// A row a rule that is left out, then one that sums up.
Table as_table(const Coverage& coverage) {
    Table table{.columns = {{.name = "place"},
                            {.name = "sid"},
                            {.name = "cause"},
                            {.name = "subject"},
                            {.name = "why"}}};
    for (const LeftOut& rule : coverage.left_out) {
        table.rows.push_back({rule.place.file + ":" + std::to_string(rule.place.line) + ":" +
                                  std::to_string(rule.place.column),
                              std::uint64_t{rule.sid}, std::string(name_of(rule.cause)),
                              rule.subject, rule.why});
    }
    table.rows.push_back({std::string("all"), std::uint64_t{0}, std::string("loaded"),
                          std::to_string(coverage.loaded),
                          std::to_string(coverage.literals) + " literals, " +
                              std::to_string(coverage.expressions) + " expressions, " +
                              std::to_string(coverage.databases) + " databases, " +
                              std::to_string(coverage.compile_time.count()) + " ms"});
    return table;
}

void print(const std::string& text) {
    std::fwrite(text.data(), 1, text.size(), stdout);
}

}  // namespace

ExitCode check_rules(const std::vector<std::string>& files, const Config::Signatures& config,
                     const CommonOptions& common) {
    auto sources = sources_of(config);
    if (!sources) {
        complain(sources.error().message);
        return ExitCode::refused;
    }
    if (!files.empty()) {
        sources->rule_files = files;
        sources->address_lists.clear();
        sources->domain_lists.clear();
    }
    if (sources->rule_files.empty() && sources->address_lists.empty() &&
        sources->domain_lists.empty()) {
        complain("no rules to check: name files behind --rules, or set rule_files in [signatures]");
        return ExitCode::refused;
    }
    auto rules = inspect::rules::read_rules(*sources);
    if (!rules) {
        complain(rules.error().message);
        return ExitCode::refused;
    }
    const auto set = inspect::SignatureSet::build(std::move(*rules), set_settings_of(config));
    if (!set) {
        complain(set.error().message);
        return ExitCode::answer_no;
    }
    const Coverage& coverage = (*set)->coverage();
    print(common.output == OutputFormat::text ? as_text(coverage, common.quiet)
                                              : rendered(as_table(coverage), common.output));
    return coverage.left_out.empty() ? ExitCode::done : ExitCode::answer_no;
}

}  // namespace tapmeter::verbs
