#include "src/exporting/http_session.h"

#include <curl/curl.h>
#include <fmt/format.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <system_error>
#include <utility>

#include "src/exporting/own_socket.h"

namespace tapmeter::exporting {
namespace {

// What one request reads and writes.
struct Exchange {
    std::span<const Bytes> body;
    std::size_t piece = 0;   // of the body, to be sent next
    std::size_t offset = 0;  // in it
    std::string* answer = nullptr;
};

constexpr std::chrono::milliseconds look_interval{50};  // at whether it is abandoned

std::size_t give_body(char* to, std::size_t size, std::size_t count, void* of) noexcept {
    auto& exchange = *static_cast<Exchange*>(of);
    std::size_t given = 0;
    const std::size_t room = size * count;
    while (given < room && exchange.piece < exchange.body.size()) {
        const Bytes rest = exchange.body[exchange.piece].subspan(exchange.offset);
        const std::size_t octets = std::min(rest.size(), room - given);
        if (octets != 0) {
            std::memcpy(to + given, rest.data(), octets);
        }
        given += octets;
        exchange.offset += octets;
        if (exchange.offset == exchange.body[exchange.piece].size()) {
            ++exchange.piece;
            exchange.offset = 0;
        }
    }
    return given;
}

// What is beyond the limit is read and thrown away: the connection stays usable.
std::size_t take_answer(char* octets, std::size_t size, std::size_t count, void* of) {
    std::string& answer = *static_cast<Exchange*>(of)->answer;
    const std::size_t room = HttpSession::answer_octets_max - answer.size();
    answer.append(octets, std::min(size * count, room));
    return size * count;
}

// The library begins anew: only from the beginning.
int rewind_body(void* of, curl_off_t offset, int origin) noexcept {
    auto& exchange = *static_cast<Exchange*>(of);
    if (offset != 0 || origin != SEEK_SET) {
        return CURL_SEEKFUNC_CANTSEEK;
    }
    exchange.piece = 0;
    exchange.offset = 0;
    return CURL_SEEKFUNC_OK;
}

// Packets of the socket are our own from the first one on.
curl_socket_t open_own_socket(void* of, curlsocktype /*purpose*/, curl_sockaddr* address) {
    const int socket =
        ::socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
    if (socket >= 0) {
        note_own_before(*static_cast<flow::OwnSession*>(of), socket, &address->addr,
                        static_cast<socklen_t>(address->addrlen));
    }
    return socket < 0 ? CURL_SOCKET_BAD : socket;
}

// Whether the server may have seen the whole request.
HttpAnswer::Fate fate_of(CURLcode code) noexcept {
    switch (code) {
        case CURLE_OK:
            return HttpAnswer::Fate::answered;
        case CURLE_COULDNT_CONNECT:
        case CURLE_COULDNT_RESOLVE_HOST:
        case CURLE_SSL_CONNECT_ERROR:
        case CURLE_PEER_FAILED_VERIFICATION:
        case CURLE_SSL_CACERT_BADFILE:
        case CURLE_URL_MALFORMAT:
            return HttpAnswer::Fate::not_reached;
        default:
            return HttpAnswer::Fate::broken;
    }
}

Result<void> must_be_readable(const std::string& what, const std::string& path) {
    if (path.empty() || std::ifstream(path).good()) {
        return {};
    }
    return failed(Error::Kind::invalid_config,
                  fmt::format("{} '{}': {}; name a file that this process can read", what, path,
                              std::generic_category().message(errno)));
}

}  // namespace

struct HttpSession::Library {
    CURL* curl = nullptr;
    CURLM* multi = nullptr;  // keeps the connection between two requests
    curl_slist* headers = nullptr;

    Library() = default;
    Library(const Library&) = delete;
    Library& operator=(const Library&) = delete;
    ~Library() {
        curl_easy_cleanup(curl);
        curl_multi_cleanup(multi);
        curl_slist_free_all(headers);
    }

    // False: there is no memory, and the list is as it was.
    bool add_header(const std::string& line) {
        curl_slist* const longer = curl_slist_append(headers, line.c_str());
        headers = longer == nullptr ? headers : longer;
        return longer != nullptr;
    }
};

Result<std::unique_ptr<HttpSession>> HttpSession::make(Setup setup) {
    // Counts its callers, and is made for being called before there are threads.
    static const CURLcode started = curl_global_init(CURL_GLOBAL_DEFAULT);
    if (auto readable = must_be_readable("tls_ca", setup.tls_ca); !readable) {
        return tl::unexpected<Error>(std::move(readable.error()));
    }
    if (setup.secret) {
        if (auto secret = setup.secret(); !secret) {
            return tl::unexpected<Error>(std::move(secret.error()));
        }
    }
    auto library = std::make_unique<Library>();
    library->curl = started == CURLE_OK ? curl_easy_init() : nullptr;
    library->multi = library->curl != nullptr ? curl_multi_init() : nullptr;
    if (library->multi == nullptr) {
        return failed(Error::Kind::no_memory, "libcurl has no memory for a session");
    }
    return std::unique_ptr<HttpSession>(new HttpSession(std::move(setup), std::move(library)));
}

HttpSession::HttpSession(Setup setup, std::unique_ptr<Library> library)
    : setup_(std::move(setup)), library_(std::move(library)) {
    CURL* const curl = library_->curl;
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_PROXY, "");
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_QUICK_EXIT, 1L);  // no wait for a name that is being resolved
    curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 1L);
    curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 2L);
    curl_easy_setopt(curl, CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
    if (!setup_.tls_ca.empty()) {
        curl_easy_setopt(curl, CURLOPT_CAINFO, setup_.tls_ca.c_str());
        curl_easy_setopt(curl, CURLOPT_CAPATH, nullptr);
    }
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS,
                     static_cast<long>(setup_.connect_time.count()));
    curl_easy_setopt(curl, CURLOPT_POST, 1L);
    curl_easy_setopt(curl, CURLOPT_READFUNCTION, &give_body);
    // With it the library sends the body a second time by itself where a kept connection breaks,
    // and nobody knows what the server did with the first.
    if (setup_.may_repeat) {
        curl_easy_setopt(curl, CURLOPT_SEEKFUNCTION, &rewind_body);
    }
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, &take_answer);
    curl_easy_setopt(curl, CURLOPT_OPENSOCKETFUNCTION, &open_own_socket);
    curl_easy_setopt(curl, CURLOPT_OPENSOCKETDATA, &own_);
}

HttpSession::~HttpSession() = default;

HttpAnswer HttpSession::post(const std::string& target, std::span<const Bytes> body) {
    HttpAnswer answer;
    CURL* const curl = library_->curl;
    if (auto known = authenticate(); !known) {
        answer.failure = known.error().message;
        return answer;
    }
    std::size_t octets = 0;
    for (const Bytes piece : body) {
        octets += piece.size();
    }
    Exchange exchange{.body = body, .answer = &answer.body};
    std::array<char, CURL_ERROR_SIZE> words{};
    curl_easy_setopt(curl, CURLOPT_URL, (setup_.url + target).c_str());
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, static_cast<long>(setup_.time.count()));
    curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(octets));
    curl_easy_setopt(curl, CURLOPT_READDATA, &exchange);
    curl_easy_setopt(curl, CURLOPT_SEEKDATA, &exchange);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, &exchange);
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, words.data());
    const auto code = static_cast<CURLcode>(perform());
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, nullptr);

    answer.fate = fate_of(code);
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &answer.status);
    if (code != CURLE_OK) {
        answer.failure = words.front() != '\0' ? words.data() : curl_easy_strerror(code);
    }
    return answer;
}

// Says who we are, as files and the like have it now.
Result<void> HttpSession::authenticate() {
    CURL* const curl = library_->curl;
    auto secret = setup_.secret ? setup_.secret() : Result<std::string>(std::string());
    if (!secret) {
        return tl::unexpected<Error>(std::move(secret.error()));
    }
    curl_slist_free_all(std::exchange(library_->headers, nullptr));
    // Without the first one, a server is waited for a second before a body is sent.
    bool added = library_->add_header("Expect:") &&
                 library_->add_header("Content-Type: " + setup_.content_type);
    if (!setup_.user.empty()) {
        curl_easy_setopt(curl, CURLOPT_HTTPAUTH, CURLAUTH_BASIC);
        curl_easy_setopt(curl, CURLOPT_USERNAME, setup_.user.c_str());
        curl_easy_setopt(curl, CURLOPT_PASSWORD, secret->c_str());
    } else if (!secret->empty()) {
        added = added && library_->add_header("Authorization: Token " + *secret);
    }
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, library_->headers);
    if (!added) {
        return failed(Error::Kind::no_memory, "libcurl has no memory for a request");
    }
    return {};
}

// Looks up often enough to be abandoned at once. Returns a CURLcode.
int HttpSession::perform() {
    CURLM* const multi = library_->multi;
    if (curl_multi_add_handle(multi, library_->curl) != CURLM_OK) {
        return CURLE_OUT_OF_MEMORY;
    }
    CURLcode code = CURLE_ABORTED_BY_CALLBACK;
    int running = 1;
    while (running != 0 && !(is_abandoned_ && is_abandoned_())) {
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
    curl_multi_remove_handle(multi, library_->curl);
    return code;
}

std::string HttpSession::encoded(std::string_view text) {
    constexpr std::string_view safe =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
    std::string words;
    for (const char c : text) {
        if (safe.find(c) != std::string_view::npos) {
            words += c;
        } else {
            words += fmt::format("%{:02X}", static_cast<unsigned>(static_cast<unsigned char>(c)));
        }
    }
    return words;
}

}  // namespace tapmeter::exporting
