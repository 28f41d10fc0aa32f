// InfluxDB by HTTP (src/pushing/way.h): /write of version 1, /api/v2/write of version 2.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <span>
#include <utility>

#include "src/exporting/http_session.h"
#include "src/pushing/way.h"

namespace tapmeter::pushing {
namespace {

using exporting::HttpAnswer;
using exporting::HttpSession;

constexpr std::size_t answer_octets_max = 256;  // of its body, for the log

std::string target_of(const Config::Influxdb& config) {
    return config.bucket.empty()
               ? fmt::format("/write?db={}&precision=ns", HttpSession::encoded(config.database))
               : fmt::format("/api/v2/write?org={}&bucket={}&precision=ns",
                             HttpSession::encoded(config.organization),
                             HttpSession::encoded(config.bucket));
}

// The whole of a small file, without the line feed at its end.
Result<std::string> read_token(const std::string& path) {
    constexpr std::size_t octets_max = 4'096;
    if (path.empty()) {
        return std::string();
    }
    std::ifstream stream(path, std::ios::binary);
    std::string text(octets_max + 1, '\0');
    stream.read(text.data(), static_cast<std::streamsize>(text.size()));
    text.resize(static_cast<std::size_t>(stream.gcount()));
    if (!stream.is_open() || stream.bad() || text.size() > octets_max) {
        return failed(Error::Kind::invalid_config,
                      fmt::format("influxdb.token_file '{}': must be a file of at most {} octets "
                                  "that this process can read",
                                  path, octets_max));
    }
    text.erase(text.find_last_not_of("\r\n") + 1);
    if (std::ranges::any_of(text, [](char c) { return static_cast<unsigned char>(c) < ' '; })) {
        return failed(Error::Kind::invalid_config,
                      fmt::format("influxdb.token_file '{}': must hold one line", path));
    }
    return text;
}

// On one line, whatever the server says.
std::string shown(std::string text) {
    std::ranges::replace_if(
        text, [](char c) { return static_cast<unsigned char>(c) < ' ' || c == '\x7f'; }, ' ');
    text.erase(text.find_last_not_of(' ') + 1);
    return text;
}

class HttpWay final : public Way {
public:
    HttpWay(std::unique_ptr<HttpSession> session, std::string server, std::string target)
        : session_(std::move(session)), server_(std::move(server)), target_(std::move(target)) {}
    Result<void> push(std::string_view lines, const Limits& limits) override;

private:
    tl::unexpected<Error> complaint(const std::string& why) const {
        return failed(Error::Kind::io,
                      fmt::format("{}{}: {}; see that InfluxDB runs there, has this database or "
                                  "bucket, and lets us write",
                                  server_, target_, why));
    }

    std::unique_ptr<HttpSession> session_;
    std::string server_;
    std::string target_;
};

Result<void> HttpWay::push(std::string_view lines, const Limits& limits) {
    session_->set_time(limits.time);
    session_->give_up_when(limits.is_abandoned);
    const std::array body{std::as_bytes(std::span{lines})};
    const HttpAnswer answer = session_->post(target_, body);
    if (answer.fate != HttpAnswer::Fate::answered) {
        return complaint(answer.failure);
    }
    constexpr long first_success = 200;
    constexpr long last_success = 299;
    if (answer.status < first_success || answer.status > last_success) {
        return complaint(fmt::format("HTTP status {} {}", answer.status,
                                     shown(answer.body.substr(0, answer_octets_max))));
    }
    return {};
}

}  // namespace

Result<std::unique_ptr<Way>> open_http_way(const Config::Influxdb& config,
                                           const config::PushAddress& address) {
    std::string server = config::push_url_text(address);
    auto session =
        HttpSession::make({.url = server,
                           .user = config.user,
                           .secret = [file = config.token_file] { return read_token(file); },
                           .tls_ca = config.tls_ca,
                           .content_type = "text/plain; charset=utf-8",
                           // A value with the same time is the same value to InfluxDB.
                           .may_repeat = true});
    if (!session) {
        session.error().message = "influxdb: " + session.error().message;
        return tl::unexpected<Error>(std::move(session.error()));
    }
    return std::make_unique<HttpWay>(std::move(*session), std::move(server), target_of(config));
}

}  // namespace tapmeter::pushing
