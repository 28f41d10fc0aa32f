#pragma once

#include <array>

#include "src/config/key_shapes.h"

// The keys of [[kpi.service]]; for keys.cpp alone.
namespace tapmeter::config::key_shapes {

inline constexpr std::uint64_t service_items_max = 64;

inline constexpr std::array kpi_keys{
    Key{plain(Type::name, required), TableId::kpi, "name", at<&C::services, &C::KpiService::name>(),
        "the service label of its metrics; unique"},
    Key{ranged(Type::prefixes, 0, service_items_max), TableId::kpi, "hosts",
        at<&C::services, &C::KpiService::hosts>(),
        "addresses and prefixes of its servers, such as \"10.1.0.0/24\"; empty: any"},
    Key{ranged(Type::ports, 0, service_items_max), TableId::kpi, "ports",
        at<&C::services, &C::KpiService::ports>(), "ports of its servers; empty: any"},
    Key{ranged(Type::texts, 0, service_items_max), TableId::kpi, "applications",
        at<&C::services, &C::KpiService::applications>(),
        "what it carries, as nDPI names it, such as \"TLS\" or \"SIP\"; empty: anything"},
    Key{choice({"any", "tcp", "udp", "sctp"}), TableId::kpi, "protocol",
        at<&C::services, &C::KpiService::protocol>(), "of its flows"},
};

}  // namespace tapmeter::config::key_shapes
