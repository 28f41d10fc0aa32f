#include "src/verbs/check.h"

#include <cstdio>
#include <string>
#include <utility>

#include "src/verbs/configuration.h"
#include "src/verbs/machine_check.h"
#include "src/verbs/rules_check.h"
#include "src/verbs/table.h"

namespace tapmeter::verbs {

namespace {

void print(const std::string& text) {
    std::fwrite(text.data(), 1, text.size(), stdout);
}

std::string_view name_of(Finding::Verdict verdict) {
    switch (verdict) {
        case Finding::Verdict::ok:
            return "ok";
        case Finding::Verdict::warning:
            return "warning";
        case Finding::Verdict::blocker:
            break;
    }
    return "BLOCKER";
}

// A finding a line; what has a cure shows it below.
std::string as_text(const std::vector<Finding>& findings) {
    std::string text;
    for (const Finding& finding : findings) {
        text += finding.what + ": " + finding.found + "  " + std::string(name_of(finding.verdict)) +
                "\n";
        if (!finding.cure.empty()) {
            text += "    fix: " + finding.cure + "\n";
        }
    }
    return text;
}

Table as_table(const std::vector<Finding>& findings) {
    Table table{
        .columns = {{.name = "what"}, {.name = "found"}, {.name = "verdict"}, {.name = "cure"}}};
    for (const Finding& finding : findings) {
        table.rows.push_back(
            {finding.what, finding.found, std::string(name_of(finding.verdict)), finding.cure});
    }
    return table;
}

std::size_t count(const std::vector<Finding>& findings, Finding::Verdict verdict) {
    std::size_t number = 0;
    for (const Finding& finding : findings) {
        number += finding.verdict == verdict ? 1 : 0;
    }
    return number;
}

std::string plural(std::size_t number, const std::string& noun) {
    return std::to_string(number) + " " + noun + (number == 1 ? "" : "s");
}

}  // namespace

ExitCode check(const CheckCommand& command, const CommonOptions& common,
               const LoadRequest& config) {
    const auto loaded = load_or_explain(config);
    if (!loaded) {
        return ExitCode::refused;
    }
    if (command.dump) {
        print(common.output == OutputFormat::json ? dump_json(*loaded) : dump(*loaded, true));
        return ExitCode::done;
    }
    if (command.rules) {
        return check_rules(command.rule_files, loaded->config.signatures, common);
    }
    const auto findings = check_machine(loaded->config);
    const std::size_t blockers = count(findings, Finding::Verdict::blocker);
    if (common.output != OutputFormat::text) {
        print(rendered(as_table(findings), common.output));
    } else {
        print(as_text(findings) + "0 errors, " + plural(blockers, "blocker") + ", " +
              plural(count(findings, Finding::Verdict::warning), "warning") + "\n");
    }
    return blockers == 0 ? ExitCode::done : ExitCode::answer_no;
}

}  // namespace tapmeter::verbs
