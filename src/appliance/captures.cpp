#include "src/appliance/captures.h"

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "dpdk/capture.h"
#include "src/capture_files/file_capture.h"
#include "src/generator/generator_capture.h"

namespace tapmeter {

namespace {

enum class Backend : std::uint8_t { xdp, dpdk, file, generator };

struct Source {
    Backend backend = Backend::xdp;
    std::string device;
    bool pci = false;
};

// "eth1", "xdp:eth1", "pci:0000:17:00.0", "dpdk:net_ring0", "pcap:FILE", "gen:"; the
// configuration was checked, so anything without a scheme is an interface.
Source source_of(const std::string& text) {
    struct Scheme {
        std::string_view prefix;
        Backend backend;
    };
    constexpr std::array schemes{Scheme{"xdp:", Backend::xdp}, Scheme{"dpdk:", Backend::dpdk},
                                 Scheme{"pci:", Backend::dpdk}, Scheme{"pcap:", Backend::file},
                                 Scheme{"gen:", Backend::generator}};
    for (const Scheme& scheme : schemes) {
        if (text.starts_with(scheme.prefix)) {
            return {scheme.backend, text.substr(scheme.prefix.size()), scheme.prefix == "pci:"};
        }
    }
    return {Backend::xdp, text, false};
}

tl::unexpected<Error> in_capture(const Config::Capture& capture, Error error) {
    error.message = "capture \"" + capture.name + "\": " + error.message;
    return tl::unexpected<Error>(std::move(error));
}

class Opener {
public:
    Opener(const Config& config, std::uint32_t queues_max, const LiveClock& clock)
        : config_(config), queues_max_(queues_max), clock_(clock) {}

    Result<Captures> open_all() {
        if (auto started = start_eal_when_wanted(); !started) {
            return tl::unexpected<Error>(std::move(started.error()));
        }
        if (auto opened = open_shunt_when_wanted(); !opened) {
            return tl::unexpected<Error>(std::move(opened.error()));
        }
        bool all_dpdk = true;
        for (const Config::Capture& capture : config_.captures) {
            auto opened = open(capture);
            if (!opened) {
                return in_capture(capture, std::move(opened.error()));
            }
            captures_.points.push_back(std::move(*opened));
            captures_.prefiltered.resize(captures_.points.size());
            all_dpdk = all_dpdk && source_of(capture.source).backend == Backend::dpdk;
        }
        // Our own symmetric RSS key with an even table is the same function on every DPDK port.
        captures_.same_symmetric_hash =
            captures_.points.size() == 1 ||
            (all_dpdk && std::ranges::all_of(captures_.points, [this](const auto& point) {
                 return point->queues() == captures_.points.front()->queues();
             }));
        return std::move(captures_);
    }

private:
    using Opened = Result<std::unique_ptr<Capture>>;

    Result<void> start_eal_when_wanted() {
        dpdk::EalOptions options;
        bool wanted = false;
        for (const Config::Capture& capture : config_.captures) {
            const Source source = source_of(capture.source);
            wanted = wanted || source.backend == Backend::dpdk;
            if (source.pci) {
                options.pci_allow.push_back(source.device);
            }
        }
        if (!wanted) {
            return {};
        }
        options.memory_octets = config_.memory.dpdk_octets;
        options.hugepages = config_.memory.hugepages == Config::Switch::on ? dpdk::Hugepages::on
                            : config_.memory.hugepages == Config::Switch::off
                                ? dpdk::Hugepages::off
                                : dpdk::Hugepages::automatic;
        auto eal = dpdk::start_eal(options);
        if (!eal) {
            return tl::unexpected<Error>(std::move(eal.error()));
        }
        captures_.eal = std::move(*eal);
        return {};
    }

    // Before the captures: their programs share its maps.
    Result<void> open_shunt_when_wanted() {
        const bool any_xdp = std::ranges::any_of(config_.captures, [](const auto& capture) {
            return source_of(capture.source).backend == Backend::xdp;
        });
        if (!config_.shunt.enabled || !any_xdp) {
            return {};
        }
        auto shunt = xdp::Shunt::open({.workers = queues_max_,
                                       .flows_max = config_.shunt.flows_max,
                                       .vlan_in_key = config_.flow.vlan_in_key,
                                       .clock = &clock_});
        if (!shunt) {
            return tl::unexpected<Error>(std::move(shunt.error()));
        }
        captures_.shunt = std::move(*shunt);
        return {};
    }

    Opened open(const Config::Capture& capture) {
        const Source source = source_of(capture.source);
        switch (source.backend) {
            case Backend::xdp:
                return open_by_xdp(capture, source);
            case Backend::dpdk:
                return open_by_dpdk(capture, source);
            case Backend::file:
                return open_file(source);
            case Backend::generator:
                break;
        }
        return std::make_unique<generator::GeneratorCapture>(generator::GeneratorCapture::Options{
            .observation_point = next_point(), .clock = &clock_});
    }

    Opened open_by_xdp(const Config::Capture& capture, const Source& source) {
        auto rules = prefilter_rules(capture.prefilter);
        if (!rules) {
            return tl::unexpected<Error>(std::move(rules.error()));
        }
        const auto mode = capture.xdp_mode == Config::XdpMode::native    ? xdp::Mode::native
                          : capture.xdp_mode == Config::XdpMode::generic ? xdp::Mode::generic
                                                                         : xdp::Mode::automatic;
        const auto zero_copy = capture.zero_copy == Config::Switch::on ? xdp::ZeroCopy::on
                               : capture.zero_copy == Config::Switch::off
                                   ? xdp::ZeroCopy::off
                                   : xdp::ZeroCopy::automatic;
        auto opened = xdp::open_xdp({.interface = source.device,
                                     .observation_point = next_point(),
                                     .queues_wanted = capture.queues,
                                     // A queue without a socket would lose its packets: open all,
                                     // however few workers share them.
                                     .queues_max = xdp::queues_per_interface_max,
                                     .rx_ring = capture.rx_ring,
                                     .frame_octets = capture.frame_octets,
                                     .promiscuous = capture.promiscuous,
                                     .mode = mode,
                                     .zero_copy = zero_copy,
                                     .busy_poll = capture.busy_poll == Config::Switch::on,
                                     .rules = std::move(*rules),
                                     .shunt = captures_.shunt.get(),
                                     .clock = &clock_});
        if (!opened) {
            return tl::unexpected<Error>(std::move(opened.error()));
        }
        captures_.prefiltered.push_back(opened->get());
        return std::unique_ptr<Capture>(std::move(*opened));
    }

    Opened open_by_dpdk(const Config::Capture& capture, const Source& source) {
        auto opened = dpdk::open_port({.device = source.device,
                                       .observation_point = next_point(),
                                       .queues = capture.queues,
                                       .rx_ring = capture.rx_ring,
                                       .promiscuous = capture.promiscuous,
                                       .workers = queues_max_,
                                       .clock = &clock_});
        if (!opened) {
            return tl::unexpected<Error>(std::move(opened.error()));
        }
        return std::unique_ptr<Capture>(std::move(*opened));
    }

    Opened open_file(const Source& source) {
        auto opened = capture_files::open({.paths = {source.device},
                                           .observation_point = next_point(),
                                           .keep_pages = queues_max_ > 1});
        if (!opened) {
            return tl::unexpected<Error>(std::move(opened.error()));
        }
        return std::unique_ptr<Capture>(std::move(*opened));
    }

    std::uint16_t next_point() const { return static_cast<std::uint16_t>(captures_.points.size()); }

    const Config& config_;
    std::uint32_t queues_max_;
    const LiveClock& clock_;
    Captures captures_;
};

}  // namespace

Result<Captures> open_captures(const Config& config, std::uint32_t queues_max,
                               const LiveClock& clock) {
    return Opener(config, queues_max, clock).open_all();
}

OuterPoints outer_points(const Config& config) {
    OuterPoints points;
    for (std::size_t index = 0; index < config.captures.size(); ++index) {
        const bool outer = config.captures[index].flow_key == Config::FlowKeyLayer::outer;
        points.bits |= outer ? std::uint64_t{1} << index : 0;
    }
    return points;
}
static_assert(captures_max <= 64);

Result<xdp::PrefilterRules> prefilter_rules(const Config::Prefilter& prefilter) {
    xdp::PrefilterRules rules;
    for (const std::string& text : prefilter.exclude) {
        auto prefix = xdp::parse_prefix(text);
        if (!prefix) {
            return tl::unexpected<Error>(std::move(prefix.error()));
        }
        rules.excluded.push_back(*prefix);
    }
    for (const auto& path : prefilter.exclude_files) {
        auto prefixes = xdp::read_prefix_file(path);
        if (!prefixes) {
            return tl::unexpected<Error>(std::move(prefixes.error()));
        }
        rules.excluded.insert(rules.excluded.end(), prefixes->begin(), prefixes->end());
    }
    rules.denied_ports = prefilter.deny_ports;
    rules.sample = prefilter.sample;
    return xdp::checked(std::move(rules));
}

}  // namespace tapmeter
