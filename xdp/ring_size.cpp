#include "xdp/ring_size.h"

#include <algorithm>
#include <bit>

#include "pipeline/base/absorb.h"

namespace tapmeter::xdp {

RingSize computed_ring(std::uint64_t speed_bits, std::uint32_t queues, std::uint32_t frame_octets) {
    if (speed_bits == 0) {
        return {rx_ring_default, "the link has no speed to compute it from"};
    }
    const std::uint64_t frames = frames_to_absorb(speed_bits, queues);
    const std::uint64_t fits_memory = computed_frame_octets_max / (2ULL * frame_octets);
    const std::uint64_t most = std::bit_floor(std::min<std::uint64_t>(rx_ring_max, fits_memory));
    const std::uint64_t wanted = std::max<std::uint64_t>(std::bit_ceil(frames), rx_ring_default);
    const std::uint64_t descriptors = std::min(wanted, most);
    const auto lasts =
        absorbed_by(descriptors, queues, frames_per_second(speed_bits, frame_octets_min));
    std::string reason = std::to_string(absorb_time.count()) + " ms at line rate are " +
                         std::to_string(frames) + ", this is ";
    reason += wanted <= most ? "all of it"
                             : "the most that " + std::to_string(computed_frame_octets_max >> 20U) +
                                   " MiB of frames a queue allow; rx_ring sets more";
    return {static_cast<std::uint32_t>(descriptors),
            reason + ": " + std::to_string(lasts.count()) + " us of 64-octet frames"};
}

}  // namespace tapmeter::xdp
