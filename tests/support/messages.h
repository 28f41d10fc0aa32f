#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "pipeline/base/bytes.h"
#include "pipeline/inspect/extract/extractor.h"

namespace tapmeter::inspect::extract::testing {

// Octets under construction: exactly as many as are there, in a heap block of their own.
class Octets {
public:
    Octets() = default;
    explicit Octets(std::string_view text) { put(text); }
    static Octets of_hex(std::string_view digits) {
        Octets made;
        for (std::size_t i = 0; i + 1 < digits.size(); i += 2) {
            made.put8(
                static_cast<unsigned>(std::stoul(std::string{digits.substr(i, 2)}, nullptr, 16)));
        }
        return made;
    }

    Octets& put8(unsigned value) {
        octets_.push_back(static_cast<std::byte>(value));
        return *this;
    }
    Octets& put16(unsigned value) { return put8(value >> 8U & 0xffU).put8(value & 0xffU); }
    Octets& put24(unsigned value) { return put8(value >> 16U & 0xffU).put16(value & 0xffffU); }
    Octets& put32(unsigned value) { return put16(value >> 16U).put16(value & 0xffffU); }
    Octets& put(std::string_view text) {
        for (const char c : text) {
            put8(static_cast<unsigned char>(c));
        }
        return *this;
    }
    Octets& put(const Octets& other) {
        octets_.insert(octets_.end(), other.octets_.begin(), other.octets_.end());
        return *this;
    }
    Octets& numbers(const std::vector<unsigned>& values) {
        for (const unsigned value : values) {
            put16(value);
        }
        return *this;
    }
    Octets& vector8(const Octets& content) {
        return put8(static_cast<unsigned>(content.size())).put(content);
    }
    Octets& vector16(const Octets& content) {
        return put16(static_cast<unsigned>(content.size())).put(content);
    }
    Octets& vector24(const Octets& content) {
        return put24(static_cast<unsigned>(content.size())).put(content);
    }
    Octets& zeros(std::size_t count) {
        octets_.insert(octets_.end(), count, std::byte{0});
        return *this;
    }

    std::size_t size() const { return octets_.size(); }
    Bytes view() const { return octets_; }
    std::span<std::byte> change() { return octets_; }
    std::string text() const { return std::string{text_of(octets_)}; }

private:
    std::vector<std::byte> octets_;
};

struct HelloFields {
    std::vector<unsigned> ciphers;
    std::vector<unsigned> extensions;  // those that are named below get their content
    std::vector<unsigned> signatures;
    std::string name = "example.com";
    std::string alpn = "h2";
    unsigned version = 0x0303;
    std::vector<unsigned> versions = {0x0304, 0x0303};
};

inline Octets extension_content(unsigned type, const HelloFields& fields) {
    switch (type) {
        case 0x0000:
            return Octets{}.vector16(Octets{}.put8(0).vector16(Octets{fields.name}));
        case 0x000a:
            return Octets{}.vector16(Octets{}.numbers({0x0a0a, 0x001d, 0x0017}));
        case 0x000b:
            return Octets{}.vector8(Octets{}.put8(0));
        case 0x000d:
            return Octets{}.vector16(Octets{}.numbers(fields.signatures));
        case 0x0010:
            return Octets{}.vector16(
                Octets{}.vector8(Octets{fields.alpn}).vector8(Octets{"http/1.1"}));
        case 0x002b:
            return Octets{}.vector8(Octets{}.numbers(fields.versions));
        default:
            return {};
    }
}

// Body of a ClientHello.
inline Octets client_hello(const HelloFields& fields) {
    Octets extensions;
    for (const unsigned type : fields.extensions) {
        extensions.put16(type).vector16(extension_content(type, fields));
    }
    return Octets{}
        .put16(fields.version)
        .zeros(32)
        .vector8({})
        .vector16(Octets{}.numbers(fields.ciphers))
        .vector8(Octets{}.put8(0))
        .vector16(extensions);
}

// The one of the example in JA4's specification: t13d1516h2_8daaf6152771_e5627efa2ab1.
inline HelloFields example_fields() {
    return {.ciphers = {0x2a2a, 0x1301, 0x1302, 0x1303, 0xc02b, 0xc02f, 0xc02c, 0xc030, 0xcca9,
                        0xcca8, 0xc013, 0xc014, 0x009c, 0x009d, 0x002f, 0x0035},
            .extensions = {0x1a1a, 0x001b, 0x0000, 0x0033, 0x0010, 0x4469, 0x0017, 0x002d, 0x000d,
                           0x0005, 0x0023, 0x0012, 0x002b, 0xff01, 0x000b, 0x000a, 0x0015},
            .signatures = {0x0403, 0x0804, 0x0401, 0x0503, 0x0805, 0x0501, 0x0806, 0x0601}};
}

inline Octets handshake_message(unsigned type, const Octets& body) {
    return Octets{}.put8(type).vector24(body);
}

// Records that carry `octets`, at most `octets_max` each.
inline Octets records_of(const Octets& octets, std::size_t octets_max = 16'384) {
    Octets records;
    for (std::size_t at = 0; at < octets.size(); at += octets_max) {
        const Bytes part = octets.view().subspan(at, std::min(octets_max, octets.size() - at));
        records.put8(22).put16(0x0301).vector16(Octets{text_of(part)});
    }
    return records;
}

inline Octets dns_name(std::string_view dotted) {
    Octets name;
    while (!dotted.empty()) {
        const std::string_view label = dotted.substr(0, dotted.find('.'));
        name.vector8(Octets{label});
        dotted.remove_prefix(std::min(dotted.size(), label.size() + 1));
    }
    return name.put8(0);
}

inline Octets dns_query(unsigned id, std::string_view name, unsigned type) {
    return Octets{}.numbers({id, 0x0100, 1, 0, 0, 0}).put(dns_name(name)).numbers({type, 1});
}

// What the extractor shows under one name, joined with "|".
inline std::string shown(const Extractor& extractor, Buffer buffer) {
    std::string all;
    for (const Found& found : extractor.findings().view()) {
        if (found.buffer == buffer) {
            all += (all.empty() ? "" : "|") + std::string{text_of(found.octets)};
        }
    }
    return all;
}

// A TCP flow through an extractor, in segments of any size.
class Conversation {
public:
    explicit Conversation(Ports ports = {.source = 50'000, .destination = 443},
                          Extractor::Limits limits = {.streams = {.windows_max = 4},
                                                      .metadata_max = 4})
        : extractor_(*Extractor::reserve(limits)), ports_(ports) {}

    // Sends octets in segments of at most `octets_max`; collects what is shown.
    bool send(std::uint8_t side, const Octets& octets, std::size_t octets_max = 65'535) {
        bool goes_on = true;
        for (std::size_t at = 0; at < octets.size(); at += octets_max) {
            const Bytes part = octets.view().subspan(at, std::min(octets_max, octets.size() - at));
            goes_on = send_segment(side, part, sent_[side] + static_cast<std::uint32_t>(at));
        }
        sent_[side] += static_cast<std::uint32_t>(octets.size());
        return goes_on;
    }
    bool send_segment(std::uint8_t side, Bytes octets, std::uint32_t offset) {
        PacketIn packet{.protocol = 6, .side = side, .ports = ports_};
        packet.segment = {.sequence = 1'000 + offset,
                          .wire_octets = static_cast<std::uint32_t>(octets.size()),
                          .payload = octets};
        const bool goes_on = extractor_.feed(flow_, packet);
        collect();
        return goes_on;
    }
    bool datagram(std::uint8_t side, const Octets& octets, ObservedAt at = {}) {
        PacketIn packet{.protocol = 17, .side = side, .ports = ports_, .at = at};
        packet.segment.payload = octets.view();
        const bool goes_on = extractor_.feed(flow_, packet);
        collect();
        return goes_on;
    }
    void finish() {
        extractor_.finish(flow_, ports_);
        collect();
    }
    void close() { extractor_.close(flow_); }

    // All that was shown so far under one name, joined with "|".
    std::string shown(Buffer buffer) const { return shown_[static_cast<std::size_t>(buffer)]; }
    const Metadata& metadata() const { return *extractor_.metadata_of(flow_); }
    std::string kept(Text piece) const { return std::string{metadata().view(piece)}; }
    Extractor& extractor() { return extractor_; }
    FlowReading& flow() { return flow_; }
    void skip(std::uint8_t side, std::uint32_t octets) { sent_[side] += octets; }
    std::uint64_t count(ReadEvent event) const { return extractor_.count_of(event); }

private:
    void collect() {
        for (const Found& found : extractor_.findings().view()) {
            auto& all = shown_[static_cast<std::size_t>(found.buffer)];
            all += (all.empty() ? "" : "|") + std::string{text_of(found.octets)};
        }
    }

    Extractor extractor_;
    FlowReading flow_{};
    Ports ports_;
    std::array<std::uint32_t, 2> sent_{};
    std::array<std::string, buffers> shown_{};
};

}  // namespace tapmeter::inspect::extract::testing
