#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "pipeline/base/bytes.h"
#include "pipeline/flow/flow_record.h"

namespace tapmeter::exporting {

// Reads IPFIX Messages (RFC 7011) back into Flow Records, whoever wrote them: elements of the table
// of fields (src/fields/table.h) that stand in a Flow Record as they are, and times; others are
// passed over. Each session may be read by a reader of its own; templates are kept by Observation
// Domain. Memory is bounded: templates_max Templates of fields_max fields.
class IpfixReader {
public:
    static constexpr std::size_t templates_max = 16'384;
    static constexpr std::size_t fields_max = 1'024;

    struct Counts {
        std::uint64_t messages = 0;
        std::uint64_t records = 0;              // flow records given out
        std::uint64_t options = 0;              // options records, passed over
        std::uint64_t not_flows = 0;            // data records without an address of a flow
        std::uint64_t without_template = 0;     // Data Sets: it has not come, or was withdrawn
        std::uint64_t unknown_withdrawals = 0;  // of Templates that had not come
        std::uint64_t missing = 0;              // Data Records that the sequence numbers tell of
    };

    // The messages that stand whole at the beginning of `octets`, at most one; what it holds is
    // appended to `records`. Returns its length; 0: more octets are needed.
    // failure  says what is wrong with the message; nothing may be read after that
    std::size_t read(Bytes octets, std::vector<flow::FlowRecord>& records, std::string& failure);

    const Counts& counts() const noexcept { return counts_; }

private:
    // Where the octets of one field go.
    struct Copy {
        enum class To : std::uint8_t { nowhere, record, start, end, probability };
        std::uint16_t length = 0;  // fields::variable_length
        To to = To::nowhere;
        std::uint8_t unit = 0;     // of a time: 0 s, 1 ms, 2 us and 3 ns in NTP's format
        std::uint8_t octets = 0;   // in the record
        bool network = false;      // in network byte order there
        std::uint16_t offset = 0;  // there
    };
    struct Template {
        std::vector<Copy> fields;
        std::size_t shortest = 0;  // octets of the shortest record
        bool options = false;
        std::uint8_t ip_version = 0;  // 0: no flow
    };
    using Id = std::pair<std::uint32_t, std::uint16_t>;  // Observation Domain, Template ID

    bool read_set(std::uint16_t id, Bytes body, std::vector<flow::FlowRecord>& records);
    bool read_templates(Bytes body, bool options);
    void withdraw(std::uint16_t id, bool options);
    bool define(std::uint16_t id, std::size_t fields, Bytes& body, bool options);
    bool read_data(const Template& known, Bytes body, std::vector<flow::FlowRecord>& records);
    bool read_record(const Template& known, Bytes& body, flow::FlowRecord& record) const;
    static Copy copy_of(std::uint32_t enterprise, std::uint16_t element, std::uint16_t length);
    bool refuse(const char* why);

    std::map<Id, Template> templates_;
    std::map<std::uint32_t, std::uint32_t> next_sequence_;  // by Observation Domain
    std::uint32_t domain_ = 0;                              // of the message in hand
    std::uint32_t data_records_ = 0;                        // in it
    const char* why_ = "";
    Counts counts_;
};

}  // namespace tapmeter::exporting
