#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "pipeline/inspect/rules/address_set.h"
#include "pipeline/inspect/rules/application.h"
#include "pipeline/inspect/rules/buffer.h"

// A rule as it was read, checked and free of names: what the compiler of signatures needs.
namespace tapmeter::inspect::rules {

inline constexpr std::size_t rule_octets_max = std::size_t{64} << 10U;
inline constexpr std::size_t rules_max = 100'000;
inline constexpr std::size_t contents_per_rule_max = 64;
inline constexpr std::size_t content_octets_max = 4'096;
inline constexpr std::size_t regex_octets_max = 8'192;
inline constexpr std::size_t variables_per_rule_max = 8;  // of byte_extract
inline constexpr std::size_t flowbits_max = 512;          // names in a set of rules

enum class Action : std::uint8_t { alert, pass, drop, reject };

// Layer 3 and 4 of a rule's protocol.
enum class Transport : std::uint8_t { ip, tcp, udp, icmp, sctp };

// A number that is written in the rule, or that byte_extract reads from the packet.
inline constexpr std::uint8_t no_variable = 0xFF;
struct Operand {
    std::int64_t value = 0;
    std::uint8_t variable = no_variable;

    bool is_variable() const noexcept { return variable != no_variable; }
};

// An inclusive range. Negated: everything else.
struct Bounds {
    std::uint64_t low = 0;
    std::uint64_t high = std::numeric_limits<std::uint64_t>::max();
    bool negated = false;

    constexpr bool admits(std::uint64_t value) const noexcept {
        return (low <= value && value <= high) != negated;
    }
};

struct Content {
    std::string octets;  // in lower case where nocase
    bool nocase = false;
    bool negated = false;
    bool ends_with = false;
    // Absolute: offset from the buffer's start, depth counted from offset. Relative to the last
    // match: distance, and within counted from the last match as well.
    std::optional<Operand> offset{};
    std::optional<Operand> depth{};
    std::optional<Operand> distance{};
    std::optional<Operand> within{};
    bool fast_pattern = false;
    std::uint16_t fast_offset = 0;  // the part that the prefilter looks for; length 0: all of it
    std::uint16_t fast_length = 0;

    bool relative() const noexcept { return distance.has_value() || within.has_value(); }
};

struct Regex {
    std::string pattern;  // between the slashes
    bool negated = false;
    bool relative = false;
    bool caseless = false;
    bool multiline = false;
    bool dot_all = false;
    bool extended = false;
    bool anchored = false;
    bool dollar_end_only = false;
    bool ungreedy = false;
};

struct DataAt {
    Operand distance{};
    bool relative = false;
    bool negated = false;
};

// How octets become a number: binary in either order, or text in a base.
struct Reading {
    std::uint8_t octets = 0;  // binary: 0 to 8; text: 1 to 23
    std::uint8_t base = 0;    // 0: binary; 8, 10 or 16: digits
    bool little_endian = false;
    bool relative = false;
    Operand offset{};
};

struct ByteTest {
    enum class Comparison : std::uint8_t {
        less,
        greater,
        equal,
        less_or_equal,
        greater_or_equal,
        exclusive_or,
        bits,
    };
    Reading reading{};
    Comparison comparison{};
    bool negated = false;
    Operand value{};
    std::uint64_t mask = std::numeric_limits<std::uint64_t>::max();
};

struct ByteJump {
    Reading reading{};
    std::uint8_t length_variable = no_variable;  // octets to read, from byte_extract
    std::uint32_t multiplier = 1;
    std::int32_t post_offset = 0;
    bool align = false;
    bool from_beginning = false;
    bool from_end = false;
    std::uint64_t mask = std::numeric_limits<std::uint64_t>::max();
};

struct ByteExtract {
    Reading reading{};
    std::uint8_t variable = 0;
    std::uint32_t multiplier = 1;
    std::uint8_t align = 0;  // 0, 2 or 4
};

// bsize and urilen: octets of the whole buffer.
struct SizeIs {
    Bounds bounds{};
};

using Condition = std::variant<Content, Regex, DataAt, ByteTest, ByteJump, ByteExtract, SizeIs>;

// True where the condition looks from the last match on.
bool is_relative(const Condition& condition) noexcept;

// What the buffer goes through before its conditions look at it.
enum class Transform : std::uint8_t { none, dot_prefix, to_lowercase, strip_whitespace };

// All conditions on one buffer, in the order of the rule: relative ones look back in this list.
struct BufferConditions {
    Buffer buffer = Buffer::payload;
    Transform transform = Transform::none;
    std::vector<Condition> conditions;
};

// A number of the packet, or of its flow, and what it must be.
enum class Field : std::uint8_t {
    payload_octets,
    time_to_live,
    type_of_service,
    ip_protocol,
    ip_identification,
    tcp_sequence,
    tcp_acknowledgement,
    tcp_window,
    icmp_type,
    icmp_code,
    icmp_identifier,
    icmp_sequence,
    icmpv6_mtu,
    dns_opcode,
    stream_octets_client,
    stream_octets_server,
    stream_octets_either,
    stream_octets_both,
};
struct PacketTest {
    Field field{};
    Bounds bounds{};
};

struct FlagsTest {
    enum class Mode : std::uint8_t { exact, all, any, not_all };
    std::uint8_t value = 0;
    std::uint8_t looked_at = 0xFF;  // the control bits that count
    Mode mode = Mode::exact;
};

// IPv4 options by their numbers in the header; `any` is 0xFF.
struct OptionTest {
    std::uint8_t type = 0;
    static constexpr std::uint8_t any_option = 0xFF;
};

struct FragmentTest {
    bool more_fragments = false;
    bool dont_fragment = false;
    bool reserved = false;
    FlagsTest::Mode mode = FlagsTest::Mode::exact;
};

struct FlowTest {
    bool established = false;
    bool not_established = false;
    bool to_server = false;
    bool to_client = false;
    bool only_stream = false;
    bool no_stream = false;

    bool any() const noexcept {
        return established || not_established || to_server || to_client || only_stream || no_stream;
    }
};

struct ApplicationTest {
    Application application{};
    bool negated = false;
};

struct Flowbit {
    enum class Operation : std::uint8_t { set, unset, toggle, is_set, is_not_set };
    Operation operation{};
    std::vector<std::string> names;  // is_set, is_not_set: any of them
};

// threshold and detection_filter.
struct Threshold {
    enum class Kind : std::uint8_t { limit, threshold, both, detection_filter };
    enum class Track : std::uint8_t { by_source, by_destination, by_both, by_rule, by_flow };
    Kind kind{};
    Track track{};
    std::uint32_t count = 1;
    std::uint32_t seconds = 60;
};

struct Place {
    std::string file;
    std::size_t line = 0;    // from 1
    std::size_t column = 0;  // from 1
};

struct Rule {
    Place place;
    Action action = Action::alert;
    Transport transport = Transport::ip;
    std::uint8_t ip_version = 0;  // 4, 6 or 0 for both
    bool packet_only = false;     // tcp-pkt
    bool stream_only = false;     // tcp-stream
    Application application = Application::unknown;
    AddressSet source = AddressSet::any();
    AddressSet destination = AddressSet::any();
    PortSet source_port = PortSet::any();
    PortSet destination_port = PortSet::any();
    bool both_ways = false;  // <>

    std::uint32_t gid = 1;
    std::uint32_t sid = 0;
    std::uint32_t rev = 0;
    std::uint8_t priority = 3;  // 1 to 255; EVE's severity
    bool priority_set = false;
    bool no_alert = false;
    std::string message;
    std::string category;  // the classtype's description
    std::vector<std::string> references;
    std::vector<std::pair<std::string, std::string>> metadata;

    FlowTest flow{};
    std::optional<FlagsTest> flags{};
    std::optional<OptionTest> ip_option{};
    std::optional<FragmentTest> fragment_bits{};
    bool same_ip = false;
    std::vector<PacketTest> tests;
    std::vector<ApplicationTest> application_tests;
    std::vector<Flowbit> flowbits;
    std::optional<Threshold> threshold{};
    std::vector<BufferConditions> buffers;
};

}  // namespace tapmeter::inspect::rules
