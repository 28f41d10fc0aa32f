// The part of Appliance that meters services.

#include "src/appliance/services.h"

#include <array>
#include <string>
#include <string_view>
#include <utility>

#include "src/appliance/appliance.h"

namespace tapmeter {

namespace {

using Service = Config::KpiService;

// "dst ip in [10.0.0.0/8, 2001:db8::/32]"
template <class Items, class Text>
void add_list(std::string& filter, std::string_view quantity, const Items& items, Text text) {
    std::string list;
    for (const auto& item : items) {
        list += (list.empty() ? "" : ", ") + text(item);
    }
    if (!list.empty()) {
        filter += (filter.empty() ? "" : " and ") + std::string(quantity) + " in [" + list + "]";
    }
}

// In the words of tapmeter-filter(7), for one end of a flow.
std::string filter_text(const Service& service, const std::string& end) {
    constexpr std::array<std::string_view, 4> protocols{"", "tcp", "udp", "sctp"};
    std::string filter;
    add_list(filter, end + " ip", service.hosts, [](const std::string& host) { return host; });
    add_list(filter, end + " port", service.ports,
             [](std::uint16_t port) { return std::to_string(port); });
    if (service.protocol != Service::Protocol::any) {
        filter += (filter.empty() ? "proto " : " and proto ");
        filter += protocols.at(static_cast<std::size_t>(service.protocol));
    }
    return filter;
}

}  // namespace

Result<std::vector<exporting::Service>> make_services(const Config& config) {
    static_assert(kpi_services_max == exporting::services_max);
    std::vector<exporting::Service> services;
    for (const Service& service : config.services) {
        auto towards = fields::parse_filter(filter_text(service, "dst"));
        auto away = fields::parse_filter(filter_text(service, "src"));
        if (!towards || !away) {
            return failed(Error::Kind::invalid_config,
                          "[[kpi.service]] " + service.name + ": its hosts and ports make no " +
                              "filter (" + (towards ? away.error() : towards.error()) +
                              "); write prefixes such as \"10.1.0.0/24\"");
        }
        services.push_back({.name = service.name,
                            .towards = std::move(*towards),
                            .away = std::move(*away),
                            .applications = service.applications});
    }
    return services;
}

Result<void> Appliance::meter_services() {
    auto services = make_services(parts_.config);
    if (!services) {
        return tl::unexpected<Error>(std::move(services.error()));
    }
    if (parts_.names == nullptr) {
        own_names_ = std::make_unique<inspect::ApplicationNames>();
        parts_.names = own_names_.get();
    }
    exporter_->meter_services(std::move(*services), *parts_.names);
    return {};
}

}  // namespace tapmeter
