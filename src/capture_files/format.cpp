#include "src/capture_files/format.h"

#include <array>
#include <cstdio>
#include <string_view>

#include "src/capture_files/link_type.h"
#include "src/capture_files/pcapng_format.h"

namespace tapmeter::capture_files {
namespace {

constexpr std::uint32_t magic_microseconds = 0xa1b2c3d4;
constexpr std::uint32_t magic_nanoseconds = 0xa1b23c4d;
constexpr std::uint32_t magic_modified = 0xa1b2cd34;
constexpr std::uint16_t classic_version_major = 2;
constexpr std::size_t magic_octets = 4;

// Files that people hand to us, which are no capture file as they stand.
struct Foreign {
    std::string_view start;
    std::string_view what;
    std::string_view cure;
};
constexpr std::string_view editcap_cure = "convert it: editcap FILE new.pcapng";
constexpr std::array foreigners{
    Foreign{"\x1f\x8b", "a gzip file", "zcat FILE | tapmeter read -"},
    Foreign{"\x28\xb5\x2f\xfd", "a zstd file", "zstdcat FILE | tapmeter read -"},
    Foreign{"\xfd\x37zXZ", "an xz file", "xzcat FILE | tapmeter read -"},
    Foreign{"BZh", "a bzip2 file", "bzcat FILE | tapmeter read -"},
    Foreign{"\x04\x22\x4d\x18", "an lz4 file", "lz4cat FILE | tapmeter read -"},
    Foreign{"PK\x03\x04", "a zip archive", "unzip -p FILE | tapmeter read -"},
    Foreign{"snoop", "a snoop file", editcap_cure},
    Foreign{"RTSS", "a Network Monitor file", editcap_cure},
    Foreign{"GMBU", "a Network Monitor file", editcap_cure},
    Foreign{"TRSNIFF", "a Sniffer file", editcap_cure},
};

std::string_view text_of(Bytes octets) noexcept {
    // NOLINTNEXTLINE(*-reinterpret-cast): any octets may be looked at as chars
    return {reinterpret_cast<const char*>(octets.data()), octets.size()};
}

std::string hex(Bytes octets) {
    std::string text;
    for (const std::byte octet : octets) {
        std::array<char, 4> digits{};
        std::snprintf(digits.data(), digits.size(), "%02x ", std::to_integer<unsigned>(octet));
        text += digits.data();
    }
    text.resize(text.empty() ? 0 : text.size() - 1);
    return text;
}

tl::unexpected<Error> not_readable(const std::string& message) {
    return failed(Error::Kind::io, message);
}

tl::unexpected<Error> too_short(Bytes start, std::string_view kind, std::size_t octets_min) {
    return not_readable("offset 0: found " + std::to_string(start.size()) + " octets, but a " +
                        std::string(kind) + " begins with a header of " +
                        std::to_string(octets_min) +
                        "; the capture was cut before its first packet");
}

// Reads the file header whose magic number was recognised.
Result<Format> classic_format(Bytes start, std::uint32_t magic, FileOrder order) {
    if (start.size() < classic_header_octets) {
        return too_short(start, "pcap file", classic_header_octets);
    }
    const auto header = start.first<classic_header_octets>();
    const std::uint16_t major = load16(order, header.subspan<4, 2>());
    const std::uint16_t minor = load16(order, header.subspan<6, 2>());
    if (major != classic_version_major) {
        return not_readable("offset 4: found pcap version " + std::to_string(major) + "." +
                            std::to_string(minor) + ", only 2.x is known");
    }
    const std::uint32_t network = load32(order, header.subspan<20, 4>());
    ClassicFormat format{.order = order, .linktype = network & 0xffffU};
    format.link = link_type_of(format.linktype);
    format.snap_octets = load32(order, header.subspan<16, 4>());
    format.fraction_ns = magic == magic_nanoseconds ? 1 : 1'000;
    format.record_header_octets = magic == magic_modified ? 24 : 16;
    format.lengths_may_be_exchanged = minor < 4;
    // "P" bit: the top four bits hold the length of the FCS in units of 16 bits.
    if ((network & 0x04000000U) != 0) {
        format.fcs_octets = static_cast<std::uint8_t>((network >> 28U) * 2);
    }
    return format;
}

Result<Format> pcapng_format(Bytes start) {
    constexpr std::size_t section_octets_min = 28;
    if (start.size() < section_octets_min) {
        return too_short(start, "pcapng file", section_octets_min);
    }
    const std::uint32_t magic = load32(FileOrder::ours, start.subspan<8, 4>());
    if (magic == byte_order_magic) {
        return PcapngFormat{FileOrder::ours};
    }
    if (magic == __builtin_bswap32(byte_order_magic)) {
        return PcapngFormat{FileOrder::swapped};
    }
    return not_readable("offset 8: found byte-order magic " + hex(start.subspan(8, 4)) +
                        ", a pcapng section header has 1a 2b 3c 4d or 4d 3c 2b 1a");
}

Result<Format> refuse(Bytes start) {
    const std::string found =
        "offset 0: found " + hex(start.first(start.size() < 4 ? start.size() : 4));
    for (const Foreign& foreign : foreigners) {
        if (text_of(start).starts_with(foreign.start)) {
            return not_readable(found + ", " + std::string(foreign.what) +
                                ", which is not read directly; " + std::string(foreign.cure));
        }
    }
    return not_readable(found +
                        ", but a pcap file begins with a1 b2 c3 d4 (nanoseconds: a1 b2 3c 4d) "
                        "in either byte order, a pcapng file with 0a 0d 0d 0a");
}

}  // namespace

Result<Format> recognise(Bytes start) {
    if (start.empty()) {
        return not_readable("is empty, but a capture file begins with a file header");
    }
    if (start.size() < magic_octets) {
        return refuse(start);
    }
    for (const FileOrder order : {FileOrder::ours, FileOrder::swapped}) {
        const std::uint32_t magic = load32(order, start.first<magic_octets>());
        if (magic == magic_microseconds || magic == magic_nanoseconds || magic == magic_modified) {
            return classic_format(start, magic, order);
        }
    }
    if (BlockType{load32(FileOrder::ours, start.first<magic_octets>())} ==
        BlockType::section_header) {
        return pcapng_format(start);
    }
    return refuse(start);
}

std::string describe(const Format& format) {
    if (const auto* const pcapng = std::get_if<PcapngFormat>(&format)) {
        return "pcapng, " + std::string(name_of(pcapng->order));
    }
    const auto& classic = std::get<ClassicFormat>(format);
    std::string text = classic.record_header_octets == 16 ? "pcap, " : "modified pcap, ";
    text += name_of(classic.order);
    text += classic.fraction_ns == 1 ? ", nanoseconds" : ", microseconds";
    text += ", link type " + std::to_string(classic.linktype);
    text += ", snap length " + std::to_string(classic.snap_octets);
    if (classic.fcs_octets > 0) {
        text += ", FCS of " + std::to_string(classic.fcs_octets) + " octets";
    }
    return text;
}

}  // namespace tapmeter::capture_files
