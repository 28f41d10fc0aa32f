// Packets that lie, made from every sound one that the tests here know: each header field at its
// limits, each length cut, each nesting too deep. Each must end under one name, and no octet
// outside of it may be read (the sanitizers' part: every frame lies in a heap block of its size).

#include "pipeline/decode/malformed.h"

#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "tests/pipeline/decode/samples.h"
#include "tests/pipeline/decode/tunnel_frames.h"

namespace tapmeter::decode {
namespace {

using testing::Frame;
using testing::FrameBuilder;
using testing::packet_of;

constexpr std::size_t packets_min = 8'000;  // that the tests here must make

struct Sound {
    std::string name;
    LinkType link = LinkType::ethernet;
    Frame frame;
};

std::vector<Sound> all_sound() {
    std::vector<Sound> all;
    for (const Sample& sample : all_samples()) {
        all.push_back({sample.name, sample.link, sample.frame.frame()});
    }
    for (const TunnelSample& sample : tunnel_samples()) {
        all.push_back({sample.name, LinkType::raw_ip, sample.frame.frame()});
    }
    return all;
}

// How often packets ended where; and that they did so once.
class Fates {
public:
    void see(const Frame& frame, LinkType link, std::size_t wire_octets = 0) {
        Tunnels tunnels;
        const auto headers = decode_innermost(packet_of(frame, link, wire_octets), tunnels);
        ++packets_;
        if (!headers) {
            ASSERT_LT(headers.error(), Undecoded::count);
            ++fates_["undecoded " + std::string(undecoded_names[index_of(headers.error())])];
            ASSERT_EQ(tunnels.layers, 0);
        } else if (headers->ip_version == 0) {
            ASSERT_LT(headers->non_ip, NonIp::count);
            ++fates_["non_ip " + std::string(non_ip_names[index_of(headers->non_ip)])];
        } else {
            ASSERT_LE(tunnels.layers, tunnel_layers_max);
            ASSERT_LT(tunnels.not_entered, NotEntered::count);
            ASSERT_LE(headers->ip_octets, std::max(wire_octets, frame.size()));
            ASSERT_LE(headers->payload.size(), frame.size());
            ++fates_[tunnels.not_entered == NotEntered::no_tunnel
                         ? "metered"
                         : "outside " +
                               std::string(not_entered_names[index_of(tunnels.not_entered)])];
        }
    }
    std::size_t packets() const { return packets_; }
    std::size_t of(const std::string& name) const {
        const auto found = fates_.find(name);
        return found == fates_.end() ? 0 : found->second;
    }
    std::size_t sum() const {
        std::size_t total = 0;
        for (const auto& [name, count] : fates_) {
            total += count;
        }
        return total;
    }

private:
    std::size_t packets_ = 0;
    std::map<std::string, std::size_t> fates_;
};

std::set<unsigned> limits_of(unsigned value, unsigned octets_behind, unsigned max) {
    std::set<unsigned> values{0, 1, max, max - 1, max / 2, max / 2 + 1, value + 1, value - 1};
    values.insert({octets_behind, octets_behind + 1, octets_behind - 1});
    std::set<unsigned> inside;
    for (const unsigned one : values) {
        inside.insert(one & max);
    }
    inside.erase(value);
    return inside;
}

// Any octet, and any two that stand together, may be a field.
TEST(Malformed, every_field_at_its_limits_ends_under_a_name) {
    Fates fates;
    for (const Sound& sound : all_sound()) {
        for (std::size_t at = 0; at < sound.frame.size(); ++at) {
            const auto behind = static_cast<unsigned>(sound.frame.size() - at);
            for (const unsigned value :
                 limits_of(std::to_integer<unsigned>(sound.frame[at]), behind, 0xff)) {
                Frame frame = sound.frame;
                frame[at] = static_cast<std::byte>(value);
                fates.see(frame, sound.link);
            }
            if (at + 1 == sound.frame.size()) {
                continue;
            }
            const unsigned both = std::to_integer<unsigned>(sound.frame[at]) << 8U |
                                  std::to_integer<unsigned>(sound.frame[at + 1]);
            for (const unsigned value : limits_of(both, behind, 0xffff)) {
                Frame frame = sound.frame;
                frame[at] = static_cast<std::byte>(value >> 8U);
                frame[at + 1] = static_cast<std::byte>(value);
                fates.see(frame, sound.link);
            }
        }
    }
    RecordProperty("packets", static_cast<int>(fates.packets()));
    EXPECT_GE(fates.packets(), packets_min);
    EXPECT_EQ(fates.sum(), fates.packets());
    for (const std::string name :
         {"metered", "undecoded truncated", "undecoded bad_version", "undecoded bad_header_length",
          "undecoded bad_total_length", "outside truncated", "outside malformed",
          "outside implausible", "outside no_ip", "outside fragment", "outside encrypted"}) {
        EXPECT_GT(fates.of(name), 0U) << name;
    }
}

TEST(Malformed, every_cut_of_a_changed_packet_ends_under_a_name) {
    Fates fates;
    for (const Sound& sound : all_sound()) {
        for (std::size_t octets = 0; octets <= sound.frame.size(); ++octets) {
            Frame cut(sound.frame.begin(),
                      sound.frame.begin() + static_cast<std::ptrdiff_t>(octets));
            fates.see(cut, sound.link, sound.frame.size());  // as a snap length cuts
            fates.see(cut, sound.link);                      // as a sender does
            for (int link = 0; link <= static_cast<int>(LinkType::unknown); ++link) {
                fates.see(cut, static_cast<LinkType>(link));  // as something else altogether
            }
        }
    }
    RecordProperty("packets", static_cast<int>(fates.packets()));
    EXPECT_GE(fates.packets(), packets_min);
    EXPECT_EQ(fates.sum(), fates.packets());
}

// Fields of the fates' table: which change means which name.
TEST(Malformed, reasons_are_the_expected_ones) {
    struct Expected {
        FrameBuilder frame;
        std::string fate;
    };
    const auto nested = [](unsigned layers) {
        FrameBuilder frame;
        for (unsigned layer = 0; layer < layers; ++layer) {
            frame.ipv4({.protocol = 4});
        }
        return frame.ipv4().udp(1, 2);
    };
    const std::vector<Expected> table{
        {FrameBuilder{}.ipv4({.version_ihl = 0x35}).udp(1, 2), "undecoded bad_version"},
        {FrameBuilder{}.ipv4({.version_ihl = 0x40}).udp(1, 2), "undecoded bad_header_length"},
        {FrameBuilder{}.ipv4({.version_ihl = 0x4f}).udp(1, 2), "undecoded bad_total_length"},
        {FrameBuilder{}.ipv4({.version_ihl = 0x4f, .total_octets = 60}).udp(1, 2),
         "undecoded truncated"},
        {FrameBuilder{}.ipv4({.total_octets = 0}).udp(1, 2), "metered"},
        {FrameBuilder{}.ipv4({.total_octets = 1}).udp(1, 2), "undecoded bad_total_length"},
        {FrameBuilder{}.ipv4({.total_octets = 65'535}).udp(1, 2), "metered"},
        {FrameBuilder{}.ipv6({.payload_octets = 3}).udp(1, 2), "undecoded truncated"},
        {nested(tunnel_layers_max), "metered"},
        {nested(tunnel_layers_max + 1), "outside too_many_layers"},
        {FrameBuilder{}.ipv4({.protocol = 47}).be16(0x0007).fill(30), "outside implausible"},
        {FrameBuilder{}.ipv4({.protocol = 47}).be16(0), "outside truncated"},
    };
    for (const auto& [builder, fate] : table) {
        Fates fates;
        fates.see(builder.frame(), LinkType::raw_ip);
        EXPECT_EQ(fates.of(fate), 1U) << fate;
    }
}

// Nesting of every depth and of every mixture: bounded, and named.
TEST(Malformed, nesting_bombs_end_at_their_limits) {
    Fates fates;
    for (unsigned depth = 1; depth <= 64; ++depth) {
        FrameBuilder tags = FrameBuilder{}.ethernet();
        FrameBuilder labels = FrameBuilder{}.ethernet(0x8847);
        FrameBuilder extensions = FrameBuilder{}.ethernet(0x86dd).ipv6({.next_header = 60});
        FrameBuilder wires = FrameBuilder{}.ethernet(0x8847);
        FrameBuilder backbones = FrameBuilder{}.ethernet(0x88e7);
        for (unsigned layer = 1; layer <= depth; ++layer) {
            tags.vlan(1);
            labels.mpls(16, layer == depth);
            extensions.extension(layer == depth ? 17 : 60);
            wires.mpls(16).be32(0).ethernet(layer == depth ? 0x0800 : 0x8847);
            backbones.be32(1).ethernet(layer == depth ? 0x0800 : 0x88e7);
        }
        for (FrameBuilder* frame : {&tags, &labels, &wires, &backbones}) {
            frame->ipv4();
        }
        for (FrameBuilder* frame : {&tags, &labels, &extensions, &wires, &backbones}) {
            fates.see(frame->udp(1, 2).frame(), LinkType::ethernet);
        }
    }
    EXPECT_EQ(fates.of("undecoded too_many_tags"), 64U - vlan_tags_max);
    EXPECT_EQ(fates.of("undecoded too_many_labels"), 64U - mpls_labels_max);
    EXPECT_EQ(fates.of("undecoded too_many_extension_headers"), 64U - extension_headers_max);
    // One Ethernet header is the frame's own, the others count as layers.
    EXPECT_EQ(fates.of("non_ip other"), 2 * (64U - tunnel_layers_max));
    EXPECT_EQ(fates.of("metered"),
              vlan_tags_max + mpls_labels_max + extension_headers_max + 2 * tunnel_layers_max);
}

TEST(Malformed, tunnels_in_tunnels_end_at_their_limits) {
    Fates fates;
    for (unsigned depth = 1; depth <= 32; ++depth) {
        FrameBuilder gre;
        FrameBuilder vxlans;
        FrameBuilder geneves;
        FrameBuilder mixed;
        for (unsigned layer = 0; layer < depth; ++layer) {
            gre.ipv4({.protocol = 47}).be32(0x0800);
            vxlans.ipv4().udp(1, 4789).be32(0x0800'0000).be32(0).ethernet();
            geneves.ipv4().udp(1, 6081).be32(0x0000'0800).be32(0);
            if (layer % 2 == 0) {
                mixed.ipv4({.protocol = 47}).be32(0x0800);
            } else {
                mixed.ipv4().udp(1, 4789).be32(0x0800'0000).be32(0).ethernet();
            }
        }
        for (FrameBuilder* frame : {&gre, &vxlans, &geneves, &mixed}) {
            fates.see(frame->ipv4().udp(1, 2).frame(), LinkType::raw_ip);
        }
    }
    EXPECT_EQ(fates.of("metered"), 4 * tunnel_layers_max);
    EXPECT_EQ(fates.of("outside too_many_layers"), 4 * (32U - tunnel_layers_max));
}

}  // namespace
}  // namespace tapmeter::decode
