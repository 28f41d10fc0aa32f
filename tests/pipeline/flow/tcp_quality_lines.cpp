// Prints how the TCP connections of a capture file fare, one pair of ends a line, as the oracle of
// tcp_quality_oracle.py counts them: addresses and ports, then both directions' events together.
//
// usage: tcp_quality_lines FILE

#include <cstdio>
#include <map>
#include <string>
#include <tuple>

#include "pipeline/decode/frame.h"
#include "pipeline/flow/tcp_quality.h"
#include "src/capture_files/file_capture.h"

namespace {

using namespace tapmeter;

std::string text_of(const decode::Address& address, std::uint8_t version) {
    std::string text;
    for (std::size_t octet = version == 4 ? 12 : 0; octet < address.size(); ++octet) {
        constexpr std::string_view digits = "0123456789abcdef";
        text += digits[address[octet] >> 4U];
        text += digits[address[octet] & 15U];
    }
    return text;
}

using Ends = std::tuple<std::string, std::uint16_t, std::string, std::uint16_t>;

void print(const Ends& ends, const flow::TcpQuality& quality) {
    const auto both = [&](auto count) {
        return count(quality.side(flow::Sender::low)) + count(quality.side(flow::Sender::high));
    };
    using Side = flow::TcpSideQuality;
    const auto& [low, low_port, high, high_port] = ends;
    std::printf("%s %u %s %u %u %u %u %u %u %u %u %u %u %u %lld\n", low.c_str(), unsigned{low_port},
                high.c_str(), unsigned{high_port},
                both([](const Side& side) { return side.all_retransmissions(); }),
                both([](const Side& side) { return side.fast_retransmissions; }),
                both([](const Side& side) { return side.spurious_retransmissions; }),
                both([](const Side& side) { return side.out_of_order; }),
                both([](const Side& side) { return side.lost_segments; }),
                both([](const Side& side) { return side.unseen_acknowledged; }),
                both([](const Side& side) { return side.duplicate_acks; }),
                both([](const Side& side) { return side.zero_windows; }),
                both([](const Side& side) { return side.windows_full; }),
                both([](const Side& side) { return side.keep_alives; }),
                static_cast<long long>(quality.initial_round_trip().count()));
}

}  // namespace

int main(int count, char** arguments) {
    if (count != 2) {
        return 2;
    }
    auto file = capture_files::open({.paths = {arguments[1]}});
    if (!file) {
        std::fprintf(stderr, "%s\n", file.error().message.c_str());
        return 1;
    }
    std::map<Ends, flow::TcpQuality> all;
    Burst burst;
    PacketSource& source = (*file)->queue(0);
    while (!source.exhausted()) {
        source.receive(burst);
        for (const Packet& packet : burst.view()) {
            decode::Tunnels tunnels;
            const auto headers = decode::decode_innermost(packet, tunnels);
            if (!headers || headers->ip_version == 0) {
                continue;
            }
            flow::FlowKey key;
            const flow::Sender sender = flow::write_key(*headers, false, key);
            if (const auto segment = flow::read_tcp_segment(*headers, packet.observed_at, sender)) {
                all[{text_of(key.low, key.ip_version), key.low_port,
                     text_of(key.high, key.ip_version), key.high_port}]
                    .see(*segment);
            }
        }
        source.release();
    }
    for (const auto& [ends, quality] : all) {
        print(ends, quality);
    }
    return 0;
}
