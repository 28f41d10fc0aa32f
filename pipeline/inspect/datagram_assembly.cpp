#include "pipeline/inspect/datagram_assembly.h"

#include <algorithm>
#include <bit>
#include <string>
#include <utility>

#include "pipeline/base/octet_writer.h"
#include "pipeline/decode/extension_headers.h"

namespace tapmeter::inspect {

namespace {

constexpr std::size_t ipv6_header_octets = 40;
constexpr std::size_t fragment_header_octets = 8;
constexpr unsigned bits_per_word = 64;

}  // namespace

std::uint64_t DatagramAssembly::octets_for(const Settings& settings) noexcept {
    return settings.datagrams_max * (stride + sizeof(Datagram));
}

Result<DatagramAssembly> DatagramAssembly::reserve(const Settings& settings) {
    auto memory =
        Region::reserve({.octets = settings.datagrams_max * stride, .populate = settings.populate});
    if (!memory) {
        return failed(Error::Kind::no_memory,
                      "no memory to put the fragments of " +
                          std::to_string(settings.datagrams_max) +
                          " datagrams together; lower workers.count, or set dpi.enabled = false");
    }
    return DatagramAssembly(settings, std::move(*memory));
}

DatagramAssembly::DatagramAssembly(const Settings& settings, Region memory)
    : memory_(std::move(memory)), datagrams_(settings.datagrams_max), hold_(settings.hold) {}

DatagramAssembly::Taken DatagramAssembly::take(const decode::Headers& headers,
                                               ObservedAt at) noexcept {
    const decode::FragmentPart& part = headers.part;
    const bool was_cut = headers.ip.size() < headers.ip_octets || part.octets > headers.ip.size();
    const bool fits = std::size_t{part.offset} + part.octets <= datagram_octets_max;
    const bool units = part.last || part.octets % octets_per_unit == 0;
    if (was_cut || !fits || !units || part.octets == 0) {
        return Taken::no;
    }
    const Bytes head = headers.ip.first(headers.ip.size() - part.octets);
    if (head.size() > head_octets_max) {
        return Taken::no;
    }
    Datagram& datagram = find_or_begin(
        {.source = headers.source,
         .destination = headers.destination,
         .id = part.id,
         .vlan = headers.vlan,
         .customer_vlan = headers.customer_vlan,
         .protocol = headers.ip_version == 4 ? headers.protocol : decode::fragment_header,
         .ip_version = headers.ip_version},
        at);
    datagram.heard = at;
    if (part.last && datagram.end == 0) {
        datagram.end = part.offset + part.octets;
    }
    if (part.offset == 0 && datagram.head_octets == 0) {
        datagram.head_octets = head.size();
        std::ranges::copy(head, octets_of(datagram).subspan(head_octets_max - head.size()).begin());
    }
    add(datagram, part.offset, headers.ip.last(part.octets));
    return is_whole(datagram) && finish(datagram, headers.ip_version) ? Taken::whole
                                                                      : Taken::partly;
}

DatagramAssembly::Datagram& DatagramAssembly::find_or_begin(const Name& name,
                                                            ObservedAt at) noexcept {
    Datagram* to = nullptr;
    for (Datagram& one : datagrams_) {
        if (one.in_use && at - one.heard > hold_) {
            one.in_use = false;
            ++given_up_;
        }
        if (one.in_use && one.name == name) {
            return one;
        }
        const bool better = to == nullptr || (to->in_use && (!one.in_use || one.heard < to->heard));
        to = better ? &one : to;
    }
    given_up_ += to->in_use ? 1U : 0U;
    *to = {.name = name, .heard = at, .in_use = true};
    return *to;
}

std::span<std::byte> DatagramAssembly::octets_of(const Datagram& datagram) noexcept {
    const auto index = static_cast<std::size_t>(&datagram - datagrams_.data());
    return memory_.octets().subspan(index * stride, stride);
}

void DatagramAssembly::add(Datagram& datagram, std::size_t offset, Bytes part) noexcept {
    const auto to = octets_of(datagram).subspan(head_octets_max);
    for (std::size_t at = 0; at < part.size(); at += octets_per_unit) {
        const std::size_t unit = (offset + at) / octets_per_unit;
        std::uint64_t& covered = datagram.covered[unit / bits_per_word];
        const std::uint64_t mask = std::uint64_t{1} << (unit % bits_per_word);
        if ((covered & mask) == 0) {
            covered |= mask;
            const Bytes octets = part.subspan(at, std::min(octets_per_unit, part.size() - at));
            std::ranges::copy(octets, to.subspan(offset + at).begin());
        }
    }
}

bool DatagramAssembly::is_whole(const Datagram& datagram) noexcept {
    if (datagram.end == 0 || datagram.head_octets == 0) {
        return false;
    }
    const std::size_t units = (datagram.end + octets_per_unit - 1) / octets_per_unit;
    for (std::size_t word = 0; word * bits_per_word < units; ++word) {
        const std::size_t here = std::min<std::size_t>(units - word * bits_per_word, bits_per_word);
        const std::uint64_t wanted = ~std::uint64_t{0} >> (bits_per_word - here);
        if ((datagram.covered[word] & wanted) != wanted) {
            return false;
        }
    }
    return true;
}

// Its header says what a whole datagram's would. False: no header can.
bool DatagramAssembly::finish(Datagram& datagram, std::uint8_t ip_version) noexcept {
    datagram.in_use = false;
    const auto octets = octets_of(datagram).subspan(head_octets_max - datagram.head_octets,
                                                    datagram.head_octets + datagram.end);
    const std::size_t least = ip_version == 4 ? 20 : ipv6_header_octets + fragment_header_octets;
    const std::size_t length = ip_version == 4 ? octets.size() : octets.size() - ipv6_header_octets;
    if (datagram.head_octets < least || length > datagram_octets_max) {
        ++given_up_;
        return false;
    }
    OctetWriter(octets.subspan(ip_version == 4 ? 2 : 4)).be16(length);
    // Flags and offset: in IPv6 those of the fragment header, which ends the head.
    OctetWriter(octets.subspan(ip_version == 4 ? 6 : datagram.head_octets - 6)).be16(0);
    datagram_ = octets;
    ++joined_;
    return true;
}

}  // namespace tapmeter::inspect
