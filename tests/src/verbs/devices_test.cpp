#include "src/verbs/devices.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <sstream>

namespace tapmeter::verbs {
namespace {

std::string printed(OutputFormat format) {
    CommonOptions common;
    common.output = format;
    testing::internal::CaptureStdout();
    EXPECT_EQ(devices(common), ExitCode::done);
    return testing::internal::GetCapturedStdout();
}

TEST(Devices, every_line_of_json_is_an_object_that_names_its_device) {
    std::istringstream lines(printed(OutputFormat::json));
    for (std::string line; std::getline(lines, line);) {
        const auto object = nlohmann::json::parse(line);
        EXPECT_TRUE(object.contains("name") || object.contains("address")) << line;
        EXPECT_FALSE(object.at("capture").get<std::string>().empty()) << line;
    }
}

TEST(Devices, text_says_how_to_capture) {
    EXPECT_NE(printed(OutputFormat::text).find("tapmeter run -i NAME"), std::string::npos);
}

}  // namespace
}  // namespace tapmeter::verbs
