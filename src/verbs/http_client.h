#pragma once

#include <string>
#include <tl/expected.hpp>

namespace tapmeter::verbs {

// Where a running instance is asked.
struct Door {
    std::string socket;  // unix socket; used when url is empty
    std::string url;     // scheme, host and port: "http://127.0.0.1:14739"

    std::string name() const { return url.empty() ? socket : url; }
};

struct HttpRequest {
    std::string path;  // with query
    bool post = false;
    std::string body;  // JSON; empty: none
};

struct HttpAnswer {
    long status = 0;
    std::string body;
    std::string books;  // the header Tapmeter-Books: "balanced", "broken" or nothing
};

struct HttpFault {
    enum class Kind { nobody_there, not_permitted, failed };
    Kind kind;
    std::string message;  // what, where, why, cure
};

// One request; waits for the answer, at most a minute. Never goes through a proxy.
tl::expected<HttpAnswer, HttpFault> ask(const Door& door, const HttpRequest& request);

}  // namespace tapmeter::verbs
