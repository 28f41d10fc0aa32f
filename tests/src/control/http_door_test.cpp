#include "src/control/http_door.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <nlohmann/json.hpp>

#include "src/control/server.h"
#include "tests/src/control/fake_instance.h"
#include "tests/src/control/raw_client.h"

namespace tapmeter::control {
namespace {

using nlohmann::json;
using testing::HasSubstr;

class HttpDoorTest : public testing::Test {
protected:
    HttpDoorTest() { start({.header = std::chrono::seconds(1)}); }

    void start(Timeouts timeouts) {
        server_.reset();
        auto server = Server::start({.address = "127.0.0.1", .port = 0},
                                    {.socket = path(), .group = {}}, instance_, timeouts);
        ASSERT_TRUE(server.has_value()) << server.error().message;
        server_ = std::move(*server);
    }
    std::filesystem::path path() const { return folder_.path() / "control.sock"; }
    std::string host() const { return "127.0.0.1:" + std::to_string(server_->port()); }

    // Replaces HOST by what the server wants to hear, then asks.
    std::string ask_tcp(std::string request) const {
        const std::size_t at = request.find("HOST");
        if (at != std::string::npos) {
            request.replace(at, 4, host());
        }
        RawClient client(server_->port());
        client.send(request);
        client.send_nothing_more();
        return client.read_all();
    }
    std::string ask_unix(const std::string& request) const {
        RawClient client(path());
        client.send(request);
        client.send_nothing_more();
        return client.read_all();
    }

    TemporaryFolder folder_;
    FakeInstance instance_;
    std::unique_ptr<Server> server_;
};

struct Asked {
    std::string name;
    std::string request;
    int status;        // 0: the library closes the connection without a word
    std::string says;  // somewhere in the answer
};
std::ostream& operator<<(std::ostream& out, const Asked& asked) {
    return out << asked.name;
}

const auto asked_name = [](const testing::TestParamInfo<Asked>& asked) { return asked.param.name; };

std::string filled(std::string text, std::size_t letters) {
    return text.append(letters, 'x');
}

std::string get(const std::string& target, const std::string& more = {}) {
    return "GET " + target + " HTTP/1.1\r\nHost: HOST\r\nConnection: close\r\n" + more + "\r\n";
}

std::string post(const std::string& target, const std::string& body, const std::string& more = {}) {
    return "POST " + target + " HTTP/1.1\r\nHost: HOST\r\nConnection: close\r\n" +
           "Content-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) +
           "\r\n" + more + "\r\n" + body;
}

std::string method(const std::string& name, const std::string& target) {
    return name + " " + target + " HTTP/1.1\r\nHost: HOST\r\nConnection: close\r\n\r\n";
}

std::string with_host(const std::string& lines) {
    return "GET /metrics HTTP/1.1\r\n" + lines + "Connection: close\r\n\r\n";
}

// --- Over TCP ---

class OverTcp : public HttpDoorTest, public testing::WithParamInterface<Asked> {};

TEST_P(OverTcp, is_answered) {
    const std::string answer = ask_tcp(GetParam().request);
    EXPECT_EQ(status_of(answer), GetParam().status) << answer;
    EXPECT_THAT(answer, HasSubstr(GetParam().says));
    EXPECT_EQ(instance_.stopped + instance_.reloaded, 0U);
}

const std::vector<Asked> tcp_reads{
    {"metrics", get("/metrics"), 200, "tapmeter_build_info"},
    {"health", get("/api/v1/health"), 200, "\"status\":\"ok\""},
    {"health_text", get("/api/v1/health?output=text"), 200, ": ok\n"},
    {"health_csv", get("/api/v1/health?output=csv"), 200, "status,ok\n"},
    {"books", get("/api/v1/books"), 200, "\"balanced\":true"},
    {"books_text", get("/api/v1/books?output=text"), 200, "the books balance\n"},
    {"books_csv", get("/api/v1/books?output=csv"), 200, "account,member,counter,value"},
    {"books_header", get("/api/v1/books"), 200, "Tapmeter-Books: balanced\r\n"},
    {"stats", get("/api/v1/stats"), 200, "busy_ratio"},
    {"stats_text", get("/api/v1/stats?output=text"), 200, "worker"},
    {"config", get("/api/v1/config"), 200, "{\"log_level\":\"info\"}"},
    {"prefilter", get("/api/v1/prefilter"), 200, "10.0.0.0/8"},
    {"head", method("HEAD", "/metrics"), 200, "text/plain; version=0.0.4"},
    {"is_not_cached", get("/metrics"), 200, "Cache-Control: no-store\r\n"},
    {"is_not_sniffed", get("/api/v1/books"), 200, "X-Content-Type-Options: nosniff\r\n"},
    {"http_1_0_with_host", "GET /api/v1/health HTTP/1.0\r\nHost: HOST\r\n\r\n", 200, "ok"},
};

const std::vector<Asked> tcp_paths{
    {"root", get("/"), 404, "not_found"},
    {"unknown", get("/api/v1/book"), 404, "did you mean \\\"/api/v1/books\\\"?"},
    {"unknown_far", get("/etc/passwd"), 404, "known: /metrics"},
    {"trailing_slash", get("/metrics/"), 404, "did you mean \\\"/metrics\\\"?"},
    {"traversal", get("/api/v1/../../etc/passwd"), 404, "not_found"},
    {"encoded_nul", get("/metrics%00.html"), 404, "not_found"},
    {"encoded_letter", get("/%6detrics"), 404, "not_found"},
    {"double_slash", get("//metrics"), 404, "not_found"},
    {"long_path", get(filled("/", 8'000)), 404, "known: "},
    {"unknown_query", get("/api/v1/books?format=csv"), 400, "known: output=text|json|csv"},
    {"unknown_output", get("/api/v1/books?output=jsn"), 400, "did you mean \\\"json\\\"?"},
    {"empty_output", get("/api/v1/books?output="), 400, "known: text, json, csv"},
    {"query_not_known_here", get("/metrics?output=json"), 400, "leave it out"},
    {"second_parameter", get("/api/v1/books?output=json&x=1"), 400, "unknown_output"},
};

const std::vector<Asked> tcp_methods{
    {"post_metrics", post("/metrics", ""), 405, "Allow: GET, HEAD\r\n"},
    {"put_books", method("PUT", "/api/v1/books"), 405, "Allow: GET, HEAD\r\n"},
    {"delete_prefilter", method("DELETE", "/api/v1/prefilter"), 405, "Allow: GET, HEAD, POST\r\n"},
    {"get_reload", get("/api/v1/reload"), 405, "Allow: POST\r\n"},
    {"get_stop", get("/api/v1/stop"), 405, "Allow: POST\r\n"},
    {"head_stop", method("HEAD", "/api/v1/stop"), 405, ""},
    {"options", method("OPTIONS", "/metrics"), 405, "Allow: GET, HEAD\r\n"},
    {"trace", method("TRACE", "/metrics"), 405, ""},
    {"connect", method("CONNECT", "/metrics"), 405, ""},
    {"made_up", method("FROBNICATE", "/metrics"), 405, ""},
    {"lower_case", method("get", "/metrics"), 405, ""},
    {"post_reload", post("/api/v1/reload", ""), 403, "read_only"},
    {"post_stop", post("/api/v1/stop", ""), 403, "curl --unix-socket"},
    {"post_prefilter", post("/api/v1/prefilter", "{\"sample\":2}"), 403, "read_only"},
};

const std::vector<Asked> tcp_hosts{
    {"localhost_wrong_port", with_host("Host: localhost:1\r\n"), 421, "misdirected_request"},
    {"no_port", with_host("Host: localhost\r\n"), 421, "misdirected_request"},
    {"rebinding", with_host("Host: evil.example\r\n"), 421, "ask for http://127.0.0.1:"},
    {"rebinding_with_port", with_host("Host: evil.example:14739\r\n"), 421, ""},
    {"empty_host", with_host("Host: \r\n"), 421, ""},
    {"prefix_of_host", with_host("Host: HOST.evil.example\r\n"), 421, ""},
    {"two_hosts", with_host("Host: HOST\r\nHost: evil.example\r\n"), 400, ""},
    {"no_host", with_host(""), 400, ""},
    {"http_1_0_without_host", "GET /metrics HTTP/1.0\r\n\r\n", 421, ""},
    {"foreign_origin", post("/api/v1/stop", "", "Origin: http://evil.example\r\n"), 403,
     "cross_site"},
    {"null_origin", post("/api/v1/stop", "", "Origin: null\r\n"), 403, "cross_site"},
    {"https_origin", post("/api/v1/stop", "", "Origin: https://127.0.0.1\r\n"), 403, "cross_site"},
    {"cross_site", post("/api/v1/stop", "", "Sec-Fetch-Site: cross-site\r\n"), 403, "cross_site"},
    {"same_site", post("/api/v1/stop", "", "Sec-Fetch-Site: same-site\r\n"), 403, "cross_site"},
    {"same_origin", post("/api/v1/stop", "", "Sec-Fetch-Site: same-origin\r\n"), 403, "read_only"},
    {"foreign_origin_may_read", get("/metrics", "Origin: http://evil.example\r\n"), 200, ""},
};

const std::vector<Asked> tcp_broken{
    {"header_exactly_full",
     [] {
         const std::string head = get("/metrics", "X: \r\n");
         // HOST stands for "127.0.0.1:ports": fill up to just below the limit.
         return get("/metrics", filled("X: ", header_octets_max - head.size() - 20) + "\r\n");
     }(),
     200, "tapmeter_build_info"},
    {"header_too_large", get("/metrics", filled("X: ", header_octets_max) + "\r\n"), 431,
     "header_too_large"},
    {"header_bomb", get("/metrics", filled("X: ", std::size_t{256} << 10U) + "\r\n"), 431, ""},
    {"many_headers",
     [] {
         std::string lines;
         for (int i = 0; i < 4'000; ++i) {
             lines.append("X").append(std::to_string(i)).append(": y\r\n");
         }
         return get("/metrics", lines);
     }(),
     431, ""},
    {"target_bomb", get(filled("/", std::size_t{256} << 10U)), 414, ""},
    {"get_with_body", get("/metrics", "Content-Length: 3\r\n") + "abc", 400, "takes no body"},
    {"chunked_get", get("/metrics", "Transfer-Encoding: chunked\r\n") + "0\r\n\r\n", 411, ""},
    {"smuggling",
     get("/metrics", "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n") + "0\r\n\r\n", 411, ""},
    {"body_too_large",
     "POST /api/v1/stop HTTP/1.1\r\nHost: HOST\r\nContent-Length: 1048577\r\n\r\n", 413,
     "body_too_large"},
    {"negative_length", get("/metrics", "Content-Length: -1\r\n"), 400, ""},
    {"length_no_number", get("/metrics", "Content-Length: abc\r\n"), 400, ""},
    {"length_overflows", get("/metrics", "Content-Length: 99999999999999999999999\r\n"), 413, ""},
    {"two_lengths", get("/metrics", "Content-Length: 0\r\nContent-Length: 5\r\n"), 400, ""},
    {"no_version", "GET /metrics\r\n\r\n", 400, ""},
    {"garbage", std::string("\x00\x01\x02\xff\xfe\r\n\r\n", 9), 0, ""},
    {"tls_hello", std::string("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 15), 0, ""},
    // The one 5xx for what a client says: RFC 9110 section 15.6.6 names it for this.
    {"http_2_preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505, ""},
    {"http_2", "GET /metrics HTTP/2.0\r\nHost: HOST\r\n\r\n", 505, ""},
    {"http_9_9", "GET /metrics HTTP/9.9\r\nHost: HOST\r\n\r\n", 505, ""},
    {"http_0_9", "GET /metrics HTTP/0.9\r\nHost: HOST\r\n\r\n", 505, ""},
    {"folded_header", get("/metrics", "X: a\r\n b\r\n"), 200, ""},
    {"space_before_colon", get("/metrics", "X : a\r\n"), 400, "malformed_header"},
    {"no_colon", get("/metrics", "Xa\r\n"), 400, ""},
    {"nothing", "", 0, ""},
    {"half_a_request", "GET /metr", 0, ""},
};

INSTANTIATE_TEST_SUITE_P(Reads, OverTcp, testing::ValuesIn(tcp_reads), asked_name);
INSTANTIATE_TEST_SUITE_P(Paths, OverTcp, testing::ValuesIn(tcp_paths), asked_name);
INSTANTIATE_TEST_SUITE_P(Methods, OverTcp, testing::ValuesIn(tcp_methods), asked_name);
INSTANTIATE_TEST_SUITE_P(Hosts, OverTcp, testing::ValuesIn(tcp_hosts), asked_name);
INSTANTIATE_TEST_SUITE_P(Broken, OverTcp, testing::ValuesIn(tcp_broken), asked_name);

// --- Over the unix socket ---

class OverUnix : public HttpDoorTest, public testing::WithParamInterface<Asked> {};

TEST_P(OverUnix, is_answered) {
    const std::string answer = ask_unix(GetParam().request);
    EXPECT_EQ(status_of(answer), GetParam().status) << answer;
    EXPECT_THAT(answer, HasSubstr(GetParam().says));
    EXPECT_EQ(instance_.stopped + instance_.reloaded, 0U);
}

std::string change(const std::string& body) {
    return post("/api/v1/prefilter", body);
}

const std::vector<Asked> unix_requests{
    {"any_host", with_host("Host: x\r\n"), 200, "tapmeter_build_info"},
    {"two_hosts", with_host("Host: x\r\nHost: y\r\n"), 400, "more than one Host"},
    {"foreign_origin", post("/api/v1/stop", "", "Origin: http://evil.example\r\n"), 403, ""},
    {"cross_site", post("/api/v1/reload", "", "Sec-Fetch-Site: cross-site\r\n"), 403, ""},
    {"stop_with_body", post("/api/v1/stop", "{}"), 400, "takes no body"},
    {"reload_with_body", post("/api/v1/reload", "{}"), 400, "takes no body"},
    {"stop_with_query", post("/api/v1/stop?now=1", ""), 400, "unknown_parameter"},
    {"add", change(R"({"add":["192.0.2.0/24"]})"), 200, "192.0.2.0/24"},
    {"change_everything",
     change(R"({"interface":"p0","add":["2001:db8::/32"],"remove":["10.0.0.0/8"],)"
            R"("deny":[443],"allow":[22],"sample":10})"),
     200, R"("exclude":["2001:db8::/32"],"excluded_prefixes":1,"deny_ports":[443],"sample":10)"},
    {"unknown_interface", change(R"({"interface":"p9","sample":2})"), 404, "no_such_device"},
    {"misspelt_member", change(R"({"ad":["10.0.0.0/8"]})"), 400, "did you mean \\\"add\\\"?"},
    {"empty_body", change(""), 400, "invalid_config"},
    {"no_json", change("add=10.0.0.0/8"), 400, "no JSON"},
    {"cut_json", change(R"({"add":["10.0.0.0/8")"), 400, "no JSON"},
    {"deep_json", change(std::string(100'000, '[')), 400, "invalid_config"},
    {"not_declared_as_json",
     "POST /api/v1/prefilter HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
     "Content-Length: 12\r\n\r\n{\"sample\":2}",
     415, "application/json"},
    {"chunked",
     "POST /api/v1/prefilter HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
     "c\r\n{\"sample\":2}\r\n0\r\n\r\n",
     411, "Content-Length"},
    {"largest_body", change("{\"sample\":2" + std::string(body_octets_max - 12, ' ') + "}"), 200,
     ""},
    {"body_too_large", change(std::string(body_octets_max + 1, ' ')), 413, "body_too_large"},
};

INSTANTIATE_TEST_SUITE_P(Unix, OverUnix, testing::ValuesIn(unix_requests), asked_name);

// --- What goes beyond one request ---

TEST_F(HttpDoorTest, errors_are_json_with_code_message_and_hint) {
    const json answer = json::parse(body_of(ask_tcp(get("/api/v1/nothing"))));
    EXPECT_EQ(answer["error"]["code"], "not_found");
    EXPECT_TRUE(answer["error"]["message"].is_string());
    EXPECT_TRUE(answer["error"]["hint"].is_string());
}

TEST_F(HttpDoorTest, head_has_the_length_and_no_body) {
    const std::string answer = ask_tcp(method("HEAD", "/api/v1/config"));
    EXPECT_THAT(answer, HasSubstr("Content-Length: 20\r\n"));
    EXPECT_EQ(body_of(answer), "");
}

TEST_F(HttpDoorTest, a_connection_may_ask_many_times) {
    RawClient client(path());
    for (int i = 0; i < 3; ++i) {
        client.send("GET /api/v1/config HTTP/1.1\r\nHost: x\r\n\r\n");
    }
    client.send(get("/metrics"));
    const std::string answers = client.read_all();
    std::size_t count = 0;
    for (std::size_t at = 0; (at = answers.find("HTTP/1.1 200", at)) != std::string::npos; ++at) {
        ++count;
    }
    EXPECT_EQ(count, 4U);
    EXPECT_THAT(
        answers,
        HasSubstr("tapmeter_http_requests_total{route=\"/api/v1/config\",code=\"2xx\"} 3\n"));
}

TEST_F(HttpDoorTest, refusals_are_counted_under_a_bounded_label) {
    ask_tcp(get("/made/up"));
    ask_tcp(get("/also/made/up"));
    EXPECT_THAT(ask_tcp(get("/metrics")),
                HasSubstr("tapmeter_http_requests_total{route=\"other\",code=\"4xx\"} 2\n"));
}

// A client that sends its head octet by octet must not hold a connection longer than the limit,
// though it is never idle.
TEST_F(HttpDoorTest, a_slow_head_is_cut_off) {
    start({.header = std::chrono::milliseconds(300)});
    RawClient client(server_->port());
    const auto begin = std::chrono::steady_clock::now();
    const auto limit = begin + std::chrono::seconds(8);
    ASSERT_TRUE(client.send("GET /metrics HTTP/1.1\r\nX: "));
    bool open = true;
    while (open && std::chrono::steady_clock::now() < limit) {
        open = client.send("x");
        const timespec pause{.tv_sec = 0, .tv_nsec = 20'000'000};  // the client's own slowness
        nanosleep(&pause, nullptr);
    }
    EXPECT_FALSE(open);
    EXPECT_GE(std::chrono::steady_clock::now() - begin, std::chrono::milliseconds(300));
}

TEST_F(HttpDoorTest, a_slow_body_is_cut_off) {
    start({.header = std::chrono::seconds(2), .request = std::chrono::milliseconds(300)});
    RawClient client(path());
    ASSERT_TRUE(
        client.send("POST /api/v1/prefilter HTTP/1.1\r\nHost: x\r\n"
                    "Content-Length: 1000000\r\n\r\n{"));
    EXPECT_EQ(client.read_all(), "");  // closed by the server; read_all() itself waits ten seconds
    EXPECT_EQ(instance_.stopped, 0U);
}

TEST_F(HttpDoorTest, idle_connections_make_room) {
    start({.header = std::chrono::milliseconds(500)});
    std::vector<std::unique_ptr<RawClient>> idle;
    for (unsigned i = 0; i < 2 * connections_max; ++i) {
        idle.push_back(std::make_unique<RawClient>(server_->port()));
    }
    // The other door has connections of its own, and this one has them again after the timeout.
    EXPECT_EQ(status_of(ask_unix(get("/api/v1/health"))), 200);
    int status = 0;
    for (int attempt = 0; attempt < 20 && status != 200; ++attempt) {
        status = status_of(ask_tcp(get("/api/v1/health")));
    }
    EXPECT_EQ(status, 200);
}

}  // namespace
}  // namespace tapmeter::control
