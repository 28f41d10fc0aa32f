#include <algorithm>
#include <optional>
#include <string_view>

#include "pipeline/inspect/extract/quic.h"

namespace tapmeter::inspect::extract {

namespace {

// A message is a tag, a count of entries and two octets of padding; then for each entry its tag and
// where its value ends, counted from the start of the values. All numbers are little-endian.
constexpr std::string_view client_hello_tag = "CHLO";
constexpr std::size_t message_header_octets = 8;
constexpr std::size_t entry_octets = 8;
constexpr std::size_t entries_max = 128;
// Public header, authentication, frame header, and an acknowledgment before it.
constexpr std::size_t searched_octets = 192;

std::size_t little_endian(Bytes octets) noexcept {
    std::size_t value = 0;
    for (std::size_t i = octets.size(); i > 0; --i) {
        value = (value << 8U) | std::to_integer<std::size_t>(octets[i - 1]);
    }
    return value;
}

void keep_value(std::string_view tag, Bytes value, Context& context) noexcept {
    auto& metadata = context.metadata;
    if (tag == std::string_view{"SNI\0", 4}) {
        context.show(Buffer::tls_sni, value);
        if (metadata.tls.sni.empty()) {
            metadata.tls.sni = metadata.keep(value, text_max::name);
        }
    }
    if (tag == "UAID") {
        context.show(Buffer::quic_user_agent, value);
        if (metadata.quic.user_agent.empty()) {
            metadata.quic.user_agent = metadata.keep(value, text_max::user_agent);
        }
    }
}

}  // namespace

void read_gquic_hello(Bytes octets, Context& context) noexcept {
    const std::size_t at = text_of(octets).substr(0, searched_octets).find(client_hello_tag);
    if (at == std::string_view::npos) {
        return;  // any other packet of the flow
    }
    const Bytes message = octets.subspan(at);
    if (message.size() < message_header_octets) {
        context.count(ReadEvent::gquic_bad_message);
        return;
    }
    const std::size_t entries = little_endian(message.subspan(client_hello_tag.size(), 2));
    const std::size_t values_at = message_header_octets + entries * entry_octets;
    if (entries > entries_max || values_at > message.size()) {
        context.count(ReadEvent::gquic_bad_message);
        return;
    }
    context.count(ReadEvent::quic_client_hello);
    const Bytes values = message.subspan(values_at);
    std::size_t begin = 0;
    for (std::size_t i = 0; i < entries; ++i) {
        const Bytes entry = message.subspan(message_header_octets + i * entry_octets, entry_octets);
        const std::size_t end = little_endian(entry.last(4));
        if (end < begin || end > values.size()) {
            context.count(ReadEvent::gquic_bad_message);  // or the rest is in the next packet
            return;
        }
        keep_value(text_of(entry.first(4)), values.subspan(begin, end - begin), context);
        begin = end;
    }
}

}  // namespace tapmeter::inspect::extract
