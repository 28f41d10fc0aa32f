#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "pipeline/base/bytes.h"
#include "pipeline/base/result.h"

namespace tapmeter::filter {

// One instruction of classic BPF, as pcap_compile() makes it and bpf(4) describes it.
struct Instruction {
    std::uint16_t code = 0;
    std::uint8_t jump_true = 0;   // instructions to skip
    std::uint8_t jump_false = 0;  // likewise
    std::uint32_t operand = 0;
};

inline constexpr std::size_t instructions_max = 4'096;  // as in every kernel
inline constexpr std::size_t scratch_words = 16;

// A frame as a program sees it: as it stands, or as it would be without the tags and labels
// between its link header and its packet. Then the link header is followed at once by the packet,
// and names what is in it.
struct Sight {
    Bytes frame{};
    std::uint32_t wire_octets = 0;
    std::uint32_t cut = 0;            // octets that are passed over; 0: the frame as it stands
    std::uint32_t header_octets = 0;  // of the link header, in front of them
    std::uint32_t type_at = 0;        // of the two octets in it that say what follows
    std::array<std::byte, 2> type{};  // what they say then
};

// A program that was looked over once, and is then run for each packet: it reads nothing beyond a
// frame, ends, and needs no memory but its own sixteen words. Any thread, several at a time.
class Program {
public:
    // Accepts nothing.
    Program() = default;

    // errors  invalid_config: not a program that ends and stays inside its memory, with the number
    //         of the instruction. pcap_compile() makes no such programs.
    static Result<Program> verified(std::span<const Instruction> instructions);

    // True: the program takes the packet. A load beyond the frame refuses it (bpf(4)).
    bool accepts(const Sight& sight) const noexcept;

    bool empty() const noexcept { return instructions_.empty(); }
    std::size_t size() const noexcept { return instructions_.size(); }

private:
    explicit Program(std::span<const Instruction> instructions)
        : instructions_(instructions.begin(), instructions.end()) {}

    std::vector<Instruction> instructions_;
};

}  // namespace tapmeter::filter
