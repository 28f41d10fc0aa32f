#include "pipeline/inspect/signature_ports.h"

#include <algorithm>

namespace tapmeter::inspect {

namespace {

// A rule that names more ports than this is met by most packets anyway.
constexpr std::size_t named_ports_max = 16'384;

std::size_t ports_of(const rules::PortSet& set) {
    std::size_t count = 0;
    for (const rules::PortSet::Range& range : set.ranges()) {
        count += std::size_t{range.last} - range.first + 1;
    }
    return count;
}

bool is_selective(const rules::PortSet& set) {
    return !set.is_any() && ports_of(set) <= named_ports_max;
}

// What begins and ends where.
struct Edge {
    std::uint32_t port = 0;
    std::uint32_t rule = 0;
    bool begins = false;
};

}  // namespace

PortIndex PortIndex::make(const std::vector<rules::Rule>& rules,
                          std::span<const std::uint32_t> indices) {
    PortIndex made;
    std::vector<Edge> edges;
    for (const std::uint32_t index : indices) {
        const rules::Rule& rule = rules[index];
        const bool by_destination = is_selective(rule.destination_port);
        if (!by_destination && !is_selective(rule.source_port)) {
            made.any_.push_back(index);
            continue;
        }
        const auto& set = by_destination ? rule.destination_port : rule.source_port;
        for (const rules::PortSet::Range& range : set.ranges()) {
            edges.push_back({range.first, index, true});
            edges.push_back({std::uint32_t{range.last} + 1, index, false});
        }
    }
    std::ranges::sort(edges, {}, &Edge::port);
    std::vector<std::uint32_t> active;
    for (std::size_t i = 0; i < edges.size(); ++i) {
        if (edges[i].begins) {
            active.push_back(edges[i].rule);
        } else {
            active.erase(std::ranges::find(active, edges[i].rule));
        }
        const std::uint32_t from = edges[i].port;
        const std::uint32_t to =
            i + 1 < edges.size() ? edges[i + 1].port : static_cast<std::uint32_t>(ports);
        if (from == to || active.empty()) {
            continue;
        }
        std::fill(made.group_.begin() + from, made.group_.begin() + to,
                  static_cast<std::uint32_t>(made.groups_.size()));
        made.groups_.push_back(active);
    }
    return made;
}

}  // namespace tapmeter::inspect
