#include "pipeline/saving.h"

#include <algorithm>

#include "pipeline/base/fates.h"

namespace tapmeter {

void Saving::take(std::span<const Packet> packets, SavingBooks& books) noexcept {
    for (const Packet& packet : packets) {
        const SavedTotals one{1, std::min<std::uint64_t>(packet.frame.size(), snap_octets_)};
        books.wanted += one;
        if (packet.link == LinkType::unknown) {
            books.refused[index_of(NotWritten::unknown_link_type)] += one;
        } else if (ring_.put(packet, snap_octets_)) {
            books.handed += one;
        } else {
            books.refused[index_of(NotWritten::ring_full)] += one;
        }
    }
}

}  // namespace tapmeter
