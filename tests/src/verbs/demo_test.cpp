#include "src/verbs/demo.h"

#include <gtest/gtest.h>

namespace tapmeter::verbs {
namespace {

TEST(Demo, ends_by_itself_with_balanced_books) {
    LoadRequest config;
    config.sets = {"http.listen=\"off\"", "control.socket=\"off\""};
    testing::internal::CaptureStderr();
    EXPECT_EQ(demo({.duration = std::chrono::milliseconds(400)}, {}, config), ExitCode::done);
    const std::string said = testing::internal::GetCapturedStderr();
    EXPECT_NE(said.find("the books balance"), std::string::npos) << said;
    EXPECT_EQ(said.find("metered                                                      0"),
              std::string::npos)
        << "conversations were made and metered";
}

}  // namespace
}  // namespace tapmeter::verbs
