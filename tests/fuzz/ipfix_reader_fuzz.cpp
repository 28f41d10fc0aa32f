// Any octets are IPFIX messages of somebody. What the reader gives out is inside its promises, and
// reading in pieces gives the same as reading at once.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>

#include "src/exporting/ipfix_reader.h"

namespace {

using namespace tapmeter;

void demand(bool holds) {
    if (!holds) {
        std::abort();
    }
}

struct Read {
    std::vector<flow::FlowRecord> records;
    std::string failure;
    std::size_t octets = 0;
};

// piece  as much as comes at a time
Read read(Bytes octets, std::size_t piece) {
    Read read;
    exporting::IpfixReader reader;
    std::size_t arrived = 0;
    for (;;) {
        const std::size_t length = reader.read(octets.subspan(read.octets, arrived - read.octets),
                                               read.records, read.failure);
        read.octets += length;
        if (!read.failure.empty() || (length == 0 && arrived == octets.size())) {
            break;
        }
        if (length == 0) {
            arrived = std::min(octets.size(), arrived + piece);
        }
    }
    demand(reader.counts().records <= read.records.size());
    return read;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const Bytes octets = std::as_bytes(std::span{data, size});
    const Read whole = read(octets, size);
    const Read pieces = read(octets, 1 + size / 7);
    demand(whole.failure == pieces.failure && whole.octets == pieces.octets);
    demand(whole.records.size() == pieces.records.size());
    for (std::size_t index = 0; index < whole.records.size(); ++index) {
        const flow::FlowRecord& record = whole.records[index];
        demand(record.ip_version == 4 || record.ip_version == 6);
        demand(record.observation_point == 0 && record.sampling_exponent < 64);
        const auto reason = static_cast<unsigned>(record.end_reason);
        demand(reason >= 1 && reason <= flow::flow_end_reasons);
        demand(record.flow_id == pieces.records[index].flow_id);
        demand(record.forward.octets == pieces.records[index].forward.octets);
    }
    return 0;
}
