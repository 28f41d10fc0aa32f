#include "src/exporting/ipfix_reader.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

#include "src/exporting/message.h"

namespace tapmeter::exporting {
namespace {

using flow::FlowRecord;

constexpr std::size_t set_header_octets = 4;
constexpr std::uint64_t second = 1'000'000'000;

struct TimeField {
    std::uint16_t start;
    std::uint16_t end;
};
// By Copy::unit.
constexpr std::array times{TimeField{id_of("flowStartSeconds"), id_of("flowEndSeconds")},
                           TimeField{id_of("flowStartMilliseconds"), id_of("flowEndMilliseconds")},
                           TimeField{id_of("flowStartMicroseconds"), id_of("flowEndMicroseconds")},
                           TimeField{id_of("flowStartNanoseconds"), id_of("flowEndNanoseconds")}};

std::uint16_t number16(Bytes octets) noexcept {
    return load_be16(octets.first<2>());
}

std::uint64_t number_of_octets(Bytes octets) noexcept {
    std::uint64_t number = 0;
    for (const std::byte octet : octets) {
        number = number << 8U | std::to_integer<std::uint64_t>(octet);
    }
    return number;
}

// What is beyond a time of ours, 2262, is that.
ObservedAt time_of(std::uint64_t value, std::uint8_t unit) noexcept {
    constexpr std::uint64_t seconds_max = 9'223'372'035;
    std::uint64_t seconds = value;
    std::uint64_t nanoseconds = 0;
    if (unit == 1) {
        seconds = value / 1'000;
        nanoseconds = value % 1'000 * 1'000'000;
    } else if (unit >= 2) {
        seconds = (value >> 32U) - std::min(value >> 32U, fields::ntp_epoch_offset_seconds);
        nanoseconds = ((value & 0xFFFF'FFFF) * second) >> 32U;
        // Of microseconds the fraction was rounded up to its resolution.
        nanoseconds -= unit == 2 ? nanoseconds % 1'000 : 0;
    }
    seconds = std::min(seconds, seconds_max);
    return ObservedAt{Nanoseconds{static_cast<std::int64_t>(seconds * second + nanoseconds)}};
}

}  // namespace

bool IpfixReader::refuse(const char* why) {
    why_ = why;
    return false;
}

std::size_t IpfixReader::read(Bytes octets, std::vector<FlowRecord>& records,
                              std::string& failure) {
    if (octets.size() < message_header_octets) {
        return 0;
    }
    const std::size_t length = number16(octets.subspan(2));
    if (number16(octets) != ipfix_version || length < message_header_octets) {
        failure = "no IPFIX message begins here (version " + std::to_string(number16(octets)) + ")";
        return 0;
    }
    if (octets.size() < length) {
        return 0;
    }
    const MessageHeader header = ipfix_protocol.read(octets);
    domain_ = number_of(header.domain);
    data_records_ = 0;
    const auto expected = next_sequence_.find(domain_);
    if (expected != next_sequence_.end()) {
        // A gap; a number before that is a message that comes late, or a new session.
        const std::uint32_t gap = header.sequence - expected->second;
        counts_.missing += gap < 0x8000'0000U ? gap : 0;
    }
    Bytes rest = octets.first(length).subspan(message_header_octets);
    bool good = true;
    while (good && rest.size() >= set_header_octets) {
        const std::size_t set = number16(rest.subspan(2));
        good = set >= set_header_octets && set <= rest.size()
                   ? read_set(number16(rest),
                              rest.subspan(set_header_octets, set - set_header_octets), records)
                   : refuse("a Set is longer than its message, or shorter than its own header");
        rest = rest.subspan(good ? set : 0);
    }
    if (!good) {
        failure = why_;
        return 0;
    }
    next_sequence_[domain_] = header.sequence + data_records_;
    ++counts_.messages;
    return length;
}

bool IpfixReader::read_set(std::uint16_t id, Bytes body, std::vector<FlowRecord>& records) {
    if (id == template_set_id || id == options_template_set_id) {
        return read_templates(body, id == options_template_set_id);
    }
    if (id < template_id_first) {
        return true;  // reserved (RFC 7011 section 3.3.2)
    }
    const auto known = templates_.find({domain_, id});
    if (known == templates_.end()) {
        ++counts_.without_template;
        return true;
    }
    return read_data(known->second, body, records);
}

bool IpfixReader::read_templates(Bytes body, bool options) {
    while (body.size() >= 4) {
        const std::uint16_t id = number16(body);
        const std::size_t fields = number16(body.subspan(2));
        body = body.subspan(4);
        const std::uint16_t all = options ? options_template_set_id : template_set_id;
        if (fields == 0 && (id >= template_id_first || id == all)) {
            withdraw(id, options);
            continue;
        }
        if (id < template_id_first) {
            return true;  // padding
        }
        if (!define(id, fields, body, options)) {
            return false;
        }
    }
    return true;
}

// RFC 7011 section 8.1: of one, or, under the Set's own id, of all. What is not known was withdrawn
// by mistake: that is counted and ignored.
void IpfixReader::withdraw(std::uint16_t id, bool options) {
    const std::size_t gone = std::erase_if(templates_, [&](const auto& one) {
        return one.first.first == domain_ && (one.first.second == id || id < template_id_first) &&
               one.second.options == options;
    });
    counts_.unknown_withdrawals += gone == 0 && id >= template_id_first ? 1 : 0;
}

bool IpfixReader::define(std::uint16_t id, std::size_t fields, Bytes& body, bool options) {
    if (options) {
        if (body.size() < 2) {
            return refuse("an Options Template is cut");
        }
        body = body.subspan(2);  // how many of them are scopes
    }
    if (fields > fields_max ||
        (templates_.size() >= templates_max && !templates_.contains({domain_, id}))) {
        return refuse("more Templates, or more fields in one, than this program reads");
    }
    Template made;
    made.options = options;
    for (std::size_t field = 0; field < fields; ++field) {
        const bool enterprise = body.size() >= 4 && (number16(body) & enterprise_bit) != 0;
        const std::size_t specifier = enterprise ? 8 : 4;
        if (body.size() < specifier) {
            return refuse("a Template is cut");
        }
        const auto element = static_cast<std::uint16_t>(number16(body) & ~enterprise_bit);
        const std::uint16_t length = number16(body.subspan(2));
        const std::uint32_t number = enterprise ? load_be32(body.subspan(4).first<4>()) : 0;
        body = body.subspan(specifier);
        made.fields.push_back(copy_of(number, element, length));
        made.shortest += length == fields::variable_length ? 1 : length;
        if (number == 0 && element == id_of("sourceIPv4Address")) {
            made.ip_version = 4;
        } else if (number == 0 && element == id_of("sourceIPv6Address")) {
            made.ip_version = 6;
        }
    }
    if (made.shortest == 0) {
        return refuse("a Template whose records have no octets");
    }
    templates_.insert_or_assign({domain_, id}, std::move(made));
    return true;
}

IpfixReader::Copy IpfixReader::copy_of(std::uint32_t enterprise, std::uint16_t element,
                                       std::uint16_t length) {
    Copy copy{.length = length};
    const bool reverse = enterprise == reverse_enterprise_number;
    if ((enterprise != 0 && !reverse) || length == 0 || length == fields::variable_length) {
        return copy;
    }
    for (std::uint8_t unit = 0; unit < times.size() && !reverse; ++unit) {
        if (length <= 8 && (element == times[unit].start || element == times[unit].end)) {
            copy.unit = unit;
            copy.to = element == times[unit].start ? Copy::To::start : Copy::To::end;
            return copy;
        }
    }
    if (element == id_of("samplingProbability") && length == 8) {
        copy.to = Copy::To::probability;
        return copy;
    }
    const auto* const field =
        std::ranges::find_if(fields::all_fields, [&](const fields::Field& one) {
            return one.element.id == element && one.reverse == reverse && !one.element.own &&
                   one.place.source == fields::Source::record;
        });
    // Numbers may be shorter (RFC 7011 section 6.2); what is longer than ours is not ours.
    if (field == fields::all_fields.end() || length > field->place.octets ||
        (field->place.network && length != field->place.octets)) {
        return copy;
    }
    copy.to = Copy::To::record;
    copy.offset = static_cast<std::uint16_t>(field->place.offset);
    copy.octets = static_cast<std::uint8_t>(field->place.octets);
    copy.network = field->place.network;
    return copy;
}

bool IpfixReader::read_data(const Template& known, Bytes body, std::vector<FlowRecord>& records) {
    while (body.size() >= known.shortest) {
        FlowRecord record;
        if (!read_record(known, body, record)) {
            return refuse("a Data Record is longer than its Set");
        }
        ++data_records_;
        if (known.options) {
            ++counts_.options;
        } else if (known.ip_version == 0) {
            ++counts_.not_flows;
        } else {
            ++counts_.records;
            records.push_back(record);
        }
    }
    return true;
}

bool IpfixReader::read_record(const Template& known, Bytes& body, FlowRecord& record) const {
    record.end_reason = flow::FlowEndReason::forced_end;  // where nothing is said
    double probability = 1;
    for (const Copy& field : known.fields) {
        std::size_t length = field.length;
        if (length == fields::variable_length) {
            const std::size_t head = body.empty() || body[0] != std::byte{255} ? 1 : 3;
            if (body.size() < head) {
                return false;
            }
            length = head == 1 ? std::to_integer<std::size_t>(body[0]) : number16(body.subspan(1));
            body = body.subspan(head);
        }
        if (body.size() < length) {
            return false;
        }
        const Bytes value = body.first(length);
        body = body.subspan(length);
        if (field.to == Copy::To::record) {
            const auto to = std::as_writable_bytes(std::span{&record, 1}).subspan(field.offset);
            for (std::size_t index = 0; index < length; ++index) {
                const bool as_is = field.network || std::endian::native == std::endian::big;
                const std::size_t at = as_is ? field.octets - length + index : length - 1 - index;
                to[at] = value[index];
            }
        } else if (field.to == Copy::To::start) {
            record.start = time_of(number_of_octets(value), field.unit);
        } else if (field.to == Copy::To::end) {
            record.end = time_of(number_of_octets(value), field.unit);
        } else if (field.to == Copy::To::probability) {
            probability = std::bit_cast<double>(number_of_octets(value));
        }
    }
    record.ip_version = known.ip_version;
    record.observation_point = 0;
    record.flow_start = record.start;
    record.parts = 0;
    const auto reason = static_cast<unsigned>(record.end_reason);
    if (reason == 0 || reason > flow::flow_end_reasons) {
        record.end_reason = flow::FlowEndReason::forced_end;
    }
    if (probability > 0 && probability < 1) {
        const double exponent = std::round(-std::log2(probability));
        record.sampling_exponent = static_cast<std::uint8_t>(std::clamp(exponent, 0.0, 63.0));
    }
    const std::uint8_t whole = known.ip_version == 4 ? 32 : 128;
    record.source_prefix_length = std::min(record.source_prefix_length, whole);
    record.destination_prefix_length = std::min(record.destination_prefix_length, whole);
    record.aggregated = record.source_prefix_length != 0 && record.source_prefix_length != whole;
    return true;
}

}  // namespace tapmeter::exporting
