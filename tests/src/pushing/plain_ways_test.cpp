#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "src/pushing/way.h"
#include "tests/support/collector.h"

namespace tapmeter::pushing {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::HasSubstr;

std::string text_of(const std::vector<std::byte>& octets) {
    std::string text(octets.size(), '\0');
    std::ranges::transform(octets, text.begin(), [](std::byte b) { return static_cast<char>(b); });
    return text;
}

std::string lines_of(std::size_t lines, std::size_t octets) {
    std::string text;
    for (std::size_t i = 0; i < lines; ++i) {
        text += std::to_string(i) + std::string(octets, 'x') + "\n";
    }
    return text;
}

std::string kept_in(const std::string& path) {
    std::ifstream stream(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(stream), {}};
}

TEST(DatagramWay, sends_whole_lines) {
    test_support::UdpListener listener;
    Config::Influxdb config;
    config.url = "udp://127.0.0.1:" + std::to_string(listener.port());
    const auto way = open_way(config);
    ASSERT_TRUE(way);
    for (const std::size_t octets : {1U, 60U, 697U, 698U, 699U, 1'397U, 1'398U, 1'399U, 3'000U}) {
        const std::string lines = lines_of(9, octets);
        ASSERT_TRUE((*way)->push(lines, {}));
        std::string got;
        while (got.size() < lines.size()) {
            const auto datagram = listener.receive(seconds{5});
            ASSERT_TRUE(datagram) << octets;
            const std::string text = text_of(*datagram);
            EXPECT_EQ(text.back(), '\n');
            EXPECT_TRUE(text.size() <= 1'400 || std::ranges::count(text, '\n') == 1) << octets;
            got += text;
        }
        EXPECT_EQ(got, lines);
    }
}

TEST(DatagramWay, fills_its_datagrams) {
    test_support::UdpListener listener;
    Config::Influxdb config;
    config.url = "udp://127.0.0.1:" + std::to_string(listener.port());
    const auto way = open_way(config);
    ASSERT_TRUE((*way)->push(lines_of(6, 698), {}));  // 700 octets a line
    for (int datagram = 0; datagram < 3; ++datagram) {
        EXPECT_EQ(listener.receive(seconds{5})->size(), 1'400U);
    }
    EXPECT_FALSE(listener.receive(milliseconds{0}));
}

TEST(DatagramWay, says_that_nobody_listens) {
    std::uint16_t port = 0;
    {
        const test_support::UdpListener gone;
        port = gone.port();
    }
    Config::Influxdb config;
    config.url = "udp://127.0.0.1:" + std::to_string(port);
    const auto way = open_way(config);
    ASSERT_TRUE(way);
    bool refused = false;
    for (int push = 0; push < 100 && !refused; ++push) {
        refused = !(*way)->push(lines_of(3, 1'000), {});
    }
    EXPECT_TRUE(refused);
}

TEST(FileWay, adds_lines_and_opens_anew) {
    const std::string path = testing::TempDir() + "counters.lp";
    std::filesystem::remove(path);
    Config::Influxdb config;
    config.url = "file://" + path;
    const auto way = open_way(config);
    ASSERT_TRUE(way);
    ASSERT_TRUE((*way)->push("one\n", {}));
    ASSERT_TRUE((*way)->push("two\n", {}));
    EXPECT_EQ(kept_in(path), "one\ntwo\n");
    std::filesystem::rename(path, path + ".1");
    ASSERT_TRUE((*way)->push("three\n", {}));
    EXPECT_EQ(kept_in(path), "three\n");
}

TEST(FileWay, says_what_is_wrong_with_its_file) {
    Config::Influxdb config;
    config.url = "file:///nowhere/counters.lp";
    const auto refused = open_way(config).value()->push("one\n", {});
    ASSERT_FALSE(refused);
    EXPECT_THAT(refused.error().message, HasSubstr("/nowhere/counters.lp: No such file"));
    if (std::filesystem::exists("/dev/full")) {
        config.url = "file:///dev/full";
        EXPECT_FALSE(open_way(config).value()->push("one\n", {}));
    }
}

}  // namespace
}  // namespace tapmeter::pushing
