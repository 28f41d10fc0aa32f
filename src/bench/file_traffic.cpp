#include "src/bench/file_traffic.h"

#include <algorithm>
#include <array>
#include <string>

#include "pipeline/decode/frame.h"
#include "src/bench/random.h"
#include "src/capture_files/file_capture.h"

namespace tapmeter::bench {

namespace {

constexpr std::size_t copies_octets_max = std::size_t{512} << 20U;

// Where the addresses that the decoder found stand in the frame; 0: the packet has none.
std::uint16_t addresses_at(Bytes frame, const decode::Headers& headers) {
    const std::size_t octets = headers.ip_version == 4 ? 4 : 16;
    std::array<std::byte, 32> both{};
    const auto write = [octets](const decode::Address& address, auto to) {
        std::ranges::transform(std::span{address}.last(octets), to,
                               [](std::uint8_t octet) { return std::byte{octet}; });
    };
    write(headers.source, both.begin());
    write(headers.destination, both.begin() + static_cast<std::ptrdiff_t>(octets));
    constexpr std::size_t searched_octets = 512;
    const Bytes head = frame.first(std::min(frame.size(), searched_octets));
    const auto found = std::ranges::search(head, std::span{both}.first(2 * octets));
    return found.empty() ? std::uint16_t{0}
                         : static_cast<std::uint16_t>(found.begin() - head.begin());
}

void add(Traffic& traffic, const Packet& packet) {
    const auto headers = decode::decode_frame(packet);
    if (!headers || headers->ip_version == 0) {
        traffic.add_captured(packet, 0, 0);
        return;
    }
    traffic.add_captured(packet, addresses_at(packet.frame, *headers),
                         headers->ip_version == 6 ? Slot::ipv6 : std::uint8_t{0});
}

// Every packet of the file to `take`.
template <class Take>
Result<void> read_file(const std::filesystem::path& file, const Take& take) {
    auto capture = capture_files::open({.paths = {file}});
    if (!capture) {
        return tl::unexpected<Error>(std::move(capture.error()));
    }
    PacketSource& queue = (*capture)->queue(0);
    Burst burst;
    while (!queue.exhausted()) {
        queue.receive(burst);
        for (const Packet& packet : burst.view()) {
            take(packet);
        }
        queue.release();
    }
    return (*capture)->status();
}

}  // namespace

Result<Traffic> make_from_file(const TrafficRequest& request) {
    std::size_t packets = 0;
    std::size_t octets = 0;
    const auto counted = read_file(request.file, [&](const Packet& packet) {
        ++packets;
        octets += (packet.frame.size() + 63) / 64 * 64;
    });
    if (!counted) {
        return tl::unexpected<Error>(counted.error());
    }
    if (packets == 0) {
        return failed(Error::Kind::io, request.file.string() +
                                           ": holds no packet; name a capture file that has some");
    }
    const std::size_t wanted = (request.packets_min + packets - 1) / packets;
    const std::size_t copies = std::clamp<std::size_t>(copies_octets_max / octets, 1, wanted);
    auto traffic = Traffic::reserve(packets * copies, octets * copies);
    if (!traffic) {
        return traffic;
    }
    for (std::size_t copy = 0; copy < copies; ++copy) {
        const std::uint64_t name = (std::uint64_t{request.worker} << 32U) + copy;
        const std::size_t first = traffic->made();
        const auto read = read_file(request.file, [&](const Packet& packet) {
            // Of a file that grows meanwhile only what was counted has room.
            if (traffic->made() < first + packets && traffic->fits(packet)) {
                add(*traffic, packet);
            }
        });
        if (!read) {
            return tl::unexpected<Error>(read.error());
        }
        traffic->move_addresses(first, name == 0 ? 0 : static_cast<std::uint32_t>(stirred(name)));
    }
    traffic->seal(Renewal::addresses, traffic->made());
    return traffic;
}

}  // namespace tapmeter::bench
