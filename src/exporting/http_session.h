#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "pipeline/base/bytes.h"
#include "pipeline/base/result.h"
#include "pipeline/flow/own_sessions.h"

namespace tapmeter::exporting {

// What came of one request.
struct HttpAnswer {
    enum class Fate : unsigned char {
        answered,     // `status` and `body` are the server's
        not_reached,  // nobody has seen the request
        broken,       // whether the server has acted on it is not known
    };
    Fate fate = Fate::not_reached;
    long status = 0;
    std::string body;     // at most HttpSession::answer_octets_max of it
    std::string failure;  // why there is no answer
};

// Requests to one HTTP server by libcurl, one after the other, over a connection that is kept. The
// server's certificate and name are verified, redirections are not followed, and no proxy of the
// environment is asked. Its packets are not metered (pipeline/flow/own_sessions.h). One thread.
class HttpSession {
public:
    static constexpr std::size_t answer_octets_max = std::size_t{64} << 10U;

    struct Setup {
        std::string url;     // "https://db.example.net:8443"
        std::string user{};  // empty: `secret` is a token ("Authorization: Token ...")
        // The user's password, asked for before each request; empty: there is none.
        std::function<Result<std::string>()> secret{};
        std::string tls_ca{};  // PEM file; empty: whom the system believes
        std::string content_type = "application/octet-stream";
        std::chrono::milliseconds connect_time{5'000};
        std::chrono::milliseconds time{30'000};  // of a whole request
        // A request may arrive twice: where a kept connection breaks, the library sends it again
        // by itself.
        bool may_repeat = false;
    };

    // errors  no_memory, invalid_config (a file that cannot be read)
    static Result<std::unique_ptr<HttpSession>> make(Setup setup);

    HttpSession(const HttpSession&) = delete;
    HttpSession& operator=(const HttpSession&) = delete;
    ~HttpSession();

    // POST of `body`, its pieces one behind the other, which stay where they are.
    // target  path and query behind the URL, already encoded: "/?query=SELECT%201"
    HttpAnswer post(const std::string& target, std::span<const Bytes> body);

    // Asked many times a second while a request is on its way: true ends it.
    void give_up_when(std::function<bool()> is_abandoned) {
        is_abandoned_ = std::move(is_abandoned);
    }

    // Of a whole request, from the next one on.
    void set_time(std::chrono::milliseconds time) noexcept { setup_.time = time; }

    // A text as it may stand in a query.
    static std::string encoded(std::string_view text);

private:
    struct Library;
    explicit HttpSession(Setup setup, std::unique_ptr<Library> library);
    Result<void> authenticate();
    int perform();

    Setup setup_;
    std::unique_ptr<Library> library_;
    flow::OwnSession own_;
    std::function<bool()> is_abandoned_;
};

}  // namespace tapmeter::exporting
