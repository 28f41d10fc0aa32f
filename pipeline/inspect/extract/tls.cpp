#include "pipeline/inspect/extract/tls.h"

#include <algorithm>
#include <array>

#include "pipeline/inspect/extract/handshake.h"
#include "pipeline/inspect/extract/reader.h"

namespace tapmeter::inspect::extract {

namespace {

constexpr std::uint8_t record_change_cipher_spec = 20;
constexpr std::uint8_t record_handshake = 22;
constexpr std::uint8_t record_application_data = 23;
constexpr std::uint8_t record_heartbeat = 24;
constexpr std::size_t record_header_octets = 5;
constexpr std::size_t record_octets_max = (std::size_t{1} << 14U) + 2'048;  // RFC 5246 §6.2.3
constexpr std::size_t message_octets_max = std::size_t{16} << 10U;
constexpr std::uint16_t tls_1_3 = 0x0304;

// Place::phase is the type of the record that Place::left counts. In Place::flags:
constexpr std::uint8_t flag_client = 1U << 0U;  // a ClientHello came this way

bool is_record(Bytes header) noexcept {
    const auto fields = header.first<record_header_octets>();
    const std::uint8_t type = load_be8(fields.first<1>());
    const std::uint8_t major = load_be8(fields.subspan<1, 1>());
    return type >= record_change_cipher_spec && type <= record_heartbeat && major == 3 &&
           load_be16(fields.subspan<3, 2>()) <= record_octets_max;
}

// Walks handshake octets across the records that carry them.
class RecordWalker {
public:
    RecordWalker(Bytes unread, std::size_t left) noexcept : rest_(unread), left_(left) {}

    std::size_t left() const noexcept { return left_; }  // in the record it stands in
    std::size_t rest() const noexcept { return rest_.size(); }
    bool is_broken() const noexcept { return is_broken_; }  // something else than handshake came

    // `octets` contiguous octets, in place where one record has them all, else put together in
    // `room`. Less: they are not there.
    Bytes take(std::size_t octets, std::span<std::byte> room) noexcept {
        if (octets <= left_ && octets <= rest_.size()) {
            left_ -= octets;
            return advance(octets);
        }
        std::size_t count = 0;
        while (count < std::min(octets, room.size()) && next_record()) {
            const std::size_t part =
                std::min({octets - count, left_, rest_.size(), room.size() - count});
            if (part == 0) {
                break;
            }
            std::ranges::copy(advance(part), room.subspan(count).begin());
            left_ -= part;
            count += part;
        }
        return Bytes{room}.first(count);
    }

private:
    // True when standing inside a record of handshake octets.
    bool next_record() noexcept {
        while (left_ == 0) {
            if (rest_.size() < record_header_octets) {
                return false;
            }
            const auto header = rest_.first<record_header_octets>();
            if (!is_record(header) || load_be8(header.first<1>()) != record_handshake) {
                is_broken_ = true;
                return false;
            }
            left_ = load_be16(header.subspan<3, 2>());
            advance(record_header_octets);
        }
        return true;
    }
    Bytes advance(std::size_t octets) noexcept {
        const Bytes passed = rest_.first(octets);
        rest_ = rest_.subspan(octets);
        return passed;
    }

    Bytes rest_;
    std::size_t left_;
    bool is_broken_ = false;
};

enum class Next : std::uint8_t { message, wait, done };

struct Message {
    Next next = Next::wait;
    std::size_t consumed = 0;
    std::size_t left = 0;  // of the record behind the message
    std::size_t missing = 1;
};

// One handshake message from `unread`, which begins `left` octets before the end of a record (0: at
// a record's header).
Message next_message(Bytes unread, std::size_t left, bool last, Context& context) noexcept {
    RecordWalker walker{unread, left};
    std::array<std::byte, handshake::header_octets> header_room{};
    const Bytes header = walker.take(handshake::header_octets, header_room);
    if (header.size() < handshake::header_octets) {
        return {.next = walker.is_broken() || last ? Next::done : Next::wait,
                .missing = handshake::header_octets - header.size()};
    }
    Reader reader{header};
    const std::uint8_t type = reader.u8();
    const std::size_t octets = reader.u24();
    if (octets > message_octets_max) {
        context.count(ReadEvent::tls_message_too_long);
        return {.next = Next::done};
    }
    const auto room = context.findings.room();
    const Bytes body = walker.take(octets, room.first(std::min(octets, room.size())));
    if (body.size() < octets && !walker.is_broken() && !last) {
        return {.next = Next::wait, .missing = octets - body.size()};
    }
    if (!body.empty() && body.data() == room.data()) {
        context.findings.keep(body.size());
    }
    const bool is_final = read_handshake(type, body, 't', context);
    return {.next = is_final || body.size() < octets ? Next::done : Next::message,
            .consumed = unread.size() - walker.rest(),
            .left = walker.left()};
}

// At a record's header. False where nothing that is read can follow.
bool begin_record(Bytes rest, Place& place, Context& context) noexcept {
    if (!is_record(rest)) {
        context.count(ReadEvent::tls_bad_record);
        return false;
    }
    const auto header = rest.first<record_header_octets>();
    place.phase = load_be8(header.first<1>());
    // Middleboxes are shown one of these behind a first hello (RFC 8446 appendix D.4); everywhere
    // else what follows is encrypted.
    const bool is_pretence = place.phase == record_change_cipher_spec &&
                             (context.from_client || context.metadata.tls.version >= tls_1_3);
    if (place.phase == record_application_data ||
        (place.phase == record_change_cipher_spec && !is_pretence)) {
        return false;
    }
    if (place.phase != record_handshake) {
        place.left = load_be16(header.subspan<3, 2>());
    }
    return true;
}

Read read_records(Bytes unread, bool last, Place& place, Context& context) noexcept {
    Read read;
    while (!read.done) {
        const Bytes rest = unread.subspan(read.consumed);
        if (rest.size() < place.need && !last) {
            return read;
        }
        place.need = 0;
        if (place.left != 0 && place.phase != record_handshake) {
            const std::size_t passed = std::min<std::size_t>(place.left, rest.size());
            place.left -= static_cast<std::uint32_t>(passed);
            read.consumed += passed;
            if (place.left != 0) {
                return read;
            }
        } else if (place.left == 0 && rest.size() < record_header_octets) {
            read.done = last;
            return read;
        } else if (place.left == 0 && !begin_record(rest, place, context)) {
            read.done = true;
        } else if (place.phase != record_handshake) {
            read.consumed += record_header_octets;
        } else {
            const Message message = next_message(rest, place.left, last, context);
            read.consumed += message.consumed;
            if (message.next == Next::wait) {
                place.need = static_cast<std::uint32_t>(rest.size() + message.missing);
                return read;
            }
            read.done = message.next == Next::done;
            place.left = static_cast<std::uint32_t>(message.left);
        }
    }
    return read;
}

}  // namespace

Read read_tls(Bytes unread, bool last, Place& place, Context& context) noexcept {
    context.from_client = (place.flags & flag_client) != 0;
    const Read read = read_records(unread, last, place, context);
    place.flags |= context.from_client ? flag_client : 0U;
    return read;
}

}  // namespace tapmeter::inspect::extract
