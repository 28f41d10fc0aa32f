#include "src/exporting/http_session.h"

#include <curl/curl.h>
#include <fmt/format.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <system_error>
#include <utility>

#include "src/exporting/own_socket.h"
#include "src/exporting/secret_file.h"

namespace tapmeter::exporting {
namespace {

// What one request reads and writes.
struct Exchange {
    std::span<const Bytes> body;
    std::size_t piece = 0;   // of the body, to be sent next
    std::size_t offset = 0;  // in it
    std::string* answer = nullptr;
    const std::function<bool()>* is_abandoned = nullptr;
};

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

int look_up(void* of, curl_off_t /*down*/, curl_off_t /*down_now*/, curl_off_t /*up*/,
            curl_off_t /*up_now*/) {
    const auto& is_abandoned = *static_cast<Exchange*>(of)->is_abandoned;
    return is_abandoned && is_abandoned() ? 1 : 0;
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
    curl_slist* headers = nullptr;

    Library() = default;
    Library(const Library&) = delete;
    Library& operator=(const Library&) = delete;
    ~Library() {
        curl_easy_cleanup(curl);
        curl_slist_free_all(headers);
    }
};

Result<std::unique_ptr<HttpSession>> HttpSession::make(Setup setup) {
    // Counts its callers, and is made for being called before there are threads.
    static const CURLcode started = curl_global_init(CURL_GLOBAL_DEFAULT);
    if (auto readable = must_be_readable("tls_ca", setup.tls_ca); !readable) {
        return tl::unexpected<Error>(std::move(readable.error()));
    }
    if (!setup.password_file.empty()) {
        if (auto password = read_secret(setup.password_file); !password) {
            return tl::unexpected<Error>(std::move(password.error()));
        }
    }
    auto library = std::make_unique<Library>();
    library->curl = started == CURLE_OK ? curl_easy_init() : nullptr;
    // Without the first one, a server is waited for a second before a body is sent.
    for (const char* const line : {"Expect:", "Content-Type: application/octet-stream"}) {
        curl_slist* const longer = curl_slist_append(library->headers, line);
        library->headers = longer == nullptr ? library->headers : longer;
    }
    if (library->curl == nullptr || library->headers == nullptr) {
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
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, static_cast<long>(setup_.time.count()));
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, library_->headers);
    curl_easy_setopt(curl, CURLOPT_POST, 1L);
    // There is no CURLOPT_SEEKFUNCTION: where a kept connection breaks, the library would send the
    // body a second time by itself, and nobody knows what the server did with the first.
    curl_easy_setopt(curl, CURLOPT_READFUNCTION, &give_body);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, &take_answer);
    curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, &look_up);
    curl_easy_setopt(curl, CURLOPT_OPENSOCKETFUNCTION, &open_own_socket);
    curl_easy_setopt(curl, CURLOPT_OPENSOCKETDATA, &own_);
}

HttpSession::~HttpSession() = default;

HttpAnswer HttpSession::post(const std::string& target, std::span<const Bytes> body) {
    HttpAnswer answer;
    CURL* const curl = library_->curl;
    if (!setup_.user.empty()) {
        auto password = setup_.password_file.empty() ? Result<std::string>(std::string())
                                                     : read_secret(setup_.password_file);
        if (!password) {
            answer.failure = password.error().message;
            return answer;
        }
        curl_easy_setopt(curl, CURLOPT_HTTPAUTH, CURLAUTH_BASIC);
        curl_easy_setopt(curl, CURLOPT_USERNAME, setup_.user.c_str());
        curl_easy_setopt(curl, CURLOPT_PASSWORD, password->c_str());
    }
    std::size_t octets = 0;
    for (const Bytes piece : body) {
        octets += piece.size();
    }
    Exchange exchange{.body = body, .answer = &answer.body, .is_abandoned = &is_abandoned_};
    std::array<char, CURL_ERROR_SIZE> words{};
    curl_easy_setopt(curl, CURLOPT_URL, (setup_.url + target).c_str());
    curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(octets));
    curl_easy_setopt(curl, CURLOPT_READDATA, &exchange);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, &exchange);
    curl_easy_setopt(curl, CURLOPT_XFERINFODATA, &exchange);
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, words.data());
    const CURLcode code = curl_easy_perform(curl);
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, nullptr);

    answer.fate = fate_of(code);
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &answer.status);
    if (code != CURLE_OK) {
        answer.failure = words.front() != '\0' ? words.data() : curl_easy_strerror(code);
    }
    return answer;
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
