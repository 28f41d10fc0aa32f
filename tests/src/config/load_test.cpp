#include "src/config/load.h"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <filesystem>
#include <fstream>

#include "tests/src/config/config_text.h"

namespace tapmeter::config {
namespace {

namespace fs = std::filesystem;

TEST(Load, without_anything_gives_the_defaults) {
    const auto loaded = load_config({});
    ASSERT_TRUE(loaded);
    EXPECT_EQ(loaded->config.flow.idle_timeout, Config{}.flow.idle_timeout);
    EXPECT_TRUE(loaded->config.captures.empty());
    EXPECT_TRUE(loaded->files.empty());
}

TEST(Load, reads_a_file_with_every_key) {
    const auto loaded = load_text(
        "[instance]\nname = \"tap-01\"\n[[capture]]\nsource = \"pci:0000:17:00.0\"\nqueues = "
        "4\nbusy_poll = \"on\"\npromiscuous = false\n[capture.prefilter]\ndeny_ports = [22]\n"
        "[workers]\ncores = \"2-5\"\nidle = \"spin\"\n[memory]\nhugepages = \"off\"\n[flow]\nkey = "
        "\"5tuple\"\nflows_max = \"64Ki\"\n[[export.ipfix]]\ncollector = "
        "\"udp://[2001:db8::7]:2055\"\ntime = \"us\"\nquirks = \"nfdump\"\n[[export.json]]\npath = "
        "\"-\"\nformat = \"flat\"\n[http]\nlisten = \"off\"\n[control]\nsocket = "
        "\"off\"\n[log]\nlevel = \"trace\"\n");
    ASSERT_TRUE(loaded) << errors_of(loaded);
    const Config& config = loaded->config;
    EXPECT_EQ(config.instance.name, "tap-01");
    EXPECT_EQ(config.captures[0].name, "0000:17:00.0");
    EXPECT_EQ(config.captures[0].busy_poll, Config::Switch::on);
    EXPECT_FALSE(config.captures[0].promiscuous);
    EXPECT_EQ(config.captures[0].prefilter.deny_ports, std::vector<std::uint16_t>{22});
    EXPECT_EQ(config.workers.cores, (std::vector<unsigned>{2, 3, 4, 5}));
    EXPECT_EQ(config.workers.idle, Config::Idle::spin);
    EXPECT_EQ(config.memory.hugepages, Config::Switch::off);
    EXPECT_FALSE(config.flow.vlan_in_key);
    EXPECT_EQ(config.flow.flows_max, 65'536U);
    EXPECT_EQ(config.ipfix[0].host, "2001:db8::7");
    EXPECT_EQ(config.ipfix[0].port, 2'055);
    EXPECT_EQ(config.ipfix[0].time_unit, Config::TimeUnit::microseconds);
    EXPECT_TRUE(config.ipfix[0].quirk_nfdump);
    EXPECT_EQ(config.json[0].format, Config::Json::Format::flat);
    EXPECT_FALSE(config.http.enabled);
    EXPECT_TRUE(config.control.socket.empty());
    EXPECT_EQ(config.log_level, Config::LogLevel::trace);
}

TEST(Load, keeps_the_order_of_strength) {
    std::string name = (fs::temp_directory_path() / "load_XXXXXX").string();
    const fs::path folder = ::mkdtemp(name.data());
    fs::create_directories(folder / "conf.d");
    const auto write = [&folder](const std::string& file, int seconds) {
        std::ofstream(folder / file) << "[flow]\nidle_timeout = \"" << seconds << "s\"\n";
        fs::permissions(folder / file, fs::perms::owner_read | fs::perms::owner_write);
    };
    const auto seconds = [](const LoadRequest& request) {
        const auto loaded = load_config(request);
        EXPECT_TRUE(loaded) << errors_of(loaded);
        return loaded ? loaded->config.flow.idle_timeout / std::chrono::seconds{1} : 0;
    };
    LoadRequest request;
    request.presets = {"flow.idle_timeout=2s"};
    EXPECT_EQ(seconds(request), 2);
    write("a.toml", 3);
    request.file = folder / "a.toml";
    EXPECT_EQ(seconds(request), 3);
    write("conf.d/1.toml", 4);
    EXPECT_EQ(seconds(request), 4);
    write("conf.d/2.toml", 5);
    EXPECT_EQ(seconds(request), 5);
    request.environment = {"TAPMETER_FLOW__IDLE_TIMEOUT=6s"};
    EXPECT_EQ(seconds(request), 6);
    request.sets = {"flow.idle_timeout=7s"};
    EXPECT_EQ(seconds(request), 7);
    EXPECT_EQ(load_config(request)->files.size(), 3U);
    fs::remove_all(folder);
}

TEST(Load, reports_a_missing_file_and_what_else_is_wrong) {
    LoadRequest request;
    request.file = "/nowhere/a.toml";
    request.sets = {"flow.x=1"};
    const std::string errors = errors_of(load_config(request));
    EXPECT_NE(errors.find("/nowhere/a.toml: cannot be opened: No such file"), std::string::npos);
    EXPECT_NE(errors.find("--set flow.x"), std::string::npos);
}

TEST(Load, reports_at_most_fifty_errors) {
    std::string text = "[flow]\n";
    for (int i = 0; i < 1'000; ++i) {
        text += "x" + std::to_string(i) + " = 1\n";
    }
    const auto loaded = load_text(text);
    ASSERT_FALSE(loaded);
    ASSERT_EQ(loaded.error().size(), errors_max);
    EXPECT_EQ(loaded.error().front().line, 2U);
    EXPECT_EQ(loaded.error().back().message, "951 more errors are not shown");
}

}  // namespace
}  // namespace tapmeter::config
