#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "pipeline/base/result.h"
#include "pipeline/record_ring.h"
#include "src/exporting/interfaces.h"
#include "src/exporting/template_set.h"

namespace tapmeter::exporting {

// Flow Records as IPFIX Messages that need no other message to be read: each has one Data Record,
// and before it in the same message the Template Set with its Template (RFC 7011 section 3.3 allows
// any order of Sets; section 8 that Templates are sent again). For ways on which messages are kept,
// dealt out and read by many: nobody has seen what went before. Exporter core.
//
// The sequence number counts the Data Records of its Observation Domain, as ever.
class IpfixSingles {
public:
    // errors  none that the default list of fields could cause
    static Result<IpfixSingles> make(const Interfaces& interfaces);

    // Longest message.
    std::size_t octets_max() const noexcept { return octets_max_; }

    // Writes one message at `to`, which has octets_max() octets of room; returns its length.
    std::size_t write(std::span<std::byte> to, const flow::FlowRecord& record,
                      const RecordRing::Parts& beside) noexcept;

private:
    IpfixSingles(const TemplateSet& templates, const Interfaces& interfaces);

    struct Stream {
        ObservationDomainId domain{};
        std::uint32_t sequence = 0;
    };
    const TemplateSet* templates_;
    std::vector<Stream> streams_;               // one an Observation Domain
    std::vector<std::size_t> stream_of_point_;  // by Observation Point
    std::size_t octets_max_ = 0;
};

}  // namespace tapmeter::exporting
