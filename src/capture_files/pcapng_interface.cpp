#include "src/capture_files/pcapng_interface.h"

#include "src/capture_files/link_type.h"
#include "src/capture_files/pcapng_format.h"

namespace tapmeter::capture_files {
namespace {

constexpr std::size_t fixed_octets = 8;   // link type, reserved, snap length
constexpr std::uint8_t microseconds = 6;  // if_tsresol where there is none

// if_fcslen counts bits, as the draft says; but there are files with octets (the draft's own
// example is 4), and no link layer has a check sequence of less than an octet.
std::uint8_t fcs_octets_from(std::uint8_t if_fcslen) noexcept {
    constexpr std::uint8_t bits_per_octet = 8;
    return if_fcslen < bits_per_octet ? if_fcslen
                                      : static_cast<std::uint8_t>(if_fcslen / bits_per_octet);
}

// 0: not an option that we read.
std::size_t octets_of(OptionCode code) noexcept {
    switch (code) {
        case OptionCode::time_resolution:
        case OptionCode::fcs_length:
            return 1;
        case OptionCode::time_offset_seconds:
            return 8;
        default:
            return 0;
    }
}

}  // namespace

Damage read_interface(FileOrder order, Bytes body, Interface& interface) noexcept {
    const auto fixed = body.first<fixed_octets>();
    interface.link = link_type_of(load16(order, fixed.first<2>()));
    interface.snap_octets = load32(order, fixed.last<4>());

    std::uint8_t resolution = microseconds;
    std::int64_t offset_seconds = 0;
    BlockOptions options{order, body.subspan(fixed_octets)};
    for (Option option; options.next(option);) {
        const std::size_t octets = octets_of(option.code);
        if (octets != 0 && option.value.size() != octets) {
            return {.kind = Damage::Kind::interface_option,
                    .found = option.value.size(),
                    .wanted = octets};
        }
        if (option.code == OptionCode::time_resolution) {
            resolution = load_be8(option.value.first<1>());
        } else if (option.code == OptionCode::fcs_length) {
            interface.fcs_octets = fcs_octets_from(load_be8(option.value.first<1>()));
        } else if (option.code == OptionCode::time_offset_seconds) {
            offset_seconds = static_cast<std::int64_t>(load64(order, option.value.first<8>()));
        }
    }
    interface.times = TimeScale{resolution, offset_seconds};
    return {};
}

}  // namespace tapmeter::capture_files
