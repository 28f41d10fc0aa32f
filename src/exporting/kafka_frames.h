#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include "src/exporting/output.h"

namespace tapmeter::exporting {

// What stands before each message in a block for Kafka. Messages are dealt out to brokers one by
// one, and each has a fate of its own.
struct alignas(8) KafkaFrame {
    enum class State : std::uint32_t {
        waiting,  // to be handed to the library
        given,    // the library has it, and will report
        done,     // the brokers have it, or it was given up
        refused,  // they will never have it
    };
    std::uint32_t octets = 0;  // of the message, which stands behind this
    State state = State::waiting;
    std::uint64_t key = 0;    // hash of the flow's key; 0: none
    std::uint64_t block = 0;  // number of the block among those that the sender had in hand
    RecordTotals contents;

    // From one frame to the next.
    std::size_t stride() const noexcept {
        return (sizeof(KafkaFrame) + octets + alignof(KafkaFrame) - 1) & ~(alignof(KafkaFrame) - 1);
    }
};

// A frame and its message, for a message of at most so many octets.
constexpr std::size_t frame_octets(std::size_t message_octets) noexcept {
    return sizeof(KafkaFrame) + message_octets + alignof(KafkaFrame) - 1;
}

// The frame that stands at the beginning of `octets`: a copy, which lies anywhere.
inline KafkaFrame load_frame(std::span<const std::byte> octets) noexcept {
    KafkaFrame frame;
    std::memcpy(&frame, octets.data(), sizeof frame);
    return frame;
}
inline void store_frame(std::span<std::byte> octets, const KafkaFrame& frame) noexcept {
    std::memcpy(octets.data(), &frame, sizeof frame);
}

}  // namespace tapmeter::exporting
