#include "tests/support/collector.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>

namespace tapmeter::test_support {
namespace {

constexpr std::uint16_t variable_length = 0xFFFF;

// Reads big-endian integers from the front of `octets`; 0 past the end, and says so.
class Reader {
public:
    explicit Reader(Bytes octets) : rest_(octets) {}

    std::uint64_t number(std::size_t octets) {
        std::uint64_t value = 0;
        for (const std::byte octet : cut(octets)) {
            value = value << 8U | std::to_integer<std::uint64_t>(octet);
        }
        return value;
    }
    std::uint16_t u16() { return static_cast<std::uint16_t>(number(2)); }
    std::uint32_t u32() { return static_cast<std::uint32_t>(number(4)); }

    Bytes cut(std::size_t octets) {
        short_ = short_ || octets > rest_.size();
        const Bytes front = rest_.first(std::min(octets, rest_.size()));
        rest_ = rest_.subspan(front.size());
        return front;
    }
    std::size_t left() const { return rest_.size(); }
    Bytes rest() const { return rest_; }
    bool ran_short() const { return short_; }

private:
    Bytes rest_;
    bool short_ = false;
};

}  // namespace

std::uint64_t DataRecord::value(std::uint16_t id, std::uint32_t enterprise) const {
    std::uint64_t value = 0;
    if (const auto found = fields.find({enterprise, id}); found != fields.end()) {
        for (const std::uint8_t octet : found->second) {
            value = value << 8U | octet;
        }
    }
    return value;
}

std::string DataRecord::text(std::uint16_t id, std::uint32_t enterprise) const {
    const auto found = fields.find({enterprise, id});
    return found == fields.end() ? std::string()
                                 : std::string(found->second.begin(), found->second.end());
}

std::size_t Collector::read_stream(Bytes octets) {
    while (octets.size() >= 4) {
        Reader reader(octets);
        reader.cut(2);
        const std::size_t length = reader.u16();
        if (length < 16) {
            fault("message of " + std::to_string(length) + " octets");
            return 0;
        }
        if (length > octets.size()) {
            break;
        }
        in_stream_ = true;
        read_message(octets.first(length));
        octets = octets.subspan(length);
    }
    return octets.size();
}

void Collector::read(Bytes message) {
    in_stream_ = false;
    read_message(message);
}

void Collector::read_message(Bytes message) {
    Reader reader(message);
    MessageFacts facts;
    const std::uint16_t version = reader.u16();
    const std::uint16_t length = reader.u16();
    facts.octets = message.size();
    facts.export_time = reader.u32();
    facts.sequence = reader.u32();
    facts.domain = reader.u32();
    if (version != 10 || length != message.size()) {
        fault("message: version " + std::to_string(version) + ", length " + std::to_string(length) +
              " of " + std::to_string(message.size()));
        return;
    }
    while (reader.left() > 0) {
        const std::uint16_t id = reader.u16();
        const std::uint16_t octets = reader.u16();
        if (reader.ran_short() || octets < 4 || octets - 4U > reader.left()) {
            fault("set " + std::to_string(id) + ": length " + std::to_string(octets));
            return;
        }
        read_set(id, reader.cut(octets - 4U), facts);
    }
    check_sequence(facts);
    messages_.push_back(facts);
}

void Collector::check_sequence(const MessageFacts& facts) {
    const auto known = next_sequence_.find(facts.domain);
    if (known != next_sequence_.end()) {
        const std::uint32_t gap = facts.sequence - known->second;  // modulo 2^32
        if (gap >= 0x8000'0000U) {
            fault("sequence goes back");
        }
        missing_ += gap;
    }
    next_sequence_[facts.domain] = facts.sequence + static_cast<std::uint32_t>(facts.data_records);
}

void Collector::read_set(std::uint16_t id, Bytes octets, MessageFacts& facts) {
    if (id == 2 || id == 3) {
        ++facts.template_sets;
        read_templates(octets, facts, id == 3);
    } else if (id >= 256) {
        read_data(id, octets, facts);
    } else {
        fault("set id " + std::to_string(id));
    }
}

// RFC 7011 section 8.1; of all of them with the Set's id in the place of the Template's.
void Collector::withdraw(std::uint16_t id, std::uint32_t domain, bool options) {
    if (!in_stream_) {
        fault("template " + std::to_string(id) + " withdrawn over UDP");
        return;
    }
    const std::uint16_t all = options ? 3 : 2;
    const auto goes = [&](const auto& known) {
        return known.first.first == domain && (id == all || known.first.second == id) &&
               (known.second.scopes != 0) == options;
    };
    const auto first = withdrawn_.size();
    for (const auto& known : templates_) {
        if (goes(known)) {
            withdrawn_.push_back(known.first.second);
        }
    }
    std::erase_if(templates_, goes);
    if (withdrawn_.size() == first && id != all) {
        fault("template " + std::to_string(id) + " withdrawn, which there is not");
    }
}

void Collector::read_templates(Bytes octets, const MessageFacts& facts, bool options) {
    Reader reader(octets);
    const std::uint32_t domain = facts.domain;
    while (reader.left() >= 4) {
        const std::uint16_t id = reader.u16();
        const std::uint16_t count = reader.u16();
        if (count == 0 && (id >= 256 || id == (options ? 3 : 2))) {
            withdraw(id, domain, options);
            continue;
        }
        Template fresh_one;
        fresh_one.export_time = facts.export_time;
        fresh_one.scopes = options ? reader.u16() : 0;
        if (options && (fresh_one.scopes == 0 || fresh_one.scopes > count)) {
            fault("options template " + std::to_string(id) + " with a scope of " +
                  std::to_string(fresh_one.scopes) + " fields");
        }
        auto& fields = fresh_one.fields;
        for (std::uint16_t i = 0; i < count; ++i) {
            const std::uint16_t element = reader.u16();
            const std::uint16_t length = reader.u16();
            const std::uint32_t enterprise = (element & 0x8000U) != 0 ? reader.u32() : 0;
            fields.push_back({{enterprise, static_cast<std::uint16_t>(element & 0x7FFFU)}, length});
        }
        if (id < 256 || count == 0 || reader.ran_short()) {
            fault("template " + std::to_string(id) + " with " + std::to_string(count) + " fields");
            return;
        }
        const auto [known, fresh] = templates_.try_emplace({domain, id}, fresh_one);
        const bool same = std::ranges::equal(known->second.fields, fields,
                                             [](const FieldSpecifier& a, const FieldSpecifier& b) {
                                                 return a.id == b.id && a.octets == b.octets;
                                             });
        if (!fresh && !same) {
            fault("template " + std::to_string(id) + " changed under its id");
        }
    }
}

void Collector::read_data(std::uint16_t id, Bytes octets, MessageFacts& facts) {
    const auto found = templates_.find({facts.domain, id});
    if (found == templates_.end()) {
        fault("data before its template " + std::to_string(id));
        return;
    }
    if (facts.export_time < found->second.export_time) {
        fault("data of a time before that of its template " + std::to_string(id));
    }
    std::size_t record_octets = 0;  // of the shortest
    for (const FieldSpecifier& field : found->second.fields) {
        record_octets += field.octets == variable_length ? 1 : field.octets;
    }
    Reader reader(octets);
    if (reader.left() < record_octets) {
        fault("a data set without a record");
    }
    while (reader.left() >= record_octets) {
        DataRecord record;
        record.domain = facts.domain;
        record.template_id = id;
        for (const FieldSpecifier& field : found->second.fields) {
            std::size_t length = field.octets;
            if (length == variable_length) {  // RFC 7011 section 7
                length = reader.number(1);
                length = length == 255 ? reader.u16() : length;
            }
            auto& value = record.fields[field.id];
            value.clear();  // the last of an element that stands more than once
            for (const std::byte octet : reader.cut(length)) {
                value.push_back(std::to_integer<std::uint8_t>(octet));
            }
        }
        if (reader.ran_short()) {
            fault("a record of template " + std::to_string(id) + " goes beyond its set");
            return;
        }
        (found->second.scopes == 0 ? records_ : options_).push_back(std::move(record));
        ++facts.data_records;
    }
    const bool zeros =
        std::ranges::all_of(reader.rest(), [](std::byte octet) { return octet == std::byte{0}; });
    if (!zeros || reader.left() > 3) {
        fault("padding that is none");
    }
}

std::size_t Collector::template_sets() const {
    std::size_t sets = 0;
    for (const MessageFacts& message : messages_) {
        sets += message.template_sets;
    }
    return sets;
}

std::size_t Collector::longest_message() const {
    std::size_t longest = 0;
    for (const MessageFacts& message : messages_) {
        longest = std::max(longest, message.octets);
    }
    return longest;
}

std::uint64_t Collector::sum(std::uint16_t id) const {
    std::uint64_t sum = 0;
    for (const DataRecord& record : records_) {
        sum += record.value(id) + record.value(id, reverse_pen);
    }
    return sum;
}

UdpListener::UdpListener(bool ipv6, std::uint16_t port)
    : socket_(::socket(ipv6 ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in6 v6{};
    v6.sin6_family = AF_INET6;
    v6.sin6_addr = in6addr_loopback;
    v6.sin6_port = htons(port);
    sockaddr_in v4{};
    v4.sin_family = AF_INET;
    v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    v4.sin_port = htons(port);
    auto* const address =
        ipv6 ? reinterpret_cast<sockaddr*>(&v6) : reinterpret_cast<sockaddr*>(&v4);
    socklen_t length = ipv6 ? sizeof v6 : sizeof v4;
    const int room = 16 << 20;
    ::setsockopt(socket_, SOL_SOCKET, SO_RCVBUF, &room, sizeof room);
    ::setsockopt(socket_, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof room);
    if (socket_ < 0 || ::bind(socket_, address, length) != 0 ||
        ::getsockname(socket_, address, &length) != 0) {
        std::abort();  // a test without its socket tests nothing
    }
    port_ = ntohs(ipv6 ? v6.sin6_port : v4.sin_port);
}

UdpListener::~UdpListener() {
    ::close(socket_);
}

std::optional<std::vector<std::byte>> UdpListener::receive(std::chrono::milliseconds patience) {
    pollfd waiting{socket_, POLLIN, 0};
    if (::poll(&waiting, 1, static_cast<int>(patience.count())) <= 0) {
        return std::nullopt;
    }
    std::vector<std::byte> datagram(65'536);
    const auto octets = ::recv(socket_, datagram.data(), datagram.size(), 0);
    if (octets < 0) {
        return std::nullopt;
    }
    datagram.resize(static_cast<std::size_t>(octets));
    return datagram;
}

bool UdpListener::collect(Collector& collector, std::size_t records,
                          std::chrono::milliseconds patience) {
    const auto deadline = std::chrono::steady_clock::now() + patience;
    while (collector.records().size() < records && std::chrono::steady_clock::now() < deadline) {
        if (const auto datagram = receive(std::chrono::milliseconds{50})) {
            collector.read(*datagram);
        }
    }
    return collector.records().size() >= records;
}

void UdpListener::collect_waiting(Collector& collector) {
    while (const auto datagram = receive(std::chrono::milliseconds{0})) {
        collector.read(*datagram);
    }
}

}  // namespace tapmeter::test_support
