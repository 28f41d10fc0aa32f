#include "xdp/rules.h"

#include <algorithm>

#include "bpf/prefilter_maps.h"

namespace tapmeter::xdp {

static_assert(excluded_prefixes_max == prefilter_prefixes_max);
static_assert(sample_max == prefilter_sample_max);

namespace {

template <class Value>
void sort_and_unite(std::vector<Value>& values) {
    std::ranges::sort(values);
    values.erase(std::unique(values.begin(), values.end()), values.end());
}

}  // namespace

Result<PrefilterRules> checked(PrefilterRules rules) {
    if (rules.sample == 0 || rules.sample > sample_max) {
        return failed(Error::Kind::invalid_config,
                      "prefilter: sample = " + std::to_string(rules.sample) + ": must be 1 to " +
                          std::to_string(sample_max));
    }
    sort_and_unite(rules.excluded);
    sort_and_unite(rules.denied_ports);
    for (const Prefix& prefix : rules.excluded) {
        if (const auto same = parse_prefix(to_text(prefix)); !same || *same != prefix) {
            return failed(Error::Kind::invalid_config,
                          "prefilter: exclude: " + to_text(prefix) + " is no network");
        }
    }
    const auto ipv4 = static_cast<std::size_t>(
        std::ranges::count(rules.excluded, Prefix::Family::ipv4, &Prefix::family));
    const std::size_t most = std::max(ipv4, rules.excluded.size() - ipv4);
    if (most > excluded_prefixes_max) {
        return failed(Error::Kind::invalid_config, "prefilter: exclude: " + std::to_string(most) +
                                                       " prefixes of one address family: at most " +
                                                       std::to_string(excluded_prefixes_max) +
                                                       "; join neighbours into shorter prefixes");
    }
    return rules;
}

}  // namespace tapmeter::xdp
