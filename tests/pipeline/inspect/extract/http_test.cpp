#include "pipeline/inspect/extract/http.h"

#include <gtest/gtest.h>

#include <string>

#include "pipeline/inspect/extract/http_head.h"
#include "tests/support/messages.h"

namespace tapmeter::inspect::extract {
namespace {

using testing::Conversation;
using testing::Octets;

constexpr Ports web{.source = 50'000, .destination = 80};
constexpr std::string_view get =
    "GET /a/../b%20c?q=%41 HTTP/1.1\r\nHost: Example.COM:8080\r\nUser-Agent: curl/7.1\r\n"
    "Referer: http://r/\r\nCookie: secret=1\r\nAccept: */*\r\n\r\n";
constexpr std::string_view answer =
    "HTTP/1.1 200 OK\r\nServer: nginx\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\n"
    "hello";

TEST(Http, parts_are_found_in_segments_of_any_size) {
    for (const std::size_t octets : {1U, 2U, 5U, 50U, 65'535U}) {
        Conversation conversation{web};
        conversation.send(0, Octets{get}, octets);
        conversation.send(1, Octets{answer}, octets);
        EXPECT_EQ(conversation.shown(Buffer::http_method), "GET");
        EXPECT_EQ(conversation.shown(Buffer::http_uri_raw), "/a/../b%20c?q=%41");
        EXPECT_EQ(conversation.shown(Buffer::http_uri), "/b c?q=%41");
        EXPECT_EQ(conversation.shown(Buffer::http_host), "example.com");
        EXPECT_EQ(conversation.shown(Buffer::http_host_raw), "Example.COM:8080");
        EXPECT_EQ(conversation.shown(Buffer::http_user_agent), "curl/7.1");
        EXPECT_EQ(conversation.shown(Buffer::http_cookie), "secret=1");
        EXPECT_EQ(conversation.shown(Buffer::http_header),
                  "Host: Example.COM:8080\r\nUser-Agent: curl/7.1\r\nReferer: http://r/\r\n"
                  "Accept: */*\r\n|Server: nginx\r\nContent-Type: text/plain\r\n"
                  "Content-Length: 5\r\n");
        EXPECT_EQ(conversation.shown(Buffer::http_stat_code), "200");
        EXPECT_EQ(conversation.shown(Buffer::http_response_body), "hello");
        const auto& http = conversation.metadata().http;
        EXPECT_EQ(conversation.kept(http.referer), "http://r/");
        EXPECT_EQ(conversation.kept(http.server), "nginx");
        EXPECT_EQ(http.status, 200);
        EXPECT_EQ(http.version, 0x11);
        EXPECT_EQ(conversation.extractor().streams().windows_taken(), 0U);
    }
}

TEST(Http, requests_behind_each_other_are_all_shown_and_the_first_is_kept) {
    Conversation conversation{web};
    conversation.send(0,
                      Octets{"POST /1 HTTP/1.1\r\nContent-Length: 3\r\n\r\nabcGET /2 HTTP/1.0\r\n"
                             "\r\n\r\nHEAD /3 HTTP/1.1\r\n\r\n"});
    EXPECT_EQ(conversation.shown(Buffer::http_uri_raw), "/1|/2|/3");
    EXPECT_EQ(conversation.shown(Buffer::http_request_body), "abc");
    EXPECT_EQ(conversation.kept(conversation.metadata().http.uri), "/1");
    EXPECT_EQ(conversation.metadata().http.requests, 3);
}

TEST(Http, chunks_are_put_together) {
    const Octets chunked{
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n"
        "5;name=x\r\nhello\r\n6\r\n world\r\n0\r\nTrailer: 1\r\n\r\n"
        "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"};
    for (const std::size_t octets : {1U, 3U, 20U, 65'535U}) {
        Conversation conversation{web};
        conversation.send(1, chunked, octets);
        EXPECT_EQ(conversation.shown(Buffer::http_response_body), "hello world") << octets;
        EXPECT_EQ(conversation.shown(Buffer::http_stat_code), "200|404") << octets;
    }
}

TEST(Http, without_bodies_the_next_message_is_found_all_the_same) {
    Extractor::Limits limits{.streams = {.windows_max = 2}, .metadata_max = 2};
    limits.options.bodies = false;
    for (const std::size_t octets : {1U, 30U, 65'535U}) {
        Conversation conversation{web, limits};
        conversation.send(1,
                          Octets{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                                 "5\r\nhello\r\n0\r\n\r\nHTTP/1.1 201 X\r\nContent-Length: 2"
                                 "\r\n\r\nabHTTP/1.1 202 X\r\n\r\n"},
                          octets);
        EXPECT_EQ(conversation.shown(Buffer::http_stat_code), "200|201|202") << octets;
        EXPECT_EQ(conversation.shown(Buffer::http_response_body), "");
    }
}

TEST(Http, a_bad_chunk_is_counted) {
    Conversation conversation{web};
    conversation.send(1, Octets{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                                "2\r\nab\r\nzz\r\n"});
    EXPECT_EQ(conversation.shown(Buffer::http_response_body), "ab");
    EXPECT_EQ(conversation.count(ReadEvent::http_bad_chunk), 1U);
}

TEST(Http, head_and_204_have_no_body) {
    Conversation conversation{web};
    conversation.send(0, Octets{"HEAD / HTTP/1.1\r\n\r\n"});
    conversation.send(1, Octets{"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"
                                "HTTP/1.1 204 No Content\r\n\r\nHTTP/1.1 200 OK\r\n\r\n"});
    EXPECT_EQ(conversation.shown(Buffer::http_stat_code), "200|204|200");
}

TEST(Http, behind_connect_begins_another_protocol) {
    Conversation conversation{web};
    conversation.send(0, Octets{"CONNECT example.com:443 HTTP/1.1\r\n\r\n"});
    conversation.send(1, Octets{"HTTP/1.1 200 Connection established\r\n\r\n"});
    conversation.send(0, testing::records_of(testing::handshake_message(
                             1, testing::client_hello(testing::example_fields()))));
    EXPECT_EQ(conversation.shown(Buffer::tls_sni), "example.com");
    EXPECT_EQ(conversation.kept(conversation.metadata().http.method), "CONNECT");
}

TEST(Http, a_gap_in_a_body_is_passed_over) {
    Conversation conversation{web};
    conversation.send(1, Octets{"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc"});
    conversation.skip(1, 4);
    conversation.send(1, Octets{"hijHTTP/1.1 404 X\r\nContent-Length: 0\r\n\r\n"});
    conversation.finish();
    EXPECT_EQ(conversation.shown(Buffer::http_stat_code), "200|404");
    EXPECT_EQ(conversation.shown(Buffer::http_response_body), "abc|hij");
}

TEST(Http, a_head_without_end_is_shown_as_far_as_it_was_inspected) {
    Extractor::Limits limits{.streams = {.window_octets = 256, .windows_max = 2},
                             .metadata_max = 2};
    Conversation conversation{web, limits};
    conversation.send(0, Octets{"GET / HTTP/1.1\r\nHost: h\r\nX: " + std::string(400, 'x')}, 100);
    EXPECT_EQ(conversation.shown(Buffer::http_host), "h");
    EXPECT_EQ(conversation.count(ReadEvent::http_head_too_long), 1U);
}

TEST(Http, what_is_no_http_any_more_is_counted) {
    Conversation conversation{web};
    conversation.send(0, Octets{"GET / HTTP/1.1\r\n\r\n\x01\x02\x03"});
    EXPECT_EQ(conversation.count(ReadEvent::http_bad_start_line), 1U);
    EXPECT_TRUE(conversation.flow().done[0]);
}

std::string normalised(std::string_view target) {
    std::string text(target.size(), '\0');
    text.resize(
        write_normalised_target(octets_of(target), std::as_writable_bytes(std::span{text})));
    return text;
}

TEST(Http, targets_are_normalised) {
    EXPECT_EQ(normalised("/a//b/./c/../d"), "/a/b/d");
    EXPECT_EQ(normalised("/../../x"), "/x");
    EXPECT_EQ(normalised("/a/.."), "/");
    EXPECT_EQ(normalised("/%2e%2E/%41%4z%"), "/A%4z%");
    EXPECT_EQ(normalised("http://host/p?u=http://x/../y"), "/p?u=http://x/../y");
    EXPECT_EQ(normalised("http://host"), "/");
    EXPECT_EQ(normalised("\\a\\b"), "/a/b");
    EXPECT_EQ(normalised("*"), "*");
    EXPECT_EQ(normalised(""), "");
}

TEST(Http, start_lines_of_many_kinds) {
    const auto target = [](std::string_view line) {
        const auto head = read_http_head(octets_of(line));
        return head ? std::string{text_of(head->target)} : std::string{"none"};
    };
    EXPECT_EQ(target("GET / HTTP/1.1\r\n\r\n"), "/");
    EXPECT_EQ(target("GET / HTTP/1."), "/");
    EXPECT_EQ(target("GET /a b HTTP/1.0\r\n"), "/a b");
    EXPECT_EQ(target("GET /old\r\n"), "/old");
    EXPECT_EQ(target("get / HTTP/1.1\r\n"), "none");
    EXPECT_EQ(target("GET"), "none");
    EXPECT_EQ(target(""), "none");
    EXPECT_FALSE(is_http(octets_of("GET")));
    EXPECT_TRUE(is_http(octets_of("GET /")));
    EXPECT_TRUE(is_http(octets_of("BREW /pot HTTP/1.1\r\n")));
    EXPECT_FALSE(is_http(octets_of("BREW /pot\r\n")));
}

TEST(Http, folded_and_untidy_fields_are_written_tidily) {
    const auto head = read_http_head(
        octets_of("GET / HTTP/1.1\r\nHost :h\r\nX:  a\r\n  b\r\nbroken\r\nCookie: c\r\nY: z\n\n"));
    ASSERT_TRUE(head.has_value());
    EXPECT_FALSE(head->is_plain);
    std::string text(200, '\0');
    text.resize(write_fields(*head, std::as_writable_bytes(std::span{text})));
    EXPECT_EQ(text, "Host: h\r\nX: a\r\n  b\r\nY: z\r\n");
    EXPECT_EQ(text_of(head->cookie), "c");
}

}  // namespace
}  // namespace tapmeter::inspect::extract
