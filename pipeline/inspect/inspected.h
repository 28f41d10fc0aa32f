#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>

#include "pipeline/base/bytes.h"
#include "pipeline/base/units.h"
#include "pipeline/decode/headers.h"
#include "pipeline/inspect/rules/application.h"
#include "pipeline/inspect/rules/buffer.h"

namespace tapmeter::inspect {

// A part of a message of the application, whole, as an extractor cut it out. Parts of one request,
// query or handshake share a number; several parts may have one name (http.request_header).
struct NamedOctets {
    rules::Buffer buffer{};
    std::uint16_t message = 0;
    Bytes octets{};
};

// What signatures remember of a flow; lives with the flow's other inspection state, all zero at
// the start. Rules are named by their index in the set of `generation`: a reload clears them.
struct SignatureMemory {
    // A rule of which some buffers have met their conditions, others have not been seen yet.
    struct Partial {
        std::uint32_t rule = 0;  // index + 1; 0: free
        std::uint16_t message = 0;
        std::uint16_t met = 0;  // bits by the rule's buffers
    };
    static constexpr std::size_t partials_max = 16;
    static constexpr std::size_t fired_max = 16;
    static constexpr std::size_t sids_max = 8;
    static constexpr std::size_t flowbit_words = 8;  // rules::flowbits_max bits

    std::uint32_t generation = 0;
    std::uint32_t matches = 0;  // of all rules, so far
    // The first different sids that matched; for the flow's record.
    std::array<std::uint32_t, sids_max> sids{};
    std::uint8_t sids_count = 0;
    std::uint8_t fired_count = 0;
    std::uint8_t partials_next = 0;
    std::array<std::uint8_t, 5> unused{};
    std::array<std::uint64_t, flowbit_words> flowbits{};
    // Rules that matched in the stream, once for each direction: (index + 1) << 1 | direction.
    std::array<std::uint32_t, fired_max> fired{};
    std::array<Partial, partials_max> partials{};

    // Nothing has been remembered since it was all zero, but for the generation.
    bool is_empty() const noexcept {
        return matches == 0 && fired_count == 0 && partials_next == 0 &&
               partials.front().rule == 0 &&
               std::ranges::all_of(flowbits, [](std::uint64_t word) { return word == 0; });
    }
};
static_assert(sizeof(SignatureMemory) == 304);
static_assert(std::is_trivially_copyable_v<SignatureMemory>);

// One packet and what it brought to light, as signatures see it. Views last for the call.
struct Inspected {
    const decode::Headers& headers;
    // From the first octet of the IP header to the end of the packet, as captured. Empty: unknown;
    // then no test of header octets (ipopts, seq, tcp.hdr ...) holds.
    Bytes network{};
    ObservedAt at{};
    std::uint64_t flow_id = 0;
    std::uint16_t observation_point = 0;
    rules::Application application = rules::Application::unknown;
    bool to_server = false;
    bool established = false;  // TCP: the handshake was seen; others: both ends have sent
    // No packet stands behind this: the flow ended, or the other side acknowledged what was
    // missing. Only streams and messages are looked at.
    bool without_packet = false;
    // The payload takes part in a reassembled stream: rules that look at streams look there.
    bool in_stream = false;
    // The stream of this packet's direction as far as it can be looked at, and how many of its
    // last octets came with this packet.
    Bytes stream{};
    std::size_t stream_fresh = 0;
    // Octets that each side's stream has carried so far: client, server.
    std::array<std::uint64_t, 2> stream_octets{};
    std::span<const NamedOctets> named{};
    SignatureMemory* memory = nullptr;  // null: the flow has none; flowbits do not hold then
};

}  // namespace tapmeter::inspect
