#include <cstdint>
#include <span>
#include <vector>

#include "pipeline/base/expects.h"
#include "pipeline/inspect/reassembly.h"
#include "tests/pipeline/inspect/naive_stream.h"

namespace {

using namespace tapmeter;
using namespace tapmeter::inspect;

constexpr std::size_t window_octets = 512;
constexpr std::size_t command_octets = 5;

Reassembly& reassembly() {
    static Reassembly made =
        *Reassembly::reserve({.window_octets = window_octets, .windows_max = 1});
    return made;
}

}  // namespace

// Any octets are a conversation of one side: five say what comes (kind, offset, length, how much
// the consumer keeps), then that many octets of payload, in a heap block of their own. The stream
// must tell what the naive one tells, whatever is kept, and give its window back.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    std::span<const std::uint8_t> rest{data, size};
    Stream stream;
    inspect::testing::Consumer consumer{reassembly(), stream};
    inspect::testing::NaiveStream naive{window_octets};
    inspect::testing::Story told;
    inspect::testing::Story expected;
    while (rest.size() >= command_octets) {
        const unsigned kind = rest[0];
        const std::uint32_t sequence =
            0xffff'ff80U + ((std::uint32_t{rest[1]} << 8U) | rest[2]) % 1'024;
        const std::size_t length = std::min<std::size_t>(rest[3], rest.size() - command_octets);
        const std::size_t keep = rest[4];
        const auto octets = std::as_bytes(rest.subspan(command_octets, length));
        const std::vector<std::byte> payload{octets.begin(), octets.end()};
        rest = rest.subspan(command_octets + length);
        if (kind % 8 == 7) {
            naive.acknowledge(sequence, expected);
            expects(consumer.take(reassembly().acknowledged(stream, sequence), keep, told));
        } else {
            const Segment segment{
                .sequence = sequence,
                .control_bits = static_cast<std::uint16_t>((kind % 16 == 6 ? tcp::fin : 0U) |
                                                           (kind % 16 == 5 ? tcp::syn : 0U)),
                .payload = payload};
            naive.feed(segment, expected);
            expects(consumer.take(reassembly().feed(stream, segment), keep, told));
        }
        expects(told.told() == expected.told());
    }
    naive.finish(expected);
    expects(consumer.take(reassembly().finish(stream), 0, told));
    expects(told.told() == expected.told());
    reassembly().close(stream);
    expects(reassembly().windows_taken() == 0);
    return 0;
}
