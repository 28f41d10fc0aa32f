#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "pipeline/base/bytes.h"

// A small IPFIX collector for tests, written from RFC 7011 and RFC 5103 alone: it shares no table
// and no constant with the exporter that it reads.
namespace tapmeter::test_support {

inline constexpr std::uint32_t reverse_pen = 29305;

// (enterprise number or 0, element id)
using FieldId = std::pair<std::uint32_t, std::uint16_t>;

struct DataRecord {
    std::uint32_t domain = 0;
    std::uint16_t template_id = 0;
    std::map<FieldId, std::vector<std::uint8_t>> fields;

    // A field of characters.
    std::string text(std::uint16_t id, std::uint32_t enterprise = 0) const;
    // An unsigned field; 0 and a fault in has() where it is not there.
    std::uint64_t value(std::uint16_t id, std::uint32_t enterprise = 0) const;
    bool has(std::uint16_t id, std::uint32_t enterprise = 0) const {
        return fields.contains({enterprise, id});
    }
};

struct MessageFacts {
    std::size_t octets = 0;
    std::uint32_t export_time = 0;
    std::uint32_t sequence = 0;
    std::uint32_t domain = 0;
    std::size_t data_records = 0;
    std::size_t template_sets = 0;
};

class Collector {
public:
    // Reads messages that stand one after the other (RFC 5655, and a TCP stream, or what came by
    // SCTP). Returns how many octets are left, of a message that is not whole yet.
    std::size_t read_stream(Bytes octets);

    // Reads one message, by UDP, where no Template may be withdrawn. What breaks a rule of the RFC
    // becomes a line in faults().
    void read(Bytes message);

    // Of flows; and of options, which the sequence counts as well.
    const std::vector<DataRecord>& records() const { return records_; }
    const std::vector<DataRecord>& options() const { return options_; }
    const std::vector<MessageFacts>& messages() const { return messages_; }
    const std::vector<std::string>& faults() const { return faults_; }
    // The ids of Templates that were withdrawn, of all domains, in this order.
    const std::vector<std::uint16_t>& withdrawn() const { return withdrawn_; }
    // Data records that the sequence numbers say were sent but did not come, over all domains.
    std::uint64_t missing() const { return missing_; }
    std::size_t template_sets() const;
    std::size_t longest_message() const;
    std::uint64_t sum(std::uint16_t id) const;  // both directions

private:
    struct FieldSpecifier {
        FieldId id;
        std::uint16_t octets;
    };
    struct Template {
        std::vector<FieldSpecifier> fields;
        std::size_t scopes = 0;         // of options
        std::uint32_t export_time = 0;  // of the first message that had it
    };

    void fault(std::string what) { faults_.push_back(std::move(what)); }
    void read_set(std::uint16_t id, Bytes octets, MessageFacts& facts);
    void read_message(Bytes message);
    void read_templates(Bytes octets, const MessageFacts& facts, bool options);
    void withdraw(std::uint16_t id, std::uint32_t domain, bool options);
    void read_data(std::uint16_t id, Bytes octets, MessageFacts& facts);
    void check_sequence(const MessageFacts& facts);

    std::map<std::pair<std::uint32_t, std::uint16_t>, Template> templates_;  // (domain, id)
    std::map<std::uint32_t, std::uint32_t> next_sequence_;                   // by domain
    std::vector<DataRecord> records_;
    std::vector<DataRecord> options_;
    std::vector<MessageFacts> messages_;
    std::vector<std::string> faults_;
    std::vector<std::uint16_t> withdrawn_;
    bool in_stream_ = false;  // what is being read
    std::uint64_t missing_ = 0;
};

// A UDP socket on loopback at a port that the kernel chose (or at a given one).
class UdpListener {
public:
    explicit UdpListener(bool ipv6 = false, std::uint16_t port = 0);
    UdpListener(const UdpListener&) = delete;
    UdpListener& operator=(const UdpListener&) = delete;
    ~UdpListener();

    std::uint16_t port() const { return port_; }
    // The next datagram; nothing where none comes in time.
    std::optional<std::vector<std::byte>> receive(std::chrono::milliseconds patience);
    // Feeds `collector` until it has `records` data records; false: they did not come in time.
    bool collect(Collector& collector, std::size_t records,
                 std::chrono::milliseconds patience = std::chrono::seconds{20});
    // Feeds `collector` with what has arrived by now.
    void collect_waiting(Collector& collector);

private:
    int socket_;
    std::uint16_t port_ = 0;
};

}  // namespace tapmeter::test_support
