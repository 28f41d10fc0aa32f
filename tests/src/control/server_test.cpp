#include "src/control/server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <thread>

#include "src/verbs/http_client.h"
#include "tests/src/control/fake_instance.h"
#include "tests/src/control/raw_client.h"

namespace tapmeter::control {
namespace {

using nlohmann::json;
using testing::HasSubstr;

class ServerTest : public testing::Test {
protected:
    ServerTest() {
        auto server = Server::start(http(), control(), instance_);
        EXPECT_TRUE(server.has_value());
        server_ = std::move(*server);
    }
    static Config::Http http() { return {.address = "127.0.0.1", .port = 0}; }
    Config::Control control() const { return {.socket = path(), .group = {}}; }
    std::filesystem::path path() const { return folder_.path() / "control.sock"; }

    verbs::Door socket_door() const { return {.socket = path(), .url = {}}; }
    verbs::Door tcp_door() const {
        return {.socket = {}, .url = "http://127.0.0.1:" + std::to_string(server_->port())};
    }
    verbs::HttpAnswer get(const std::string& target) const {
        return verbs::ask(socket_door(), {.path = target, .body = {}}).value();
    }
    verbs::HttpAnswer post(const std::string& target, const std::string& body = {}) const {
        return verbs::ask(socket_door(), {.path = target, .post = true, .body = body}).value();
    }

    TemporaryFolder folder_;
    FakeInstance instance_;
    std::unique_ptr<Server> server_;
};

TEST_F(ServerTest, both_doors_read_the_same) {
    for (const verbs::Door& door : {socket_door(), tcp_door()}) {
        const auto answer = verbs::ask(door, {.path = "/api/v1/books", .body = {}});
        ASSERT_TRUE(answer.has_value()) << answer.error().message;
        EXPECT_EQ(answer->status, 200);
        EXPECT_EQ(answer->books, "balanced");
        EXPECT_EQ(json::parse(answer->body)["interfaces"][0]["offered"], 1'140);
    }
}

TEST_F(ServerTest, stop_is_passed_on_and_answered) {
    const verbs::HttpAnswer answer = post("/api/v1/stop");
    EXPECT_EQ(answer.status, 202);
    EXPECT_THAT(answer.body, HasSubstr("draining"));
    EXPECT_EQ(instance_.stopped, 1U);
}

TEST_F(ServerTest, reload_tells_what_changed) {
    const verbs::HttpAnswer answer = post("/api/v1/reload");
    EXPECT_EQ(answer.status, 200);
    EXPECT_EQ(json::parse(answer.body)["result"],
              "log level: now debug\nworkers.count: needs a restart");
    EXPECT_EQ(instance_.reloaded, 1U);
    EXPECT_THAT(get("/metrics").body,
                HasSubstr("tapmeter_config_reloads_total{result=\"ok\"} 1\n"));
}

TEST_F(ServerTest, a_broken_configuration_is_the_askers_fault) {
    instance_.broken_config = true;
    const verbs::HttpAnswer answer = post("/api/v1/reload");
    EXPECT_EQ(answer.status, 400);
    EXPECT_THAT(json::parse(answer.body)["error"]["message"], HasSubstr("tapmeter.toml:3:1"));
    EXPECT_THAT(get("/metrics").body,
                HasSubstr("tapmeter_config_reloads_total{result=\"error\"} 1\n"));
}

TEST_F(ServerTest, health_names_every_reason) {
    EXPECT_EQ(get("/api/v1/health").status, 200);
    metrics::Snapshot snapshot = metrics::sample_snapshot();
    snapshot.workers[0].books.flows_created += 2;
    snapshot.interfaces[1].counters.link_up = false;
    snapshot.outputs[0].counters.up = false;
    instance_.set(snapshot);
    const verbs::HttpAnswer answer = get("/api/v1/health");
    EXPECT_EQ(answer.status, 503);
    EXPECT_EQ(answer.books, "broken");
    const json health = json::parse(answer.body);
    EXPECT_EQ(health["status"], "degraded");
    ASSERT_EQ(health["reasons"].size(), 3U);
    EXPECT_THAT(health["reasons"][0], HasSubstr("worker 0: flows off by 2"));
    EXPECT_THAT(health["reasons"][1], HasSubstr("interface p1 has no link"));
    EXPECT_THAT(health["reasons"][2], HasSubstr("output ipfix/main"));
}

TEST_F(ServerTest, fifty_clients_are_all_served) {
    constexpr int clients = 50;
    constexpr int rounds = 20;
    std::atomic<int> served{0};
    std::vector<std::thread> threads;
    threads.reserve(clients);
    for (int i = 0; i < clients; ++i) {
        threads.emplace_back([&, i] {
            const verbs::Door door = i % 2 == 0 ? socket_door() : tcp_door();
            const std::string path = i % 3 == 0 ? "/metrics" : "/api/v1/books?output=text";
            for (int round = 0; round < rounds; ++round) {
                const auto answer = verbs::ask(door, {.path = path, .body = {}});
                served += answer.has_value() && answer->status == 200 ? 1 : 0;
            }
        });
    }
    for (std::thread& thread : threads) {
        thread.join();
    }
    EXPECT_EQ(served, clients * rounds);
}

TEST_F(ServerTest, ends_while_clients_hang_on) {
    const RawClient idle(server_->port());
    RawClient half(path());
    half.send("POST /api/v1/prefilter HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{");
    const auto begin = std::chrono::steady_clock::now();
    server_.reset();
    EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(8));
    EXPECT_FALSE(std::filesystem::exists(path()));
    EXPECT_FALSE(RawClient(path()).connected());
}

TEST_F(ServerTest, a_second_instance_is_refused_and_the_first_lives_on) {
    const auto same_socket = Server::start(http(), control(), instance_);
    ASSERT_FALSE(same_socket.has_value());
    EXPECT_THAT(same_socket.error().message, HasSubstr("listens there"));

    Config::Http same_port = http();
    same_port.port = server_->port();
    const auto in_use = Server::start(same_port, {.socket = {}, .group = {}}, instance_);
    ASSERT_FALSE(in_use.has_value());
    EXPECT_THAT(in_use.error().message, HasSubstr("ss -ltnp"));
    EXPECT_EQ(get("/api/v1/health").status, 200);
}

TEST_F(ServerTest, doors_can_be_left_out) {
    server_.reset();
    const auto no_tcp = Server::start({.enabled = false}, control(), instance_);
    ASSERT_TRUE(no_tcp.has_value());
    EXPECT_EQ((*no_tcp)->port(), 0);
    EXPECT_EQ(get("/api/v1/health").status, 200);

    const auto no_doors = Server::start({.enabled = false}, {.socket = {}, .group = {}}, instance_);
    EXPECT_TRUE(no_doors.has_value());
}

TEST_F(ServerTest, starts_again_at_once_in_the_same_place) {
    const std::uint16_t port = server_->port();
    EXPECT_EQ(get("/api/v1/health").status, 200);
    server_.reset();
    Config::Http again = http();
    again.port = port;
    const auto server = Server::start(again, control(), instance_);
    ASSERT_TRUE(server.has_value()) << server.error().message;
    EXPECT_EQ(get("/api/v1/health").status, 200);
}

}  // namespace
}  // namespace tapmeter::control
