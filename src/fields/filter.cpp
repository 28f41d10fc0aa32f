#include "src/fields/filter.h"

#include <algorithm>
#include <cstring>

#include "src/fields/derived.h"

namespace tapmeter::fields {

bool Filter::matches(const FlowRecord& record) const noexcept {
    std::uint64_t answers = 0;  // a stack of bits; the parser has seen to its depth
    for (const Step& step : steps_) {
        const std::uint64_t top = answers & 1U;
        switch (step.operation) {
            case Operation::test:
                answers = answers << 1U | (passes(tests_[step.test], record) ? 1U : 0U);
                break;
            case Operation::negate:
                answers ^= 1U;
                break;
            case Operation::both:
                answers = (answers >> 1U) & (~std::uint64_t{1} | top);
                break;
            case Operation::either:
                answers = (answers >> 1U) | top;
                break;
        }
    }
    return steps_.empty() || (answers & 1U) != 0;
}

bool Filter::passes(const Test& test, const FlowRecord& record) const noexcept {
    if (test.quantity == Quantity::source || test.quantity == Quantity::destination) {
        return is_inside(networks_[test.network], record, test.quantity == Quantity::source);
    }
    const std::uint64_t value = value_of(test.quantity, record);
    switch (test.comparison) {
        case Comparison::equal:
            return value == test.value;
        case Comparison::less:
            return value < test.value;
        case Comparison::greater:
            return value > test.value;
        case Comparison::all_bits:
            return (value & test.value) == test.value;
    }
    return false;
}

bool Filter::is_inside(const Network& network, const FlowRecord& record,
                       bool source) const noexcept {
    std::array<std::uint64_t, 2> address{};
    std::memcpy(address.data(), (source ? record.source : record.destination).data(),
                sizeof address);
    return record.ip_version == network.ip_version &&
           (address[0] & network.mask[0]) == network.address[0] &&
           (address[1] & network.mask[1]) == network.address[1];
}

std::uint64_t Filter::value_of(Quantity quantity, const FlowRecord& r) noexcept {
    const auto rate = [&r](std::uint64_t count) -> std::uint64_t {
        constexpr std::uint64_t milliseconds = 1'000;
        const std::uint64_t time = duration(r, 1'000'000);
        return time == 0 ? 0 : count / time * milliseconds + count % time * milliseconds / time;
    };
    switch (quantity) {
        case Quantity::source_port:
            return r.source_port;
        case Quantity::destination_port:
            return r.destination_port;
        case Quantity::protocol:
            return r.protocol;
        case Quantity::ip_version:
            return r.ip_version;
        case Quantity::vlan:
            return r.vlan;
        case Quantity::interface:
            return ingress_interface(r);
        case Quantity::type_of_service:
            return r.forward_type_of_service;
        case Quantity::tcp_flags:
            return r.forward_tcp_control_bits;
        case Quantity::end_reason:
            return static_cast<std::uint64_t>(r.end_reason);
        case Quantity::flow_id:
            return r.flow_id;
        case Quantity::octets:
            return r.forward.octets.value;
        case Quantity::packets:
            return r.forward.packets.value;
        case Quantity::reverse_octets:
            return r.reverse.octets.value;
        case Quantity::reverse_packets:
            return r.reverse.packets.value;
        case Quantity::duration:
            return duration(r, 1'000'000);
        case Quantity::packets_per_second:
            return rate(r.forward.packets.value);
        case Quantity::bits_per_second:
            return rate(r.forward.octets.value * 8);
        case Quantity::octets_per_packet:
            return r.forward.packets.value == 0 ? 0
                                                : r.forward.octets.value / r.forward.packets.value;
        case Quantity::any:
        case Quantity::source:
        case Quantity::destination:
            break;
    }
    return 0;
}

}  // namespace tapmeter::fields
