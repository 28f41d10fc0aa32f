#include "src/capture_files/parsed.h"

#include <array>
#include <cstdio>
#include <system_error>

namespace tapmeter::capture_files {
namespace {

std::string number(std::uint64_t value) {
    return std::to_string(value);
}

std::string hex(std::uint64_t value) {
    std::array<char, 19> text{};
    std::snprintf(text.data(), text.size(), "%08llx", static_cast<unsigned long long>(value));
    return text.data();
}

std::string words_for(const Damage& damage) {
    const std::string found = number(damage.found);
    const std::string wanted = number(damage.wanted);
    switch (damage.kind) {
        case Damage::Kind::none:
            return "no damage";
        case Damage::Kind::cut:
            return "the file ends inside a record: " + found + " of " + wanted +
                   " octets are there (a capture program that was killed leaves this)";
        case Damage::Kind::captured_too_long:
            return "packet record claims " + found + " octets, at most " + wanted + " are possible";
        case Damage::Kind::byte_order_magic:
            return "section header has byte-order magic " + hex(damage.found) +
                   ", must be 1a2b3c4d or 4d3c2b1a";
        case Damage::Kind::section_version:
            return "section has major version " + found + ", only " + wanted + " is known";
        case Damage::Kind::block_length:
            return "block claims " + found +
                   " octets in all, must be a multiple of 4 and at least " + wanted;
        case Damage::Kind::trailing_length:
            return "block of " + wanted + " octets ends with the length " + found +
                   ", both must be the same";
        case Damage::Kind::packet_beyond_block:
            return "packet claims " + found + " octets, its block has room for " + wanted;
        case Damage::Kind::unknown_interface:
            return "packet of interface " + found + ", but the section has described " + wanted +
                   " interfaces so far";
        case Damage::Kind::too_many_interfaces:
            return "section describes more than " + wanted + " interfaces";
        case Damage::Kind::interface_option:
            return "time or FCS option of an interface has " + found + " octets, must have " +
                   wanted;
        case Damage::Kind::read_failed:
            return std::string("cannot be read on: ") +
                   std::generic_category().message(static_cast<int>(damage.found));
        case Damage::Kind::shrunk:
            return "the file became shorter while it was read, or its disk fails";
    }
    return {};
}

}  // namespace

std::string describe(const Damage& damage) {
    return "offset " + number(damage.offset) + ": " + words_for(damage);
}

}  // namespace tapmeter::capture_files
