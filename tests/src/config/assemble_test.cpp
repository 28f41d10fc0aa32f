#include "src/config/assemble.h"

#include <gtest/gtest.h>

#include "tests/src/config/config_text.h"

namespace tapmeter::config {
namespace {

std::string blocks(const std::string& header, const std::string& key, std::size_t count) {
    std::string text;
    for (std::size_t i = 0; i < count; ++i) {
        text += header + "\n" + key + " = \"" + (key == "collector" ? "udp://h" : "eth") +
                std::to_string(i) + "\"\n";
    }
    return text;
}

TEST(Assemble, fills_in_names_and_observation_domains) {
    const auto loaded = load_text(
        "instance.observation_domain_id = 10\n[[capture]]\nsource = \"eth0\"\n[[capture]]\nsource "
        "= \"eth1\"\nobservation_domain_id = 10\n[[capture]]\nsource = \"eth2\"\n");
    ASSERT_TRUE(loaded) << errors_of(loaded);
    EXPECT_EQ(loaded->config.captures[0].observation_domain_id, 10U);
    EXPECT_EQ(loaded->config.captures[1].observation_domain_id, 10U);  // two ports of one tap
    EXPECT_EQ(loaded->config.captures[2].observation_domain_id, 12U);
    EXPECT_EQ(loaded->config.captures[2].name, "eth2");
}

TEST(Assemble, refuses_an_id_beyond_32_bits) {
    const std::string two = blocks("[[capture]]", "source", 2);
    EXPECT_TRUE(load_text("instance.observation_domain_id = 4294967294\n" + two));
    EXPECT_NE(errors_of(load_text("instance.observation_domain_id = 4294967295\n" + two))
                  .find("give this capture one of its own"),
              std::string::npos);
}

TEST(Assemble, a_domain_of_a_collector_is_called_like_the_instance) {
    const auto name_of = [](const std::string& more) {
        const auto loaded = load_text(
            "instance.name = \"pop1\"\n[[export.ipfix]]\ncollector = "
            "\"udp://h\"\n" +
            more);
        return loaded ? loaded->config.ipfix[0].observation_domain_name : errors_of(loaded);
    };
    EXPECT_EQ(name_of(""), "");
    EXPECT_EQ(name_of("observation_domain_id = 7\n"), "pop1");
    EXPECT_EQ(name_of("observation_domain_id = 7\nobservation_domain_name = \"east\"\n"), "east");
    EXPECT_NE(name_of("observation_domain_name = \"east\"\n").find("there is none; set it too"),
              std::string::npos);
}

TEST(Assemble, a_number_has_one_name) {
    const auto errors_of_captures = [](const std::string& first, const std::string& second) {
        return errors_of(load_text("[[capture]]\nsource = \"eth0\"\n" + first +
                                   "\n[[capture]]\nsource = \"eth1\"\n" + second + "\n"));
    };
    const std::string blue = "vrf_id = 5\nvrf_name = \"blue\"";
    const std::string east = "observation_domain_id = 7\nobservation_domain_name = \"east\"";
    EXPECT_EQ(errors_of_captures(blue, blue), "no error");
    EXPECT_EQ(errors_of_captures(east, east), "no error");
    EXPECT_EQ(errors_of_captures(east, "observation_domain_id = 7"), "no error");
    EXPECT_NE(errors_of_captures("vrf_name = \"blue\"", "").find("belongs to a vrf_id"),
              std::string::npos);
    EXPECT_NE(errors_of_captures(blue, "vrf_id = 5\nvrf_name = \"red\"")
                  .find("7:10: vrf_id 5 has another vrf_name"),
              std::string::npos)
        << errors_of_captures(blue, "vrf_id = 5\nvrf_name = \"red\"");
    EXPECT_NE(
        errors_of_captures(east, "observation_domain_id = 7\nobservation_domain_name = \"west\"")
            .find("domain 7 has another name"),
        std::string::npos);
}

TEST(Assemble, limits_blocks) {
    EXPECT_TRUE(load_text(blocks("[[capture]]", "source", captures_max)));
    EXPECT_NE(errors_of(load_text(blocks("[[capture]]", "source", captures_max + 1)))
                  .find("more than 64 [[capture]] blocks"),
              std::string::npos);
    const std::string one_json = "[[export.json]]\npath = \"-\"\n";
    EXPECT_TRUE(load_text(blocks("[[export.ipfix]]", "collector", outputs_max - 1) + one_json));
    EXPECT_NE(errors_of(load_text(blocks("[[export.ipfix]]", "collector", outputs_max) + one_json))
                  .find("more than 32 outputs"),
              std::string::npos);
}

TEST(Assemble, services_are_named_and_limited) {
    const auto services = [](std::size_t count) {
        std::string text;
        for (std::size_t i = 0; i < count; ++i) {
            text += "[[kpi.service]]\nname = \"s" + std::to_string(i) + "\"\n";
        }
        return text;
    };
    // A name of an output or of a capture is no matter to them.
    const auto loaded = load_text(services(kpi_services_max) +
                                  "protocol = \"udp\"\nports = [53]\nhosts = [\"::1\"]\n"
                                  "[[export.json]]\nname = \"s0\"\npath = \"-\"\n");
    ASSERT_TRUE(loaded) << errors_of(loaded);
    const Config::KpiService& last = loaded->config.services.back();
    EXPECT_EQ(last.name, "s31");
    EXPECT_EQ(last.protocol, Config::KpiService::Protocol::udp);
    EXPECT_EQ(last.ports, std::vector<std::uint16_t>{53});
    EXPECT_EQ(last.hosts, std::vector<std::string>{"::1"});
    EXPECT_NE(errors_of(load_text(services(kpi_services_max + 1)))
                  .find("more than 32 [[kpi.service]] blocks"),
              std::string::npos);
}

TEST(Assemble, wants_two_collectors_in_a_group_that_share_alike) {
    const std::string first =
        "[[export.ipfix]]\ncollector = \"udp://a\"\ngroup = \"siem\"\nsharing = \"balance\"\n";
    const std::string second = "[[export.ipfix]]\ncollector = \"udp://b\"\ngroup = \"siem\"\n";
    const auto loaded = load_text(first + second + "sharing = \"balance\"\npace = \"50k\"\n");
    ASSERT_TRUE(loaded) << errors_of(loaded);
    EXPECT_EQ(loaded->config.ipfix[1].group, "siem");
    EXPECT_EQ(loaded->config.ipfix[1].sharing, Config::Sharing::balance);
    EXPECT_EQ(loaded->config.ipfix[1].pace, 50'000U);
    EXPECT_NE(errors_of(load_text(first)).find("group \"siem\" has no other collector"),
              std::string::npos);
    EXPECT_NE(errors_of(load_text(first + second)).find("all of a group share alike"),
              std::string::npos);
    EXPECT_NE(errors_of(load_text(first + second + "pace = 99\n")).find("pace = 99"),
              std::string::npos);
}

TEST(Assemble, refuses_what_is_there_twice) {
    EXPECT_NE(errors_of(load_text("[[capture]]\nsource = \"eth0\"\n[[capture]]\nsource = "
                                  "\"eth0\"\nname = \"b\"\n"))
                  .find("t.toml:4:10: source \"eth0\" appears twice; first at t.toml:2:10"),
              std::string::npos);
    EXPECT_NE(errors_of(load_text("[[export.ipfix]]\nname = \"a\"\ncollector = \"udp://h\"\n"
                                  "[[export.json]]\nname = \"a\"\npath = \"-\"\n"))
                  .find("t.toml:5:8: name \"a\" appears twice; first at t.toml:2:8"),
              std::string::npos);
}

TEST(Assemble, wants_a_core_for_every_worker) {
    EXPECT_TRUE(load_text("[workers]\ncount = 2\ncores = \"2-3\"\n"));
    EXPECT_TRUE(load_text("[workers]\ncores = \"2-4\"\n"));
    EXPECT_NE(errors_of(load_text("[workers]\ncount = 2\ncores = \"2-4\"\n"))
                  .find("cores names 3 cores, but count is 2"),
              std::string::npos);
}

TEST(Assemble, knows_what_excludes_what) {
    EXPECT_NE(errors_of(load_text("[[capture]]\nsource = \"eth0\"\nzero_copy = \"on\"\nxdp_mode = "
                                  "\"generic\"\n"))
                  .find("t.toml:3:13: zero_copy"),
              std::string::npos);
}

TEST(Assemble, calls_nothing_missing_that_could_not_be_read) {
    EXPECT_NE(errors_of(load_text("[[capture]]\n")).find("has no source"), std::string::npos);
    EXPECT_EQ(errors_of(load_text("[[capture]]\nsource = \n")).find("has no source"),
              std::string::npos);
    EXPECT_EQ(errors_of(load_text("[[capture]]\nsource = 3\n")).find("has no source"),
              std::string::npos);
}

TEST(Assemble, hot_is_not_below_warm) {
    for (const std::string measure : {"table", "ring", "backlog"}) {
        const std::string head = "[[capture]]\nsource = \"eth1\"\n[overload]\n" + measure;
        EXPECT_TRUE(load_text(head + "_warm = 40\n" + measure + "_hot = 40\n"));
        const auto refused = load_text(head + "_warm = 41\n" + measure + "_hot = 40\n");
        ASSERT_FALSE(refused);
        EXPECT_NE(errors_of(refused).find(measure + "_hot = 40 is below " + measure +
                                          "_warm = 41: hot comes after warm"),
                  std::string::npos)
            << errors_of(refused);
    }
}

}  // namespace
}  // namespace tapmeter::config
