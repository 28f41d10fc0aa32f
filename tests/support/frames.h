#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "pipeline/base/packet.h"

namespace tapmeter::testing {

// Exactly as many octets as the frame has, in a heap block of their own: a read past the end is
// seen by AddressSanitizer.
using Frame = std::vector<std::byte>;

// A frame as a capture backend hands it on. The frame must outlive the packet.
// wire_octets  0: as many as captured
inline Packet packet_of(const Frame& frame, LinkType link = LinkType::ethernet,
                        std::size_t wire_octets = 0) {
    return {
        .frame = frame,
        .wire_octets = static_cast<std::uint32_t>(wire_octets == 0 ? frame.size() : wire_octets),
        .link = link};
}

struct Ipv4Fields {
    std::uint8_t version_ihl = 0x45;  // more words than 5: write the options with fill()
    std::uint8_t type_of_service = 0;
    std::optional<std::uint16_t> total_octets{};  // else counted when the frame is done
    std::uint16_t fragment = 0;                   // flags and offset in units of 8 octets
    std::uint8_t time_to_live = 64;
    std::uint8_t protocol = 17;
    std::uint32_t source = 0x0a00'0001;
    std::uint32_t destination = 0x0a00'0002;
};

struct Ipv6Fields {
    std::uint8_t version = 6;
    std::uint8_t traffic_class = 0;
    std::optional<std::uint16_t> payload_octets{};  // else counted when the frame is done
    std::uint8_t next_header = 17;
    std::uint8_t hop_limit = 64;
    std::uint8_t source = 1;  // last octet behind 2001:db8::
    std::uint8_t destination = 2;
};

struct TcpFields {
    std::uint8_t data_offset = 5;  // words; more than 5: write the options with fill()
    std::uint16_t control_bits = 0x018;
    std::uint32_t sequence = 1;
    std::uint32_t acknowledgment = 1;
};

// A frame written in the order of its headers, so that a test reads like the packet it means:
//   FrameBuilder{}.ethernet().vlan(7).ipv4({.protocol = 17}).udp(1234, 53).frame()
// Lengths that are not given are counted when the frame is done, or when padding begins.
class FrameBuilder {
public:
    // --- link layers ---------------------------------------------------------------------------
    FrameBuilder& ethernet(std::uint16_t ethertype = 0x0800) {
        return fill(12, 0x02).be16(ethertype);
    }
    // Puts a tag in front of the ethertype just written: several are called from the outside in.
    FrameBuilder& vlan(std::uint16_t id, std::uint16_t tag_ethertype = 0x8100) {
        const std::size_t at = octets_.size() - 2;
        const auto ethertype =
            static_cast<std::uint16_t>((std::to_integer<unsigned>(octets_[at]) << 8U) |
                                       std::to_integer<unsigned>(octets_.back()));
        octets_.resize(at);
        return be16(tag_ethertype).be16(id).be16(ethertype);
    }
    // An outer service tag and an inner customer tag, IEEE 802.1ad.
    FrameBuilder& qinq(std::uint16_t service_id, std::uint16_t customer_id) {
        return vlan(service_id, 0x88a8).vlan(customer_id);
    }
    // An IEEE 802.3 frame: a length, counted, and an 802.2 header of unnumbered information.
    FrameBuilder& llc(std::uint8_t destination_sap, std::uint8_t source_sap) {
        fill(12, 0x02).counted();
        return be8(destination_sap).be8(source_sap).be8(0x03);
    }
    FrameBuilder& llc_snap(std::uint16_t ethertype = 0x0800, std::uint32_t oui = 0) {
        llc(0xaa, 0xaa).be8(static_cast<std::uint8_t>(oui >> 16U));
        return be16(static_cast<std::uint16_t>(oui)).be16(ethertype);
    }
    // One label stack entry; the ethertype in front of the first must be 0x8847.
    FrameBuilder& mpls(std::uint32_t label, bool bottom = true) {
        return be32((label << 12U) | (bottom ? 0x100U : 0U) | 64U);
    }
    FrameBuilder& pppoe(std::uint16_t ppp_protocol = 0x0021, std::uint8_t code = 0) {
        return be8(0x11).be8(code).be16(1).counted().be16(ppp_protocol);
    }
    FrameBuilder& ppp(std::uint16_t protocol = 0x0021) { return be16(0xff03).be16(protocol); }
    FrameBuilder& c_hdlc(std::uint16_t protocol = 0x0800, std::uint8_t address = 0x0f) {
        return be8(address).be8(0).be16(protocol);
    }
    FrameBuilder& sll(std::uint16_t protocol = 0x0800, std::uint16_t device = 1) {
        return be16(0).be16(device).be16(6).fill(8, 0x02).be16(protocol);
    }
    FrameBuilder& sll2(std::uint16_t protocol = 0x0800, std::uint16_t device = 1) {
        return be16(protocol).be16(0).be32(1).be16(device).be8(0).be8(6).fill(8, 0x02);
    }
    // LINKTYPE_LOOP writes the family big-endian; LINKTYPE_NULL in either order.
    FrameBuilder& family_big_endian(std::uint32_t family) { return be32(family); }
    FrameBuilder& family_little_endian(std::uint8_t family) { return be8(family).fill(3); }

    // --- IP ------------------------------------------------------------------------------------
    FrameBuilder& ipv4() { return ipv4(Ipv4Fields{}); }
    FrameBuilder& ipv4(const Ipv4Fields& f) {
        const std::size_t begin = octets_.size();
        be8(f.version_ihl).be8(f.type_of_service);
        given_or_counted(f.total_octets, begin);
        be16(0).be16(f.fragment).be8(f.time_to_live).be8(f.protocol).be16(0);
        return be32(f.source).be32(f.destination);
    }
    FrameBuilder& ipv6() { return ipv6(Ipv6Fields{}); }
    FrameBuilder& ipv6(const Ipv6Fields& f) {
        const std::size_t begin = octets_.size();
        be32((std::uint32_t{f.version} << 28U) | (std::uint32_t{f.traffic_class} << 20U));
        given_or_counted(f.payload_octets, begin + 40);
        be8(f.next_header).be8(f.hop_limit);
        be32(0x2001'0db8).fill(11).be8(f.source);
        return be32(0x2001'0db8).fill(11).be8(f.destination);
    }
    // Hop-by-hop, routing, destination options, mobility, HIP, shim6: 8 octets a unit.
    FrameBuilder& extension(std::uint8_t next_header, std::uint8_t units_more = 0) {
        return be8(next_header).be8(units_more).fill(6 + std::size_t{8} * units_more);
    }
    FrameBuilder& jumbo(std::uint8_t next_header, std::uint32_t payload_octets) {
        return be8(next_header).be8(0).be8(0xc2).be8(4).be32(payload_octets);
    }
    // offset  in units of 8 octets
    FrameBuilder& fragment(std::uint8_t next_header, std::uint16_t offset, bool more) {
        be8(next_header).be8(0);
        return be16(static_cast<std::uint16_t>((unsigned{offset} << 3U) | (more ? 1U : 0U)))
            .be32(0x1d);
    }
    // words  as AH counts them: 32-bit words less two
    FrameBuilder& authentication(std::uint8_t next_header, std::uint8_t words = 4) {
        return be8(next_header)
            .be8(words)
            .fill(2)
            .be32(1)
            .be32(1)
            .fill(words < 1 ? 0 : (words - std::size_t{1}) * 4);
    }

    // --- transport -----------------------------------------------------------------------------
    FrameBuilder& udp(std::uint16_t source_port, std::uint16_t destination_port,
                      std::optional<std::uint16_t> length = std::nullopt) {
        const std::size_t begin = octets_.size();
        be16(source_port).be16(destination_port);
        return given_or_counted(length, begin).be16(0);
    }
    FrameBuilder& tcp(std::uint16_t source_port, std::uint16_t destination_port,
                      const TcpFields& f) {
        be16(source_port).be16(destination_port).be32(f.sequence).be32(f.acknowledgment);
        be16(static_cast<std::uint16_t>((unsigned{f.data_offset} << 12U) | f.control_bits));
        return be16(1024).be32(0);
    }
    FrameBuilder& tcp(std::uint16_t source_port, std::uint16_t destination_port) {
        return tcp(source_port, destination_port, TcpFields{});
    }
    FrameBuilder& sctp(std::uint16_t source_port, std::uint16_t destination_port) {
        return be16(source_port).be16(destination_port).be32(1).be32(0);
    }
    // data_offset  words, as in TCP
    FrameBuilder& dccp(std::uint16_t source_port, std::uint16_t destination_port,
                       std::uint8_t data_offset = 4) {
        return be16(source_port).be16(destination_port).be8(data_offset).fill(11);
    }
    FrameBuilder& icmp(std::uint8_t type, std::uint8_t code) {
        return be8(type).be8(code).be16(0).be32(0);
    }

    // --- octets --------------------------------------------------------------------------------
    FrameBuilder& be8(std::uint8_t value) {
        octets_.push_back(std::byte{value});
        return *this;
    }
    FrameBuilder& be16(std::uint16_t value) {
        return be8(static_cast<std::uint8_t>(value >> 8U)).be8(static_cast<std::uint8_t>(value));
    }
    FrameBuilder& be32(std::uint32_t value) {
        return be16(static_cast<std::uint16_t>(value >> 16U))
            .be16(static_cast<std::uint16_t>(value));
    }
    FrameBuilder& fill(std::size_t octets, std::uint8_t value = 0) {
        octets_.insert(octets_.end(), octets, std::byte{value});
        return *this;
    }
    FrameBuilder& text(std::string_view characters) {
        for (const char character : characters) {
            be8(static_cast<std::uint8_t>(character));
        }
        return *this;
    }
    FrameBuilder& bytes(std::initializer_list<std::uint8_t> values) {
        for (const std::uint8_t value : values) {
            be8(value);
        }
        return *this;
    }
    // Lengthens with zeros that no length counts, as Ethernet does up to 60 octets.
    FrameBuilder& padded(std::size_t octets) {
        close();
        return octets > octets_.size() ? fill(octets - octets_.size()) : *this;
    }
    // Cuts, as a snap length does: the lengths stay those of the whole frame. Or lengthens.
    FrameBuilder& sized(std::size_t octets) {
        close();
        octets_.resize(octets);
        return *this;
    }

    std::size_t size() const noexcept { return octets_.size(); }
    Frame frame() const {
        FrameBuilder done{*this};
        done.close();
        return {done.octets_.begin(), done.octets_.end()};
    }

private:
    struct OpenLength {
        std::size_t at;     // where the two octets of the field stand
        std::size_t begin;  // the first octet that it counts
    };

    // A length field that counts what follows it.
    FrameBuilder& counted() { return given_or_counted(std::nullopt, octets_.size() + 2); }
    FrameBuilder& given_or_counted(std::optional<std::uint16_t> given, std::size_t begin) {
        if (!given) {
            open_.push_back({octets_.size(), begin});
        }
        return be16(given.value_or(0));
    }
    void close() {
        for (const OpenLength& length : open_) {
            const std::size_t octets = octets_.size() - length.begin;
            octets_[length.at] = static_cast<std::byte>(octets >> 8U);
            octets_[length.at + 1] = static_cast<std::byte>(octets);
        }
        open_.clear();
    }

    Frame octets_;
    std::vector<OpenLength> open_;
};

}  // namespace tapmeter::testing
