#include "src/appliance/signatures.h"

#include <algorithm>
#include <utility>

#include "src/appliance/inspection.h"

namespace tapmeter {

namespace {

// Alerts a ring holds, 2 MiB: a burst of a recording, which waits for room, raises fewer.
constexpr std::size_t ring_alerts = 16'384;

Result<inspect::rules::RuleSet> read_rules(const Config::Signatures& config) {
    const auto sources = sources_of(config);
    if (!sources) {
        return tl::unexpected<Error>(sources.error());
    }
    return inspect::rules::read_rules(*sources);
}

}  // namespace

Result<inspect::rules::Sources> sources_of(const Config::Signatures& config) {
    inspect::rules::Sources sources{.rule_files = config.rule_files,
                                    .address_lists = config.address_lists,
                                    .domain_lists = config.domain_lists};
    for (const std::string& variable : config.variables) {
        const std::size_t equals = variable.find('=');
        if (equals == 0 || equals == std::string::npos || equals + 1 == variable.size()) {
            return failed(Error::Kind::invalid_config,
                          "signatures.variables holds \"" + variable +
                              "\": must be NAME=VALUE, such as \"HOME_NET=10.0.0.0/8\"");
        }
        sources.variables.push_back({variable.substr(0, equals), variable.substr(equals + 1)});
    }
    return sources;
}

inspect::SetSettings set_settings_of(const Config::Signatures& config) {
    inspect::SetSettings settings;
    settings.limits.cpu_time = config.compile_time;
    settings.limits.memory_octets = config.compile_octets;
    settings.cache_folder = config.cache_folder.string();
    return settings;
}

bool wants_signatures(const Config::Signatures& config) noexcept {
    return !config.rule_files.empty() || !config.address_lists.empty() ||
           !config.domain_lists.empty();
}

Result<std::unique_ptr<SignatureControl>> SignatureControl::load(const Config& config,
                                                                 exporting::Interfaces interfaces) {
    std::unique_ptr<SignatureControl> control(new SignatureControl(config, std::move(interfaces)));
    auto set = control->build(config.signatures);
    if (!set) {
        return tl::unexpected<Error>(std::move(set.error()));
    }
    control->words_.add(**set);
    control->sets_.push_back(std::move(*set));
    return control;
}

Result<std::unique_ptr<const inspect::SignatureSet>> SignatureControl::build(
    const Config::Signatures& config) {
    auto rules = read_rules(config);
    if (!rules) {
        return tl::unexpected<Error>(std::move(rules.error()));
    }
    inspect::SetSettings settings = set_settings_of(config);
    settings.generation = ++generations_;
    return inspect::SignatureSet::build(std::move(*rules), settings);
}

Result<void> SignatureControl::check(const inspect::SignatureSet& fresh) const {
    using inspect::rules::LeftOut;
    const auto& known = sets_.back()->coverage().left_out;
    const auto is_new = [&known](const LeftOut& broken) {
        const auto same = [&broken](const LeftOut& one) {
            return one.cause == broken.cause && one.place.file == broken.place.file &&
                   one.sid == broken.sid && one.why == broken.why;
        };
        return broken.cause == LeftOut::Cause::malformed && std::ranges::none_of(known, same);
    };
    const auto& left_out = fresh.coverage().left_out;
    const auto broken = std::ranges::find_if(left_out, is_new);
    if (broken == left_out.end()) {
        return {};
    }
    return failed(Error::Kind::invalid_config,
                  "signatures: " + text_of(*broken) + "; " +
                      std::to_string(std::ranges::count_if(left_out, is_new)) +
                      " rules of this kind; the rules in use stay, mend the file and reload again");
}

Result<std::unique_ptr<inspect::Comparison>> SignatureControl::make_comparison(bool recorded) {
    auto kit = inspect::SignatureKit::make(*sets_.back());
    if (!kit) {
        return tl::unexpected<Error>(std::move(kit.error()));
    }
    rings_.push_back(std::make_unique<inspect::AlertRing>(ring_alerts));
    auto settings = comparison_settings(config_, recorded);
    settings.kit = std::move(*kit);
    settings.alerts = rings_.back().get();
    settings.worker = static_cast<std::uint16_t>(comparisons_.size());
    auto comparison = inspect::Comparison::make(std::move(settings));
    if (comparison) {
        comparisons_.push_back(comparison->get());
        gave_back_.push_back(true);
    }
    return comparison;
}

std::vector<inspect::AlertRing*> SignatureControl::rings() const {
    std::vector<inspect::AlertRing*> rings;
    for (const auto& ring : rings_) {
        rings.push_back(ring.get());
    }
    return rings;
}

Result<std::string> SignatureControl::swap(std::unique_ptr<const inspect::SignatureSet> fresh) {
    std::vector<std::unique_ptr<inspect::SignatureKit>> kits;
    for (std::size_t worker = 0; worker < comparisons_.size(); ++worker) {
        auto kit = inspect::SignatureKit::make(*fresh);
        if (!kit) {
            return tl::unexpected<Error>(std::move(kit.error()));
        }
        kits.push_back(std::move(*kit));
    }
    // A set may go once every worker has given back its kit.
    for (std::size_t worker = 0; worker < kits.size(); ++worker) {
        gave_back_[worker] =
            gave_back_[worker] || comparisons_[worker]->signatures().retired() != nullptr;
    }
    if (std::ranges::find(gave_back_, false) != gave_back_.end()) {
        return failed(Error::Kind::invalid_config,
                      "signatures: a worker has not taken the rules of the last reload yet; "
                      "reload again in a second");
    }
    sets_.erase(sets_.begin(), sets_.end() - 1);
    words_.add(*fresh);
    sets_.push_back(std::move(fresh));
    for (std::size_t worker = 0; worker < kits.size(); ++worker) {
        comparisons_[worker]->signatures().offer(std::move(kits[worker]));
        gave_back_[worker] = false;
    }
    return describe();
}

std::string SignatureControl::describe() const {
    const inspect::Coverage& coverage = sets_.back()->coverage();
    std::string text = "signatures: " + std::to_string(coverage.loaded) + " of " +
                       std::to_string(coverage.loaded + coverage.left_out.size()) +
                       " rules, compiled in " + std::to_string(coverage.compile_time.count()) +
                       " ms" + (coverage.from_cache ? " (from the cache)" : "");
    if (!coverage.left_out.empty()) {
        text += "; left out first: " + text_of(coverage.left_out.front()) +
                "; all of them: tapmeter check --rules";
    }
    return text;
}

}  // namespace tapmeter
