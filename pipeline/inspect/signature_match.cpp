#include "pipeline/inspect/signature_match.h"

#include <algorithm>
#include <span>

namespace tapmeter::inspect {

namespace {

using rules::Rule;
using rules::Transport;

bool one_way(const Rule& rule, const decode::Headers& headers, bool turned) noexcept {
    const auto& source = turned ? headers.destination : headers.source;
    const auto& destination = turned ? headers.source : headers.destination;
    const std::uint16_t from = turned ? headers.destination_port : headers.source_port;
    const std::uint16_t to = turned ? headers.source_port : headers.destination_port;
    return rule.source_port.contains(from) && rule.destination_port.contains(to) &&
           rule.source.contains(source, headers.ip_version) &&
           rule.destination.contains(destination, headers.ip_version);
}

bool flow_meets(const rules::FlowTest& test, const Inspected& packet) noexcept {
    return !(test.established && !packet.established) &&
           !(test.not_established && packet.established) &&
           !(test.to_server && !packet.to_server) && !(test.to_client && packet.to_server);
}

bool application_meets(const Rule& rule, const Inspected& packet) noexcept {
    if (rule.application != rules::Application::unknown && rule.application != packet.application) {
        return false;
    }
    // A negated test says nothing while the application is not known.
    return std::ranges::all_of(rule.application_tests, [&](const rules::ApplicationTest& test) {
        return packet.application != rules::Application::unknown &&
               (packet.application == test.application) != test.negated;
    });
}

constexpr unsigned bits_per_word = 64;

std::uint64_t mask_of(std::uint16_t bit) noexcept {
    return std::uint64_t{1} << (bit % bits_per_word);
}

std::uint32_t fired_name(std::uint32_t rule, bool to_server) noexcept {
    return ((rule + 1) << 1U) | (to_server ? 1U : 0U);
}

}  // namespace

bool transport_meets(const Rule& rule, const decode::Headers& headers) noexcept {
    if (rule.ip_version != 0 && rule.ip_version != headers.ip_version) {
        return false;
    }
    constexpr std::uint8_t icmp = 1;
    constexpr std::uint8_t tcp = 6;
    constexpr std::uint8_t udp = 17;
    constexpr std::uint8_t icmpv6 = 58;
    constexpr std::uint8_t sctp = 132;
    switch (rule.transport) {
        case Transport::tcp:
            return headers.protocol == tcp;
        case Transport::udp:
            return headers.protocol == udp;
        case Transport::icmp:
            return headers.protocol == icmp || headers.protocol == icmpv6;
        case Transport::sctp:
            return headers.protocol == sctp;
        case Transport::ip:
            break;
    }
    return true;
}

bool ends_meet(const Rule& rule, const Inspected& packet) noexcept {
    const decode::Headers& headers = packet.headers;
    return application_meets(rule, packet) && transport_meets(rule, headers) &&
           flow_meets(rule.flow, packet) &&
           (one_way(rule, headers, false) || (rule.both_ways && one_way(rule, headers, true)));
}

bool flowbits_meet(const Signature& signature, const SignatureMemory* memory) noexcept {
    using enum rules::Flowbit::Operation;
    return std::ranges::all_of(signature.flowbits, [memory](const Signature::FlowbitStep& step) {
        if (step.operation != is_set && step.operation != is_not_set) {
            return true;
        }
        const bool any = memory != nullptr && std::ranges::any_of(step.bits, [&](auto bit) {
                             return (memory->flowbits.at(bit / bits_per_word) & mask_of(bit)) != 0;
                         });
        return memory != nullptr && any == (step.operation == is_set);
    });
}

void apply_flowbits(const Signature& signature, SignatureMemory* memory) noexcept {
    using enum rules::Flowbit::Operation;
    if (memory == nullptr) {
        return;
    }
    for (const Signature::FlowbitStep& step : signature.flowbits) {
        for (const std::uint16_t bit : step.bits) {
            std::uint64_t& word = memory->flowbits.at(bit / bits_per_word);
            if (step.operation == set) {
                word |= mask_of(bit);
            } else if (step.operation == unset) {
                word &= ~mask_of(bit);
            } else if (step.operation == toggle) {
                word ^= mask_of(bit);
            }
        }
    }
}

void note_sid(SignatureMemory& memory, std::uint32_t sid) noexcept {
    ++memory.matches;
    const auto known = std::span{memory.sids}.first(memory.sids_count);
    if (memory.sids_count < SignatureMemory::sids_max &&
        std::ranges::find(known, sid) == known.end()) {
        memory.sids.at(memory.sids_count++) = sid;
    }
}

bool fires_first(SignatureMemory* memory, std::uint32_t rule, bool to_server) noexcept {
    if (memory == nullptr) {
        return true;
    }
    if (has_fired(memory, rule, to_server)) {
        return false;
    }
    if (memory->fired_count < SignatureMemory::fired_max) {
        memory->fired.at(memory->fired_count++) = fired_name(rule, to_server);
    }
    return true;
}

bool has_fired(const SignatureMemory* memory, std::uint32_t rule, bool to_server) noexcept {
    if (memory == nullptr) {
        return false;
    }
    const auto known = std::span{memory->fired}.first(memory->fired_count);
    return std::ranges::find(known, fired_name(rule, to_server)) != known.end();
}

}  // namespace tapmeter::inspect
