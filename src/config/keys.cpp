#include "src/config/keys.h"

#include <algorithm>

#include "src/config/history_keys.h"
#include "src/config/key_shapes.h"
#include "src/config/kpi_keys.h"
#include "src/config/output_keys.h"

namespace tapmeter::config {

namespace {

using namespace key_shapes;

constexpr std::array keys_before_outputs{
    Key{plain(Type::name), TableId::instance, "name", at<&C::instance, &C::Instance::name>(),
        "name of this instance, in messages and metrics"},
    Key{ranged(Type::number, 1, id_max), TableId::instance, "observation_domain_id",
        at<&C::instance, &C::Instance::observation_domain_id>(),
        "IPFIX Observation Domain ID (RFC 7011 section 3.1) of the first capture; the next gets "
        "one more"},

    Key{plain(Type::source, required), TableId::capture, "source",
        at<&C::captures, &C::Capture::source>(),
        "what to open: \"eth1\" (best method for it), \"xdp:eth1\", \"pci:0000:17:00.0\", "
        "\"dpdk:net_ring0\", \"pcap:FILE\""},
    Key{plain(Type::name, automatic), TableId::capture, "name",
        at<&C::captures, &C::Capture::name>(),
        "the interface label everywhere; auto: the device; unique"},
    Key{ranged(Type::number, 1, id_max, automatic), TableId::capture, "observation_domain_id",
        at<&C::captures, &C::Capture::observation_domain_id>(),
        "auto: that of the instance, plus the number of the block from 0"},
    Key{plain(Type::name, automatic), TableId::capture, "observation_domain_name",
        at<&C::captures, &C::Capture::observation_domain_name>(),
        "what collectors are told to call that domain; auto: INSTANCE:CAPTURE, or the name of the "
        "instance where captures share the domain"},
    Key{ranged(Type::number, 1, id_max, automatic), TableId::capture, "vrf_id",
        at<&C::captures, &C::Capture::vrf_id>(),
        "VRF whose packets come here, for collectors (ingressVRFID); auto: nothing is said"},
    Key{plain(Type::name, automatic), TableId::capture, "vrf_name",
        at<&C::captures, &C::Capture::vrf_name>(),
        "name of that VRF, for collectors (VRFname); auto: it has none"},
    Key{ranged(Type::number, 1, workers_max, automatic), TableId::capture, "queues",
        at<&C::captures, &C::Capture::queues>(),
        "receive queues; auto: what the device has, at most one per worker"},
    Key{ranged(Type::number, 64, 32'768, automatic_power), TableId::capture, "rx_ring",
        at<&C::captures, &C::Capture::rx_ring>(), "descriptors per queue; auto: computed"},
    Key{plain(Type::flag), TableId::capture, "promiscuous",
        at<&C::captures, &C::Capture::promiscuous>(),
        "receive frames that are not addressed to the interface"},
    Key{choice({"auto", "native", "generic"}), TableId::capture, "xdp_mode",
        at<&C::captures, &C::Capture::xdp_mode>(),
        "where the XDP program runs: in the driver (native) or behind it (generic)"},
    Key{choice({"auto", "on", "off"}), TableId::capture, "zero_copy",
        at<&C::captures, &C::Capture::zero_copy>(),
        "AF_XDP without copying; auto: where the driver can"},
    Key{choice({"auto", "on", "off"}), TableId::capture, "busy_poll",
        at<&C::captures, &C::Capture::busy_poll>(),
        "AF_XDP: poll the driver instead of waiting for its interrupt"},
    Key{ranged(Type::number, 2'048, 4'096, power_of_two), TableId::capture, "frame_octets",
        at<&C::captures, &C::Capture::frame_octets>(),
        "AF_XDP: octets of memory per frame, 2048 or 4096"},
    Key{choice({"inner", "outer"}), TableId::capture, "flow_key",
        at<&C::captures, &C::Capture::flow_key>(),
        "which IP header of a tunnelled packet makes the flow: the innermost that can be read, or "
        "the outermost"},

    Key{ranged(Type::duration, 0, duplicates_window_max), TableId::capture, "dedup",
        at<&C::captures, &C::Capture::dedup>(),
        "a packet that came already, at most so long ago, is a copy of a SPAN port: left out, and "
        "counted; 0s: copies are packets"},
    Key{plain(Type::packet_filter), TableId::capture, "filter",
        at<&C::captures, &C::Capture::filter>(),
        "packets that this expression of tcpdump's refuses are left out, and counted; it looks "
        "through VLAN tags, MPLS labels and PPPoE; empty: none"},
    Key{plain(Type::packet_filter_raw), TableId::capture, "filter_raw",
        at<&C::captures, &C::Capture::filter_raw>(),
        "the same of the frames as they stand; at most one of the two"},
    Key{ranged(Type::number, 1, link_speed_max, automatic), TableId::capture, "link_speed",
        at<&C::captures, &C::Capture::link_speed>(),
        "of the tapped link, in Mbit/s, for the share of it that is used; auto: what the device "
        "says"},

    Key{ranged(Type::texts, 0, excluded_prefixes_max, live), TableId::prefilter, "exclude",
        at<&C::captures, &C::Capture::prefilter, &C::Prefilter::exclude>(),
        "prefixes whose packets are left out, such as \"10.0.0.0/8\" or \"2001:db8::/32\""},
    Key{ranged(Type::texts, 0, 64, live), TableId::prefilter, "exclude_files",
        at<&C::captures, &C::Capture::prefilter, &C::Prefilter::exclude_files>(),
        "files with one prefix a line, # comments"},
    Key{ranged(Type::ports, 0, list_items_max, live), TableId::prefilter, "deny_ports",
        at<&C::captures, &C::Capture::prefilter, &C::Prefilter::deny_ports>(),
        "TCP and UDP ports whose packets are left out, either side"},
    Key{ranged(Type::number, 1, 1'000'000, live), TableId::prefilter, "sample",
        at<&C::captures, &C::Capture::prefilter, &C::Prefilter::sample>(),
        "keep 1 in N packets; 1: every packet"},

    Key{plain(Type::flag), TableId::service, "supervisor",
        at<&C::service, &C::Service::supervisor>(),
        "a parent process restarts the one that meters where it crashes; its flows go on"},

    Key{ranged(Type::number, 1, workers_max, automatic), TableId::workers, "count",
        at<&C::workers, &C::Workers::count>(),
        "worker threads; auto: one per queue of the captures"},
    Key{ranged(Type::cores, 0, workers_max, automatic), TableId::workers, "cores",
        at<&C::workers, &C::Workers::cores>(),
        "one core per worker, in order: \"2-9\", \"2,4,6-8\"; auto: not pinned"},
    Key{choice({"spin", "adaptive"}), TableId::workers, "idle",
        at<&C::workers, &C::Workers::idle>(),
        "spin: never sleeps, lowest latency; adaptive: naps when nothing arrives"},
    Key{choice({"auto", "hardware", "software"}), TableId::workers, "steering",
        at<&C::workers, &C::Workers::steering>(),
        "who brings both directions of a flow to one worker: the port's queues (hardware) or one "
        "core of ours (software); auto: the port, where it can"},

    Key{choice({"auto", "on", "off"}), TableId::memory, "hugepages",
        at<&C::memory, &C::Memory::hugepages>(), "huge pages; auto: when there are some"},
    Key{ranged(Type::size, 64 * mebibyte, mebibyte << 20U), TableId::memory, "dpdk",
        at<&C::memory, &C::Memory::dpdk_octets>(), "memory for DPDK when there are no huge pages"},

    Key{choice({"5tuple", "5tuple+vlan"}), TableId::flow, "key",
        at<&C::flow, &C::Flow::vlan_in_key>(),
        "what tells flows apart: addresses, ports and protocol, with or without the VLAN"},
    Key{ranged(Type::number, 1'024, flows_per_worker_max), TableId::flow, "flows_max",
        at<&C::flow, &C::Flow::flows_max>(), "flows per worker; memory is taken at the start"},
    Key{ranged(Type::duration, second, hour), TableId::flow, "idle_timeout",
        at<&C::flow, &C::Flow::idle_timeout>(), "a flow without packets for so long has ended"},
    Key{ranged(Type::duration, second, 24 * hour), TableId::flow, "active_timeout",
        at<&C::flow, &C::Flow::active_timeout>(),
        "a flow that lasts is reported each time it has lasted so long"},
    Key{ranged(Type::duration, 0, 60 * second), TableId::flow, "tcp_end_timeout",
        at<&C::flow, &C::Flow::tcp_end_timeout>(), "how long a TCP flow is kept after FIN or RST"},
    Key{plain(Type::flag), TableId::flow, "own_export", at<&C::flow, &C::Flow::own_export>(),
        "meter the packets by which tapmeter itself exports; else left out, and counted"},

    Key{choice({"auto", "on", "off"}), TableId::overload, "aggregate",
        at<&C::overload, &C::Overload::aggregate>(),
        "in a flood, new flows to one network share a record; auto: of live packets"},
    Key{ranged(Type::number, 1, flood_max, automatic), TableId::overload, "new_flows",
        at<&C::overload, &C::Overload::new_flows>(),
        "a flood: so many new flows a second and worker; auto: flows_max / idle_timeout"},
    Key{ranged(Type::number, 1, 100), TableId::overload, "flood_table",
        at<&C::overload, &C::Overload::flood_table>(),
        "and the flow table is so full, percent of flows_max"},
    Key{ranged(Type::number, 1, flood_max, automatic), TableId::overload, "flows_let_in",
        at<&C::overload, &C::Overload::flows_let_in>(),
        "new flows a second and worker that a flood leaves alone; auto: half of new_flows"},
    Key{ranged(Type::number, 1, 100), TableId::overload, "table_warm",
        at<&C::overload, &C::Overload::table_warm>(), "flows, percent of flows_max"},
    Key{ranged(Type::number, 1, 100), TableId::overload, "table_hot",
        at<&C::overload, &C::Overload::table_hot>(), "flows, percent of flows_max"},
    Key{ranged(Type::number, 1, 100), TableId::overload, "ring_warm",
        at<&C::overload, &C::Overload::ring_warm>(),
        "records that wait for the exporter core, percent of the ring"},
    Key{ranged(Type::number, 1, 100), TableId::overload, "ring_hot",
        at<&C::overload, &C::Overload::ring_hot>(),
        "records that wait for the exporter core, percent of the ring"},
    Key{ranged(Type::number, 1, 100), TableId::overload, "backlog_warm",
        at<&C::overload, &C::Overload::backlog_warm>(),
        "turns that brought a full burst, percent of a worker's turns"},
    Key{ranged(Type::number, 1, 100), TableId::overload, "backlog_hot",
        at<&C::overload, &C::Overload::backlog_hot>(),
        "turns that brought a full burst, percent of a worker's turns"},
    Key{ranged(Type::number, 1, 100), TableId::overload, "leave",
        at<&C::overload, &C::Overload::leave>(),
        "a state is left at so many percent of the level at which it is entered"},
    Key{ranged(Type::number, 1, 65'536, power_of_two), TableId::overload, "sample_flows_max",
        at<&C::overload, &C::Overload::sample_flows_max>(),
        "a worker that cannot keep up meters 1 in N flows, N to this; 1: always all"},
    Key{ranged(Type::number, 100, 6'400), TableId::overload, "queue_skew",
        at<&C::overload, &C::Overload::queue_skew>(),
        "busiest queue of a port, percent of the mean of its queues: a cause for warm"},

    Key{plain(Type::flag), TableId::shunt, "enabled", at<&C::shunt, &C::Shunt::enabled>(),
        "count the packets of large flows where they arrive: AF_XDP drops them in the driver"},
    Key{ranged(Type::size, kibibyte * 64, mebibyte << 20U), TableId::shunt, "octets",
        at<&C::shunt, &C::Shunt::octets>(),
        "a flow is large once it has had more IP octets than this within one active timeout"},
    Key{ranged(Type::number, 1, shunted_flows_max), TableId::shunt, "flows_max",
        at<&C::shunt, &C::Shunt::flows_max>(),
        "shunted flows per worker at one time; memory: 256 octets each for every CPU"},
    Key{ranged(Type::duration, 10, 500), TableId::shunt, "interval",
        at<&C::shunt, &C::Shunt::interval>(), "how often their counts are added to the flows"},

    Key{plain(Type::flag), TableId::dpi, "enabled", at<&C::dpi, &C::Dpi::enabled>(),
        "tell the applications of flows; costs memory and, while a flow is new, cycles"},
    Key{ranged(Type::number, 1, 255), TableId::dpi, "tcp_packets",
        at<&C::dpi, &C::Dpi::tcp_packets_max>(),
        "packets of a TCP flow that are looked at; then what is known has to do"},
    Key{ranged(Type::number, 1, 255), TableId::dpi, "udp_packets",
        at<&C::dpi, &C::Dpi::other_packets_max>(), "the same for UDP and all other protocols"},
    Key{ranged(Type::number, 64, std::uint64_t{1} << 24U), TableId::dpi, "states_max",
        at<&C::dpi, &C::Dpi::states_max>(),
        "flows per worker that are undecided at one time; memory: about 1.1 KiB each, with "
        "signatures 1.3 KiB, and 16 MiB"},
    Key{ranged(Type::number, 64, std::uint64_t{1} << 24U), TableId::dpi, "metadata_max",
        at<&C::dpi, &C::Dpi::metadata_max>(),
        "flows per worker that keep what was found in them until they leave: server name, "
        "certificate, URL, fingerprints; memory: 768 octets each"},
    Key{ranged(Type::size, 256, 65'536), TableId::dpi, "stream_octets",
        at<&C::dpi, &C::Dpi::stream_octets>(),
        "of each direction of a TCP connection, so many octets are looked at; of other flows so "
        "many of their packets, by signatures"},
    Key{ranged(Type::number, 16, std::uint64_t{1} << 20U), TableId::dpi, "streams_max",
        at<&C::dpi, &C::Dpi::streams_max>(),
        "directions per worker that wait for octets before them, or for the end of a message; "
        "memory: dpi.stream_octets each"},
    Key{ranged(Type::number, 1, 100), TableId::dpi, "budget", at<&C::dpi, &C::Dpi::budget>(),
        "percent of the cycles of a worker that cannot keep up; what is more is not looked at, and "
        "counted; 100: no limit"},
    Key{ranged(Type::texts, 0, dissectors_off_max), TableId::dpi, "dissectors_off",
        at<&C::dpi, &C::Dpi::dissectors_off>(),
        "protocols of nDPI whose dissectors are not used, because packets are known that crash "
        "them"},
    Key{ranged(Type::path, 0, 4'095, live), TableId::dpi, "protocols_file",
        at<&C::dpi, &C::Dpi::protocols_file>(),
        "protocols of your own, as nDPI reads them: \"tcp:8181@Shop\"; off: none"},
    Key{ranged(Type::path, 0, 4'095, live), TableId::dpi, "categories_file",
        at<&C::dpi, &C::Dpi::categories_file>(),
        "host names and prefixes, a tab, and the number of their category; off: none"},

    Key{plain(Type::flag), TableId::analytics, "tcp", at<&C::analytics, &C::Analytics::tcp>(),
        "how TCP connections fare: round trips, retransmissions, loss, windows; memory: 427 octets "
        "for each flow of flow.flows_max"},
    Key{plain(Type::flag), TableId::analytics, "tunnels",
        at<&C::analytics, &C::Analytics::tunnels>(),
        "what stands around the first packet of a flow: outer addresses, tunnels, labels; memory: "
        "5.4 octets likewise"},
    Key{plain(Type::flag), TableId::analytics, "behaviour",
        at<&C::analytics, &C::Analytics::behaviour>(),
        "packet sizes, gaps and TTLs, the first 16 packets, peaks, MAC addresses; memory: 512 "
        "octets likewise"},
    Key{plain(Type::flag), TableId::analytics, "entropy",
        at<&C::analytics, &C::Analytics::entropy>(),
        "how evenly the octets of payloads are spread, of the first 4,096 each way"},
    Key{plain(Type::flag), TableId::analytics, "rtp", at<&C::analytics, &C::Analytics::rtp>(),
        "jitter and loss of RTP over UDP, each way"},
    Key{plain(Type::flag), TableId::analytics, "dns", at<&C::analytics, &C::Analytics::dns>(),
        "response times of DNS over UDP"},
    Key{ranged(Type::number, 64, std::uint64_t{1} << 24U), TableId::analytics, "tunnels_max",
        at<&C::analytics, &C::Analytics::tunnels_max>(),
        "flows per worker that keep their tunnels until they leave; memory: 132 octets each"},
    Key{ranged(Type::number, 64, std::uint64_t{1} << 24U), TableId::analytics, "entropy_max",
        at<&C::analytics, &C::Analytics::entropy_max>(),
        "flows per worker whose octets are counted; memory: 1,040 octets each"},
    Key{ranged(Type::number, 64, std::uint64_t{1} << 24U), TableId::analytics, "rtp_max",
        at<&C::analytics, &C::Analytics::rtp_max>(),
        "flows per worker that may be RTP; memory: 172 octets each"},
    Key{ranged(Type::number, 64, std::uint64_t{1} << 24U), TableId::analytics, "dns_max",
        at<&C::analytics, &C::Analytics::dns_max>(),
        "flows per worker of DNS; memory: 132 octets each"},

    Key{ranged(Type::number, 16, std::uint64_t{1} << 20U), TableId::signatures, "streams_max",
        at<&C::signatures, &C::Signatures::streams_max>(),
        "directions per worker whose stream is kept in one piece; others are compared part by "
        "part, and counted; memory: dpi.stream_octets each"},
    Key{plain(Type::flag), TableId::signatures, "midstream",
        at<&C::signatures, &C::Signatures::midstream>(),
        "compare connections as streams although their beginning was not seen"},
    Key{ranged(Type::texts, 0, signature_files_max, live), TableId::signatures, "rule_files",
        at<&C::signatures, &C::Signatures::rule_files>(),
        "rule files, also by pattern, such as \"/etc/tapmeter/rules/*.rules\""},
    Key{ranged(Type::texts, 0, signature_files_max, live), TableId::signatures, "variables",
        at<&C::signatures, &C::Signatures::variables>(),
        "\"NAME=VALUE\" for the rules, such as \"HOME_NET=[10.0.0.0/8,192.168.0.0/16]\""},
    Key{ranged(Type::texts, 0, signature_files_max, live), TableId::signatures, "address_lists",
        at<&C::signatures, &C::Signatures::address_lists>(),
        "files of addresses and networks to be told of, one a line, # comments"},
    Key{ranged(Type::texts, 0, signature_files_max, live), TableId::signatures, "domain_lists",
        at<&C::signatures, &C::Signatures::domain_lists>(),
        "files of domain names to be told of, with all below them, one a line, # comments"},
    Key{ranged(Type::path, 0, signature_path_octets_max, live), TableId::signatures, "cache_folder",
        at<&C::signatures, &C::Signatures::cache_folder>(),
        "where compiled rules are kept for the next start; off: nowhere"},
    Key{ranged(Type::duration, second, 600 * second, whole_seconds), TableId::signatures,
        "compile_time", at<&C::signatures, &C::Signatures::compile_time>(),
        "CPU time that compiling the rules may take"},
    Key{ranged(Type::size, 64 * mebibyte, 64 * kibibyte * mebibyte), TableId::signatures,
        "compile_memory", at<&C::signatures, &C::Signatures::compile_octets>(),
        "memory that compiling the rules may take"},

    Key{plain(Type::secret), TableId::write, "file", at<&C::write, &C::Write::file>(),
        "a file name; with `rotate` a format of strftime(3); empty: nothing is written"},
    Key{ranged(Type::number, 1, 262'144, automatic), TableId::write, "snap_octets",
        at<&C::write, &C::Write::snap_octets>(),
        "octets of a packet that are written at most; auto: all that were captured"},
    Key{ranged(Type::number, 1, mebibyte << 20U, automatic), TableId::write, "file_octets",
        at<&C::write, &C::Write::file_octets>(),
        "the next file begins once one is larger; auto: never"},
    Key{ranged(Type::number, 1, 1'000'000, automatic), TableId::write, "files",
        at<&C::write, &C::Write::files>(),
        "with `file_octets`: so many, then the first is written anew; with `rotate` alone: so "
        "many, then no more; auto: any number"},
    Key{ranged(Type::duration, 0, 720 * hour, whole_seconds), TableId::write, "rotate",
        at<&C::write, &C::Write::rotate>(),
        "the next file begins after so long, by the time of the packets; 0s: never"},
    Key{plain(Type::flag), TableId::write, "compress", at<&C::write, &C::Write::compress>(),
        "compress files with zstd once they are closed"},
    Key{ranged(Type::size, 2 * mebibyte, 65'536 * mebibyte), TableId::write, "ring",
        at<&C::write, &C::Write::ring_octets>(),
        "memory of each worker for packets that wait for the disk; where it is full, live packets "
        "are not written, and counted"},
};

constexpr std::array keys_after_outputs{
    Key{plain(Type::listen),
        TableId::http,
        "listen",
        {get_listen, set_listen},
        "loopback address and port of the API and /metrics; port 0: any free one; off: none"},

    Key{ranged(Type::path, 0, socket_octets_max), TableId::control, "socket",
        at<&C::control, &C::Control::socket>(), "unix socket for `tapmeter ctl`; off: none"},
    Key{plain(Type::group), TableId::control, "group", at<&C::control, &C::Control::group>(),
        "group that may use the socket; empty: the group of the process"},

    Key{plain(Type::push_url), TableId::influxdb, "url", at<&C::influxdb, &C::Influxdb::url>(),
        "\"http://HOST:PORT\" or \"https://HOST:PORT\" of InfluxDB (8086), \"udp://HOST:PORT\" "
        "(8089), or \"file:///PATH\"; empty: nothing is pushed"},
    Key{ranged(Type::duration, second, hour, whole_seconds), TableId::influxdb, "interval",
        at<&C::influxdb, &C::Influxdb::interval>(), "between two pushes"},
    Key{ranged(Type::duration, second, 60 * second, whole_seconds), TableId::influxdb, "timeout",
        at<&C::influxdb, &C::Influxdb::timeout>(),
        "of one push; what has not left by then is not sent again"},
    Key{plain(Type::secret), TableId::influxdb, "database",
        at<&C::influxdb, &C::Influxdb::database>(), "where the counters go, of version 1"},
    Key{plain(Type::secret), TableId::influxdb, "bucket", at<&C::influxdb, &C::Influxdb::bucket>(),
        "the same of version 2; empty: it is version 1"},
    Key{plain(Type::secret), TableId::influxdb, "organization",
        at<&C::influxdb, &C::Influxdb::organization>(), "whose bucket it is"},
    Key{plain(Type::secret), TableId::influxdb, "user", at<&C::influxdb, &C::Influxdb::user>(),
        "who writes, of version 1; empty: nobody in particular, or who has the token"},
    Key{plain(Type::secret), TableId::influxdb, "token_file",
        at<&C::influxdb, &C::Influxdb::token_file>(),
        "file with the token, or with the user's password; empty: neither"},
    Key{plain(Type::secret), TableId::influxdb, "tls_ca", at<&C::influxdb, &C::Influxdb::tls_ca>(),
        "PEM file of the authorities that we believe; empty: those of the system"},

    Key{choice({"error", "warn", "info", "debug", "trace"}, live), TableId::log, "level",
        at<&C::log_level>(), "how much is said"},
};

constexpr auto keys = [] {
    std::array<Key, keys_before_outputs.size() + history_keys.size() + kpi_keys.size() +
                        output_keys.size() + keys_after_outputs.size()>
        all{};
    auto* const history = std::ranges::copy(keys_before_outputs, all.begin()).out;
    auto* const services = std::ranges::copy(history_keys, history).out;
    auto* const outputs = std::ranges::copy(kpi_keys, services).out;
    std::ranges::copy(keys_after_outputs, std::ranges::copy(output_keys, outputs).out);
    return all;
}();

static_assert(std::ranges::is_sorted(keys, {}, &Key::table), "tables are printed in one piece");

// One block in each list, so that every key has a member to ask.
Config one_of_each() {
    Config config;
    config.captures.resize(1);
    config.services.resize(1);
    config.ipfix.resize(1);
    config.json.resize(1);
    config.clickhouse.resize(1);
    config.kafka.resize(1);
    return config;
}

}  // namespace

std::span<const Key> all_keys() {
    return keys;
}

const Key* find_key(std::string_view table_path, std::string_view name) {
    const auto found = std::ranges::find_if(
        keys, [&](const Key& key) { return key.name == name && table_of(key).path == table_path; });
    return found == keys.end() ? nullptr : &*found;
}

Value default_value(const Key& key) {
    static const Config defaults = one_of_each();
    return key.access.get(defaults, 0);
}

}  // namespace tapmeter::config
