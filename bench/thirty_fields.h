#pragma once

#include <array>

namespace tapmeter::bench {

// What both encoders are given: fields that a configuration could name, in an order of its own.
inline constexpr std::array thirty_fields{"flowStartMilliseconds",
                                          "flowEndMilliseconds",
                                          "octetDeltaCount",
                                          "packetDeltaCount",
                                          "reverseOctetDeltaCount",
                                          "reversePacketDeltaCount",
                                          "layer2OctetDeltaCount",
                                          "reverseLayer2OctetDeltaCount",
                                          "initiatorOctets",
                                          "responderOctets",
                                          "flowId",
                                          "ingressInterface",
                                          "observationPointId",
                                          "flowDurationMilliseconds",
                                          "sourceIPv4Address",
                                          "destinationIPv4Address",
                                          "sourceTransportPort",
                                          "destinationTransportPort",
                                          "tcpControlBits",
                                          "reverseTcpControlBits",
                                          "dot1qVlanId",
                                          "dot1qCustomerVlanId",
                                          "protocolIdentifier",
                                          "ipClassOfService",
                                          "reverseIpClassOfService",
                                          "minimumTTL",
                                          "reverseMinimumTTL",
                                          "flowEndReason",
                                          "biflowDirection",
                                          "ipVersion"};

}  // namespace tapmeter::bench
