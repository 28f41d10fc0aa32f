#include "src/verbs/http_client.h"

#include <curl/curl.h>

#include <cerrno>
#include <memory>
#include <string_view>

namespace tapmeter::verbs {

namespace {

constexpr long connect_seconds_max = 3;
constexpr long answer_seconds_max = 60;  // a reload may read large files
constexpr std::size_t answer_octets_max = std::size_t{64} << 20U;

struct CurlEnd {
    void operator()(CURL* curl) const noexcept { curl_easy_cleanup(curl); }
    void operator()(curl_slist* list) const noexcept { curl_slist_free_all(list); }
};
using Curl = std::unique_ptr<CURL, CurlEnd>;
using Headers = std::unique_ptr<curl_slist, CurlEnd>;

// A short return tells the library to give up.
std::size_t take_body(char* octets, std::size_t size, std::size_t count, void* to) {
    std::string& body = static_cast<HttpAnswer*>(to)->body;
    if (body.size() + size * count > answer_octets_max) {
        return 0;
    }
    body.append(octets, size * count);
    return size * count;
}

std::size_t take_header(char* octets, std::size_t size, std::size_t count, void* to) {
    constexpr std::string_view name = "Tapmeter-Books: ";
    std::string_view line(octets, size * count);
    if (line.starts_with(name)) {
        line.remove_prefix(name.size());
        static_cast<HttpAnswer*>(to)->books = line.substr(0, line.find_first_of("\r\n"));
    }
    return size * count;
}

HttpFault fault_of(CURLcode code, CURL* curl, const Door& door) {
    long os_error = 0;
    curl_easy_getinfo(curl, CURLINFO_OS_ERRNO, &os_error);
    if (os_error == EACCES || os_error == EPERM) {
        return {HttpFault::Kind::not_permitted, "no permission to use " + door.name() +
                                                    "; join the group of the socket, or use sudo"};
    }
    if (code == CURLE_COULDNT_CONNECT || code == CURLE_COULDNT_RESOLVE_HOST) {
        const std::string option = door.url.empty() ? "--socket PATH" : "--url URL";
        return {HttpFault::Kind::nobody_there,
                "no running instance behind " + door.name() +
                    "; start one (systemctl start tapmeter), or name the right place with " +
                    option};
    }
    if (code == CURLE_OPERATION_TIMEDOUT) {
        return {HttpFault::Kind::failed,
                "no answer from " + door.name() + " in time; is the machine overloaded?"};
    }
    return {HttpFault::Kind::failed,
            "asking " + door.name() + " failed: " + curl_easy_strerror(code)};
}

}  // namespace

tl::expected<HttpAnswer, HttpFault> ask(const Door& door, const HttpRequest& request) {
    const Curl curl(curl_easy_init());
    if (!curl) {
        return tl::unexpected<HttpFault>({HttpFault::Kind::failed, "libcurl: no memory"});
    }
    HttpAnswer answer;
    const std::string url = (door.url.empty() ? "http://localhost" : door.url) + request.path;
    curl_easy_setopt(curl.get(), CURLOPT_URL, url.c_str());
    if (door.url.empty()) {
        curl_easy_setopt(curl.get(), CURLOPT_UNIX_SOCKET_PATH, door.socket.c_str());
    }
    curl_easy_setopt(curl.get(), CURLOPT_PROTOCOLS_STR, "http");
    curl_easy_setopt(curl.get(), CURLOPT_PROXY, "");
    curl_easy_setopt(curl.get(), CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl.get(), CURLOPT_CONNECTTIMEOUT, connect_seconds_max);
    curl_easy_setopt(curl.get(), CURLOPT_TIMEOUT, answer_seconds_max);
    curl_easy_setopt(curl.get(), CURLOPT_WRITEFUNCTION, &take_body);
    curl_easy_setopt(curl.get(), CURLOPT_WRITEDATA, &answer);
    curl_easy_setopt(curl.get(), CURLOPT_HEADERFUNCTION, &take_header);
    curl_easy_setopt(curl.get(), CURLOPT_HEADERDATA, &answer);

    Headers headers;
    if (request.post) {
        headers.reset(curl_slist_append(nullptr, "Content-Type: application/json"));
        curl_easy_setopt(curl.get(), CURLOPT_POST, 1L);
        curl_easy_setopt(curl.get(), CURLOPT_HTTPHEADER, headers.get());
        curl_easy_setopt(curl.get(), CURLOPT_POSTFIELDS, request.body.c_str());
        curl_easy_setopt(curl.get(), CURLOPT_POSTFIELDSIZE, static_cast<long>(request.body.size()));
    }
    const CURLcode code = curl_easy_perform(curl.get());
    if (code != CURLE_OK) {
        return tl::unexpected<HttpFault>(fault_of(code, curl.get(), door));
    }
    curl_easy_getinfo(curl.get(), CURLINFO_RESPONSE_CODE, &answer.status);
    return answer;
}

}  // namespace tapmeter::verbs
