#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "src/capture_files/octets.h"

namespace tapmeter::capture_files::testing {

using File = std::vector<std::byte>;

// A frame whose octets differ from those of every other number.
inline File frame_of(std::size_t octets, unsigned number = 0) {
    File frame(octets);
    for (std::size_t i = 0; i < octets; ++i) {
        frame[i] = static_cast<std::byte>((number * 37 + i * 11 + 1) & 0xffU);
    }
    return frame;
}

// Appends numbers in the byte order of the file being built.
class FileWriter {
public:
    explicit FileWriter(FileOrder order) : order_(order) {}

    FileWriter& put16(std::uint16_t value) { return put(load16_of(value), 2); }
    FileWriter& put32(std::uint32_t value) { return put(load32_of(value), 4); }
    FileWriter& put64(std::uint64_t value) {
        const bool swapped = order_ == FileOrder::swapped;
        return put(swapped ? __builtin_bswap64(value) : value, 8);
    }
    FileWriter& put(std::span<const std::byte> octets) {
        for (const std::byte octet : octets) {  // insert() makes g++ 12 warn of an overflow
            file_.push_back(octet);
        }
        return *this;
    }
    FileWriter& put(std::string_view text) { return put(std::as_bytes(std::span{text})); }
    FileWriter& pad_to_words() {
        file_.resize((file_.size() + 3) / 4 * 4);
        return *this;
    }

    FileOrder order() const { return order_; }
    const File& file() const { return file_; }
    std::size_t size() const { return file_.size(); }

private:
    std::uint16_t load16_of(std::uint16_t value) const {
        return order_ == FileOrder::swapped ? __builtin_bswap16(value) : value;
    }
    std::uint32_t load32_of(std::uint32_t value) const {
        return order_ == FileOrder::swapped ? __builtin_bswap32(value) : value;
    }
    template <class Value>
    FileWriter& put(Value value, std::size_t octets) {
        return put(std::as_bytes(std::span{&value, 1}).first(octets));
    }

    FileOrder order_;
    File file_;
};

// A classic pcap file.
class PcapBuilder {
public:
    struct Header {
        FileOrder order = FileOrder::ours;
        std::uint32_t magic = 0xa1b2c3d4;
        std::uint16_t major = 2;
        std::uint16_t minor = 4;
        std::uint32_t snap_octets = 65'535;
        std::uint32_t network = 1;
    };
    struct Record {
        std::uint32_t seconds = 0;
        std::uint32_t fraction = 0;
        std::uint32_t captured = 0;
        std::uint32_t original = 0;
    };

    PcapBuilder() : PcapBuilder(Header{}) {}
    explicit PcapBuilder(const Header& header) : header_(header), file_(header.order) {
        file_.put32(header.magic).put16(header.major).put16(header.minor).put32(0).put32(0);
        file_.put32(header.snap_octets).put32(header.network);
    }

    // A record whose lengths need not be true.
    PcapBuilder& record(const Record& record, const File& frame) {
        file_.put32(record.seconds).put32(record.fraction);
        file_.put32(record.captured).put32(record.original);
        if (header_.magic == 0xa1b2cd34) {
            file_.put64(0x1122334455667788);  // interface, protocol, packet type
        }
        file_.put(frame);
        return *this;
    }
    // A whole packet.
    PcapBuilder& packet(std::uint32_t seconds, std::uint32_t fraction, const File& frame) {
        const auto octets = static_cast<std::uint32_t>(frame.size());
        return record({seconds, fraction, octets, octets}, frame);
    }
    const File& file() const { return file_.file(); }

private:
    Header header_;
    FileWriter file_;
};

// A pcapng file.
class PcapngBuilder {
public:
    struct Enhanced {
        std::uint32_t interface_id = 0;
        std::uint64_t ticks = 0;
        std::uint32_t captured = 0;
        std::uint32_t original = 0;
    };

    explicit PcapngBuilder(FileOrder order = FileOrder::ours) : file_(order) {}

    // Any block around a body that may be of any size.
    PcapngBuilder& block(std::uint32_t type, const FileWriter& body) {
        FileWriter whole = body;
        whole.pad_to_words();
        const auto total = static_cast<std::uint32_t>(whole.size() + 12);
        return raw_block({type, total, total}, whole.file());
    }
    struct Frame {
        std::uint32_t type;
        std::uint32_t total;
        std::uint32_t trailing;
    };
    PcapngBuilder& raw_block(const Frame& frame, const File& body) {
        file_.put32(frame.type).put32(frame.total).put(body).put32(frame.trailing);
        return *this;
    }

    // A section in the given byte order; the blocks after it use that order too.
    PcapngBuilder& section(FileOrder order, std::uint16_t major = 1) {
        FileWriter next(order);
        next.put(file_.file());
        file_ = next;
        return block(0x0a0d0d0a, body().put32(0x1a2b3c4d).put16(major).put16(0).put64(~0ULL));
    }
    PcapngBuilder& section() { return section(file_.order()); }

    FileWriter body() const { return FileWriter(file_.order()); }
    static FileWriter& option(FileWriter& to, std::uint16_t code, const File& value) {
        to.put16(code).put16(static_cast<std::uint16_t>(value.size())).put(value).pad_to_words();
        return to;
    }

    PcapngBuilder& interface(std::uint16_t linktype, std::uint32_t snap_octets = 0) {
        return interface_with(linktype, snap_octets, body());
    }
    PcapngBuilder& interface_with(std::uint16_t linktype, std::uint32_t snap_octets,
                                  const FileWriter& options) {
        return block(1, body().put16(linktype).put16(0).put32(snap_octets).put(options.file()));
    }
    PcapngBuilder& enhanced(const Enhanced& packet, const File& frame) {
        return enhanced(packet, frame, body());
    }
    PcapngBuilder& enhanced(const Enhanced& packet, const File& frame, const FileWriter& options) {
        return block(6, packet_body(body().put32(packet.interface_id), packet)
                            .put(frame)
                            .pad_to_words()
                            .put(options.file()));
    }
    PcapngBuilder& whole(std::uint32_t interface_id, std::uint64_t ticks, const File& frame) {
        const auto octets = static_cast<std::uint32_t>(frame.size());
        return enhanced({interface_id, ticks, octets, octets}, frame);
    }
    PcapngBuilder& obsolete(const Enhanced& packet, const File& frame) {
        const auto id = static_cast<std::uint16_t>(packet.interface_id);
        return block(2, packet_body(body().put16(id).put16(7), packet).put(frame));
    }
    PcapngBuilder& simple(std::uint32_t original, const File& frame) {
        return block(3, body().put32(original).put(frame));
    }
    PcapngBuilder& foreign(std::uint32_t type, std::size_t octets) {
        return block(type, body().put(frame_of(octets)));
    }
    const File& file() const { return file_.file(); }

private:
    static FileWriter packet_body(FileWriter start, const Enhanced& packet) {
        start.put32(static_cast<std::uint32_t>(packet.ticks >> 32U));
        start.put32(static_cast<std::uint32_t>(packet.ticks));
        start.put32(packet.captured).put32(packet.original);
        return start;
    }

    FileWriter file_;
};

}  // namespace tapmeter::capture_files::testing
