// What the control server may ask of the running appliance, beside the books.
#include <algorithm>
#include <set>
#include <utility>

#include "src/appliance/appliance.h"

namespace tapmeter {

namespace {

constexpr std::size_t prefixes_shown_max = 1'000;

// The rules after the change, or what is wrong with it.
Result<xdp::PrefilterRules> changed(const xdp::PrefilterRules& rules,
                                    const control::PrefilterChange& change) {
    std::set<xdp::Prefix> excluded(rules.excluded.begin(), rules.excluded.end());
    for (const std::string& text : change.add) {
        const auto prefix = xdp::parse_prefix(text);
        if (!prefix) {
            return tl::unexpected<Error>(prefix.error());
        }
        excluded.insert(*prefix);
    }
    for (const std::string& text : change.remove) {
        const auto prefix = xdp::parse_prefix(text);
        if (!prefix) {
            return tl::unexpected<Error>(prefix.error());
        }
        if (excluded.erase(*prefix) == 0) {
            return failed(Error::Kind::invalid_config,
                          text + " is not excluded; `tapmeter ctl prefilter show` lists what is");
        }
    }
    std::set<std::uint16_t> denied(rules.denied_ports.begin(), rules.denied_ports.end());
    denied.insert(change.deny.begin(), change.deny.end());
    for (const std::uint16_t port : change.allow) {
        if (denied.erase(port) == 0) {
            return failed(Error::Kind::invalid_config,
                          "port " + std::to_string(port) +
                              " is not denied; `tapmeter ctl prefilter show` lists what is");
        }
    }
    return xdp::checked({.excluded = {excluded.begin(), excluded.end()},
                         .denied_ports = {denied.begin(), denied.end()},
                         .sample = change.sample != 0 ? change.sample : rules.sample});
}

tl::unexpected<Error> no_prefilter(const std::string& interface) {
    return failed(Error::Kind::no_such_device,
                  (interface.empty() ? std::string("no interface") : "\"" + interface + "\"") +
                      " is captured by AF_XDP here, and only AF_XDP has a prefilter");
}

}  // namespace

std::string Appliance::effective_config_json() const {
    const std::lock_guard lock(control_mutex_);
    return parts_.config_json;
}

std::uint64_t Appliance::reloads(bool ok) const {
    const std::lock_guard lock(control_mutex_);
    return ok ? reloads_done_ : reloads_failed_;
}

Result<std::string> Appliance::reload() {
    const std::lock_guard lock(control_mutex_);
    if (!parts_.read_config_again) {
        return failed(Error::Kind::invalid_config,
                      "there is nothing to read again: this instance runs without a configuration");
    }
    auto fresh = parts_.read_config_again();
    if (!fresh) {
        ++reloads_failed_;
        return tl::unexpected<Error>(std::move(fresh.error()));
    }
    if (auto checked = check_outputs(fresh->config); !checked) {
        ++reloads_failed_;
        return tl::unexpected<Error>(std::move(checked.error()));
    }
    auto dissectors = load_dissectors(fresh->config);
    if (!dissectors) {
        ++reloads_failed_;
        return tl::unexpected<Error>(std::move(dissectors.error()));
    }
    auto signatures = load_signatures_again(fresh->config);
    if (!signatures) {
        ++reloads_failed_;
        return tl::unexpected<Error>(std::move(signatures.error()));
    }
    auto applied = apply_prefilters(fresh->config);
    if (!applied) {
        ++reloads_failed_;
        return applied;
    }
    *applied += swap_dissectors(std::move(*dissectors));
    if (auto swapped = swap_signatures(std::move(*signatures)); swapped) {
        *applied += *swapped;
    } else {
        ++reloads_failed_;
        return swapped;
    }
    *applied += reload_outputs(fresh->config);
    parts_.config_json = std::move(fresh->json);
    ++reloads_done_;
    std::string text = std::move(*applied);
    for (const std::string& key : fresh->needs_restart) {
        text += "needs a restart: " + key + "\n";
    }
    return text.empty() ? "nothing has changed\n" : text;
}

Result<void> Appliance::check_outputs(const Config& fresh) const {
    for (const auto& output : exporter_->outputs()) {
        if (auto checked = output->check_reload(fresh); !checked) {
            return checked;
        }
    }
    return {};
}

std::string Appliance::reload_outputs(const Config& fresh) {
    std::string text;
    for (const auto& output : exporter_->outputs()) {
        text += output->reload(fresh);
    }
    return text;
}

// All rules are read before the first is applied: a bad one changes nothing.
Result<std::string> Appliance::apply_prefilters(const Config& fresh) {
    std::vector<xdp::PrefilterRules> wanted;
    for (const Config::Capture& capture : fresh.captures) {
        auto rules = prefilter_rules(capture.prefilter);
        if (!rules) {
            return tl::unexpected<Error>(std::move(rules.error()));
        }
        wanted.push_back(std::move(*rules));
    }
    std::string text;
    for (std::size_t index = 0; index < rules_.size(); ++index) {
        xdp::XdpCapture* const capture = parts_.captures.prefiltered[index];
        // By name: blocks may stand in another order now, and some may be new or gone.
        const auto block = std::ranges::find(fresh.captures, parts_.config.captures[index].name,
                                             &Config::Capture::name);
        if (capture == nullptr || block == fresh.captures.end()) {
            continue;
        }
        const xdp::PrefilterRules& rules =
            wanted[static_cast<std::size_t>(block - fresh.captures.begin())];
        const bool same = rules.excluded == rules_[index].excluded &&
                          rules.denied_ports == rules_[index].denied_ports &&
                          rules.sample == rules_[index].sample;
        if (same) {
            continue;
        }
        if (auto applied = capture->apply(rules); !applied) {
            return tl::unexpected<Error>(std::move(applied.error()));
        }
        rules_[index] = rules;
        text += "interface " + parts_.config.captures[index].name + ": prefilter changed\n";
    }
    return text;
}

Result<std::vector<control::PrefilterState>> Appliance::prefilter() const {
    const std::lock_guard lock(control_mutex_);
    auto states = prefilter_states();
    if (states.empty()) {
        return no_prefilter("");
    }
    return states;
}

Result<std::vector<control::PrefilterState>> Appliance::change_prefilter(
    const control::PrefilterChange& change) {
    const std::lock_guard lock(control_mutex_);
    // All rules are worked out before the first is applied: a bad change changes nothing.
    std::vector<std::pair<std::size_t, xdp::PrefilterRules>> wanted;
    for (std::size_t index = 0; index < rules_.size(); ++index) {
        const std::string& name = parts_.config.captures[index].name;
        if (parts_.captures.prefiltered[index] == nullptr ||
            (!change.interface.empty() && change.interface != name)) {
            continue;
        }
        auto rules = changed(rules_[index], change);
        if (!rules) {
            return tl::unexpected<Error>(std::move(rules.error()));
        }
        wanted.emplace_back(index, std::move(*rules));
    }
    for (auto& [index, rules] : wanted) {
        if (auto applied = parts_.captures.prefiltered[index]->apply(rules); !applied) {
            return tl::unexpected<Error>(std::move(applied.error()));
        }
        rules_[index] = std::move(rules);
    }
    if (wanted.empty()) {
        return no_prefilter(change.interface);
    }
    return prefilter_states();
}

std::vector<control::PrefilterState> Appliance::prefilter_states() const {
    std::vector<control::PrefilterState> states;
    for (std::size_t index = 0; index < rules_.size(); ++index) {
        if (parts_.captures.prefiltered[index] == nullptr) {
            continue;
        }
        const xdp::PrefilterRules& rules = rules_[index];
        control::PrefilterState state{.interface = parts_.config.captures[index].name,
                                      .exclude = {},
                                      .excluded_prefixes = rules.excluded.size(),
                                      .deny_ports = rules.denied_ports,
                                      .sample = rules.sample};
        for (const xdp::Prefix& prefix : rules.excluded) {
            if (state.exclude.size() == prefixes_shown_max) {
                break;
            }
            state.exclude.push_back(to_text(prefix));
        }
        states.push_back(std::move(state));
    }
    return states;
}

}  // namespace tapmeter
