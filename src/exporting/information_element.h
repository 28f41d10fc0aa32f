#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <string_view>

namespace tapmeter::exporting {

// One row of IANA's IPFIX registry (RFC 7012): the only place where an id or a length is written.
struct InformationElement {
    std::uint16_t id;
    std::uint16_t octets;  // encoded length
    std::string_view name;
};

inline constexpr std::array information_elements{
    InformationElement{1, 8, "octetDeltaCount"},
    InformationElement{2, 8, "packetDeltaCount"},
    InformationElement{4, 1, "protocolIdentifier"},
    InformationElement{5, 1, "ipClassOfService"},
    InformationElement{6, 2, "tcpControlBits"},
    InformationElement{7, 2, "sourceTransportPort"},
    InformationElement{8, 4, "sourceIPv4Address"},
    InformationElement{9, 1, "sourceIPv4PrefixLength"},
    InformationElement{10, 4, "ingressInterface"},
    InformationElement{11, 2, "destinationTransportPort"},
    InformationElement{12, 4, "destinationIPv4Address"},
    InformationElement{13, 1, "destinationIPv4PrefixLength"},
    InformationElement{27, 16, "sourceIPv6Address"},
    InformationElement{28, 16, "destinationIPv6Address"},
    InformationElement{29, 1, "sourceIPv6PrefixLength"},
    InformationElement{30, 1, "destinationIPv6PrefixLength"},
    InformationElement{32, 2, "icmpTypeCodeIPv4"},
    InformationElement{52, 1, "minimumTTL"},
    InformationElement{136, 1, "flowEndReason"},
    InformationElement{139, 2, "icmpTypeCodeIPv6"},
    InformationElement{148, 8, "flowId"},
    InformationElement{152, 8, "flowStartMilliseconds"},
    InformationElement{153, 8, "flowEndMilliseconds"},
    InformationElement{154, 8, "flowStartMicroseconds"},
    InformationElement{155, 8, "flowEndMicroseconds"},
    InformationElement{156, 8, "flowStartNanoseconds"},
    InformationElement{157, 8, "flowEndNanoseconds"},
    InformationElement{239, 1, "biflowDirection"},
    InformationElement{243, 2, "dot1qVlanId"},
    InformationElement{245, 2, "dot1qCustomerVlanId"},
    InformationElement{311, 8, "samplingProbability"},  // float64
    InformationElement{352, 8, "layer2OctetDeltaCount"},
    InformationElement{390, 2, "flowSelectorAlgorithm"},
};
static_assert(std::ranges::is_sorted(information_elements, {}, &InformationElement::id));
static_assert(std::ranges::all_of(information_elements, [](const InformationElement& element) {
    return element.id < 0x8000;  // the top bit says "an enterprise number follows"
}));

// The same element of the other direction of a Biflow carries this Private Enterprise Number
// (RFC 5103 section 6.1).
inline constexpr std::uint32_t reverse_enterprise_number = 29305;

// Resolves a name while compiling, so a misspelt element is a compile error, not a wrong template.
consteval InformationElement element(std::string_view name) {
    return *std::ranges::find(information_elements, name, &InformationElement::name);
}

}  // namespace tapmeter::exporting
