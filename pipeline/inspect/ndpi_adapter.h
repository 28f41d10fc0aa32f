#pragma once

// Included by application.cpp alone. All that differs between the versions of nDPI stands here, and
// nothing else does; 4.2, that of Debian 12 and 13, is the one that is built and tested. The other
// branches follow ntop/nDPI's headers at the tags 4.4 to 5.0.

#include <ndpi/ndpi_api.h>

#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

namespace tapmeter::inspect::ndpi {

using Module = ndpi_detection_module_struct;
using Flow = ndpi_flow_struct;

struct Detected {
    std::uint16_t master = 0;
    std::uint16_t application = 0;
    std::uint16_t category = 0;
};

inline constexpr unsigned version = NDPI_MAJOR * 100 + NDPI_MINOR;

inline Detected detected(const ndpi_protocol& protocol) noexcept {
#if NDPI_MAJOR >= 5 || NDPI_MINOR >= 11
    return {protocol.proto.master_protocol, protocol.proto.app_protocol,
            static_cast<std::uint16_t>(protocol.category)};
#else
    return {protocol.master_protocol, protocol.app_protocol,
            static_cast<std::uint16_t>(protocol.category)};
#endif
}

// What select_dissectors() says of a module.
enum class Selected : std::uint8_t { yes, no_such_protocol };

// Null: no memory. Not from two threads at a time. select_dissectors() belongs next.
inline Module* make_module() noexcept {
#if NDPI_MAJOR >= 5 || NDPI_MINOR >= 10
    return ndpi_init_detection_module(nullptr);
#else
    return ndpi_init_detection_module(ndpi_no_prefs);
#endif
}

// All but those that are named. 4.2 reads the TCP header of a DTLS certificate that came by UDP,
// and one such packet ends the program (put right in 4.4): hence the list.
// refused  becomes the name that this nDPI does not know
inline Selected select_dissectors(Module* module, const std::vector<std::string>& off,
                                  std::string& refused) noexcept {
#if NDPI_MAJOR >= 5
    for (const std::string& name : off) {
        if (ndpi_set_config(module, name.c_str(), "enable", "0") != NDPI_CFG_OK) {
            refused = name;
            return Selected::no_such_protocol;
        }
    }
#else
    NDPI_PROTOCOL_BITMASK protocols;
    NDPI_BITMASK_SET_ALL(protocols);
    for (const std::string& name : off) {
        const std::uint16_t number = ndpi_get_proto_by_name(module, name.c_str());
        if (number == NDPI_PROTOCOL_UNKNOWN) {
            refused = name;
            return Selected::no_such_protocol;
        }
        protocols.fds_bits[number / NDPI_BITS] &= ~(ndpi_ndpi_mask{1} << number % NDPI_BITS);
    }
    ndpi_set_protocol_detection_bitmask2(module, &protocols);
#endif
    return Selected::yes;
}

// After the rule files. False: the module cannot be used.
inline bool finish_module(Module* module) noexcept {
#if NDPI_MAJOR >= 5 || NDPI_MINOR >= 10
    return ndpi_finalize_initialization(module) == 0;
#else
    ndpi_finalize_initialization(module);
    return true;
#endif
}

// The protocol above IP, where nDPI reads it, behind extension headers too; 0: it finds none.
// packet  from the IP header
inline std::uint8_t transport_of(const unsigned char* packet, std::uint16_t octets) noexcept {
    const unsigned char* transport = nullptr;
    std::uint16_t transport_octets = 0;
    std::uint8_t protocol = 0;
    const bool found =
        ndpi_detection_get_l4(packet, octets, &transport, &transport_octets, &protocol, 0) == 0;
    return found ? protocol : std::uint8_t{0};
}

// packet        from the IP header
// milliseconds  since 1970
inline Detected process(Module* module, Flow* flow, const unsigned char* packet,
                        std::uint16_t octets, std::uint64_t milliseconds) noexcept {
#if NDPI_MAJOR >= 5 || NDPI_MINOR >= 6
    return detected(
        ndpi_detection_process_packet(module, flow, packet, octets, milliseconds, nullptr));
#else
    return detected(ndpi_detection_process_packet(module, flow, packet, octets, milliseconds));
#endif
}

// Detected, but more packets may tell more.
inline bool wants_more([[maybe_unused]] Module* module, Flow* flow) noexcept {
#if NDPI_MAJOR >= 5
    return flow->state != NDPI_STATE_CLASSIFIED;
#else
    return ndpi_extra_dissection_possible(module, flow) != 0;
#endif
}

// Behind each packet of a flow that has been TCP all along: where 4.2 looks for TLS it takes 2 KiB
// and more to put records together and keeps them to the flow's end, also where little or nothing
// waits in them. It asks for more when it wants them. Later versions keep theirs.
inline void fit_buffer([[maybe_unused]] Flow* flow) noexcept {
#if NDPI_MAJOR == 4 && NDPI_MINOR < 4
    constexpr unsigned spare_octets_max = 512;
    message_t& message = flow->l4.tcp.tls.message;
    if (message.buffer == nullptr || message.buffer_len < message.buffer_used + spare_octets_max) {
        return;
    }
    void* fitting = nullptr;
    if (message.buffer_used != 0) {
        fitting = ndpi_malloc(message.buffer_used);
        if (fitting == nullptr) {
            return;
        }
        std::memcpy(fitting, message.buffer, message.buffer_used);
    }
    ndpi_free(message.buffer);
    message.buffer = static_cast<std::uint8_t*>(fitting);
    message.buffer_len = message.buffer_used;
#endif
}

// What ports, addresses and earlier flows say of one that its packets did not tell.
inline Detected give_up(Module* module, Flow* flow) noexcept {
#if NDPI_MAJOR >= 5
    return detected(ndpi_detection_giveup(module, flow));
#elif NDPI_MINOR >= 10
    std::uint8_t guessed = 0;
    return detected(ndpi_detection_giveup(module, flow, &guessed));
#else
    std::uint8_t guessed = 0;
    return detected(ndpi_detection_giveup(module, flow, 1, &guessed));
#endif
}

// The protocol of whoever owns the network; 0: nobody known, or not at this port.
// address  network byte order
inline std::uint16_t owner_of(Module* module, std::uint32_t address, std::uint16_t port) noexcept {
    in_addr in{.s_addr = address};
    return ndpi_network_port_ptree_match(module, &in, htons(port));
}

// Whether what is said of a DNS query depends on its name and addresses alone, and no later flow on
// its answer.
inline constexpr bool tells_dns_by_name = version < 404;

// Whether 4.2 tells flows behind one of this application by what it keeps of that one's addresses.
inline bool tells_other_flows(std::uint16_t application) noexcept {
    return application == NDPI_PROTOCOL_MSTEAMS || application == NDPI_PROTOCOL_ZOOM;
}

inline constexpr std::uint16_t protocols_max =
#if NDPI_MAJOR >= 5
    1024;
#else
    NDPI_MAX_SUPPORTED_PROTOCOLS + NDPI_MAX_NUM_CUSTOM_PROTOCOLS;
#endif

}  // namespace tapmeter::inspect::ndpi
