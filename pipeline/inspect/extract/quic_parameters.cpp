#include "pipeline/inspect/extract/quic_parameters.h"

#include <algorithm>

namespace tapmeter::inspect::extract {

namespace {
constexpr std::uint64_t parameter_user_agent = 0x3129;
constexpr std::size_t parameters_max = 64;
}  // namespace

std::uint64_t read_varint(Reader& reader) noexcept {
    const std::uint64_t first = reader.u8();
    std::uint64_t value = first & 0x3fU;
    for (unsigned more = (1U << (first >> 6U)) - 1; more > 0; --more) {
        value = (value << 8U) | reader.u8();
    }
    return value;
}

void read_quic_parameters(Bytes parameters, Context& context) noexcept {
    Reader reader{parameters};
    for (std::size_t i = 0; i < parameters_max && !reader.empty(); ++i) {
        const std::uint64_t id = read_varint(reader);
        const auto octets = std::min<std::uint64_t>(read_varint(reader), reader.left() + 1);
        const Bytes value = reader.take(static_cast<std::size_t>(octets));
        if (id == parameter_user_agent && !value.empty()) {
            context.show(Buffer::quic_user_agent, value);
            auto& kept = context.metadata.quic.user_agent;
            if (kept.empty()) {
                kept = context.metadata.keep(value, text_max::user_agent);
            }
        }
    }
}

}  // namespace tapmeter::inspect::extract
