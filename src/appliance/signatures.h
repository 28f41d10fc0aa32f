#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "pipeline/base/result.h"
#include "pipeline/inspect/comparison.h"
#include "pipeline/inspect/rules/rule_files.h"
#include "pipeline/inspect/signature_set.h"
#include "src/config/config.h"
#include "src/exporting/alert_words.h"

namespace tapmeter {

// Rules, lists and variables as the configuration names them.
// errors  invalid_config: a variable that is no NAME=VALUE
Result<inspect::rules::Sources> sources_of(const Config::Signatures& config);
inspect::SetSettings set_settings_of(const Config::Signatures& config);

// True where the configuration names rules or lists at all.
bool wants_signatures(const Config::Signatures& config) noexcept;

// The signatures of a running appliance: the set that the workers compare packets with, on a
// reload the next one, and the rings of their alerts. Control side, one thread at a time.
class SignatureControl {
public:
    // Reads and compiles; rules that cannot be read are left out and counted.
    // errors  invalid_config: a file or a variable; what SignatureSet::build() says
    static Result<std::unique_ptr<SignatureControl>> load(const Config& config,
                                                          exporting::Interfaces interfaces);

    // What the next worker needs; its comparison and its ring end before this does.
    Result<std::unique_ptr<inspect::Comparison>> make_comparison(bool recorded);

    // In the order of the comparisons.
    std::vector<inspect::AlertRing*> rings() const;
    const exporting::AlertWords& words() const noexcept { return words_; }

    // A set that swap() can put in place of the one in use.
    // errors  as load()
    Result<std::unique_ptr<const inspect::SignatureSet>> build(const Config::Signatures& config);

    // Whether it may: a line that was broken since the set in use was read is no reason to go
    // without its rule. What the set in use had to leave out too is left out again, and said.
    // errors  invalid_config: with file and line
    Result<void> check(const inspect::SignatureSet& fresh) const;

    // Each worker takes the new set where its next burst begins; the old one is active until then.
    // errors  invalid_config: a worker has not taken the set of the last reload yet
    Result<std::string> swap(std::unique_ptr<const inspect::SignatureSet> fresh);

    // "signatures: 9,788 of 9,789 rules, ..."
    std::string describe() const;

private:
    SignatureControl(const Config& config, exporting::Interfaces interfaces)
        : config_(config), words_(std::move(interfaces)) {}

    // The sets are what kits point to: they are declared first and end last.
    std::vector<std::unique_ptr<const inspect::SignatureSet>> sets_;  // the one in use is the last
    const Config& config_;
    exporting::AlertWords words_;
    std::vector<std::unique_ptr<inspect::AlertRing>> rings_;
    std::vector<inspect::Comparison*> comparisons_;  // owned by the workers' inspectors
    std::vector<bool> gave_back_;                    // by worker: the kit of the set before
    std::uint32_t generations_ = 0;
};

}  // namespace tapmeter
