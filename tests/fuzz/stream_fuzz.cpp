#include "tests/fuzz/extract_harness.h"

// Any octets are a conversation in a protocol that is recognised from its first octets.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace tapmeter::inspect;
    static extract::fuzzing::Harness harness{
        6, {.source = 50'000, .destination = 22}, Protocol::unknown};
    harness.run({data, size});
    return 0;
}
