#pragma once

#include "pipeline/flow/application.h"
#include "pipeline/inspect/application_names.h"

namespace tapmeter::exporting {

// The members of an EVE flow record that speak of its application. Each writes at `to` with the
// comma before it and returns the end of what it wrote, which is nothing for a flow that was not
// inspected. At most application_octets_max octets together.
inline constexpr std::size_t application_octets_max = 1'536;

// `,"app_proto":"tls"`, with Suricata's word where it has one, else nDPI's in lower case; "failed"
// where the packets did not tell.
char* write_app_proto(char* to, const flow::Application& application,
                      const inspect::ApplicationNames& names) noexcept;

// `,"ndpi":{"proto":"TLS.Google","proto_id":"91.126",...}`, as ndpi_dpi2json() names it.
char* write_ndpi(char* to, const flow::Application& application,
                 const inspect::ApplicationNames& names) noexcept;

// `TLS.Google`, as ndpi prints it; "Unknown" where nothing is known. Nothing before or behind it;
// at most ApplicationNames::label_octets_max octets.
char* write_label(char* to, const flow::Application& application,
                  const inspect::ApplicationNames& names) noexcept;

// `,"applicationId":"20:35632:126","applicationName":"Google"` for the flat format: as IPFIX has
// them, engine, enterprise number and number with colons between.
char* write_flat_application(char* to, const flow::Application& application,
                             const inspect::ApplicationNames& names) noexcept;

// `,"dpi":"decided","dpi_packets":4` for the object of our own.
char* write_inspection(char* to, const flow::Application& application) noexcept;

}  // namespace tapmeter::exporting
