#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "pipeline/base/expects.h"
#include "pipeline/inspect/extract/extractor.h"

namespace tapmeter::inspect::extract::fuzzing {

// Reads octets as a conversation: two say who sends and how long the segment is, then come its
// octets, each segment in a heap block of its own. What must hold for all of them: no read outside
// (the sanitizers' part), metadata whose pieces lie in its text, findings that can be read to
// their last octet, and everything given back at the end (ours).
class Harness {
public:
    explicit Harness(std::uint8_t transport, Ports ports, Protocol protocol)
        : extractor_(*Extractor::reserve(
              {.streams = {.window_octets = 4'096, .windows_max = 2}, .metadata_max = 1})),
          transport_(transport),
          ports_(ports),
          protocol_(protocol) {}

    void run(std::span<const std::uint8_t> input) {
        constexpr std::size_t command_octets = 2;
        FlowReading flow;
        if (protocol_ != Protocol::unknown) {
            extractor_.set_protocol(flow, protocol_);
        }
        std::array<std::uint32_t, 2> sent{};
        while (input.size() >= command_octets) {
            const std::uint8_t side = input[0] & 1U;
            const std::uint32_t gap = (input[0] & 2U) != 0 ? (input[0] >> 2U) : 0;
            const std::size_t scale = transport_ == 17 ? 8 : 1;
            const std::size_t length =
                std::min(input[1] * scale + 1, input.size() - command_octets);
            const auto octets = std::as_bytes(input.subspan(command_octets, length));
            const std::vector<std::byte> payload{octets.begin(), octets.end()};
            input = input.subspan(command_octets + length);
            PacketIn packet{.protocol = transport_, .side = side, .ports = ports_};
            sent.at(side) += gap;
            packet.segment = {.sequence = sent.at(side), .payload = payload};
            sent.at(side) += static_cast<std::uint32_t>(length);
            extractor_.feed(flow, packet);
            check(flow);
        }
        extractor_.finish(flow, ports_);
        check(flow);
        extractor_.close(flow);
        expects(extractor_.metadata_taken() == 0);
        expects(extractor_.streams().windows_taken() == 0);
    }

private:
    void check(const FlowReading& flow) {
        unsigned sum = 0;
        for (const Found& found : extractor_.findings().view()) {
            expects(found.buffer < Buffer::count && found.side < 2);
            for (const std::byte octet : found.octets) {
                sum += std::to_integer<unsigned>(octet);
            }
        }
        for (const StreamPart& part : extractor_.stream_parts()) {
            for (const std::byte octet : part.octets) {
                sum += std::to_integer<unsigned>(octet);
            }
        }
        read_sum_ = read_sum_ + sum;
        if (const Metadata* metadata = extractor_.metadata_of(flow)) {
            expects(metadata->text_used <= Metadata::text_octets);
            expects(metadata->dns.answers_kept <= dns_answers_max);
            for (const Text piece : {metadata->tls.sni, metadata->tls.subject, metadata->http.uri,
                                     metadata->dns.query, metadata->greeting}) {
                expects(piece.begin + piece.length() <= metadata->text_used);
            }
        }
    }

    Extractor extractor_;
    std::uint8_t transport_;
    Ports ports_;
    Protocol protocol_;
    unsigned read_sum_ = 0;  // so that the compiler reads
};

}  // namespace tapmeter::inspect::extract::fuzzing
