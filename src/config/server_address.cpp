#include "src/config/server_address.h"

#include "src/config/address.h"

namespace tapmeter::config {

namespace {

// "HOST:PORT" or "[IPV6]:PORT", by the rules that hold for collectors.
bool is_host_and_port(std::string_view text, bool port_required) {
    const std::size_t colon = text.rfind(':');
    const std::size_t bracket = text.rfind(']');
    const bool has_port =
        colon != std::string_view::npos && (bracket == std::string_view::npos || colon > bracket);
    return (has_port || !port_required) &&
           parse_collector("tcp://" + std::string(text)).has_value();
}

}  // namespace

Checked<std::string> parse_http_url(std::string_view text) {
    for (const std::string_view scheme : {"http://", "https://"}) {
        if (text.starts_with(scheme) && is_host_and_port(text.substr(scheme.size()), true)) {
            return std::string(text);
        }
    }
    return tl::unexpected<std::string>(
        "\"http://HOST:PORT\" or \"https://HOST:PORT\", such as \"http://192.0.2.7:8123\"");
}

Checked<std::string> parse_brokers(std::string_view text) {
    std::string_view rest = text;
    for (bool more = true; more;) {
        const std::size_t comma = rest.find(',');
        more = comma != std::string_view::npos;
        if (!is_host_and_port(rest.substr(0, comma), false)) {
            return tl::unexpected<std::string>(
                "brokers with commas between them, such as \"192.0.2.7:9092\" or "
                "\"kafka1:9092,kafka2:9092\"");
        }
        rest.remove_prefix(more ? comma + 1 : rest.size());
    }
    return std::string(text);
}

}  // namespace tapmeter::config
