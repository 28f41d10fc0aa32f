#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

namespace tapmeter::control {

// Limits of one door (TCP or unix socket). Beyond them a request is refused, never half served.
inline constexpr unsigned connections_max = 64;
inline constexpr std::size_t header_octets_max = std::size_t{16} << 10U;  // request line included
inline constexpr std::size_t body_octets_max = std::size_t{1} << 20U;

struct Timeouts {
    std::chrono::milliseconds header{5'000};    // from connect or last answer to the last header
    std::chrono::milliseconds request{30'000};  // from there to the last octet of the answer
};

// What is known of a request before its body is read.
struct Head {
    std::string method;
    std::string path;   // as it came: nothing is decoded, because no route needs it
    std::string query;  // after the '?'
    // Every value of these fields, in case a client sends one twice.
    std::vector<std::string> hosts;
    std::vector<std::string> origins;
    std::vector<std::string> fetch_sites;
    std::vector<std::string> content_types;
    std::vector<std::string> content_lengths;
    std::vector<std::string> transfer_encodings;
    std::size_t header_octets = 0;
    bool blank_in_name = false;  // "Host : x", which two servers would read in two ways
    bool trusted = false;        // came through the unix socket: its file mode is the permission
};

struct Response {
    unsigned status = 200;
    std::string content_type = "application/json";
    std::string body;
    std::vector<std::pair<std::string, std::string>> headers;
};

// {"error":{"code","message","hint"}}
struct Fault {
    unsigned status;
    std::string code;     // stable, for programs: "not_found"
    std::string message;  // what, where, why
    std::string hint;     // the cure
};
Response response_of(const Fault& fault);

}  // namespace tapmeter::control
