#include "src/verbs/bench_live.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <thread>
#include <utility>

#include "src/appliance/appliance.h"
#include "src/bench/frame_head.h"
#include "src/verbs/configuration.h"
#include "src/verbs/outputs.h"

namespace tapmeter::verbs {

namespace {

using namespace std::chrono_literals;

constexpr auto look_interval = 20ms;
constexpr auto settling = 500ms;  // a link that has just come up
constexpr auto outputs_within = 3s;

Result<std::unique_ptr<Appliance>> open(const Config& config, const LiveClock& clock) {
    auto outputs = open_outputs(config, interfaces_of(config), complain);
    if (!outputs) {
        return tl::unexpected<Error>(std::move(outputs.error()));
    }
    auto captures = open_captures(config, workers_wanted(config), clock);
    if (!captures) {
        return tl::unexpected<Error>(std::move(captures.error()));
    }
    Appliance::Parts parts;
    parts.config = config;
    parts.captures = std::move(*captures);
    parts.outputs = std::move(*outputs);
    parts.clock = &clock;
    return Appliance::build(std::move(parts));
}

// True: the time is over; false: told to stop, or every source has ended.
bool wait(Appliance& appliance, std::chrono::nanoseconds duration, const std::atomic<bool>& stop) {
    const auto end = std::chrono::steady_clock::now() + duration;
    while (std::chrono::steady_clock::now() < end) {
        if (stop.load() || appliance.wait_for(look_interval)) {
            return false;
        }
    }
    return true;
}

// The last of so many addresses from 10.0.0.0 on, all that there are at most.
std::string last_source(std::uint64_t flows) {
    constexpr std::uint64_t addresses = std::uint64_t{1} << 24U;
    const std::uint64_t last = std::min(flows, addresses) - 1;
    return fmt::format("10.{}.{}.{}", last >> 16U, (last >> 8U) & 0xffU, last & 0xffU);
}

}  // namespace

Result<bench::LiveOutcome> measure_live(const Config& config, const BenchCommand& command,
                                        const std::atomic<bool>& stop) {
    const LiveClock clock;
    auto opened = open(config, clock);
    if (!opened) {
        return tl::unexpected<Error>(std::move(opened.error()));
    }
    Appliance& appliance = **opened;
    if (auto started = appliance.start(); !started) {
        return tl::unexpected<Error>(std::move(started.error()));
    }
    bench::LiveOutcome outcome;
    outcome.described = appliance.describe();
    wait(appliance, settling, stop);
    outcome.before = appliance.snapshot();
    const auto began = std::chrono::steady_clock::now();
    wait(appliance, command.trial, stop);
    outcome.after = appliance.snapshot();
    outcome.measured = std::chrono::steady_clock::now() - began;
    appliance.stop(outputs_within);
    outcome.books = appliance.snapshot();
    outcome.balanced = metrics::balanced(metrics::laws(outcome.books));
    return outcome;
}

std::string generator_lines(const BenchCommand& command) {
    std::string text =
        "Send from the other machine, one of these for each frame size; DEV, PCI and the MAC "
        "address\n"
        "are yours to fill in. scripts/pktgen/README.md has the long form.\n";
    auto out = std::back_inserter(text);
    for (const std::uint32_t size : command.sizes) {
        if (size == 0) {
            text +=
                "  IMIX: seven of 64, four of 594, one of 1518 octets: see the profiles there\n";
            continue;
        }
        const std::uint32_t octets = size - bench::fcs_octets;
        fmt::format_to(out, "frames of {} octets with FCS, {} flows:\n", size, command.flows);
        fmt::format_to(
            out,
            "  kernel pktgen   modprobe pktgen; cd /proc/net/pktgen; echo add_device DEV "
            "> kpktgend_0\n"
            "                  for c in \"pkt_size {}\" \"count 0\" \"clone_skb 0\" \"burst "
            "32\" \"dst_mac MAC\" \\\n"
            "                           \"src_min 10.0.0.0\" \"src_max {}\" \"flag "
            "IPSRC_RND\" \\\n"
            "                           \"dst 198.18.0.1\"; do echo \"$c\" > DEV; "
            "done; echo start > pgctrl\n",
            octets, last_source(command.flows));
        fmt::format_to(out,
                       "  DPDK testpmd    dpdk-testpmd -a PCI -- --forward-mode=flowgen "
                       "--txpkts={} --flowgen-flows={} \\\n"
                       "                  --eth-peer=0,MAC --stats-period 1 --auto-start\n",
                       octets, command.flows);
        fmt::format_to(out,
                       "  trafgen, each packet a flow by chance\n"
                       "                  trafgen --dev DEV --cpus 1 '{{ eth(da=MAC), "
                       "ipv4(saddr=drnd(), daddr=198.18.0.1), \\\n"
                       "                  udp(sport=drnd(), dport=9), fill(0, {}) }}'\n",
                       octets - 42);
    }
    return text;
}

}  // namespace tapmeter::verbs
