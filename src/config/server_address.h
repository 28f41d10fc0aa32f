#pragma once

#include <string>
#include <string_view>

#include "src/config/quantity.h"

namespace tapmeter::config {

// An HTTP server: "http://HOST:PORT" or "https://HOST:PORT", nothing behind the port.
// errors  what the text must be instead
Checked<std::string> parse_http_url(std::string_view text);

// Brokers of Kafka, with commas between them: "HOST:PORT", or "HOST" (9092).
// errors  what the text must be instead
Checked<std::string> parse_brokers(std::string_view text);

}  // namespace tapmeter::config
