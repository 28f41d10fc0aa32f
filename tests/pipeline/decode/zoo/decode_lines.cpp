// Prints what our decoder reads of frames: one a line on standard input, the number of its link
// layer in the pcap format and its octets in hexadecimal. Of a packet with IP "name=value" pairs,
// else what the frame is.

#include <cstdint>
#include <cstdio>
#include <iostream>
#include <string>
#include <vector>

#include "pipeline/decode/frame.h"

namespace {

using namespace tapmeter;
using namespace tapmeter::decode;

LinkType link_of(int number) {
    switch (number) {
        case 0:
            return LinkType::null_loopback;
        case 1:
            return LinkType::ethernet;
        case 9:
            return LinkType::ppp;
        case 101:
            return LinkType::raw_ip;
        case 104:
            return LinkType::c_hdlc;
        case 108:
            return LinkType::loop;
        case 113:
            return LinkType::linux_sll;
        case 276:
            return LinkType::linux_sll2;
        default:
            return LinkType::unknown;
    }
}

std::vector<std::byte> octets_of(const std::string& hexadecimal) {
    std::vector<std::byte> octets;
    for (std::size_t at = 0; at + 2 <= hexadecimal.size(); at += 2) {
        octets.push_back(static_cast<std::byte>(std::stoi(hexadecimal.substr(at, 2), nullptr, 16)));
    }
    return octets;
}

std::string text_of(const Address& address) {
    std::string text;
    for (const std::uint8_t octet : address) {
        constexpr std::string_view digits = "0123456789abcdef";
        text += digits[octet >> 4U];
        text += digits[octet & 15U];
    }
    return text;
}

std::string listed(const auto& values, std::size_t count, auto text_of_one) {
    std::string text;
    for (std::size_t index = 0; index < count; ++index) {
        text += (index == 0 ? "" : ",") + text_of_one(values[index]);
    }
    return text;
}

std::string vlans_of(const Headers& headers) {
    std::string text = headers.vlan == 0 ? "" : std::to_string(headers.vlan);
    return headers.customer_vlan == 0 ? text : text + "," + std::to_string(headers.customer_vlan);
}

void print(const Headers& headers, const Tunnels& tunnels) {
    const auto pair = [](std::string_view name, const std::string& value) {
        std::cout << name << '=' << value << ' ';
    };
    pair("version", std::to_string(headers.ip_version));
    pair("source", text_of(headers.source));
    pair("destination", text_of(headers.destination));
    pair("protocol", std::to_string(headers.protocol));
    pair("source_port", std::to_string(headers.source_port));
    pair("destination_port", std::to_string(headers.destination_port));
    pair("octets", std::to_string(headers.ip_octets));
    pair("ttl", std::to_string(headers.time_to_live));
    pair("tos", std::to_string(headers.type_of_service));
    pair("vlans", vlans_of(headers));
    pair("labels", listed(headers.mpls_stack, headers.mpls_labels,
                          [](std::uint32_t section) { return std::to_string(section >> 4U); }));
    pair("pppoe", std::to_string(headers.pppoe_session));
    pair("spi", std::to_string(headers.security_index));
    pair("layers", std::to_string(tunnels.layers));
    pair("kinds", listed(tunnels.layer, tunnels.layers, [](const TunnelLayer& layer) {
             return std::string(encapsulation_names[index_of(layer.kind)]);
         }));
    pair("ids", listed(tunnels.layer, tunnels.layers,
                       [](const TunnelLayer& layer) { return std::to_string(layer.id); }));
    std::cout << "not_entered=" << not_entered_names[index_of(tunnels.not_entered)] << '\n';
}

}  // namespace

int main() {
    int link = 0;
    std::string hexadecimal;
    while (std::cin >> link >> hexadecimal) {
        const auto frame = octets_of(hexadecimal);
        const Packet packet{.frame = frame,
                            .wire_octets = static_cast<std::uint32_t>(frame.size()),
                            .link = link_of(link)};
        Tunnels tunnels;
        const auto headers = decode_innermost(packet, tunnels);
        if (!headers) {
            std::cout << undecoded_names[index_of(headers.error())] << '\n';
        } else if (headers->ip_version == 0) {
            std::cout << non_ip_names[index_of(headers->non_ip)] << '\n';
        } else {
            print(*headers, tunnels);
        }
    }
}
