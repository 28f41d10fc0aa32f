#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "pipeline/base/bytes.h"

// Small readers of NetFlow for tests, written from RFC 3954 and from Cisco's table of version 5
// alone: they share no table and no constant with the exporter that they read.
namespace tapmeter::test_support {

struct NetflowRecord {
    std::map<std::uint16_t, std::vector<std::uint8_t>> fields;  // of version 5: by offset
    std::int64_t origin = 0;                                    // milliseconds since 1970

    std::uint64_t value(std::uint16_t id) const {
        std::uint64_t number = 0;
        const auto found = fields.find(id);
        if (found != fields.end()) {
            for (const std::uint8_t octet : found->second) {
                number = number << 8U | octet;
            }
        }
        return number;
    }
    bool has(std::uint16_t id) const { return fields.contains(id); }
};

class NetflowReader {
public:
    std::vector<NetflowRecord> records;
    std::vector<NetflowRecord> options;  // without their scope
    std::vector<std::string> faults;
    std::vector<std::size_t> message_octets;
    std::map<std::uint32_t, std::uint32_t> next_sequence;  // by source
    std::size_t templates = 0;
    std::uint64_t missing = 0;

    void read(Bytes message) {
        if (message.size() < 20) {
            faults.emplace_back("a short message");
            return;
        }
        message_octets.push_back(message.size());
        const std::uint16_t version = number16(message, 0);
        if (version == 9) {
            read9(message);
        } else if (version == 5) {
            read5(message);
        } else {
            faults.push_back("version " + std::to_string(version));
        }
    }

private:
    static std::uint16_t number16(Bytes octets, std::size_t at) {
        return load_be16(octets.subspan(at).first<2>());
    }
    static std::uint32_t number32(Bytes octets, std::size_t at) {
        return load_be32(octets.subspan(at).first<4>());
    }
    static std::vector<std::uint8_t> copied(Bytes octets) {
        std::vector<std::uint8_t> copy;
        for (const std::byte octet : octets) {
            copy.push_back(std::to_integer<std::uint8_t>(octet));
        }
        return copy;
    }
    void check_sequence(std::uint32_t source, std::uint32_t sequence, std::uint32_t step) {
        const auto expected = next_sequence.find(source);
        if (expected != next_sequence.end()) {
            missing += static_cast<std::uint32_t>(sequence - expected->second);
        }
        next_sequence[source] = sequence + step;
    }
    static std::int64_t origin_of(Bytes message) {
        return std::int64_t{number32(message, 8)} * 1'000 - std::int64_t{number32(message, 4)};
    }

    void read5(Bytes message) {
        const std::size_t count = number16(message, 2);
        if (count == 0 || count > 30 || message.size() != 24 + count * 48) {
            faults.emplace_back("version 5: count and length differ");
            return;
        }
        check_sequence(number16(message, 20), number32(message, 16),
                       static_cast<std::uint32_t>(count));
        // Offset and length of each field.
        constexpr std::array<std::array<std::uint16_t, 2>, 18> fields{{{0, 4},
                                                                       {4, 4},
                                                                       {8, 4},
                                                                       {12, 2},
                                                                       {14, 2},
                                                                       {16, 4},
                                                                       {20, 4},
                                                                       {24, 4},
                                                                       {28, 4},
                                                                       {32, 2},
                                                                       {34, 2},
                                                                       {37, 1},
                                                                       {38, 1},
                                                                       {39, 1},
                                                                       {40, 2},
                                                                       {42, 2},
                                                                       {44, 1},
                                                                       {45, 1}}};
        for (std::size_t index = 0; index < count; ++index) {
            NetflowRecord record{{}, origin_of(message)};
            const Bytes octets = message.subspan(24 + index * 48, 48);
            for (const auto& [at, length] : fields) {
                record.fields[at] = copied(octets.subspan(at, length));
            }
            records.push_back(std::move(record));
        }
    }

    void read9(Bytes message) {
        const std::uint32_t source = number32(message, 16);
        check_sequence(source, number32(message, 12), 1);
        std::size_t left = number16(message, 2);
        Bytes rest = message.subspan(20);
        while (rest.size() >= 4) {
            const std::uint16_t id = number16(rest, 0);
            const std::size_t length = number16(rest, 2);
            if (length < 4 || length > rest.size() || length % 4 != 0) {
                faults.emplace_back("version 9: a flowset of a wrong length");
                return;
            }
            const Bytes body = rest.subspan(4, length - 4);
            left -= id == 0   ? read_templates(body, source)
                    : id == 1 ? read_options_templates(body, source)
                              : read_data(body, source, id, message);
            rest = rest.subspan(length);
        }
        if (!rest.empty() || left != 0) {
            faults.push_back("version 9: the count is off by " + std::to_string(left));
        }
    }

    std::size_t read_templates(Bytes body, std::uint32_t source) {
        std::size_t count = 0;
        while (body.size() >= 4) {
            const std::uint16_t id = number16(body, 0);
            const std::size_t fields = number16(body, 2);
            if (id < 256 || fields == 0 || body.size() < 4 + fields * 4) {
                faults.emplace_back("version 9: a template that is none");
                return count;
            }
            std::vector<std::array<std::uint16_t, 2>> specifiers;
            for (std::size_t field = 0; field < fields; ++field) {
                specifiers.push_back(
                    {number16(body, 4 + field * 4), number16(body, 6 + field * 4)});
                if (specifiers.back()[0] >= 0x8000) {
                    faults.emplace_back("version 9: an enterprise bit");
                }
            }
            templates_[{source, id}] = std::move(specifiers);
            body = body.subspan(4 + fields * 4);
            ++count;
        }
        templates += count;
        return count;
    }

    // The scope is kept as a field of number 0.
    std::size_t read_options_templates(Bytes body, std::uint32_t source) {
        std::size_t count = 0;
        while (body.size() >= 6) {
            const std::uint16_t id = number16(body, 0);
            const std::size_t scope = number16(body, 2);
            const std::size_t fields = number16(body, 4);
            if (id < 256 || scope != 4 || fields % 4 != 0 || fields == 0 ||
                body.size() < 6 + scope + fields || number16(body, 6) != 1) {
                faults.emplace_back("version 9: an options template that is none of the system");
                return count;
            }
            std::vector<std::array<std::uint16_t, 2>> specifiers{{0, number16(body, 8)}};
            for (std::size_t at = 6 + scope; at < 6 + scope + fields; at += 4) {
                specifiers.push_back({number16(body, at), number16(body, at + 2)});
            }
            templates_[{source, id}] = std::move(specifiers);
            body = body.subspan(6 + scope + fields);
            ++count;
        }
        return count;
    }

    std::size_t read_data(Bytes body, std::uint32_t source, std::uint16_t id, Bytes message) {
        const auto known = templates_.find({source, id});
        if (known == templates_.end()) {
            faults.push_back("version 9: no template " + std::to_string(id));
            return 0;
        }
        std::size_t octets = 0;
        for (const auto& specifier : known->second) {
            octets += specifier[1];
        }
        std::size_t count = 0;
        for (; body.size() >= octets; ++count) {
            NetflowRecord record{{}, origin_of(message)};
            std::size_t at = 0;
            for (const auto& [field, length] : known->second) {
                record.fields[field] = copied(body.subspan(at, length));
                at += length;
            }
            (record.has(0) ? options : records).push_back(std::move(record));
            body = body.subspan(octets);
        }
        if (body.size() > 3) {
            faults.emplace_back("version 9: more padding than three octets");
        }
        return count;
    }

    std::map<std::pair<std::uint32_t, std::uint16_t>, std::vector<std::array<std::uint16_t, 2>>>
        templates_;
};

}  // namespace tapmeter::test_support
