#pragma once

#include <cstdint>

#include "pipeline/base/bytes.h"
#include "pipeline/inspect/extract/context.h"
#include "pipeline/inspect/extract/reader.h"

namespace tapmeter::inspect::extract {

// Variable-length integer (RFC 9000 §16).
std::uint64_t read_varint(Reader& reader) noexcept;

// Transport parameters of a client (RFC 9000 §18): the user agent that Google's clients tell.
void read_quic_parameters(Bytes parameters, Context& context) noexcept;

}  // namespace tapmeter::inspect::extract
