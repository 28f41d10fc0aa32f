#include "pipeline/inspect/extract/smb.h"

#include <algorithm>

#include "pipeline/inspect/extract/reader.h"

namespace tapmeter::inspect::extract {

namespace {

constexpr std::uint32_t smb1_mark = 0xff53'4d42;  // "\xffSMB"
constexpr std::uint32_t smb2_mark = 0xfe53'4d42;
constexpr std::size_t smb1_words = 33;  // behind the header and the number of words
constexpr std::size_t smb2_body = 64;
constexpr unsigned compound_max = 16;  // SMB 2 messages in one frame

// An unsigned number of so many octets, which are little-endian; those behind the end are 0.
std::uint32_t field(Bytes message, std::size_t at, std::size_t octets) noexcept {
    std::uint32_t value = 0;
    for (std::size_t i = octets; i-- > 0;) {
        const bool is_there = at + i < message.size();
        value = value << 8U | (is_there ? std::to_integer<std::uint32_t>(message[at + i]) : 0U);
    }
    return value;
}

// Where a message says that octets of a file stand in it.
struct Data {
    std::uint32_t offset = 0;  // from its first octet; 0: none
    std::uint32_t octets = 0;
};

void show(Bytes message, Data data, Context& context) noexcept {
    if (data.offset == 0 || data.offset >= message.size() || data.octets == 0) {
        return;
    }
    const Bytes there = message.subspan(data.offset);
    context.show(Buffer::file_data, there.first(std::min<std::size_t>(data.octets, there.size())));
}

// WRITE_ANDX and READ_ANDX ([MS-CIFS] §2.2.4.43.1, §2.2.4.42.2).
Data data_of_smb1(Bytes message) noexcept {
    constexpr std::uint32_t command_read = 0x2e;
    constexpr std::uint32_t command_write = 0x2f;
    constexpr std::uint32_t words_min = 12;
    const std::uint32_t command = field(message, 4, 1);
    const bool is_answer = (field(message, 9, 1) & 0x80U) != 0;
    if (field(message, smb1_words - 1, 1) < words_min) {
        return {};
    }
    const auto word = [&](std::size_t at) { return field(message, smb1_words + at, 2); };
    if (command == command_write && !is_answer) {
        return {word(22), word(18) << 16U | word(20)};
    }
    if (command == command_read && is_answer) {
        return {word(12), word(14) << 16U | word(10)};
    }
    return {};
}

// WRITE and READ ([MS-SMB2] §2.2.21, §2.2.20).
Data data_of_smb2(Bytes message) noexcept {
    constexpr std::uint32_t command_read = 8;
    constexpr std::uint32_t command_write = 9;
    const std::uint32_t command = field(message, 12, 2);
    const bool from_server = (field(message, 16, 1) & 1U) != 0;
    if (command == command_write && !from_server) {
        return {field(message, smb2_body + 2, 2), field(message, smb2_body + 4, 4)};
    }
    if (command == command_read && from_server) {
        return {field(message, smb2_body + 2, 1), field(message, smb2_body + 4, 4)};
    }
    return {};
}

// The first message of either side: NEGOTIATE ([MS-SMB2] §2.2.4).
void keep_dialect(Bytes message, std::uint32_t mark, Context& context) noexcept {
    constexpr std::size_t dialect_at = smb2_body + 4;
    auto& dialect = context.metadata.smb_dialect;
    if (mark == smb1_mark) {
        dialect = std::max<std::uint16_t>(dialect, 1);
        return;
    }
    const bool from_server = (field(message, 16, 1) & 1U) != 0;
    if (mark == smb2_mark && field(message, 12, 2) == 0 && from_server &&
        message.size() >= dialect_at + 2) {
        dialect = static_cast<std::uint16_t>(field(message, dialect_at, 2));
        context.count(ReadEvent::smb_dialect);
    }
}

void show_files(Bytes frame, std::uint32_t mark, Context& context) noexcept {
    if (mark == smb1_mark) {
        show(frame, data_of_smb1(frame), context);
        return;
    }
    for (unsigned number = 0; number < compound_max && mark == smb2_mark; ++number) {
        show(frame, data_of_smb2(frame), context);
        const std::size_t next = field(frame, 20, 4);
        if (next < smb2_body || next >= frame.size()) {
            return;
        }
        frame = frame.subspan(next);
        mark = Reader{frame}.u32();
    }
}

}  // namespace

// A frame that does not end within the inspected part is shown as far as it goes.
Read read_smb(Bytes unread, bool last, Place& place, Context& context) noexcept {
    constexpr std::size_t transport_octets = 4;
    constexpr std::size_t negotiation_octets = 70;  // an answer as far as its dialect
    const bool bodies = context.options.bodies;
    Read read;
    while (read.consumed + transport_octets <= unread.size()) {
        Reader reader{unread.subspan(read.consumed)};
        const std::size_t octets = reader.u32() & 0x00ff'ffffU;
        const std::size_t needed = bodies ? octets : std::min(octets, negotiation_octets);
        if (reader.left() < needed && !last) {
            return read;
        }
        const Bytes frame = reader.rest().first(std::min(octets, reader.left()));
        const std::uint32_t mark = Reader{frame}.u32();
        if (place.message == 0) {
            keep_dialect(frame, mark, context);
        }
        if (!bodies) {
            return {.consumed = unread.size(), .done = true};
        }
        context.message = place.message++;
        show_files(frame, mark, context);
        read.consumed += transport_octets + frame.size();
    }
    read.done = last;
    return read;
}

}  // namespace tapmeter::inspect::extract
