#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "pipeline/inspect/rules/rule.h"

namespace tapmeter::inspect {

// Rules by the port that they name, so that a packet meets those of its ports only. One for each
// transport.
class PortIndex {
public:
    PortIndex() : group_(ports, 0), groups_(1) {}

    // `indices` of the rules that belong here.
    static PortIndex make(const std::vector<rules::Rule>& rules,
                          std::span<const std::uint32_t> indices);

    // Rules for any port; those whose destination is `port`; those whose source is.
    std::span<const std::uint32_t> any() const noexcept { return any_; }
    std::span<const std::uint32_t> of(std::uint16_t port) const noexcept {
        return groups_[group_[port]];
    }
    bool empty() const noexcept { return any_.empty() && groups_.size() == 1; }

private:
    static constexpr std::size_t ports = 65'536;
    std::vector<std::uint32_t> any_;
    std::vector<std::uint32_t> group_;  // by port; 0: no rule
    std::vector<std::vector<std::uint32_t>> groups_;
};

}  // namespace tapmeter::inspect
