#pragma once

#include "pipeline/inspect/metadata.h"

namespace tapmeter::exporting {

// Most that write_metadata() writes: every octet of the texts as an escape, and the members around.
inline constexpr std::size_t metadata_octets_max = 6 * inspect::Metadata::text_octets + 2'048;

// The members `http`, `tls`, `dns`, `quic`, `ssh`, `smtp`, `ftp` and `smb` of an EVE flow record,
// with Suricata's names where it has them, where something of it was found:
// `,"tls":{"sni":"www.example.org","version":"TLS 1.3"}`.
// Writes at `to` with the comma before each, and returns the end of what it wrote.
//
// Texts are hostile: control characters, quotes and what is no ASCII are escaped (octets that are
// no ASCII as the Latin-1 character of that number, so that none is lost).
char* write_metadata(char* to, const inspect::Metadata& metadata) noexcept;

// `,"signatures":{"matches":3,"sids":[2100498]}` for the object of our own; nothing where the flow
// hit none.
char* write_signatures(char* to, const inspect::SignatureHits& hits) noexcept;

// The same for the flat format: `,"signatureMatchTotalCount":3,"signatureIds":[2100498]`.
char* write_flat_signatures(char* to, const inspect::SignatureHits& hits) noexcept;

}  // namespace tapmeter::exporting
