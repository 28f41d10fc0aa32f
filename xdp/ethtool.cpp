#include "xdp/ethtool.h"

#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <array>
#include <cstring>
#include <limits>
#include <span>

namespace tapmeter::xdp {

namespace {

// Bits of ethtool_rxfh.hfunc as drivers report them.
constexpr std::uint8_t hash_toeplitz = 1U << 0U;
constexpr std::uint8_t hash_xor = 1U << 1U;
// ethtool_rxfh.input_xfrm of Linux 6.8; Debian 12's header still calls that octet reserved.
constexpr std::uint8_t transform_symmetric_xor = 1U << 0U;
constexpr std::uint64_t discard = 1ULL << 31U;  // RXH_DISCARD is a negative int
constexpr std::size_t hash_words_max = 4'096;   // indirection table and key
constexpr std::size_t key_octets_max = 256;

// A command with words behind it, which its C struct leaves open at the end.
template <class Header, std::size_t words_max>
struct WithWords {
    std::array<std::uint32_t, sizeof(Header) / sizeof(std::uint32_t) + words_max> words{};

    Header header() const noexcept {
        Header copy{};
        std::memcpy(&copy, words.data(), sizeof(copy));
        return copy;
    }
    void set(const Header& header) noexcept { std::memcpy(words.data(), &header, sizeof(header)); }
    std::span<const std::uint32_t> behind() const noexcept {
        return std::span(words).last(words_max);
    }
};
// Three bit masks of link modes, each of up to 127 words.
using LinkSettings = WithWords<ethtool_link_settings, 3UL * 127>;
using HashSettings = WithWords<ethtool_rxfh, hash_words_max>;

std::string text_of_field(const char* field, std::size_t octets) {
    return {field, ::strnlen(field, octets)};
}

// The first `octets` octets of a Toeplitz key in `words`.
bool repeats_every_16_bits(std::span<const std::uint32_t> words, std::size_t octets) {
    const auto key = std::as_bytes(words).first(octets);
    for (std::size_t octet = 2; octet < key.size(); ++octet) {
        if (key[octet] != key[octet - 2]) {
            return false;
        }
    }
    return key.size() > 2;
}

}  // namespace

Ethtool::Ethtool(std::string interface)
    : interface_(std::move(interface)), socket_(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {}

template <class Command>
bool Ethtool::ask(Command& command) const {
    ifreq request{};
    if (interface_.size() >= sizeof(request.ifr_name)) {
        return false;
    }
    std::memcpy(request.ifr_name, interface_.data(), interface_.size());
    request.ifr_data = reinterpret_cast<char*>(&command);
    return ::ioctl(socket_.number(), SIOCETHTOOL, &request) == 0;
}

std::string Ethtool::driver() const {
    ethtool_drvinfo info{};
    info.cmd = ETHTOOL_GDRVINFO;
    return ask(info) ? text_of_field(info.driver, sizeof(info.driver)) : std::string{};
}

std::string Ethtool::bus_address() const {
    ethtool_drvinfo info{};
    info.cmd = ETHTOOL_GDRVINFO;
    return ask(info) ? text_of_field(info.bus_info, sizeof(info.bus_info)) : std::string{};
}

std::optional<std::uint32_t> Ethtool::rx_queues() const {
    ethtool_channels channels{};
    channels.cmd = ETHTOOL_GCHANNELS;
    if (!ask(channels) || channels.rx_count + channels.combined_count == 0) {
        return std::nullopt;
    }
    return channels.rx_count + channels.combined_count;
}

std::optional<std::uint64_t> Ethtool::speed_bits() const {
    LinkSettings command;
    ethtool_link_settings link{};
    link.cmd = ETHTOOL_GLINKSETTINGS;
    command.set(link);
    // The first answer is how many words a mask has, negated; the second is the answer.
    if (!ask(command) || command.header().link_mode_masks_nwords >= 0) {
        return std::nullopt;
    }
    link.link_mode_masks_nwords =
        static_cast<std::int8_t>(-command.header().link_mode_masks_nwords);
    command.set(link);
    if (!ask(command)) {
        return std::nullopt;
    }
    link = command.header();
    if (link.speed == std::numeric_limits<std::uint32_t>::max() || link.speed == 0) {
        return std::nullopt;
    }
    constexpr std::uint64_t bits_per_megabit = 1'000'000;
    return link.speed * bits_per_megabit;
}

std::optional<Ethtool::Rings> Ethtool::rings() const {
    ethtool_ringparam rings{};
    rings.cmd = ETHTOOL_GRINGPARAM;
    if (!ask(rings)) {
        return std::nullopt;
    }
    return Rings{rings.rx_pending, rings.rx_max_pending};
}

std::optional<bool> Ethtool::merges_packets() const {
    ethtool_value merges{};
    merges.cmd = ETHTOOL_GGRO;
    return ask(merges) ? std::optional(merges.data != 0) : std::nullopt;
}

std::optional<bool> Ethtool::merges_in_hardware() const {
    ethtool_value flags{};
    flags.cmd = ETHTOOL_GFLAGS;
    return ask(flags) ? std::optional((flags.data & ETH_FLAG_LRO) != 0) : std::nullopt;
}

std::optional<bool> Ethtool::strips_vlan_tags() const {
    ethtool_value flags{};
    flags.cmd = ETHTOOL_GFLAGS;
    if (!ask(flags)) {
        return std::nullopt;
    }
    return (flags.data & ETH_FLAG_RXVLAN) != 0;
}

bool Ethtool::hashes_symmetric_fields(std::uint32_t flow_type) const {
    ethtool_rxnfc fields{};
    fields.cmd = ETHTOOL_GRXFH;
    fields.flow_type = flow_type;
    if (!ask(fields)) {
        return false;
    }
    const auto both_or_neither = [&](std::uint64_t one, std::uint64_t other) {
        return ((fields.data & one) != 0) == ((fields.data & other) != 0);
    };
    return (fields.data & discard) == 0 && both_or_neither(RXH_IP_SRC, RXH_IP_DST) &&
           both_or_neither(RXH_L4_B_0_1, RXH_L4_B_2_3);
}

bool Ethtool::has_symmetric_hash() const {
    constexpr std::array<std::uint32_t, 4> flow_types{TCP_V4_FLOW, UDP_V4_FLOW, TCP_V6_FLOW,
                                                      UDP_V6_FLOW};
    for (const std::uint32_t flow_type : flow_types) {
        if (!hashes_symmetric_fields(flow_type)) {
            return false;
        }
    }
    HashSettings command;
    ethtool_rxfh hash{};
    hash.cmd = ETHTOOL_GRSSH;
    command.set(hash);
    // The first answer is how long table and key are; the second holds them.
    if (!ask(command)) {
        return false;
    }
    hash = command.header();
    const std::size_t table_octets = hash.indir_size * sizeof(std::uint32_t);
    const std::size_t key_octets = hash.key_size;
    if (key_octets > key_octets_max ||
        table_octets + key_octets > hash_words_max * sizeof(std::uint32_t)) {
        return false;
    }
    hash.cmd = ETHTOOL_GRSSH;
    command.set(hash);
    if (!ask(command)) {
        return false;
    }
    hash = command.header();
    if ((hash.hfunc & hash_xor) != 0 || (hash.rsvd8[0] & transform_symmetric_xor) != 0) {
        return true;
    }
    return (hash.hfunc & hash_toeplitz) != 0 &&
           repeats_every_16_bits(command.behind().subspan(hash.indir_size), key_octets);
}

}  // namespace tapmeter::xdp
