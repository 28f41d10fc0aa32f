#include "src/saving/blocks.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <span>

namespace tapmeter::saving {

namespace {

namespace block {
constexpr std::uint32_t section_header = 0x0a0d0d0a;
constexpr std::uint32_t interface_description = 1;
constexpr std::uint32_t interface_statistics = 5;
constexpr std::uint32_t enhanced_packet = 6;
}  // namespace block

namespace option_code {
constexpr std::uint16_t end = 0;
constexpr std::uint16_t comment = 1;
constexpr std::uint16_t user_application = 4;   // shb_userappl
constexpr std::uint16_t interface_name = 2;     // if_name
constexpr std::uint16_t time_resolution = 9;    // if_tsresol
constexpr std::uint16_t interface_filter = 11;  // if_filter
constexpr std::uint16_t start_time = 2;         // isb_starttime
constexpr std::uint16_t end_time = 3;           // isb_endtime
constexpr std::uint16_t received = 4;           // isb_ifrecv
constexpr std::uint16_t dropped = 5;            // isb_ifdrop
constexpr std::uint16_t delivered = 8;          // isb_usrdeliv
}  // namespace option_code

constexpr std::uint32_t byte_order_magic = 0x1a2b3c4d;
constexpr std::uint32_t version_1_0 = 0x0000'0001;  // major in the lower half
constexpr std::size_t option_octets_max = 65'535;
constexpr unsigned char to_the_minus_9 = 9;  // seconds

}  // namespace

std::uint16_t link_type_number(LinkType link) noexcept {
    constexpr std::array<std::uint16_t, 8> numbers{1, 101, 0, 108, 113, 276, 9, 104};
    return numbers[std::min(static_cast<std::size_t>(link), numbers.size() - 1)];
}

void Blocks::number32(std::uint32_t value) {
    const auto octets = std::as_bytes(std::span{&value, 1});
    octets_.insert(octets_.end(), octets.begin(), octets.end());
}

void Blocks::number64(std::uint64_t value) {
    const auto octets = std::as_bytes(std::span{&value, 1});
    octets_.insert(octets_.end(), octets.begin(), octets.end());
}

// The upper half first, whatever the byte order.
void Blocks::time(std::int64_t nanoseconds) {
    constexpr unsigned half_bits = 32;
    const auto value = static_cast<std::uint64_t>(std::max<std::int64_t>(nanoseconds, 0));
    number32(static_cast<std::uint32_t>(value >> half_bits));
    number32(static_cast<std::uint32_t>(value));
}

void Blocks::pad() {
    octets_.resize((octets_.size() + 3) & ~std::size_t{3});
}

void Blocks::option(std::uint16_t code, std::uint16_t octets) {
    constexpr unsigned half_bits = 16;
    number32(std::uint32_t{code} | std::uint32_t{octets} << half_bits);
}

void Blocks::text_option(std::uint16_t code, const std::string& text) {
    if (text.empty()) {
        return;
    }
    const auto octets =
        std::as_bytes(std::span{text}).first(std::min(text.size(), option_octets_max));
    option(code, static_cast<std::uint16_t>(octets.size()));
    octets_.insert(octets_.end(), octets.begin(), octets.end());
    pad();
}

void Blocks::end_options() {
    option(option_code::end, 0);
}

// Returns where the block begins; its length is written at the end.
std::size_t Blocks::begin(std::uint32_t type) {
    const std::size_t at = octets_.size();
    number32(type);
    number32(0);
    return at;
}

void Blocks::end(std::size_t begin) {
    pad();
    const auto total = static_cast<std::uint32_t>(octets_.size() - begin + sizeof(std::uint32_t));
    std::memcpy(&octets_[begin + sizeof(std::uint32_t)], &total, sizeof(total));
    number32(total);
}

void Blocks::section(const std::string& comment) {
    const std::size_t at = begin(block::section_header);
    number32(byte_order_magic);
    number32(version_1_0);
    number64(~std::uint64_t{0});  // the section's length: not said
    text_option(option_code::comment, comment);
    text_option(option_code::user_application, "tapmeter");
    end_options();
    end(at);
}

void Blocks::interface(const Interface& interface) {
    const std::size_t at = begin(block::interface_description);
    number32(interface.link_type);
    number32(interface.snap_octets);
    text_option(option_code::interface_name, interface.name);
    option(option_code::time_resolution, 1);
    octets_.push_back(std::byte{to_the_minus_9});
    pad();
    if (!interface.filter.empty()) {
        text_option(option_code::interface_filter, std::string(1, '\0') + interface.filter);
    }
    end_options();
    end(at);
}

void Blocks::packet(std::uint32_t interface, const SavedPacket& head, Bytes frame) {
    const std::size_t at = begin(block::enhanced_packet);
    number32(interface);
    time(head.observed_ns);
    number32(head.octets);
    number32(std::max(head.wire_octets, head.octets));
    octets_.insert(octets_.end(), frame.begin(), frame.end());
    end(at);
}

void Blocks::statistics(std::uint32_t interface, const Statistics& statistics) {
    const auto count = [this](std::uint16_t code, std::uint64_t value) {
        option(code, sizeof(value));
        number64(value);
    };
    const std::size_t at = begin(block::interface_statistics);
    number32(interface);
    time(statistics.ended_ns);
    text_option(option_code::comment, statistics.comment);
    option(option_code::start_time, sizeof(std::uint64_t));
    time(statistics.started_ns);
    option(option_code::end_time, sizeof(std::uint64_t));
    time(statistics.ended_ns);
    count(option_code::received, statistics.received);
    count(option_code::dropped, statistics.dropped);
    count(option_code::delivered, statistics.written);
    end_options();
    end(at);
}

}  // namespace tapmeter::saving
