#include "pipeline/inspect/rules/address_set.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <optional>

#include "pipeline/inspect/rules/group.h"

namespace tapmeter::inspect::rules {

namespace {

using Address = decode::Address;
using AddressRange = AddressSet::Range;

constexpr std::size_t ipv4_at = 12;
constexpr unsigned mapped_bits = 96;

Address mapped(const Address& address, std::uint8_t ip_version) noexcept {
    Address copy = address;
    if (ip_version == 4) {
        copy[ipv4_at - 2] = 0xFF;
        copy[ipv4_at - 1] = 0xFF;
    }
    return copy;
}

// One more or one less; false where there is none.
bool step(Address& address, bool up) noexcept {
    for (std::size_t i = address.size(); i-- > 0;) {
        address.at(i) = static_cast<std::uint8_t>(address.at(i) + (up ? 1 : 0xFF));
        if (address.at(i) != (up ? 0 : 0xFF)) {
            return true;
        }
    }
    return false;
}

struct Parts {
    Address address{};
    bool ipv4 = false;
};

std::optional<Parts> parse_address(std::string_view text) {
    const std::string copy{text};
    Parts parts;
    in_addr four{};
    if (inet_pton(AF_INET, copy.c_str(), &four) == 1) {
        const auto octets = std::as_bytes(std::span{&four, 1});
        for (std::size_t i = 0; i < octets.size(); ++i) {
            parts.address.at(ipv4_at + i) = std::to_integer<std::uint8_t>(octets[i]);
        }
        parts.address = mapped(parts.address, 4);
        parts.ipv4 = true;
        return parts;
    }
    in6_addr six{};
    if (inet_pton(AF_INET6, copy.c_str(), &six) == 1) {
        std::copy_n(std::begin(six.s6_addr), parts.address.size(), parts.address.begin());
        return parts;
    }
    return std::nullopt;
}

std::optional<unsigned> parse_prefix(std::string_view text, bool ipv4) {
    unsigned bits = 0;
    const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), bits);
    if (error == std::errc{} && rest == text.data() + text.size()) {
        const unsigned most = ipv4 ? 32 : 128;
        return bits <= most ? std::optional(bits) : std::nullopt;
    }
    // A netmask in dots, such as 255.255.0.0.
    const auto mask = ipv4 ? parse_address(text) : std::nullopt;
    if (!mask || !mask->ipv4) {
        return std::nullopt;
    }
    unsigned ones = 0;
    for (unsigned i = 0; i < 32; ++i) {
        const bool one = ((mask->address.at(ipv4_at + i / 8) >> (7 - i % 8)) & 1U) != 0;
        if (one && ones != i) {
            return std::nullopt;  // a hole
        }
        ones += one ? 1 : 0;
    }
    return ones;
}

AddressRange network_of(const Address& address, unsigned bits) {
    AddressRange range{address, address};
    for (unsigned i = bits; i < 128; ++i) {
        const auto bit = static_cast<std::uint8_t>(0x80U >> (i % 8));
        range.first.at(i / 8) &= static_cast<std::uint8_t>(~bit);
        range.last.at(i / 8) |= bit;
    }
    return range;
}

// Sorted, those that touch or overlap made one.
template <class Range, class Touches>
std::vector<Range> merged(std::vector<Range> ranges, const Touches& touches) {
    std::ranges::sort(ranges, {}, &Range::first);
    std::vector<Range> out;
    for (const Range& range : ranges) {
        if (!out.empty() && touches(out.back(), range)) {
            out.back().last = std::max(out.back().last, range.last);
        } else {
            out.push_back(range);
        }
    }
    return out;
}

bool addresses_touch(const AddressRange& left, const AddressRange& right) {
    Address next = left.last;
    return right.first <= left.last || (step(next, true) && right.first == next);
}

// What of `range` lies in none of `unwanted` (sorted, apart).
void cut(AddressRange range, std::span<const AddressRange> unwanted,
         std::vector<AddressRange>& out) {
    for (const AddressRange& hole : unwanted) {
        if (hole.last < range.first || range.last < hole.first) {
            continue;
        }
        if (range.first < hole.first) {
            Address before = hole.first;
            step(before, false);
            out.push_back({range.first, before});
        }
        Address after = hole.last;
        if (!(hole.last < range.last) || !step(after, true)) {
            return;
        }
        range.first = after;
    }
    out.push_back(range);
}

Parsed<std::uint16_t> parse_port(std::string_view text) {
    std::uint16_t port = 0;
    const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), port);
    if (error != std::errc{} || rest != text.data() + text.size()) {
        return refused("\"" + std::string(text) +
                       "\" is no port: use 0 to 65535, a range such as 1024:65535, or a group");
    }
    return port;
}

Parsed<PortSet::Range> parse_port_range(std::string_view text) {
    const std::size_t colon = text.find(':');
    if (colon == std::string_view::npos) {
        const auto port = parse_port(text);
        return port ? Parsed<PortSet::Range>({*port, *port}) : refused(port.error());
    }
    const std::string_view low = trimmed(text.substr(0, colon));
    const std::string_view high = trimmed(text.substr(colon + 1));
    const auto first = low.empty() ? Parsed<std::uint16_t>(0) : parse_port(low);
    const auto last = high.empty() ? Parsed<std::uint16_t>(0xFFFF) : parse_port(high);
    if (!first || !last) {
        return refused(first ? last.error() : first.error());
    }
    if (*last < *first) {
        return refused("the port range " + std::string(text) + " ends before it begins");
    }
    return PortSet::Range{*first, *last};
}

}  // namespace

std::vector<std::string_view> split_group(std::string_view text) {
    std::vector<std::string_view> items;
    std::size_t from = 0;
    int depth = 0;
    for (std::size_t i = 0; i <= text.size(); ++i) {
        const char c = i < text.size() ? text[i] : ',';
        depth += c == '[' ? 1 : c == ']' ? -1 : 0;
        if (i == text.size() || (c == ',' && depth == 0)) {
            items.push_back(trimmed(text.substr(from, i - from)));
            from = i + 1;
        }
    }
    return items;
}

Parsed<std::string_view> value_of(std::string_view reference, Variables variables) {
    const std::string_view name = reference.substr(1);
    const auto found = std::ranges::find(variables, name, &Variable::name);
    if (found == variables.end()) {
        return refused("the variable " + std::string(reference) +
                       " is not set; add it to variables in [signatures]");
    }
    return std::string_view{found->value};
}

Parsed<AddressRange> parse_network(std::string_view text) {
    const std::size_t slash = text.find('/');
    const std::size_t dash = text.find('-');
    const auto first = parse_address(text.substr(0, std::min(slash, dash)));
    if (!first) {
        return refused("\"" + std::string(text) +
                       "\" is no address: use 192.0.2.1, 192.0.2.0/24, 2001:db8::/32, a group in "
                       "brackets or a $VARIABLE");
    }
    if (dash != std::string_view::npos) {
        const auto last = parse_address(text.substr(dash + 1));
        if (!last || last->ipv4 != first->ipv4 || last->address < first->address) {
            return refused("the address range " + std::string(text) +
                           " must go up and stay in one family");
        }
        return AddressRange{first->address, last->address};
    }
    if (slash == std::string_view::npos) {
        return AddressRange{first->address, first->address};
    }
    const auto bits = parse_prefix(text.substr(slash + 1), first->ipv4);
    if (!bits) {
        return refused("\"" + std::string(text) + "\" has no valid prefix length: use /0 to /" +
                       (first->ipv4 ? "32" : "128"));
    }
    return network_of(first->address, *bits + (first->ipv4 ? mapped_bits : 0));
}

AddressSet AddressSet::of(std::vector<Range> wanted, std::vector<Range> unwanted) {
    AddressSet set;
    if (wanted.empty() && unwanted.empty()) {
        return set;
    }
    if (wanted.empty()) {
        wanted.push_back(network_of({}, 0));
    }
    set.any_ = false;
    unwanted = merged(std::move(unwanted), addresses_touch);
    for (const Range& range : merged(std::move(wanted), addresses_touch)) {
        cut(range, unwanted, set.ranges_);
    }
    return set;
}

bool AddressSet::contains(const decode::Address& address, std::uint8_t ip_version) const noexcept {
    if (any_) {
        return true;
    }
    const Address wanted = mapped(address, ip_version);
    const auto behind = std::ranges::upper_bound(ranges_, wanted, {}, &Range::first);
    return behind != ranges_.begin() && wanted <= std::prev(behind)->last;
}

Parsed<AddressSet> parse_addresses(std::string_view text, Variables variables) {
    GroupReader<AddressSet, decltype(&parse_network)> reader{variables, &parse_network};
    if (auto done = reader.read(text, false, 0); !done) {
        return refused(done.error());
    }
    AddressSet set = reader.settled();
    if (!set.is_any() && set.ranges().empty()) {
        return refused("the addresses " + std::string(text) + " leave none over");
    }
    return set;
}

// One sweep over the ports at which a range begins or has ended.
PortSet PortSet::of(std::span<const Range> wanted, std::span<const Range> unwanted) {
    PortSet set;
    if (wanted.empty() && unwanted.empty()) {
        return set;
    }
    set.any_ = false;
    struct Edge {
        std::uint32_t port = 0;
        int wanted = 0;  // by how many ranges more from here on
        int unwanted = 0;
    };
    constexpr std::uint32_t ports = 0x10000;
    std::vector<Edge> edges;
    const auto add = [&edges](const Range& range, int Edge::*depth) {
        edges.push_back({range.first});
        edges.back().*depth = 1;
        edges.push_back({std::uint32_t{range.last} + 1});
        edges.back().*depth = -1;
    };
    std::ranges::for_each(wanted, [&add](const Range& range) { add(range, &Edge::wanted); });
    std::ranges::for_each(unwanted, [&add](const Range& range) { add(range, &Edge::unwanted); });
    if (wanted.empty()) {
        add({0, ports - 1}, &Edge::wanted);
    }
    std::ranges::sort(edges, {}, &Edge::port);
    Edge depth;
    for (std::size_t i = 0; i < edges.size();) {
        const std::uint32_t port = edges[i].port;
        const bool was_open = depth.wanted > 0 && depth.unwanted == 0;
        for (; i < edges.size() && edges[i].port == port; ++i) {
            depth.wanted += edges[i].wanted;
            depth.unwanted += edges[i].unwanted;
        }
        const bool is_open = depth.wanted > 0 && depth.unwanted == 0;
        if (is_open && !was_open) {
            set.ranges_.push_back({static_cast<std::uint16_t>(port), 0});
        } else if (was_open && !is_open) {
            set.ranges_.back().last = static_cast<std::uint16_t>(port - 1);
        }
    }
    return set;
}

bool PortSet::contains(std::uint16_t port) const noexcept {
    if (any_) {
        return true;
    }
    const auto behind = std::ranges::upper_bound(ranges_, port, {}, &Range::first);
    return behind != ranges_.begin() && port <= std::prev(behind)->last;
}

Parsed<PortSet> parse_ports(std::string_view text, Variables variables) {
    GroupReader<PortSet, decltype(&parse_port_range)> reader{variables, &parse_port_range};
    if (auto done = reader.read(text, false, 0); !done) {
        return refused(done.error());
    }
    PortSet set = reader.settled();
    if (!set.is_any() && set.ranges().empty()) {
        return refused("the ports " + std::string(text) + " leave none over");
    }
    return set;
}

}  // namespace tapmeter::inspect::rules
