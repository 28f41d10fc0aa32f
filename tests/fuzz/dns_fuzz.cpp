#include "tests/fuzz/extract_harness.h"

// Any octets are a conversation in DNS.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace tapmeter::inspect;
    static extract::fuzzing::Harness harness{
        17, {.source = 50'000, .destination = 53}, Protocol::dns};
    harness.run({data, size});
    return 0;
}
