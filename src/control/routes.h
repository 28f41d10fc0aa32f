#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "src/control/http.h"
#include "src/control/instance.h"

namespace tapmeter::control {

// Set on the answers of health, books and stats: "balanced" or "broken".
inline constexpr std::string_view books_header = "Tapmeter-Books";

// What can be asked of a running instance, and the answers. Knows no sockets; called by the
// server's thread only.
//
//     GET  /metrics                      Prometheus text
//     GET  /api/v1/health                200, or 503 with the reasons
//     GET  /api/v1/books, stats          ?output=text|json|csv
//     GET  /api/v1/config                the configuration in effect
//     GET  /api/v1/prefilter             ?output=text|json|csv
//     POST /api/v1/prefilter             a change, as JSON; unix socket only, as all that follow
//     POST /api/v1/reload, stop
//     GET  /api/v1/recall                ?output=text|json|csv
//     POST /api/v1/recall                a flow or a host, as JSON
class Routes {
public:
    explicit Routes(Instance& instance) : instance_(instance) {}  // instance outlives this

    // By the head alone: 403, 404 or 405 where the rest of the request need not be read.
    std::optional<Response> refuse(const Head& head) const;

    // head  one that refuse() let pass
    Response answer(const Head& head, std::string_view body);

    // Counts an answer, whoever made it, for /metrics.
    void count(std::string_view path, unsigned status) noexcept;

private:
    enum class Format : std::uint8_t { text, json, csv };
    struct Route {
        std::string_view path;
        bool has_output;                                    // understands ?output=
        Response (Routes::*read)(Format format);            // null: not GET
        Response (Routes::*change)(std::string_view body);  // null: not POST
    };
    static constexpr std::size_t routes_count = 9;
    static const std::array<Route, routes_count> table_;
    static std::size_t index_of(std::string_view path) noexcept;  // routes_count: unknown

    // An answer without its body yet, with what a client needs to see whether the books balance.
    static Response about_books(const metrics::Snapshot& snapshot, Format format);

    Response scrape(Format format);
    Response health(Format format);
    Response books(Format format);
    Response stats(Format format);
    Response config(Format format);
    Response prefilter(Format format);
    Response change_prefilter(std::string_view body);
    Response recalls(Format format);
    Response recall(std::string_view body);
    Response reload(std::string_view body);
    Response stop(std::string_view body);

    Instance& instance_;
    // Answers by route, the unknown ones last, and status class 2xx, 4xx, 5xx.
    std::array<std::array<std::uint64_t, 3>, routes_count + 1> answered_{};
};

}  // namespace tapmeter::control
