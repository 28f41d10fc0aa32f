#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <string_view>

namespace tapmeter::fields {

// Values of informationElementDataType (339), RFC 5610 section 3.1.
enum class DataType : std::uint8_t {
    octet_array = 0,
    unsigned8 = 1,
    unsigned16 = 2,
    unsigned32 = 3,
    unsigned64 = 4,
    float64 = 10,
    boolean = 11,
    mac_address = 12,
    string = 13,
    date_time_seconds = 14,
    date_time_milliseconds = 15,
    date_time_microseconds = 16,
    date_time_nanoseconds = 17,
    ipv4_address = 18,
    ipv6_address = 19,
    basic_list = 20,  // RFC 6313 section 11.1
};

// Values of informationElementSemantics (344), RFC 5610 section 3.6.
enum class Semantics : std::uint8_t {
    none = 0,
    quantity = 1,
    total_counter = 2,
    delta_counter = 3,
    identifier = 4,
    flags = 5,
};

inline constexpr std::uint16_t variable_length = 0xFFFF;  // RFC 7011 section 7

// The same element of the other direction of a Biflow carries this Private Enterprise Number
// (RFC 5103 section 6.1).
inline constexpr std::uint32_t reverse_enterprise_number = 29305;

// One row of IANA's IPFIX registry (RFC 7012), or of our own below: the only place where an id, a
// type or a length is written.
struct InformationElement {
    std::uint16_t id;
    std::uint16_t octets;  // encoded length; variable_length
    DataType type;
    std::string_view name;
    bool own = false;  // numbered under the operator's Private Enterprise Number

    constexpr bool operator==(const InformationElement&) const = default;
};

// The facts of the registry (iana.org/assignments/ipfix) of every element that leaves here, in
// flow records or in options records. A test compares them with libfixbuf's copy.
inline constexpr std::array information_elements{
    InformationElement{1, 8, DataType::unsigned64, "octetDeltaCount"},
    InformationElement{2, 8, DataType::unsigned64, "packetDeltaCount"},
    InformationElement{4, 1, DataType::unsigned8, "protocolIdentifier"},
    InformationElement{5, 1, DataType::unsigned8, "ipClassOfService"},
    InformationElement{6, 2, DataType::unsigned16, "tcpControlBits"},
    InformationElement{7, 2, DataType::unsigned16, "sourceTransportPort"},
    InformationElement{8, 4, DataType::ipv4_address, "sourceIPv4Address"},
    InformationElement{9, 1, DataType::unsigned8, "sourceIPv4PrefixLength"},
    InformationElement{10, 4, DataType::unsigned32, "ingressInterface"},
    InformationElement{11, 2, DataType::unsigned16, "destinationTransportPort"},
    InformationElement{12, 4, DataType::ipv4_address, "destinationIPv4Address"},
    InformationElement{13, 1, DataType::unsigned8, "destinationIPv4PrefixLength"},
    InformationElement{21, 4, DataType::unsigned32, "flowEndSysUpTime"},
    InformationElement{22, 4, DataType::unsigned32, "flowStartSysUpTime"},
    InformationElement{27, 16, DataType::ipv6_address, "sourceIPv6Address"},
    InformationElement{28, 16, DataType::ipv6_address, "destinationIPv6Address"},
    InformationElement{29, 1, DataType::unsigned8, "sourceIPv6PrefixLength"},
    InformationElement{30, 1, DataType::unsigned8, "destinationIPv6PrefixLength"},
    InformationElement{31, 4, DataType::unsigned32, "flowLabelIPv6"},
    InformationElement{32, 2, DataType::unsigned16, "icmpTypeCodeIPv4"},
    InformationElement{40, 8, DataType::unsigned64, "exportedOctetTotalCount"},
    InformationElement{41, 8, DataType::unsigned64, "exportedMessageTotalCount"},
    InformationElement{42, 8, DataType::unsigned64, "exportedFlowRecordTotalCount"},
    InformationElement{52, 1, DataType::unsigned8, "minimumTTL"},
    InformationElement{53, 1, DataType::unsigned8, "maximumTTL"},
    InformationElement{56, 6, DataType::mac_address, "sourceMacAddress"},
    InformationElement{58, 2, DataType::unsigned16, "vlanId"},
    InformationElement{60, 1, DataType::unsigned8, "ipVersion"},
    InformationElement{70, 3, DataType::octet_array, "mplsTopLabelStackSection"},
    InformationElement{71, 3, DataType::octet_array, "mplsLabelStackSection2"},
    InformationElement{72, 3, DataType::octet_array, "mplsLabelStackSection3"},
    InformationElement{73, 3, DataType::octet_array, "mplsLabelStackSection4"},
    InformationElement{80, 6, DataType::mac_address, "destinationMacAddress"},
    InformationElement{82, variable_length, DataType::string, "interfaceName"},
    InformationElement{83, variable_length, DataType::string, "interfaceDescription"},
    InformationElement{94, variable_length, DataType::string, "applicationDescription"},
    InformationElement{95, variable_length, DataType::octet_array, "applicationId"},
    InformationElement{96, variable_length, DataType::string, "applicationName"},
    InformationElement{136, 1, DataType::unsigned8, "flowEndReason"},
    InformationElement{138, 8, DataType::unsigned64, "observationPointId"},
    InformationElement{139, 2, DataType::unsigned16, "icmpTypeCodeIPv6"},
    InformationElement{143, 4, DataType::unsigned32, "meteringProcessId"},
    InformationElement{144, 4, DataType::unsigned32, "exportingProcessId"},
    InformationElement{145, 2, DataType::unsigned16, "templateId"},
    InformationElement{148, 8, DataType::unsigned64, "flowId"},
    InformationElement{149, 4, DataType::unsigned32, "observationDomainId"},
    InformationElement{150, 4, DataType::date_time_seconds, "flowStartSeconds"},
    InformationElement{151, 4, DataType::date_time_seconds, "flowEndSeconds"},
    InformationElement{152, 8, DataType::date_time_milliseconds, "flowStartMilliseconds"},
    InformationElement{153, 8, DataType::date_time_milliseconds, "flowEndMilliseconds"},
    InformationElement{154, 8, DataType::date_time_microseconds, "flowStartMicroseconds"},
    InformationElement{155, 8, DataType::date_time_microseconds, "flowEndMicroseconds"},
    InformationElement{156, 8, DataType::date_time_nanoseconds, "flowStartNanoseconds"},
    InformationElement{157, 8, DataType::date_time_nanoseconds, "flowEndNanoseconds"},
    InformationElement{161, 4, DataType::unsigned32, "flowDurationMilliseconds"},
    InformationElement{162, 4, DataType::unsigned32, "flowDurationMicroseconds"},
    InformationElement{164, 8, DataType::unsigned64, "ignoredPacketTotalCount"},
    InformationElement{165, 8, DataType::unsigned64, "ignoredOctetTotalCount"},
    InformationElement{166, 8, DataType::unsigned64, "notSentFlowTotalCount"},
    InformationElement{167, 8, DataType::unsigned64, "notSentPacketTotalCount"},
    InformationElement{168, 8, DataType::unsigned64, "notSentOctetTotalCount"},
    InformationElement{173, 8, DataType::unsigned64, "flowKeyIndicator"},
    InformationElement{176, 1, DataType::unsigned8, "icmpTypeIPv4"},
    InformationElement{177, 1, DataType::unsigned8, "icmpCodeIPv4"},
    InformationElement{178, 1, DataType::unsigned8, "icmpTypeIPv6"},
    InformationElement{179, 1, DataType::unsigned8, "icmpCodeIPv6"},
    InformationElement{202, 4, DataType::unsigned32, "mplsLabelStackDepth"},
    InformationElement{231, 8, DataType::unsigned64, "initiatorOctets"},
    InformationElement{232, 8, DataType::unsigned64, "responderOctets"},
    InformationElement{234, 4, DataType::unsigned32, "ingressVRFID"},
    InformationElement{236, variable_length, DataType::string, "VRFname"},
    InformationElement{238, 2, DataType::unsigned16, "tcpWindowScale"},
    InformationElement{239, 1, DataType::unsigned8, "biflowDirection"},
    InformationElement{243, 2, DataType::unsigned16, "dot1qVlanId"},
    InformationElement{245, 2, DataType::unsigned16, "dot1qCustomerVlanId"},
    InformationElement{291, variable_length, DataType::basic_list, "basicList"},
    InformationElement{295, 4, DataType::unsigned32, "IPSecSPI"},
    InformationElement{298, 8, DataType::unsigned64, "initiatorPackets"},
    InformationElement{299, 8, DataType::unsigned64, "responderPackets"},
    InformationElement{300, variable_length, DataType::string, "observationDomainName"},
    InformationElement{302, 8, DataType::unsigned64, "selectorId"},
    InformationElement{303, 2, DataType::unsigned16, "informationElementId"},
    InformationElement{311, 8, DataType::float64, "samplingProbability"},
    InformationElement{323, 8, DataType::date_time_milliseconds, "observationTimeMilliseconds"},
    InformationElement{339, 1, DataType::unsigned8, "informationElementDataType"},
    InformationElement{340, variable_length, DataType::string, "informationElementDescription"},
    InformationElement{341, variable_length, DataType::string, "informationElementName"},
    InformationElement{344, 1, DataType::unsigned8, "informationElementSemantics"},
    InformationElement{345, 2, DataType::unsigned16, "informationElementUnits"},
    InformationElement{346, 4, DataType::unsigned32, "privateEnterpriseNumber"},
    InformationElement{352, 8, DataType::unsigned64, "layer2OctetDeltaCount"},
    InformationElement{390, 2, DataType::unsigned16, "flowSelectorAlgorithm"},
    InformationElement{394, 8, DataType::unsigned64, "selectorIDTotalFlowsObserved"},
    InformationElement{395, 8, DataType::unsigned64, "selectorIDTotalFlowsSelected"},
};
static_assert(std::ranges::is_sorted(information_elements, {}, &InformationElement::id));
static_assert(std::ranges::all_of(information_elements, [](const InformationElement& element) {
    return element.id < 0x8000;  // the top bit says "an enterprise number follows"
}));

// What no registry has. They are numbered under a Private Enterprise Number that the operator
// gives (`enterprise_number`): none may be used that is not registered with IANA for its user, so
// without one they cannot be exported. RFC 5610 records tell the Collector what they are.
inline constexpr std::array own_elements{
    InformationElement{1, 8, DataType::date_time_milliseconds, "flowBeginMilliseconds", true},
    InformationElement{2, 2, DataType::unsigned16, "workerId", true},
    InformationElement{3, 1, DataType::boolean, "aggregated", true},
    InformationElement{4, 4, DataType::unsigned32, "flowSamplingPopulation", true},
    InformationElement{5, 4, DataType::unsigned32, "tcpTimeoutRetransmissionDeltaCount", true},
    InformationElement{6, 4, DataType::unsigned32, "tcpFastRetransmissionDeltaCount", true},
    InformationElement{7, 4, DataType::unsigned32, "tcpSpuriousRetransmissionDeltaCount", true},
    InformationElement{8, 4, DataType::unsigned32, "tcpOutOfOrderDeltaCount", true},
    InformationElement{9, 4, DataType::unsigned32, "tcpLostSegmentDeltaCount", true},
    InformationElement{10, 4, DataType::unsigned32, "tcpUnseenAcknowledgedDeltaCount", true},
    InformationElement{11, 4, DataType::unsigned32, "tcpDuplicateAckDeltaCount", true},
    InformationElement{12, 4, DataType::unsigned32, "tcpZeroWindowDeltaCount", true},
    InformationElement{13, 4, DataType::unsigned32, "tcpFullWindowDeltaCount", true},
    InformationElement{14, 4, DataType::unsigned32, "tcpKeepAliveDeltaCount", true},
    InformationElement{15, 4, DataType::unsigned32, "tcpRoundTripDeltaCount", true},
    InformationElement{16, 4, DataType::unsigned32, "tcpRoundTripMinMicroseconds", true},
    InformationElement{17, 4, DataType::unsigned32, "tcpRoundTripMeanMicroseconds", true},
    InformationElement{18, 4, DataType::unsigned32, "tcpRoundTripMaxMicroseconds", true},
    InformationElement{19, 2, DataType::unsigned16, "tcpMaximumSegmentOctets", true},
    InformationElement{20, 4, DataType::unsigned32, "reverseTcpTimeoutRetransmissionDeltaCount",
                       true},
    InformationElement{21, 4, DataType::unsigned32, "reverseTcpFastRetransmissionDeltaCount", true},
    InformationElement{22, 4, DataType::unsigned32, "reverseTcpSpuriousRetransmissionDeltaCount",
                       true},
    InformationElement{23, 4, DataType::unsigned32, "reverseTcpOutOfOrderDeltaCount", true},
    InformationElement{24, 4, DataType::unsigned32, "reverseTcpLostSegmentDeltaCount", true},
    InformationElement{25, 4, DataType::unsigned32, "reverseTcpUnseenAcknowledgedDeltaCount", true},
    InformationElement{26, 4, DataType::unsigned32, "reverseTcpDuplicateAckDeltaCount", true},
    InformationElement{27, 4, DataType::unsigned32, "reverseTcpZeroWindowDeltaCount", true},
    InformationElement{28, 4, DataType::unsigned32, "reverseTcpFullWindowDeltaCount", true},
    InformationElement{29, 4, DataType::unsigned32, "reverseTcpKeepAliveDeltaCount", true},
    InformationElement{30, 4, DataType::unsigned32, "reverseTcpRoundTripDeltaCount", true},
    InformationElement{31, 4, DataType::unsigned32, "reverseTcpRoundTripMinMicroseconds", true},
    InformationElement{32, 4, DataType::unsigned32, "reverseTcpRoundTripMeanMicroseconds", true},
    InformationElement{33, 4, DataType::unsigned32, "reverseTcpRoundTripMaxMicroseconds", true},
    InformationElement{34, 2, DataType::unsigned16, "reverseTcpMaximumSegmentOctets", true},
    InformationElement{35, 4, DataType::unsigned32, "tcpInitialRoundTripMicroseconds", true},
    InformationElement{36, 4, DataType::unsigned32, "tcpClientRoundTripMicroseconds", true},
    InformationElement{37, 4, DataType::unsigned32, "tcpServerRoundTripMicroseconds", true},
    InformationElement{38, 4, DataType::unsigned32, "tcpServerResponseMicroseconds", true},
    InformationElement{39, 1, DataType::unsigned8, "tcpOpening", true},
    InformationElement{40, 1, DataType::unsigned8, "tcpLookedAtWhole", true},
    InformationElement{41, 16, DataType::ipv6_address, "outerSourceAddress", true},
    InformationElement{42, 16, DataType::ipv6_address, "outerDestinationAddress", true},
    InformationElement{43, 1, DataType::unsigned8, "outerIpVersion", true},
    InformationElement{44, 1, DataType::unsigned8, "outerIpClassOfService", true},
    InformationElement{45, 1, DataType::unsigned8, "tunnelLayers", true},
    InformationElement{46, 1, DataType::unsigned8, "tunnelKind", true},
    InformationElement{47, 4, DataType::unsigned32, "tunnelId", true},
    InformationElement{48, 2, DataType::unsigned16, "pppoeSessionId", true},
    InformationElement{49, 4, DataType::unsigned32, "encapsulations", true},
    InformationElement{50, 4, DataType::unsigned32, "peakPacketsPerSecond", true},
    InformationElement{51, 8, DataType::unsigned64, "peakOctetsPerSecond", true},
    InformationElement{52, 4, DataType::unsigned32, "reverseTunnelId", true},
    InformationElement{53, 4, DataType::unsigned32, "signatureMatchTotalCount", true},
    InformationElement{54, 4, DataType::unsigned32, "signatureId", true},
    InformationElement{60, 2, DataType::unsigned16, "payloadEntropy", true},
    InformationElement{61, 4, DataType::unsigned32, "payloadEntropyOctets", true},
    InformationElement{62, 2, DataType::unsigned16, "reversePayloadEntropy", true},
    InformationElement{63, 4, DataType::unsigned32, "reversePayloadEntropyOctets", true},
    InformationElement{64, 4, DataType::unsigned32, "rtpPacketDeltaCount", true},
    InformationElement{65, 4, DataType::unsigned32, "rtpLostPacketDeltaCount", true},
    InformationElement{66, 4, DataType::unsigned32, "rtpJitterMicroseconds", true},
    InformationElement{67, 4, DataType::unsigned32, "rtpJitterMeanMicroseconds", true},
    InformationElement{68, 4, DataType::unsigned32, "rtpJitterMaxMicroseconds", true},
    InformationElement{69, 1, DataType::unsigned8, "rtpPayloadType", true},
    InformationElement{70, 4, DataType::unsigned32, "rtpClockRate", true},
    InformationElement{71, 4, DataType::unsigned32, "rtpSynchronizationSource", true},
    InformationElement{72, 4, DataType::unsigned32, "reverseRtpPacketDeltaCount", true},
    InformationElement{73, 4, DataType::unsigned32, "reverseRtpLostPacketDeltaCount", true},
    InformationElement{74, 4, DataType::unsigned32, "reverseRtpJitterMicroseconds", true},
    InformationElement{75, 4, DataType::unsigned32, "reverseRtpJitterMeanMicroseconds", true},
    InformationElement{76, 4, DataType::unsigned32, "reverseRtpJitterMaxMicroseconds", true},
    InformationElement{77, 1, DataType::unsigned8, "reverseRtpPayloadType", true},
    InformationElement{78, 4, DataType::unsigned32, "reverseRtpClockRate", true},
    InformationElement{79, 4, DataType::unsigned32, "reverseRtpSynchronizationSource", true},
    InformationElement{80, 4, DataType::unsigned32, "dnsResponseDeltaCount", true},
    InformationElement{81, 4, DataType::unsigned32, "dnsUnansweredCount", true},
    InformationElement{82, 4, DataType::unsigned32, "dnsResponseMinMicroseconds", true},
    InformationElement{83, 4, DataType::unsigned32, "dnsResponseMeanMicroseconds", true},
    InformationElement{84, 4, DataType::unsigned32, "dnsResponseMaxMicroseconds", true},
};

// Resolves a name while compiling, so a misspelt element is a compile error, not a wrong template.
consteval InformationElement element(std::string_view name) {
    const auto* const own = std::ranges::find(own_elements, name, &InformationElement::name);
    return own != own_elements.end()
               ? *own
               : *std::ranges::find(information_elements, name, &InformationElement::name);
}

consteval std::uint16_t id_of(std::string_view name) {
    return element(name).id;
}

}  // namespace tapmeter::fields
