#include "src/verbs/ctl.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <nlohmann/json.hpp>
#include <sstream>
#include <thread>

#include "src/control/server.h"
#include "tests/src/control/fake_instance.h"
#include "tests/src/control/raw_client.h"

namespace tapmeter::verbs {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::IsEmpty;

class Ctl : public testing::Test {
protected:
    Ctl() {
        auto server = control::Server::start({.address = "127.0.0.1", .port = 0},
                                             {.socket = path(), .group = {}}, instance_);
        EXPECT_TRUE(server.has_value());
        server_ = std::move(*server);
    }
    std::filesystem::path path() const { return folder_.path() / "control.sock"; }
    std::string url() const { return "http://127.0.0.1:" + std::to_string(server_->port()); }

    int run_with(CtlRequest request) {
        if (request.url.empty() && request.socket.starts_with("/run/")) {
            request.socket = path();
        }
        std::ostringstream out;
        std::ostringstream err;
        const int code = ctl(request, out, err);
        out_ = out.str();
        err_ = err.str();
        return code;
    }
    int run(std::string command, std::vector<std::string> arguments = {}) {
        return run_with({.command = std::move(command), .arguments = std::move(arguments)});
    }
    void break_books() {
        metrics::Snapshot snapshot = metrics::sample_snapshot();
        ++snapshot.workers[0].books.flows_created;
        instance_.set(snapshot);
    }

    control::TemporaryFolder folder_;
    control::FakeInstance instance_;
    std::unique_ptr<control::Server> server_;
    std::string out_;
    std::string err_;
};

TEST_F(Ctl, status_is_the_instances_health) {
    EXPECT_EQ(run("status"), 0);
    EXPECT_THAT(out_, HasSubstr(": ok\n"));
    EXPECT_THAT(err_, IsEmpty());
    break_books();
    EXPECT_EQ(run("status"), 3);
    EXPECT_THAT(out_, HasSubstr("degraded"));
    EXPECT_THAT(out_, HasSubstr("the books do not balance"));
}

TEST_F(Ctl, books_say_no_when_they_do_not_balance) {
    EXPECT_EQ(run("books"), 0);
    EXPECT_TRUE(out_.ends_with("the books balance\n"));
    break_books();
    for (const char* output : {"text", "json", "csv"}) {
        EXPECT_EQ(run_with({.command = "books", .output = output}), 3);
        EXPECT_FALSE(out_.empty());
    }
    EXPECT_EQ(run("stats"), 0);  // asked for the load, not for the verdict
}

TEST_F(Ctl, every_view_prints_as_text_json_and_csv) {
    for (const char* command : {"status", "books", "stats", "prefilter"}) {
        EXPECT_EQ(run_with({.command = command, .output = "json"}), 0);
        EXPECT_TRUE(json::accept(out_)) << command;
        EXPECT_TRUE(out_.ends_with("}\n"));
        EXPECT_EQ(run_with({.command = command, .output = "csv"}), 0);
        EXPECT_THAT(out_.substr(0, out_.find('\n')), HasSubstr(",")) << command;
        EXPECT_TRUE(out_.ends_with("\n"));
    }
}

TEST_F(Ctl, reads_over_a_url_too) {
    EXPECT_EQ(run_with({.command = "books", .url = url()}), 0);
    EXPECT_TRUE(out_.ends_with("the books balance\n"));
    EXPECT_EQ(run_with({.command = "stop", .url = url()}), 1);
    EXPECT_THAT(err_, HasSubstr("can only be read"));
    EXPECT_EQ(instance_.stopped, 0U);
}

TEST_F(Ctl, reload_prints_what_changed) {
    EXPECT_EQ(run("reload"), 0);
    EXPECT_EQ(out_, "log level: now debug\nworkers.count: needs a restart\n");
    EXPECT_EQ(run_with({.command = "reload", .output = "json"}), 0);
    EXPECT_TRUE(json::parse(out_)["result"].is_string());
    EXPECT_EQ(run_with({.command = "reload", .output = "csv"}), 0);
    EXPECT_TRUE(out_.starts_with("result\n\"log level"));
    EXPECT_EQ(instance_.reloaded, 3U);
}

TEST_F(Ctl, a_refused_configuration_is_exit_2) {
    instance_.broken_config = true;
    EXPECT_EQ(run("reload"), 2);
    EXPECT_THAT(out_, IsEmpty());
    EXPECT_THAT(err_, HasSubstr("tapmeter.toml:3:1: unknown key"));
    EXPECT_THAT(err_, HasSubstr("hint: nothing was changed"));
}

TEST_F(Ctl, stop_is_passed_on) {
    EXPECT_EQ(run("stop"), 0);
    EXPECT_THAT(out_, HasSubstr("stopping"));
    EXPECT_EQ(instance_.stopped, 1U);
}

TEST_F(Ctl, prefilter_shows_and_changes) {
    EXPECT_EQ(run("prefilter"), 0);
    EXPECT_THAT(out_, HasSubstr("10.0.0.0/8"));
    EXPECT_EQ(run("prefilter", {"add", "192.0.2.0/24", "2001:db8::/32"}), 0);
    EXPECT_THAT(out_, HasSubstr("192.0.2.0/24\n    2001:db8::/32\n"));
    EXPECT_EQ(run("prefilter", {"remove", "10.0.0.0/8"}), 0);
    EXPECT_EQ(out_.find("10.0.0.0/8"), std::string::npos);
    EXPECT_EQ(run("prefilter", {"deny", "443", "53"}), 0);
    EXPECT_THAT(out_, HasSubstr("deny ports  22 443 53\n"));
    EXPECT_EQ(run("prefilter", {"allow", "22"}), 0);
    EXPECT_THAT(out_, HasSubstr("deny ports  443 53\n"));
    EXPECT_EQ(run("prefilter", {"sample", "100"}), 0);
    EXPECT_THAT(out_, HasSubstr("1 in 100\n"));
    EXPECT_EQ(run_with({.command = "prefilter", .arguments = {"sample", "5"}, .interface = "p0"}),
              0);
    EXPECT_EQ(run("prefilter", {"show"}), 0);
    EXPECT_THAT(out_, HasSubstr("1 in 5\n"));
}

TEST_F(Ctl, prefilter_values_are_checked) {
    EXPECT_EQ(run("prefilter", {"add", "10.0.0.0/99"}), 2);
    EXPECT_THAT(err_, HasSubstr("is no prefix"));
    EXPECT_EQ(run("prefilter", {"deny", "0"}), 2);
    EXPECT_EQ(run("prefilter", {"deny", "http"}), 2);
    EXPECT_THAT(err_, HasSubstr("\"http\" is no number"));
    EXPECT_EQ(run("prefilter", {"sample", "0"}), 2);
    EXPECT_EQ(run("prefilter", {"sample", "1", "2"}), 2);
    EXPECT_EQ(run("prefilter", {"add"}), 2);
    EXPECT_EQ(run("prefilter", {"show", "all"}), 2);
    EXPECT_EQ(run("prefilter", {"ad", "10.0.0.0/8"}), 2);
    EXPECT_THAT(err_, HasSubstr("did you mean \"add\"?"));
    EXPECT_EQ(run_with({.command = "prefilter", .arguments = {"sample", "5"}, .interface = "p9"}),
              1);
    EXPECT_THAT(err_, HasSubstr("no prefilter on p9"));
}

TEST_F(Ctl, recall_passes_on_what_is_wanted) {
    EXPECT_EQ(run("recall", {"host", "192.0.2.7"}), 0);
    EXPECT_EQ(out_, "recall 1: host\n");
    EXPECT_EQ(instance_.recalled().of, Recall::Of::host);
    EXPECT_EQ(run("recall", {"flow", "udp", "192.0.2.7", "53", "192.0.2.1", "5000"}), 0);
    EXPECT_EQ(instance_.recalled().of, Recall::Of::flow);
    EXPECT_EQ(instance_.recalled().key.low_port, 5'000);
    EXPECT_EQ(run("recall", {"filter", "udp", "port", "53"}), 0);
    EXPECT_EQ(instance_.recalled().of, Recall::Of::filter);
    EXPECT_EQ(instance_.recalled_expression(), "udp port 53");
    EXPECT_EQ(run("recall", {"filter"}), 2);
    EXPECT_EQ(run("recall", {"show"}), 1) << "there is no history";
    EXPECT_THAT(err_, HasSubstr("history.enabled = true"));
    EXPECT_EQ(run("recall", {"host", "nobody"}), 2);
    EXPECT_EQ(run("recall", {"flow", "udp", "192.0.2.7", "dns", "192.0.2.1", "5000"}), 2);
    EXPECT_THAT(err_, HasSubstr("\"dns\" is no port"));
    EXPECT_EQ(run("recall", {"flow", "udp"}), 2);
    EXPECT_THAT(err_, HasSubstr("recall takes: show, host ADDRESS, filter EXPRESSION, or flow"));
}

TEST_F(Ctl, bad_usage_is_exit_2_before_anyone_is_asked) {
    EXPECT_EQ(run("boks"), 2);
    EXPECT_THAT(err_, HasSubstr("did you mean \"books\"?"));
    EXPECT_EQ(run(""), 2);
    EXPECT_EQ(run("books", {"now"}), 2);
    EXPECT_EQ(run_with({.command = "books", .output = "xml"}), 2);
    EXPECT_EQ(run_with({.command = "books", .url = "ftp://x"}), 2);
    EXPECT_THAT(out_, IsEmpty());
}

TEST_F(Ctl, nobody_there_is_exit_4) {
    EXPECT_EQ(run_with({.command = "books", .socket = path().native() + ".other"}), 4);
    EXPECT_THAT(err_, HasSubstr("no running instance behind " + path().native() + ".other"));
    EXPECT_THAT(err_, HasSubstr("--socket PATH"));
    const std::string here = url();
    server_.reset();
    EXPECT_EQ(run("books"), 4);
    EXPECT_EQ(run_with({.command = "stop", .url = here}), 4);
    EXPECT_THAT(err_, HasSubstr("--url URL"));
}

// Something else listens at the URL: it must not be taken for an instance.
TEST_F(Ctl, another_server_is_exit_4) {
    const auto other = control::listen_on_loopback({.address = "127.0.0.1", .port = 0});
    ASSERT_TRUE(other.has_value());
    std::thread answers([&] {
        pollfd arrives{.fd = other->socket.get(), .events = POLLIN, .revents = 0};
        ASSERT_EQ(::poll(&arrives, 1, 10'000), 1);
        const control::Descriptor client(::accept(other->socket.get(), nullptr, nullptr));
        std::array<char, 1024> request{};
        ASSERT_GT(::recv(client.get(), request.data(), request.size(), 0), 0);
        const std::string_view page = "HTTP/1.1 404 Not Found\r\nContent-Length: 6\r\n\r\n<html>";
        ASSERT_GT(::send(client.get(), page.data(), page.size(), MSG_NOSIGNAL), 0);
    });
    const std::string there = "http://127.0.0.1:" + std::to_string(other->port);
    EXPECT_EQ(run_with({.command = "books", .url = there}), 4);
    EXPECT_THAT(err_, HasSubstr("is no tapmeter"));
    answers.join();
}

TEST_F(Ctl, no_permission_is_told_from_nobody_there) {
    if (::getuid() == 0) {
        GTEST_SKIP() << "root may use every socket: run the tests as another user to see this";
    }
    ::chmod(path().c_str(), 0);
    EXPECT_EQ(run("books"), 1);
    EXPECT_THAT(err_, HasSubstr("join the group"));
}

}  // namespace
}  // namespace tapmeter::verbs
