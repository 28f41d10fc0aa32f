#include <algorithm>
#include <array>

#include "pipeline/inspect/rules/group.h"
#include "pipeline/inspect/rules/keywords.h"
#include "pipeline/inspect/rules/numbers.h"

// What a rule asks of the headers of a packet.
namespace tapmeter::inspect::rules {

namespace {

struct FieldName {
    std::string_view keyword;
    Field field;
    std::int64_t most;
};
constexpr std::array field_names{
    FieldName{"dsize", Field::payload_octets, 0xFFFF'FFFF},
    FieldName{"ttl", Field::time_to_live, 255},
    FieldName{"tos", Field::type_of_service, 255},
    FieldName{"ip_proto", Field::ip_protocol, 255},
    FieldName{"id", Field::ip_identification, 0xFFFF},
    FieldName{"seq", Field::tcp_sequence, 0xFFFF'FFFF},
    FieldName{"tcp.seq", Field::tcp_sequence, 0xFFFF'FFFF},
    FieldName{"ack", Field::tcp_acknowledgement, 0xFFFF'FFFF},
    FieldName{"tcp.ack", Field::tcp_acknowledgement, 0xFFFF'FFFF},
    FieldName{"window", Field::tcp_window, 0xFFFF},
    FieldName{"tcp.window", Field::tcp_window, 0xFFFF},
    FieldName{"itype", Field::icmp_type, 255},
    FieldName{"icode", Field::icmp_code, 255},
    FieldName{"icmp_id", Field::icmp_identifier, 0xFFFF},
    FieldName{"icmp_seq", Field::icmp_sequence, 0xFFFF},
    FieldName{"icmpv6.mtu", Field::icmpv6_mtu, 0xFFFF'FFFF},
    FieldName{"dns.opcode", Field::dns_opcode, 15},
};

struct ProtocolNumber {
    std::string_view name;
    std::string_view number;
};
constexpr std::array protocol_numbers{
    ProtocolNumber{"icmp", "1"},       ProtocolNumber{"igmp", "2"},   ProtocolNumber{"tcp", "6"},
    ProtocolNumber{"udp", "17"},       ProtocolNumber{"gre", "47"},   ProtocolNumber{"esp", "50"},
    ProtocolNumber{"ah", "51"},        ProtocolNumber{"sctp", "132"}, ProtocolNumber{"icmp6", "58"},
    ProtocolNumber{"ipv6-icmp", "58"},
};

Parsed<void> field(Draft& draft, const Option& option) {
    const auto* const name = std::ranges::find(field_names, option.keyword, &FieldName::keyword);
    if (name == field_names.end()) {
        return refused("no such field");
    }
    const auto quoted = unquote(option.value);
    std::string_view value = option.value.starts_with('"') && quoted ? quoted->text : option.value;
    const std::size_t word_at = std::min(value.find_first_not_of("!=<> "), value.size());
    const auto* const number =
        std::ranges::find(protocol_numbers, value.substr(word_at), &ProtocolNumber::name);
    std::string spelled{value};
    if (name->field == Field::ip_protocol && number != protocol_numbers.end()) {
        spelled = std::string(value.substr(0, word_at)) + std::string(number->number);
    }
    const auto bounds = parse_bounds(spelled, {name->keyword, 0, name->most});
    if (!bounds) {
        return refused(bounds.error());
    }
    draft.rule.tests.push_back({name->field, *bounds});
    return {};
}

Parsed<std::uint8_t> parse_flags(std::string_view text) {
    struct Letter {
        char letter;
        std::uint8_t bit;
    };
    constexpr std::array letters{
        Letter{'F', 0x01}, Letter{'S', 0x02}, Letter{'R', 0x04}, Letter{'P', 0x08},
        Letter{'A', 0x10}, Letter{'U', 0x20}, Letter{'E', 0x40}, Letter{'2', 0x40},
        Letter{'C', 0x80}, Letter{'1', 0x80}, Letter{'0', 0x00},
    };
    std::uint8_t bits = 0;
    for (const char c : text) {
        const char upper = c >= 'a' && c <= 'z' ? static_cast<char>(c - ('a' - 'A')) : c;
        const auto* const letter = std::ranges::find(letters, upper, &Letter::letter);
        if (letter == letters.end()) {
            return refused(std::string("'") + c +
                           "' is no TCP control bit: use F S R P A U E C, "
                           "0 for none");
        }
        bits |= letter->bit;
    }
    return bits;
}

FlagsTest::Mode cut_mode(std::string_view& text) {
    struct Mark {
        char mark;
        FlagsTest::Mode mode;
    };
    constexpr std::array marks{Mark{'+', FlagsTest::Mode::all}, Mark{'*', FlagsTest::Mode::any},
                               Mark{'!', FlagsTest::Mode::not_all}};
    for (const Mark& mark : marks) {
        const bool front = text.starts_with(mark.mark);
        if (front || text.ends_with(mark.mark)) {
            text = front ? text.substr(1) : text.substr(0, text.size() - 1);
            return mark.mode;
        }
    }
    return FlagsTest::Mode::exact;
}

Parsed<void> flags(Draft& draft, const Option& option) {
    const auto parts = split_list(option.value);
    std::string_view wanted = parts[0];
    FlagsTest made;
    made.mode = cut_mode(wanted);
    if (wanted.empty() || parts.size() > 2) {
        return refused("flags takes control bits, and those to leave out behind a comma");
    }
    const auto value = parse_flags(wanted);
    const auto ignored = parse_flags(parts.size() == 2 ? parts[1] : std::string_view{});
    if (!value || !ignored) {
        return refused(value ? ignored.error() : value.error());
    }
    made.value = *value;
    made.looked_at = static_cast<std::uint8_t>(~*ignored);
    draft.rule.flags = made;
    return {};
}

Parsed<void> ip_option(Draft& draft, const Option& option) {
    struct Name {
        std::string_view name;
        std::uint8_t type;
    };
    // IANA, IP Option Numbers.
    constexpr std::array names{
        Name{"eol", 0},
        Name{"nop", 1},
        Name{"rr", 7},
        Name{"ts", 68},
        Name{"sec", 130},
        Name{"lsrr", 131},
        Name{"esec", 133},
        Name{"cipso", 134},
        Name{"satid", 136},
        Name{"ssrr", 137},
        Name{"any", OptionTest::any_option},
    };
    const auto* const name = std::ranges::find(names, option.value, &Name::name);
    if (name == names.end()) {
        return refused("\"" + std::string(option.value) +
                       "\" is no IPv4 option: use rr, eol, "
                       "nop, ts, sec, esec, lsrr, ssrr, satid, cipso or any");
    }
    draft.rule.ip_option = OptionTest{name->type};
    return {};
}

Parsed<void> fragment_bits(Draft& draft, const Option& option) {
    std::string_view text = option.value;
    FragmentTest made;
    made.mode = cut_mode(text);
    for (const char c : text) {
        if (c == 'M') {
            made.more_fragments = true;
        } else if (c == 'D') {
            made.dont_fragment = true;
        } else if (c == 'R') {
            made.reserved = true;
        } else {
            return refused(std::string("'") + c + "' is no fragment bit: use M, D, R");
        }
    }
    draft.rule.fragment_bits = made;
    return {};
}

Parsed<void> same_ip(Draft& draft, const Option& /*option*/) {
    draft.rule.same_ip = true;
    return {};
}

constexpr auto keywords = [] {
    constexpr std::array others{
        Keyword{"flags", flags},      Keyword{"tcp.flags", flags},
        Keyword{"ipopts", ip_option}, Keyword{"fragbits", fragment_bits},
        Keyword{"sameip", same_ip},
    };
    std::array<Keyword, field_names.size() + others.size()> made{};
    std::ranges::copy(others, made.begin());
    for (std::size_t i = 0; i < field_names.size(); ++i) {
        made[others.size() + i] = {field_names[i].keyword, field};
    }
    return made;
}();

}  // namespace

std::span<const Keyword> header_keywords() noexcept {
    return keywords;
}

}  // namespace tapmeter::inspect::rules
