#include "src/control/routes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "src/control/nearest.h"
#include "tests/src/control/fake_instance.h"

namespace tapmeter::control {
namespace {

using testing::HasSubstr;

Head asking(std::string method, std::string path) {
    Head head;
    head.method = std::move(method);
    head.path = std::move(path);
    head.trusted = true;
    return head;
}

// An instance that cannot do what is asked, for reasons of its machine.
class HelplessInstance : public FakeInstance {
public:
    Result<std::string> reload() override { return failed(Error::Kind::io, "disk on fire"); }
    Result<std::vector<PrefilterState>> prefilter() const override {
        return failed(Error::Kind::no_memory, "no memory for the map");
    }
};

TEST(Routes, refuse_by_the_head_alone) {
    FakeInstance instance;
    const Routes routes(instance);
    EXPECT_FALSE(routes.refuse(asking("POST", "/api/v1/stop")).has_value());
    EXPECT_EQ(routes.refuse(asking("GET", "/api/v1/stop"))->status, 405U);
    EXPECT_EQ(routes.refuse(asking("GET", "/api"))->status, 404U);
    Head untrusted = asking("POST", "/api/v1/stop");
    untrusted.trusted = false;
    EXPECT_EQ(routes.refuse(untrusted)->status, 403U);
}

TEST(Routes, tell_the_machines_faults_from_the_askers) {
    HelplessInstance instance;
    Routes routes(instance);
    const Response reload = routes.answer(asking("POST", "/api/v1/reload"), "");
    EXPECT_EQ(reload.status, 500U);
    EXPECT_THAT(reload.body, HasSubstr("disk on fire"));
    EXPECT_EQ(routes.answer(asking("GET", "/api/v1/prefilter"), "").status, 500U);
}

TEST(Routes, count_what_was_answered) {
    FakeInstance instance;
    Routes routes(instance);
    routes.count("/metrics", 200);
    routes.count("/metrics", 399);
    routes.count("/metrics", 400);
    routes.count("/metrics", 503);
    routes.count("/../evil\"}", 404);
    const std::string text = routes.answer(asking("GET", "/metrics"), "").body;
    const std::string name = "tapmeter_http_requests_total";
    EXPECT_THAT(text, HasSubstr(name + "{route=\"/metrics\",code=\"2xx\"} 2\n"));
    EXPECT_THAT(text, HasSubstr(name + "{route=\"/metrics\",code=\"4xx\"} 1\n"));
    EXPECT_THAT(text, HasSubstr(name + "{route=\"/metrics\",code=\"5xx\"} 1\n"));
    EXPECT_THAT(text, HasSubstr(name + "{route=\"other\",code=\"4xx\"} 1\n"));
    EXPECT_EQ(text.find("evil"), std::string::npos);
}

TEST(Routes, recall_asks_the_instance_and_shows_what_is_kept) {
    FakeInstance instance;
    Routes routes(instance);
    EXPECT_EQ(routes.answer(asking("GET", "/api/v1/recall"), "").status, 404U);
    metrics::Snapshot snapshot = metrics::sample_snapshot();
    snapshot.recalls.emplace();
    instance.set(snapshot);
    EXPECT_EQ(routes.answer(asking("GET", "/api/v1/recall"), "").status, 200U);

    Head post = asking("POST", "/api/v1/recall");
    post.content_types = {"application/json"};
    const Response begun = routes.answer(post, R"({"host":"192.0.2.7"})");
    EXPECT_EQ(begun.status, 202U);
    EXPECT_THAT(begun.body, HasSubstr("recall 1: host"));
    EXPECT_EQ(instance.recalled().of, Recall::Of::host);
    EXPECT_EQ(routes.answer(post, R"({"host":"192.0.2"})").status, 400U);
}

TEST(Nearest, suggests_only_what_is_near) {
    const std::vector<std::string_view> words{"books", "stats"};
    EXPECT_EQ(did_you_mean("stat", words), "did you mean \"stats\"?");
    EXPECT_EQ(did_you_mean("boosk", words), "did you mean \"books\"?");
    EXPECT_EQ(did_you_mean("frobnicate", words), "known: books, stats");
    EXPECT_EQ(did_you_mean(std::string(100'000, 'b'), words), "known: books, stats");
}

}  // namespace
}  // namespace tapmeter::control
