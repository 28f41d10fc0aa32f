#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "pipeline/base/bytes.h"
#include "pipeline/inspect/inspected.h"
#include "pipeline/inspect/signature_prefilter.h"

namespace tapmeter::inspect {

// The named buffers of one packet: those that an extractor found, and those that are made of them
// (single header fields, names of fields, file_data ...) or of the datagram itself (SIP, QUIC).
// Only what a rule of the set looks at is made. One for each worker; fixed room.
class NamedBuffers {
public:
    static constexpr std::size_t named_max = 192;
    static constexpr std::size_t made_octets_max = std::size_t{32} << 10U;

    // Forgets all; `prefilter` says which buffers are looked at.
    void begin(const Prefilter& prefilter) noexcept;

    // A part of a message, as its extractor shows it, and what is made of it. Parts of one message
    // must come one behind the other.
    void add(const NamedOctets& found, bool from_client) noexcept;

    // What the datagram itself says: SIP's first line, QUIC's version.
    void add_datagram(rules::Application application, Bytes payload) noexcept;

    // Views last until begin().
    std::span<const NamedOctets> view() const noexcept { return std::span{named_}.first(count_); }
    // Buffers that found no room, since the start.
    std::uint64_t left_out() const noexcept { return left_out_; }

private:
    bool wanted(rules::Buffer buffer) const noexcept;
    void put(rules::Buffer buffer, std::uint16_t message, Bytes octets) noexcept;
    void split_fields(const NamedOctets& fields, bool from_client) noexcept;
    void add_field(const NamedOctets& fields, Bytes line, bool from_client) noexcept;
    void add_field_names(const NamedOctets& fields) noexcept;
    void add_start(const NamedOctets& fields) noexcept;
    void add_sip(Bytes payload) noexcept;
    void write(std::string_view text) noexcept;
    void write(Bytes octets) noexcept;

    const Prefilter* prefilter_ = nullptr;
    std::array<NamedOctets, named_max> named_{};
    std::size_t count_ = 0;
    std::array<std::byte, made_octets_max> made_{};
    std::size_t used_ = 0;
    Bytes start_line_{};  // of the message whose fields come next
    std::uint64_t left_out_ = 0;
};

}  // namespace tapmeter::inspect
