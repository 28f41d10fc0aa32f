// InfluxDB by HTTP (src/pushing/way.h): /write of version 1, /api/v2/write of version 2.
#include <curl/curl.h>
#include <fmt/format.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <iterator>
#include <utility>

#include "pipeline/flow/own_sessions.h"
#include "src/exporting/own_socket.h"
#include "src/pushing/way.h"

namespace tapmeter::pushing {
namespace {

using std::chrono::milliseconds;

constexpr std::size_t answer_octets_max = 256;  // of its body, for the log
constexpr milliseconds look_interval{50};

struct EasyCleanup {
    void operator()(CURL* easy) const noexcept { curl_easy_cleanup(easy); }
};
struct MultiCleanup {
    void operator()(CURLM* multi) const noexcept { curl_multi_cleanup(multi); }
};
struct HeadersCleanup {
    void operator()(curl_slist* headers) const noexcept { curl_slist_free_all(headers); }
};
using Easy = std::unique_ptr<CURL, EasyCleanup>;
using Multi = std::unique_ptr<CURLM, MultiCleanup>;
using Headers = std::unique_ptr<curl_slist, HeadersCleanup>;

// A text as it may stand in a query (RFC 3986 section 2.3).
std::string encoded(std::string_view text) {
    constexpr std::string_view unreserved =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
    std::string words;
    for (const char c : text) {
        words += unreserved.find(c) != std::string_view::npos
                     ? std::string(1, c)
                     : fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
    return words;
}

std::string url_of(const Config::Influxdb& config, const config::PushAddress& address) {
    const std::string server = config::push_url_text(address);
    return config.bucket.empty()
               ? fmt::format("{}/write?db={}&precision=ns", server, encoded(config.database))
               : fmt::format("{}/api/v2/write?org={}&bucket={}&precision=ns", server,
                             encoded(config.organization), encoded(config.bucket));
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

Headers headers_of(const Config::Influxdb& config, const std::string& token) {
    std::vector<std::string> lines{"Content-Type: text/plain; charset=utf-8",
                                   "Expect:"};  // else a server is waited for before the body
    if (config.user.empty() && !token.empty()) {
        lines.push_back("Authorization: Token " + token);
    }
    Headers headers;
    for (const std::string& line : lines) {
        // The list is longer by one, or there was no memory and it is as it was.
        if (curl_slist* const longer = curl_slist_append(headers.get(), line.c_str())) {
            [[maybe_unused]] const auto* const same = headers.release();
            headers.reset(longer);
        }
    }
    return headers;
}

// What is beyond the limit is read and thrown away: the connection stays usable.
std::size_t take_answer(char* octets, std::size_t size, std::size_t count, void* of) {
    auto& answer = *static_cast<std::string*>(of);
    answer.append(octets, std::min(size * count, answer_octets_max - answer.size()));
    return size * count;
}

// Packets of the socket are our own from the first one on.
curl_socket_t open_own_socket(void* of, curlsocktype /*purpose*/, curl_sockaddr* address) {
    const int socket =
        ::socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
    if (socket >= 0) {
        exporting::note_own_before(*static_cast<flow::OwnSession*>(of), socket, &address->addr,
                                   static_cast<socklen_t>(address->addrlen));
    }
    return socket < 0 ? CURL_SOCKET_BAD : socket;
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
    HttpWay(const Config::Influxdb& config, std::string url, Easy easy, Multi multi)
        : config_(config), url_(std::move(url)), easy_(std::move(easy)), multi_(std::move(multi)) {
        set_up();
    }
    Result<void> push(std::string_view lines, const Limits& limits) override;

private:
    void set_up();
    CURLcode perform(const Limits& limits);
    tl::unexpected<Error> complaint(const std::string& why) const {
        return failed(Error::Kind::io,
                      fmt::format("{}: {}; see that InfluxDB runs there, has this database or "
                                  "bucket, and lets us write",
                                  url_, why));
    }

    Config::Influxdb config_;
    std::string url_;
    flow::OwnSession own_;
    std::array<char, CURL_ERROR_SIZE> words_{};
    Easy easy_;
    Multi multi_;  // keeps the connection between two pushes
};

void HttpWay::set_up() {
    CURL* const easy = easy_.get();
    curl_easy_setopt(easy, CURLOPT_URL, url_.c_str());
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_PROXY, "");
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);  // no wait for a name that is being resolved
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
    curl_easy_setopt(easy, CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
    if (!config_.tls_ca.empty()) {
        curl_easy_setopt(easy, CURLOPT_CAINFO, config_.tls_ca.c_str());
        curl_easy_setopt(easy, CURLOPT_CAPATH, nullptr);
    }
    if (!config_.user.empty()) {
        curl_easy_setopt(easy, CURLOPT_HTTPAUTH, static_cast<long>(CURLAUTH_BASIC));
        curl_easy_setopt(easy, CURLOPT_USERNAME, config_.user.c_str());
    }
    curl_easy_setopt(easy, CURLOPT_POST, 1L);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, &take_answer);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, &open_own_socket);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, &own_);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, words_.data());
}

Result<void> HttpWay::push(std::string_view lines, const Limits& limits) {
    const auto token = read_token(config_.token_file);
    if (!token) {
        return tl::unexpected<Error>(token.error());
    }
    CURL* const easy = easy_.get();
    const Headers headers = headers_of(config_, *token);
    std::string answer;
    words_.front() = '\0';
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers.get());
    curl_easy_setopt(easy, CURLOPT_PASSWORD, config_.user.empty() ? nullptr : token->c_str());
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, lines.data());
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(lines.size()));
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, &answer);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, static_cast<long>(limits.time.count()));
    const CURLcode code = perform(limits);
    long status = 0;
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, nullptr);
    if (code != CURLE_OK) {
        return complaint(words_.front() != '\0' ? words_.data() : curl_easy_strerror(code));
    }
    constexpr long first_success = 200;
    constexpr long last_success = 299;
    if (status < first_success || status > last_success) {
        return complaint(fmt::format("HTTP status {} {}", status, shown(answer)));
    }
    return {};
}

// Looks up often enough to be abandoned at once.
CURLcode HttpWay::perform(const Limits& limits) {
    CURLM* const multi = multi_.get();
    if (curl_multi_add_handle(multi, easy_.get()) != CURLM_OK) {
        return CURLE_OUT_OF_MEMORY;
    }
    CURLcode code = CURLE_ABORTED_BY_CALLBACK;
    int running = 1;
    while (running != 0 && !(limits.is_abandoned && limits.is_abandoned())) {
        if (curl_multi_perform(multi, &running) != CURLM_OK) {
            code = CURLE_OUT_OF_MEMORY;
            break;
        }
        int left = 0;
        while (const CURLMsg* const message = curl_multi_info_read(multi, &left)) {
            code = message->msg == CURLMSG_DONE ? message->data.result : code;
        }
        if (running != 0) {
            curl_multi_poll(multi, nullptr, 0, static_cast<int>(look_interval.count()), nullptr);
        }
    }
    curl_multi_remove_handle(multi, easy_.get());
    return code;
}

}  // namespace

Result<std::unique_ptr<Way>> open_http_way(const Config::Influxdb& config,
                                           const config::PushAddress& address) {
    if (const auto token = read_token(config.token_file); !token) {
        return tl::unexpected<Error>(token.error());
    }
    if (!config.tls_ca.empty() && !std::ifstream(config.tls_ca).good()) {
        return failed(Error::Kind::invalid_config,
                      fmt::format("influxdb.tls_ca '{}': must be a PEM file that this process can "
                                  "read",
                                  config.tls_ca));
    }
    // Counts its callers, and is made for being called before there are threads.
    static const CURLcode begun = curl_global_init(CURL_GLOBAL_DEFAULT);
    Easy easy(begun == CURLE_OK ? curl_easy_init() : nullptr);
    Multi multi(easy != nullptr ? curl_multi_init() : nullptr);
    if (multi == nullptr) {
        return failed(Error::Kind::no_memory, "influxdb: libcurl has no memory for a session");
    }
    return std::make_unique<HttpWay>(config, url_of(config, address), std::move(easy),
                                     std::move(multi));
}

}  // namespace tapmeter::pushing
