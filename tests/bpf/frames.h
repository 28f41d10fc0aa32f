#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <vector>

namespace tapmeter::testing {

// A frame written in the order of its headers, so that a test reads like the packet it means:
//   WireFrame{}.ethernet(0x0800).ipv4({.protocol = 17}).ports(1234, 53).padded_to(60)
class WireFrame {
public:
    WireFrame& ethernet(std::uint16_t type) {
        for (int octet = 0; octet < 12; ++octet) {
            be8(0x02);
        }
        return be16(type);
    }
    // Turns the ethertype just written into a tag in front of the next one.
    WireFrame& tag(std::uint16_t tag_type, std::uint16_t id, std::uint16_t type) {
        octets_.resize(octets_.size() - 2);
        return be16(tag_type).be16(id).be16(type);
    }

    struct Ipv4 {
        std::uint8_t version_words = 0x45;
        std::uint16_t fragment = 0;  // flags and offset
        std::uint8_t protocol = 17;
        std::uint32_t source = 0xc000'0201;       // 192.0.2.1
        std::uint32_t destination = 0xc633'6401;  // 198.51.100.1
    };
    WireFrame& ipv4(const Ipv4& ip) {
        be8(ip.version_words).be8(0).be16(60).be16(0).be16(ip.fragment);
        be8(64).be8(ip.protocol).be16(0).be32(ip.source).be32(ip.destination);
        for (int word = 5; word < (ip.version_words & 0xf); ++word) {
            be32(0x0101'0101);  // options: no operation
        }
        return *this;
    }

    struct Ipv6 {
        std::uint8_t next_header = 17;
        std::uint64_t source_high = 0x2001'0db8'0000'0001;
        std::uint64_t source_low = 1;
        std::uint64_t destination_high = 0x2001'0db8'0000'0002;
        std::uint64_t destination_low = 2;
    };
    WireFrame& ipv6(const Ipv6& ip) {
        be32(0x6000'0000).be16(100).be8(ip.next_header).be8(64);
        be64(ip.source_high).be64(ip.source_low);
        return be64(ip.destination_high).be64(ip.destination_low);
    }
    // An extension header of `octets` octets whose length field says `length`.
    WireFrame& extension(std::uint8_t next_header, std::uint8_t length, std::size_t octets) {
        be8(next_header).be8(length);
        return zeros(octets - 2);
    }
    WireFrame& fragment_header(std::uint8_t next_header, std::uint16_t offset_and_flags) {
        return be8(next_header).be8(0).be16(offset_and_flags).be32(7);
    }
    WireFrame& ports(std::uint16_t source, std::uint16_t destination) {
        return be16(source).be16(destination).be32(0);
    }
    WireFrame& padded_to(std::size_t octets) {
        return octets > octets_.size() ? zeros(octets - octets_.size()) : *this;
    }
    WireFrame& cut_to(std::size_t octets) {
        octets_.resize(octets);
        return *this;
    }
    const std::vector<std::uint8_t>& octets() const { return octets_; }

private:
    WireFrame& be8(unsigned value) {
        octets_.push_back(static_cast<std::uint8_t>(value));
        return *this;
    }
    WireFrame& be16(unsigned value) { return be8(value >> 8U).be8(value); }
    WireFrame& be32(std::uint32_t value) { return be16(value >> 16U).be16(value); }
    WireFrame& be64(std::uint64_t value) {
        return be32(static_cast<std::uint32_t>(value >> 32U))
            .be32(static_cast<std::uint32_t>(value));
    }
    WireFrame& zeros(std::size_t octets) {
        octets_.resize(octets_.size() + octets);
        return *this;
    }

    std::vector<std::uint8_t> octets_;
};

}  // namespace tapmeter::testing
