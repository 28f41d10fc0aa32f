#pragma once

#include <optional>
#include <string>
#include <vector>

#include "src/control/http.h"

namespace tapmeter::control {

// The names under which this server may be asked over TCP. A page of another site that has its own
// name point at 127.0.0.1 (DNS rebinding) is refused, because its Host is not among them.
std::vector<std::string> host_names(const std::string& address, std::uint16_t port);

// Decides by the head alone whether a request may go on: size, Host, Origin, door, body.
//
// allowed_hosts  what host_names() gave; not looked at on the unix socket
// returns        nothing, or the refusal: 400, 403, 411, 413, 421 or 431
// source         RFC 9112 section 3.2 (Host), RFC 9110 section 15.5.20 (421), section 8.6
std::optional<Response> refuse(const Head& head, const std::vector<std::string>& allowed_hosts);

}  // namespace tapmeter::control
