#include <gtest/gtest.h>

#include "src/config/load.h"
#include "tests/src/config/config_text.h"

namespace tapmeter::config {
namespace {

Loaded example() {
    LoadRequest request;
    request.file = "t.toml";
    request.text =
        "[[capture]]\nname = \"p0\"\nsource = \"eth0\"\n[capture.prefilter]\nexclude = "
        "[\"10.0.0.0/8\"]\n[[capture]]\nsource = \"eth1\"\n[[export.json]]\npath = \"a\\\"b\"\n";
    request.sets = {"workers.cores=2-3"};
    request.environment = {"TAPMETER_LOG__LEVEL=debug"};
    auto loaded = load_config(request);
    EXPECT_TRUE(loaded) << errors_of(loaded);
    return std::move(*loaded);
}

TEST(Dump, says_where_each_value_comes_from) {
    const std::string text = dump(example(), true);
    for (const auto* const line :
         {"name = \"p0\"                              # t.toml:2:8\n",
          "exclude = [\"10.0.0.0/8\"]                 # t.toml:5:11\n",
          "cores = \"2-3\"                            # --set workers.cores\n",
          "level = \"debug\"                          # environment TAPMETER_LOG__LEVEL\n",
          "idle = \"adaptive\"                        # default\n"}) {
        std::string squeezed;
        for (const char c : std::string_view(line)) {
            squeezed += c;
        }
        const std::string value = squeezed.substr(0, squeezed.find("  "));
        const std::string origin = squeezed.substr(squeezed.find('#'));
        const std::size_t at = text.find("\n" + value + " ");
        ASSERT_NE(at, std::string::npos) << value << "\n" << text;
        EXPECT_EQ(text.substr(text.find('#', at), origin.size()), origin);
    }
}

TEST(Dump, reads_back_to_the_same_values) {
    const Loaded loaded = example();
    const auto again = load_text(dump(loaded, true));
    ASSERT_TRUE(again) << errors_of(again);
    EXPECT_EQ(dump(*again, false), dump(loaded, false));
    EXPECT_TRUE(changed_settings(loaded, *again, true).empty());
    EXPECT_TRUE(changed_settings(loaded, *again, false).empty());
}

TEST(DumpJson, is_one_object_a_line) {
    const std::string text = dump_json(example());
    EXPECT_NE(text.find("{\"key\":\"capture.p0.prefilter.exclude\",\"value\":[\"10.0.0.0/8\"],"
                        "\"origin\":{\"kind\":\"file\",\"where\":\"t.toml\",\"line\":5,\"column\":"
                        "11}}\n"),
              std::string::npos)
        << text;
    EXPECT_NE(text.find("{\"key\":\"export.json.json1.path\",\"value\":\"a\\\"b\""),
              std::string::npos);
    EXPECT_NE(text.find("{\"key\":\"flow.flows_max\",\"value\":1048576,\"origin\":{\"kind\":"
                        "\"default\"}}\n"),
              std::string::npos);
}

TEST(ChangedSettings, tell_reload_from_restart) {
    const auto before = load_text("[[capture]]\nsource = \"eth0\"\n");
    const auto after = load_text(
        "[[capture]]\nsource = \"eth0\"\n[capture.prefilter]\nsample = 2\n[flow]\nidle_timeout = "
        "\"5s\"\n[[export.json]]\npath = \"-\"\n");
    ASSERT_TRUE(before && after);
    EXPECT_EQ(changed_settings(*before, *after, true),
              std::vector<std::string>{"capture.eth0.prefilter.sample"});
    const auto restart = changed_settings(*before, *after, false);
    EXPECT_EQ(restart, (std::vector<std::string>{
                           "flow.idle_timeout", "export.json.json1.path", "export.json.json1.name",
                           "export.json.json1.format", "export.json.json1.queue",
                           "export.json.json1.framing", "export.json.json1.syslog_facility",
                           "export.json.json1.reconnect"}));
}

}  // namespace
}  // namespace tapmeter::config
