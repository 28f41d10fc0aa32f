#include "tests/fuzz/extract_harness.h"
#include "tests/support/quic_sealing.h"

// Octets that begin with an odd one are datagrams; others are the frames of an Initial packet,
// which is sealed here, because no fuzzer finds a key.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace tapmeter::inspect;
    static extract::fuzzing::Harness harness{
        17, {.source = 50'000, .destination = 443}, Protocol::quic};
    if (size == 0) {
        return 0;
    }
    const std::span<const std::uint8_t> input = std::span{data, size}.subspan(1);
    if (data[0] % 2 == 1) {
        harness.run(input);
        return 0;
    }
    extract::testing::Octets frames;
    for (const std::uint8_t octet : input.first(std::min<std::size_t>(input.size(), 1'900))) {
        frames.put8(octet);
    }
    if (frames.size() < 4) {
        frames.zeros(4);
    }
    const auto packet = extract::testing::initial(
        frames, {.version = data[0] % 4 == 0 ? extract::quic_v1 : extract::quic_v2});
    std::vector<std::uint8_t> commands{0, 0xff};
    for (const std::byte octet : packet.view()) {
        commands.push_back(std::to_integer<std::uint8_t>(octet));
    }
    harness.run(commands);
    return 0;
}
