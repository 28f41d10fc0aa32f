#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "pipeline/base/bytes.h"
#include "pipeline/base/region.h"
#include "pipeline/base/result.h"
#include "pipeline/base/units.h"
#include "pipeline/decode/headers.h"

namespace tapmeter::inspect {

// Puts IP datagrams together from their fragments, for whoever looks into what they carry (RFC 791
// section 3.2, RFC 8200 section 4.5). Where fragments overlap, the octet that came first stays.
//
// As many datagrams at one time as memory was taken for at the start; where none is free, the one
// that was heard of least recently makes room. Times are packet times. One thread.
class DatagramAssembly {
public:
    static constexpr std::size_t datagram_octets_max = 65'535;
    static constexpr std::size_t head_octets_max = 256;  // IPv4's are 60 at most
    static constexpr std::size_t octets_per_unit = 8;    // all but the last have whole units
    struct Settings {
        std::size_t datagrams_max = 16;
        Nanoseconds hold = std::chrono::seconds(30);  // a datagram that is not whole
        bool populate = false;                        // touch every page at the start
    };

    // errors  no_memory
    static Result<DatagramAssembly> reserve(const Settings& settings);
    // Memory that reserve() takes.
    static std::uint64_t octets_for(const Settings& settings) noexcept;

    enum class Taken : std::uint8_t {
        no,      // it was cut, or is no part of any datagram: too long, not of whole units
        partly,  // others are missing
        whole,   // datagram() has it
    };

    // The next fragment: headers.fragment is not none.
    Taken take(const decode::Headers& headers, ObservedAt at) noexcept;

    // Behind `whole`: the datagram from its IP header on, as if nobody had cut it; its header
    // checksum is that of a fragment. Valid until the next take().
    Bytes datagram() const noexcept { return datagram_; }

    std::uint64_t joined() const noexcept { return joined_; }  // datagrams that became whole
    // That did not: forgotten for others, or for too long without them.
    std::uint64_t given_up() const noexcept { return given_up_; }

private:
    static constexpr std::size_t units_max = (datagram_octets_max + octets_per_unit) / 8;
    // Octets of memory each: the head stands directly before what the fragments carried.
    static constexpr std::size_t stride = head_octets_max + units_max * octets_per_unit;

    struct Name {
        decode::Address source{};
        decode::Address destination{};
        std::uint32_t id = 0;
        std::uint16_t vlan = 0;
        std::uint16_t customer_vlan = 0;
        std::uint8_t protocol = 0;  // IPv6 leaves it out
        std::uint8_t ip_version = 0;

        bool operator==(const Name&) const = default;
    };
    struct Datagram {
        Name name{};
        ObservedAt heard{};
        std::size_t head_octets = 0;  // 0: the first fragment has not come
        std::size_t end = 0;          // of what it carries; 0: the last one has not come
        std::array<std::uint64_t, units_max / 64> covered{};  // a bit a unit
        bool in_use = false;
    };
    static_assert(units_max % 64 == 0);

    DatagramAssembly(const Settings& settings, Region memory);

    Datagram& find_or_begin(const Name& name, ObservedAt at) noexcept;
    std::span<std::byte> octets_of(const Datagram& datagram) noexcept;
    void add(Datagram& datagram, std::size_t offset, Bytes part) noexcept;
    static bool is_whole(const Datagram& datagram) noexcept;
    bool finish(Datagram& datagram, std::uint8_t ip_version) noexcept;

    Region memory_;
    std::vector<Datagram> datagrams_;
    Nanoseconds hold_;
    Bytes datagram_{};
    std::uint64_t joined_ = 0;
    std::uint64_t given_up_ = 0;
};

}  // namespace tapmeter::inspect
