#pragma once

#include <memory>

#include "pipeline/flow/flow_record.h"

namespace tapmeter::bench {

// libfixbuf's own way from a structure to IPFIX Messages of 1,420 octets that nobody reads: thirty
// fields, the same ones and in the same order as the benchmark gives our encoder.
class FixbufEncoder {
public:
    FixbufEncoder();
    ~FixbufEncoder();
    FixbufEncoder(const FixbufEncoder&) = delete;
    FixbufEncoder& operator=(const FixbufEncoder&) = delete;

    void add(const flow::FlowRecord& record);

private:
    struct Library;
    std::unique_ptr<Library> library_;
};

}  // namespace tapmeter::bench
