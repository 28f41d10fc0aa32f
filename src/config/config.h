#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "src/fields/time_unit.h"

namespace tapmeter {

// Hard limits. Beyond them the program refuses to start; inside them it never allocates again.
inline constexpr std::size_t captures_max = 64;
inline constexpr std::size_t workers_max = 64;
inline constexpr std::size_t flows_per_worker_max = std::size_t{1} << 27U;
inline constexpr std::size_t outputs_max = 32;
inline constexpr std::size_t kpi_services_max = 32;
inline constexpr std::size_t excluded_prefixes_max = 100'000;

// The file conf/tapmeter.toml after checking. Whoever holds a Config made by load_config() holds
// a checked one: every value is inside the range that its comment names.
struct Config {
    struct Instance {
        std::string name = "tapmeter";
        // IPFIX Observation Domain ID (RFC 7011 section 3.1) of the first interface; interface k
        // of the captures without an id of their own gets this + k.
        std::uint32_t observation_domain_id = 1;
    };

    // What the XDP program leaves out before user space sees it; may change at run time.
    struct Prefilter {
        std::vector<std::string> exclude;                  // "10.0.0.0/8", "2001:db8::/32"
        std::vector<std::filesystem::path> exclude_files;  // one prefix a line, # comments
        std::vector<std::uint16_t> deny_ports;             // TCP and UDP, either side
        std::uint32_t sample = 1;                          // keep 1 in N packets; 1 to 1,000,000
    };

    enum class XdpMode : std::uint8_t { automatic, native, generic };
    enum class Switch : std::uint8_t { automatic, on, off };
    enum class FlowKeyLayer : std::uint8_t { inner, outer };

    // One [[capture]] block: one Observation Point.
    struct Capture {
        std::string name;    // the "interface" label everywhere; unique; defaults to the device
        std::string source;  // "eth1" "xdp:eth1" "pci:0000:17:00.0" "dpdk:net_ring0" "pcap:FILE"
        std::optional<std::uint32_t> observation_domain_id;
        std::string observation_domain_name;  // empty: made of the names of instance and capture
        std::uint32_t vrf_id = 0;             // whose packets come here; 0: nobody has said
        std::string vrf_name;                 // empty: it has none
        std::uint32_t queues = 0;   // 0: what the device has, at most one per worker; to 64
        std::uint32_t rx_ring = 0;  // descriptors per queue; 0: computed; power of two 64 to 32768
        bool promiscuous = true;
        XdpMode xdp_mode = XdpMode::automatic;
        Switch zero_copy = Switch::automatic;
        Switch busy_poll = Switch::off;
        std::uint32_t frame_octets = 4096;            // AF_XDP chunk: 2048 or 4096
        FlowKeyLayer flow_key = FlowKeyLayer::inner;  // of tunnels: which IP header is metered
        // A packet that came already, at most so long ago, is left out; 0: never. To 10 ms.
        std::chrono::milliseconds dedup{0};
        // Packets that tcpdump's expression refuses are left out; empty: none. `filter` looks
        // through tags, `filter_raw` sees frames as they stand; at most one of them is set.
        std::string filter;
        std::string filter_raw;
        // Of the link, in Mbit/s, for who wants to know how much of it is used; 0: as the device
        // says. To 10,000,000.
        std::uint32_t link_speed = 0;
        Prefilter prefilter;
    };

    enum class Idle : std::uint8_t { spin, adaptive };
    enum class Steering : std::uint8_t { automatic, hardware, software };
    struct Workers {
        std::uint32_t count = 0;      // 0: one per queue of the captures; to workers_max
        std::vector<unsigned> cores;  // one per worker, in order; empty: not pinned
        Idle idle = Idle::adaptive;   // spin: never sleeps; adaptive: naps when nothing arrives
        Steering steering = Steering::automatic;  // who brings a packet to its worker
    };

    struct Service {
        // `run` watches over the process that meters, and starts another where it crashes.
        bool supervisor = true;
    };

    struct Memory {
        Switch hugepages = Switch::automatic;
        std::uint64_t dpdk_octets = 256ULL << 20U;  // without hugepages; 64 MiB and more
    };

    struct Flow {
        std::size_t flows_max = std::size_t{1} << 20U;  // per worker; 1,024 to flows_per_worker_max
        std::chrono::milliseconds idle_timeout{30'000};    // 1 s to 1 h
        std::chrono::milliseconds active_timeout{60'000};  // 1 s to 24 h
        std::chrono::milliseconds tcp_end_timeout{2'000};  // linger after FIN or RST; 0 to 1 min
        bool vlan_in_key = true;                           // key = "5tuple+vlan" or "5tuple"
        bool own_export = false;  // meter the packets of our own Transport Sessions too
    };

    // When a worker is pressed, and what it does then. Percentages are 1 to 100 unless said.
    struct Overload {
        Switch aggregate = Switch::automatic;  // of new flows in a flood; auto: live packets only
        std::uint32_t new_flows = 0;  // a second and worker: a flood; 0: flows_max / idle_timeout
        std::uint32_t flows_let_in = 0;  // a second and worker, in a flood; 0: half of new_flows
        std::uint32_t flood_table = 85;  // and the table is so full
        std::uint32_t table_warm = 60;
        std::uint32_t table_hot = 80;
        std::uint32_t ring_warm = 50;
        std::uint32_t ring_hot = 75;
        std::uint32_t backlog_warm = 50;  // of the turns brought a full burst
        std::uint32_t backlog_hot = 95;
        std::uint32_t leave = 80;             // of the level at which a state is entered
        std::uint32_t sample_flows_max = 64;  // 1 in so many flows at the hardest; power of two
        std::uint32_t queue_skew = 150;       // busiest queue, of the mean of all; 100 to 6,400
    };

    // Large flows whose packets are counted before the worker, and no longer looked at.
    struct Shunt {
        bool enabled = false;
        std::uint64_t octets = 16ULL << 20U;      // a record with more is shunted; 64 KiB to 1 TiB
        std::uint32_t flows_max = 256;            // per worker at one time; 1 to 65,535
        std::chrono::milliseconds interval{100};  // counts are folded into flows; 10 ms to 500 ms
    };

    // Rules to look for in payloads, and lists of what must not be spoken to.
    struct Signatures {
        std::vector<std::string> rule_files;         // paths and glob patterns; empty: none
        std::vector<std::string> variables;          // "NAME=VALUE", on top of the usual ones
        std::vector<std::string> address_lists;      // files
        std::vector<std::string> domain_lists;       // files
        std::filesystem::path cache_folder;          // empty: nothing is kept
        std::chrono::seconds compile_time{20};       // of CPU; 1 s to 10 min
        std::uint64_t compile_octets = 2ULL << 30U;  // 64 MiB to 64 GiB
        // Per worker: directions whose stream is kept in one piece; 16 to 1 million.
        std::uint32_t streams_max = 4'096;
        bool midstream = false;  // streams whose handshake was not seen are compared as streams
    };

    // Which application a flow carries, told by nDPI from its first packets.
    struct Dpi {
        bool enabled = true;
        std::uint32_t tcp_packets_max = 24;    // of one flow; 1 to 255
        std::uint32_t other_packets_max = 16;  // UDP and others; 1 to 255
        std::uint32_t states_max = 65'536;     // per worker: undecided flows; 64 to 16 million
        std::uint32_t metadata_max = 65'536;  // per worker: flows whose names are kept; 64 and more
        std::uint32_t stream_octets = 16'384;  // of a direction that are inspected; to 65,536
        std::uint32_t streams_max = 1'024;     // per worker: directions that wait for octets
        // Of the cycles of a worker that cannot keep up, percent; 100: as much as it takes. Counts
        // for live packets: a recording waits.
        std::uint32_t budget = 50;
        // Of nDPI, by the names of its protocols: 4.2 can be crashed by one packet of DTLS.
        std::vector<std::string> dissectors_off{"DTLS"};
        std::filesystem::path protocols_file;   // the operator's own protocols; empty: none
        std::filesystem::path categories_file;  // and categories
    };

    // What is found in packets beside the counts of their flows, in groups.
    struct Analytics {
        bool tcp = false;        // round trips, retransmissions, ...: pipeline/flow/tcp_report.h
        bool tunnels = true;     // pipeline/flow/tunnel_report.h
        bool behaviour = false;  // pipeline/flow/behaviour.h
        bool entropy = false;    // pipeline/flow/payload_report.h, as the next two
        bool rtp = false;
        bool dns = false;
        std::uint32_t tunnels_max =
            65'536;  // per worker: flows whose tunnels are kept; 64 and more

        // Per worker, flows at one time of the groups of these names; 64 and more.
        std::uint32_t entropy_max = 65'536;
        std::uint32_t rtp_max = 16'384;
        std::uint32_t dns_max = 65'536;

        bool any() const noexcept { return tcp || tunnels || behaviour || entropy || rtp || dns; }
    };

    // Packets as they came, into pcapng files.
    struct Write {
        std::string file;  // empty: none is written; with `rotate` a format of strftime
        std::uint32_t snap_octets = 0;  // of a packet at most; 0: all that was captured; to 262,144
        std::uint64_t file_octets = 0;  // the next file begins behind so many; 0: never; to 1 TiB
        std::uint32_t files = 0;        // at most; 0: any number; to 1,000,000
        std::chrono::seconds rotate{0};  // the next file begins after so long; 0: never; to 30 days
        bool compress = false;           // files, once closed
        // Per worker: packets that wait for the disk; 2 MiB to 64 GiB.
        std::uint64_t ring_octets = 64ULL << 20U;
    };

    // The packets received last, in memory, so that they can be written once somebody asks.
    struct History {
        bool enabled = false;
        std::uint64_t octets = 64ULL << 20U;  // per worker; 1 MiB to 1 TiB, up to a power of two
        std::uint32_t snap_octets = 0;  // of a packet at most; 0: all that was captured; to 262,144
        bool alerts = true;             // an alert recalls its flow
        std::chrono::milliseconds after{10'000};  // so long packets go on to be taken; 0 to 1 h
        std::uint32_t packets_after = 100'000;    // so many of them at most; to 1,000,000,000
        std::filesystem::path folder = "/var/lib/tapmeter/history";
        std::uint32_t files = 100;                  // the oldest goes for one more; 1 to 100,000
        std::uint64_t file_octets = 256ULL << 20U;  // of one at most; 64 KiB to 1 TiB
    };

    // One [[kpi.service]] block: what is metered as one service, by the server's side of flows.
    struct KpiService {
        std::string name;                       // the "service" label; unique
        std::vector<std::string> hosts;         // addresses and prefixes; empty: any
        std::vector<std::uint16_t> ports;       // empty: any
        std::vector<std::string> applications;  // as nDPI names them; empty: any
        enum class Protocol : std::uint8_t { any, tcp, udp, sctp } protocol = Protocol::any;
    };

    using TimeUnit = fields::TimeUnit;

    enum class Transport : std::uint8_t {
        udp,
        tcp,
        tls,
        file,
        netflow9,
        netflow5,
        sctp,
        sflow,
        dtls,
    };

    // How the Collectors of one group share the flow records.
    enum class Sharing : std::uint8_t {
        failover,  // the first that can be reached has them all
        balance,   // each has the flows that a hash of their key gives it
    };

    // One [[export.ipfix]] block: one Collector, or one folder of IPFIX files. NetFlow, version 9
    // or 5, and sFlow, version 5, go over UDP.
    struct Ipfix {
        std::string name;  // unique among the outputs
        Transport transport = Transport::udp;
        std::string host;                                 // name, IPv4 or IPv6 address
        std::uint16_t port = 4739;                        // IANA "ipfix"; over TLS and DTLS 4740;
                                                          // NetFlow 2055 and sFlow 6343
        std::string path;                                 // of the folder of files
        std::chrono::seconds template_refresh{60};        // 1 s to 1 day
        std::uint32_t template_refresh_messages = 1'000;  // 1 and more
        // Largest message in octets. 0: what the path carries, asked of the connected socket, at
        // most 1,420; 512 while nobody knows (RFC 7011 section 10.3.3). Else 512 to 65,507.
        std::uint32_t message_octets_max = 0;
        TimeUnit time_unit = TimeUnit::milliseconds;  // IEs 152/153, 154/155 or 156/157
        // "nfdump": leave the reverse TCP control bits out, because nfdump 1.7.1 lets them
        // overwrite the forward ones.
        bool quirk_nfdump = false;
        std::uint32_t queue_messages = 8'192;  // bounded queue before the sending thread
        std::vector<std::string> fields;       // of the Templates, in order; empty: the default
        std::string filter;                    // of flow records; empty: all
        std::uint32_t sampling = 1;            // of flows, 1 in N; power of two, to 65,536
        bool biflow = true;                    // RFC 5103; false: one record a direction
        std::optional<std::uint32_t> observation_domain_id;  // instead of those of the captures
        std::string observation_domain_name;                 // of that one; where there is one
        std::uint32_t enterprise_number = 0;  // IANA's for the operator; 0: our elements are out
        bool options = true;                  // RFC 7011 section 4, names of interfaces
        std::chrono::seconds reconnect{60};   // RFC 7011 section 10.4.4; 1 s to 1 h
        std::uint16_t udp_encapsulation = 0;  // port of SCTP inside of UDP; 0: SCTP itself
        std::string tls_certificate;          // ours, PEM
        std::string tls_key;
        std::string tls_ca;                    // whom we believe; empty: whom the system does
        std::string tls_name;                  // in the Collector's certificate; empty: the host
        std::chrono::seconds dtls_renew{300};  // a session of DTLS lasts so long; 1 s to 1 day
        std::chrono::seconds rotate{60};       // a file's time; 1 s to 1 day
        bool compress = true;                  // files, once closed
        // Where messages wait while a Collector over TCP or TLS is away; empty: nowhere but in the
        // queue.
        std::filesystem::path spool_folder;
        std::uint64_t spool_octets = 1ULL << 30U;  // at most on disk; 8 MiB to 16 TiB
        std::string group;  // of Collectors that share the flow records; empty: it has them all
        Sharing sharing = Sharing::failover;  // the same in all blocks of a group
        // Flow records a second, evenly; 0: as fast as they come. Else 100 to 1,000,000,000.
        std::uint32_t pace = 0;
        std::uint32_t packet_sampling = 1'024;      // sFlow: 1 in N packets; 1 to 16,777,215
        std::chrono::seconds counter_interval{20};  // sFlow: of interfaces; 1 s to 1 h
    };

    // One [[export.json]] block: flow records as EVE-compatible JSON lines.
    struct Json {
        std::string name;  // unique among the outputs
        enum class To : std::uint8_t { file, udp, tcp, unix_socket } to = To::file;
        std::string path;  // a file, or "-" for standard output; or a unix socket
        std::string host;  // name, IPv4 or IPv6 address
        std::uint16_t port = 0;
        // fast: alerts alone, as Suricata's fast.log has them.
        enum class Format : std::uint8_t { eve, flat, fast } format = Format::eve;
        // syslog: each line in a message of RFC 5424; over streams with its length before it
        // (RFC 6587 section 3.4.1).
        enum class Framing : std::uint8_t { lines, syslog } framing = Framing::lines;
        std::uint32_t syslog_facility = 16;  // local0; 0 to 23
        std::chrono::seconds reconnect{5};   // 1 s to 1 h
        std::uint32_t queue_blocks = 1'024;  // bounded queue of 64 KiB blocks before the writer
    };

    // One [[export.clickhouse]] block: flow records as rows of a table, by HTTP.
    struct ClickHouse {
        std::string name;  // unique among the outputs
        std::string url;   // "http://HOST:PORT" or "https://HOST:PORT"
        std::string database = "default";
        std::string table = "flows";
        std::string user = "default";
        std::string password_file;                  // empty: no password
        std::string tls_ca;                         // whom we believe; empty: whom the system does
        std::string filter;                         // of flow records; empty: all
        std::uint32_t sampling = 1;                 // of flows, 1 in N; power of two, to 65,536
        std::uint32_t queue_blocks = 1'024;         // bounded queue of 64 KiB blocks
        std::chrono::milliseconds interval{1'000};  // between two INSERTs, unless many wait
        std::chrono::seconds timeout{30};           // of one INSERT; 1 s to 1 h
        std::chrono::seconds reconnect{5};          // between two attempts, at most; 1 s to 1 h
        std::filesystem::path spool_folder;        // of blocks; empty: they wait in the queue alone
        std::uint64_t spool_octets = 1ULL << 30U;  // at most on disk; 32 MiB to 16 TiB
    };

    // One [[export.kafka]] block: each flow record a message of a topic.
    struct Kafka {
        std::string name;     // unique among the outputs
        std::string brokers;  // "HOST:PORT,HOST:PORT", of which one is enough to find the others
        std::string topic = "tapmeter";
        // ipfix: IPFIX Messages, each with the Templates that it needs.
        enum class Format : std::uint8_t { eve, flat, ipfix } format = Format::eve;
        bool tls = false;
        std::string tls_ca;                        // whom we believe; empty: whom the system does
        std::string user;                          // empty: no SASL
        std::string password_file;                 // of the user
        std::vector<std::string> properties;       // "KEY=VALUE" of librdkafka
        std::string filter;                        // of flow records; empty: all
        std::uint32_t sampling = 1;                // of flows, 1 in N; power of two, to 65,536
        std::uint32_t queue_blocks = 1'024;        // bounded queue of 64 KiB blocks
        std::filesystem::path spool_folder;        // of blocks; empty: they wait in the queue alone
        std::uint64_t spool_octets = 1ULL << 30U;  // at most on disk; 32 MiB to 16 TiB
    };

    struct Http {
        bool enabled = true;
        std::string address = "127.0.0.1";  // loopback only until TLS and tokens are built
        std::uint16_t port = 14'739;
    };

    struct Control {
        std::filesystem::path socket = "/run/tapmeter/control.sock";  // empty: none
        std::string group;                                            // empty: the process' own
    };

    // The counters of /metrics, pushed as InfluxDB's line protocol.
    struct Influxdb {
        // Empty: none. "http://HOST:PORT", "https://HOST:PORT", "udp://HOST:PORT", "file:///PATH".
        std::string url;
        std::chrono::seconds interval{10};  // 1 s to 1 h
        std::chrono::seconds timeout{5};    // of one request; 1 s to 1 min
        std::string database = "tapmeter";  // of version 1
        std::string bucket;                 // of version 2; empty: it is version 1
        std::string organization;           // of the bucket
        std::string user;                   // of version 1; empty: a token is one
        std::string token_file;  // holds the token, or the user's password; empty: neither
        std::string tls_ca;      // whom we believe; empty: whom the system does
    };

    enum class LogLevel : std::uint8_t { error, warn, info, debug, trace };

    Instance instance;
    std::vector<Capture> captures;
    Service service;
    Workers workers;
    Memory memory;
    Flow flow;
    Overload overload;
    Shunt shunt;
    Signatures signatures;
    Dpi dpi;
    Analytics analytics;
    Write write;
    History history;
    std::vector<KpiService> services;
    std::vector<Ipfix> ipfix;
    std::vector<Json> json;
    std::vector<ClickHouse> clickhouse;
    std::vector<Kafka> kafka;
    Http http;
    Control control;
    Influxdb influxdb;
    LogLevel log_level = LogLevel::info;
};

}  // namespace tapmeter
