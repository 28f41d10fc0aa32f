#include "src/verbs/setup.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <string>

#include "src/appliance/appliance.h"
#include "src/machine/needs.h"
#include "src/machine/plan.h"
#include "src/verbs/configuration.h"
#include "src/verbs/table.h"

namespace tapmeter::verbs {

namespace {

using machine::Outcome;
using machine::Step;
using How = Step::How;

// One step and, where it was carried out, what came of it.
struct Entry {
    Step step;
    std::string outcome = {};  // "to do", "done", "FAILED: ...", "left: ...", "by hand", ...
    bool failed = false;
};

bool is_chosen(const Step& step, const std::vector<std::string>& topics) {
    return topics.empty() || std::ranges::find(topics, step.topic) != topics.end();
}

Entry entry_of(const Step& step, bool carry_out, const Hands& hands) {
    if (step.how == How::reboot) {
        return {step, "after a reboot"};
    }
    if (step.how == How::by_hand) {
        return {step, "by hand"};
    }
    if (!carry_out) {
        return {step, "to do"};
    }
    const Outcome outcome = machine::apply(step, hands.tree, hands.run);
    switch (outcome.kind) {
        case Outcome::Kind::done:
            return {step, "done"};
        case Outcome::Kind::left:
            return {step, "left: " + outcome.said};
        case Outcome::Kind::failed:
            break;
    }
    return {step, "FAILED: " + outcome.said, true};
}

// All parameters for the kernel in one line, ready to be copied.
std::string kernel_line(const std::vector<Entry>& entries) {
    std::string line;
    for (const Entry& entry : entries) {
        if (entry.step.how == How::reboot) {
            line += (line.empty() ? "" : " ") + entry.step.value;
        }
    }
    return line;
}

std::string as_text(const std::vector<Entry>& entries) {
    std::string text;
    for (const Entry& entry : entries) {
        text +=
            std::string(entry.step.topic) + ": " + entry.step.reason + "\n    " + entry.step.line();
        text += entry.outcome == "to do" ? "\n" : "    " + entry.outcome + "\n";
    }
    const std::string line = kernel_line(entries);
    if (!line.empty()) {
        text +=
            "\nFor the next boot add to GRUB_CMDLINE_LINUX in /etc/default/grub, then run "
            "update-grub:\n    " +
            line + "\n";
    }
    return text;
}

Table as_table(const std::vector<Entry>& entries) {
    Table table{
        .columns = {{.name = "topic"}, {.name = "line"}, {.name = "reason"}, {.name = "outcome"}}};
    for (const Entry& entry : entries) {
        table.rows.push_back(
            {std::string(entry.step.topic), entry.step.line(), entry.step.reason, entry.outcome});
    }
    return table;
}

std::string summary(const std::vector<Entry>& entries, const machine::Needs& needs) {
    const auto count = [&](const std::string& outcome) {
        return std::ranges::count(entries, outcome, &Entry::outcome);
    };
    std::string text;
    if (needs.cores_are_proposed && !needs.worker_cores.empty()) {
        text += "workers.cores is not set; proposed: workers.cores = \"" +
                machine::text_of(needs.worker_cores) + "\"\n";
    }
    if (entries.empty()) {
        return text + "nothing to do\n";
    }
    if (const auto left = count("to do"); left != 0) {
        text += "`tapmeter setup --apply`, with the same options and as root, does " +
                std::to_string(left) + " of these " + std::to_string(entries.size()) +
                " now; what it sets lasts until the next boot\n";
    }
    return text;
}

}  // namespace

Hands own_hands() {
    return {.tree = machine::Tree(), .is_root = ::geteuid() == 0};
}

ExitCode setup(const SetupCommand& command, const CommonOptions& common, const LoadRequest& config,
               const Hands& hands) {
    const auto loaded = load_or_explain(config);
    if (!loaded) {
        return ExitCode::refused;
    }
    if (command.apply && !hands.is_root) {
        complain(
            "setup --apply changes this machine and needs root; without --apply it prints "
            "what it would do");
        return ExitCode::refused;
    }
    const auto facts = machine::read_facts(hands.tree, hands.ask);
    const auto needs = machine::needs_of(loaded->config, workers_wanted(loaded->config), facts);
    std::vector<Entry> entries;
    for (const Step& step : machine::plan_setup(needs, facts)) {
        if (is_chosen(step, command.topics)) {
            entries.push_back(entry_of(step, command.apply, hands));
        }
    }
    const bool is_text = common.output == OutputFormat::text;
    const std::string text = is_text ? as_text(entries) + summary(entries, needs)
                                     : rendered(as_table(entries), common.output);
    std::fwrite(text.data(), 1, text.size(), stdout);
    const bool failed = std::ranges::any_of(entries, &Entry::failed);
    return failed ? ExitCode::failed : ExitCode::done;
}

}  // namespace tapmeter::verbs
