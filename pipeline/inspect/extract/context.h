#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "pipeline/base/counter.h"
#include "pipeline/base/fates.h"
#include "pipeline/inspect/extract/findings.h"
#include "pipeline/inspect/metadata.h"

namespace tapmeter::inspect::extract {

// How reading ended, good or bad. Each is one counter; hostile octets end here, nowhere else.
enum class ReadEvent : std::uint8_t {
    http_request,
    http_response,
    http_bad_start_line,  // neither a request nor a response: the direction is left alone
    http_head_too_long,   // no end of the fields within the inspected part
    http_bad_chunk,       // the body's chunks cannot be followed any further
    http_body_cut,        // shown as far as it was inspected
    tls_client_hello,
    tls_server_hello,
    tls_hello_cut,         // what could be read of it is kept
    tls_too_many_numbers,  // a hello whose lists are too long for fingerprints
    tls_certificate,
    tls_bad_certificate,   // its DER cannot be read to the end
    tls_bad_record,        // no TLS record where one should begin
    tls_message_too_long,  // a handshake message beyond the inspected part
    dns_query,
    dns_response,
    dns_bad_header,  // too short, or an opcode or counts that DNS does not have
    dns_bad_name,    // a label or pointer out of the message, or pointers in circles
    dns_bad_record,  // a record ends behind the message
    ssh_banner,
    ssh_no_banner,  // no identification string in the first lines
    greeting,
    smb_dialect,
    quic_client_hello,
    quic_server_hello,
    quic_unknown_version,
    quic_bad_header,
    quic_not_decrypted,  // the octets do not authenticate under the keys of the connection
    quic_bad_frame,
    quic_budget_spent,  // more Initial packets than are decrypted for one flow
    gquic_bad_message,
    datagram_unknown,  // no protocol that is read
    stream_unknown,
    broken_by_gap,      // a message that began before octets which were never seen
    no_metadata_slot,   // a flow's facts are shown to signatures, but not kept
    findings_left_out,  // more parts in one packet than are shown
    count,
};
inline constexpr std::size_t read_events = static_cast<std::size_t>(ReadEvent::count);
inline constexpr std::array<std::string_view, read_events> read_event_names{
    "http_request",        "http_response",
    "http_bad_start_line", "http_head_too_long",
    "http_bad_chunk",      "http_body_cut",
    "tls_client_hello",    "tls_server_hello",
    "tls_hello_cut",       "tls_too_many_numbers",
    "tls_certificate",     "tls_bad_certificate",
    "tls_bad_record",      "tls_message_too_long",
    "dns_query",           "dns_response",
    "dns_bad_header",      "dns_bad_name",
    "dns_bad_record",      "ssh_banner",
    "ssh_no_banner",       "greeting",
    "smb_dialect",         "quic_client_hello",
    "quic_server_hello",   "quic_unknown_version",
    "quic_bad_header",     "quic_not_decrypted",
    "quic_bad_frame",      "quic_budget_spent",
    "gquic_bad_message",   "datagram_unknown",
    "stream_unknown",      "broken_by_gap",
    "no_metadata_slot",    "findings_left_out"};
static_assert(read_event_names.back() == "findings_left_out");

using ReadCounters = std::array<Counter, read_events>;

// What is worth the time; the rest is left out.
struct Options {
    bool ja3 = true;  // JA3 and JA3S
    bool ja4 = true;
    bool bodies = true;  // keep HTTP bodies together for signatures
};

// What a reader of one protocol writes to, for one flow and one packet.
struct Context {
    Metadata& metadata;
    Findings& findings;
    ReadCounters& counters;
    const Options& options;
    std::uint8_t side = 0;  // who sent the packet
    std::uint16_t message = 0;
    bool from_client = false;  // the sender offered, asked or called

    void count(ReadEvent event) noexcept { counters[index_of(event)].add(1); }
    void show(Buffer buffer, Bytes octets) noexcept {
        findings.add({.octets = octets, .message = message, .buffer = buffer, .side = side});
    }
};

// A reader's place in one direction of a stream: what it must remember between packets.
struct Place {
    std::uint32_t need = 0;  // nothing can be done before so many octets are at hand
    std::uint32_t left = 0;  // octets of the record or body that is being passed over
    std::uint16_t message = 0;
    std::uint8_t phase = 0;  // the reader's own
    std::uint8_t flags = 0;  // the same
};
static_assert(sizeof(Place) == 12);

// What a reader made of a step of its stream.
struct Read {
    std::size_t consumed = 0;  // octets from the start that it does not want to see again
    bool done = false;         // this direction has nothing more to tell
    bool switched = false;     // what follows, in both directions, is another protocol
};

}  // namespace tapmeter::inspect::extract
