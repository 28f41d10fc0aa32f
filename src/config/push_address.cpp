#include "src/config/push_address.h"

#include <algorithm>
#include <array>
#include <utility>

#include "src/config/address.h"

namespace tapmeter::config {

namespace {

using To = PushAddress::To;

struct Scheme {
    std::string_view name;
    To to;
    std::string_view port;
};
constexpr std::array schemes{Scheme{"http", To::http, "8086"}, Scheme{"https", To::https, "8086"},
                             Scheme{"udp", To::udp, "8089"}, Scheme{"file", To::file, ""}};

// With a port where none is said: of "HOST", "[IPV6]", not of "HOST:PORT".
std::string with_port(std::string_view peer, std::string_view port) {
    const std::size_t bracket = peer.rfind(']');
    const std::string_view tail = bracket == std::string_view::npos ? peer : peer.substr(bracket);
    return std::string(peer) +
           (tail.find(':') == std::string_view::npos ? ":" + std::string(port) : "");
}

}  // namespace

// Hosts and ports are those of collectors.
Checked<PushAddress> parse_push_url(std::string_view text) {
    const std::size_t mark = text.find("://");
    const auto* const scheme =
        mark == std::string_view::npos
            ? schemes.end()
            : std::ranges::find(schemes, text.substr(0, mark), &Scheme::name);
    if (scheme == schemes.end()) {
        return must_be("an http://, https://, udp:// or file:// URL, or empty");
    }
    const std::string_view rest = text.substr(mark + 3);
    if (scheme->to == To::file) {
        const auto file = parse_lines(rest);
        if (!file || !rest.starts_with('/')) {
            return must_be("\"file:///PATH\" with the absolute path of a file");
        }
        return PushAddress{.to = To::file, .host = {}, .port = 0, .path = std::string(rest)};
    }
    const auto peer = parse_collector("udp://" + with_port(rest, scheme->port));
    if (!peer) {
        return must_be("\"" + std::string(scheme->name) +
                       "://HOST:PORT\" and nothing behind it, "
                       "such as \"" +
                       std::string(scheme->name) + "://192.0.2.7:" + std::string(scheme->port) +
                       "\"");
    }
    return PushAddress{.to = scheme->to, .host = peer->host, .port = peer->port, .path = {}};
}

std::string push_url_text(const PushAddress& address) {
    const std::string text =
        collector_text({Config::Transport::udp, address.host, address.port, {}});
    const auto mark = text.find("://");
    return (address.to == To::https ? "https" : "http") + text.substr(mark);
}

}  // namespace tapmeter::config
