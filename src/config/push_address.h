#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "src/config/quantity.h"

namespace tapmeter::config {

// Where counters are pushed.
struct PushAddress {
    enum class To : std::uint8_t { http, https, udp, file } to = To::http;
    std::string host;  // name, IPv4 or IPv6 address
    std::uint16_t port = 0;
    std::string path;  // of a file
};

// "http://HOST:PORT" or "https://HOST:PORT" (8086), "udp://HOST:PORT" (8089), "file:///PATH".
// errors  what the text must be instead
Checked<PushAddress> parse_push_url(std::string_view text);

// "http://[2001:db8::7]:8086": what requests begin with. Of HTTP alone.
std::string push_url_text(const PushAddress& address);

}  // namespace tapmeter::config
