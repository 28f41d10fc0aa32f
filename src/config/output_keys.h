#pragma once

#include <array>

#include "src/config/key_shapes.h"
#include "src/fields/selection.h"

// The keys of everything that flow records go to; for keys.cpp alone.
namespace tapmeter::config::key_shapes {

inline constexpr std::array output_keys{
    Key{plain(Type::collector, required),
        TableId::ipfix,
        "collector",
        {get_collector, set_collector},
        "\"udp://HOST:PORT\", \"tcp://HOST:PORT\" or \"tls://HOST:PORT\"; the port may be left out "
        "(4739, over TLS 4740). \"file:///PATH\": IPFIX files in that folder. "
        "\"netflow9://HOST:PORT\", \"netflow5://HOST:PORT\": NetFlow (2055)"},
    Key{plain(Type::name, automatic), TableId::ipfix, "name", at<&C::ipfix, &C::Ipfix::name>(),
        "the output label; auto: ipfix1, ipfix2, ...; unique among the outputs"},
    Key{ranged(Type::duration, second, 24 * hour, whole_seconds), TableId::ipfix,
        "template_refresh", at<&C::ipfix, &C::Ipfix::template_refresh>(),
        "templates are sent again after so long"},
    Key{ranged(Type::number, 1, 1'000'000'000), TableId::ipfix, "template_refresh_messages",
        at<&C::ipfix, &C::Ipfix::template_refresh_messages>(), "and after so many messages"},
    Key{ranged(Type::number, 512, 65'507, automatic), TableId::ipfix, "max_message",
        at<&C::ipfix, &C::Ipfix::message_octets_max>(),
        "octets of the largest message; auto: what the path carries, at most 1420"},
    Key{choice({"ms", "us", "ns"}), TableId::ipfix, "time", at<&C::ipfix, &C::Ipfix::time_unit>(),
        "resolution of flow start and end: elements 152/153, 154/155 or 156/157"},
    Key{choice({"", "nfdump"}), TableId::ipfix, "quirks", at<&C::ipfix, &C::Ipfix::quirk_nfdump>(),
        "\"nfdump\": leave out the reverse TCP control bits, which nfdump 1.7.1 takes for the "
        "forward ones"},
    Key{ranged(Type::number, 16, 1'048'576), TableId::ipfix, "queue",
        at<&C::ipfix, &C::Ipfix::queue_messages>(),
        "messages that wait for the sender at most; a newer one is lost then, and counted"},
    Key{ranged(Type::fields, 0, fields::words_max), TableId::ipfix, "template",
        at<&C::ipfix, &C::Ipfix::fields>(),
        "fields of a flow record, in order, by their element names (tapmeter-fields(7)); empty: "
        "the "
        "default list"},
    Key{plain(Type::filter), TableId::ipfix, "filter", at<&C::ipfix, &C::Ipfix::filter>(),
        "which flow records are sent, in nfdump's words: \"dst port 443 and bytes > 1m\""},
    Key{ranged(Type::number, 1, 65'536, power_of_two), TableId::ipfix, "sampling",
        at<&C::ipfix, &C::Ipfix::sampling>(),
        "send 1 in N flows, whole ones, chosen by hash; each record says so"},
    Key{choice({"uniflow", "biflow"}), TableId::ipfix, "direction",
        at<&C::ipfix, &C::Ipfix::biflow>(),
        "biflow: both directions in one record (RFC 5103); uniflow: one record a direction"},
    Key{ranged(Type::number, 1, id_max, automatic), TableId::ipfix, "observation_domain_id",
        at<&C::ipfix, &C::Ipfix::observation_domain_id>(),
        "one for all captures; auto: those of the captures"},
    Key{ranged(Type::number, 1, id_max, automatic), TableId::ipfix, "enterprise_number",
        at<&C::ipfix, &C::Ipfix::enterprise_number>(),
        "your organisation's Private Enterprise Number at IANA, for elements of our own; auto: "
        "they "
        "cannot be exported, as none may be used that is not registered"},
    Key{plain(Type::flag), TableId::ipfix, "options", at<&C::ipfix, &C::Ipfix::options>(),
        "send options records: what was lost, names of interfaces, flow keys (RFC 7011 section 4)"},
    Key{ranged(Type::duration, second, hour, whole_seconds), TableId::ipfix, "reconnect",
        at<&C::ipfix, &C::Ipfix::reconnect>(),
        "between two attempts at a connection; RFC 7011 wants a minute or more"},
    Key{plain(Type::secret), TableId::ipfix, "tls_certificate",
        at<&C::ipfix, &C::Ipfix::tls_certificate>(), "PEM file by which the collector knows us"},
    Key{plain(Type::secret), TableId::ipfix, "tls_key", at<&C::ipfix, &C::Ipfix::tls_key>(),
        "PEM file with the key to it"},
    Key{plain(Type::secret), TableId::ipfix, "tls_ca", at<&C::ipfix, &C::Ipfix::tls_ca>(),
        "PEM file of the authorities that we believe; empty: those of the system"},
    Key{plain(Type::secret), TableId::ipfix, "tls_name", at<&C::ipfix, &C::Ipfix::tls_name>(),
        "name in the collector's certificate; empty: the host of the URL"},
    Key{ranged(Type::duration, second, 24 * hour, whole_seconds), TableId::ipfix, "rotate",
        at<&C::ipfix, &C::Ipfix::rotate>(), "a file is closed and the next begun after so long"},
    Key{plain(Type::flag), TableId::ipfix, "compress", at<&C::ipfix, &C::Ipfix::compress>(),
        "compress files with zstd once they are closed"},
    Key{ranged(Type::path, 0, signature_path_octets_max), TableId::ipfix, "spool",
        at<&C::ipfix, &C::Ipfix::spool_folder>(),
        "folder where messages wait while a collector over TCP or TLS is away; off: none"},
    Key{ranged(Type::size, 8 * mebibyte, mebibyte << 24U), TableId::ipfix, "spool_size",
        at<&C::ipfix, &C::Ipfix::spool_octets>(),
        "most that may wait there; then the oldest is lost, and counted"},
    Key{plain(Type::name, automatic), TableId::ipfix, "group", at<&C::ipfix, &C::Ipfix::group>(),
        "collectors of one group share the flow records; auto: this one has them all"},
    Key{choice({"failover", "balance"}), TableId::ipfix, "sharing",
        at<&C::ipfix, &C::Ipfix::sharing>(),
        "failover: the first of the group that can be reached has them all; balance: each has a "
        "share of the flows"},
    Key{ranged(Type::number, 100, pace_max, automatic), TableId::ipfix, "pace",
        at<&C::ipfix, &C::Ipfix::pace>(),
        "flow records a second that are sent at most, evenly; auto: as fast as they come"},

    Key{plain(Type::file, required),
        TableId::json,
        "path",
        {get_lines, set_lines},
        "a file, \"-\" for standard output, \"udp://HOST:PORT\", \"tcp://HOST:PORT\" or "
        "\"unix:///PATH\""},
    Key{plain(Type::name, automatic), TableId::json, "name", at<&C::json, &C::Json::name>(),
        "the output label; auto: json1, json2, ...; unique among the outputs"},
    Key{choice({"eve", "flat", "fast"}), TableId::json, "format", at<&C::json, &C::Json::format>(),
        "eve: as Suricata's EVE; flat: IPFIX element names; fast: alerts alone, as its fast.log"},
    Key{ranged(Type::number, 2, 65'536), TableId::json, "queue",
        at<&C::json, &C::Json::queue_blocks>(),
        "blocks of 64 KiB that wait for the writer at most"},
    Key{choice({"lines", "syslog"}), TableId::json, "framing", at<&C::json, &C::Json::framing>(),
        "lines; or syslog messages (RFC 5424), over streams with their length before them"},
    Key{ranged(Type::number, 0, 23), TableId::json, "syslog_facility",
        at<&C::json, &C::Json::syslog_facility>(), "16 to 23: local0 to local7"},
    Key{ranged(Type::duration, second, hour, whole_seconds), TableId::json, "reconnect",
        at<&C::json, &C::Json::reconnect>(), "between two attempts at a connection"},
};

}  // namespace tapmeter::config::key_shapes
