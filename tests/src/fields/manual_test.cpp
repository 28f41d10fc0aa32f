#include "src/fields/manual.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "src/fields/table.h"

namespace tapmeter::fields {
namespace {

std::filesystem::path page_file() {
    return std::filesystem::path(CONF_FOLDER) / "man/tapmeter-fields.7.scd";
}

// TAPMETER_WRITE_PAGES=1 writes it anew, after a change of the table.
TEST(ManualPage, is_the_one_that_is_shipped) {
    if (std::getenv("TAPMETER_WRITE_PAGES") != nullptr) {
        std::ofstream(page_file()) << manual_page();
    }
    std::ifstream file(page_file());
    const std::string shipped{std::istreambuf_iterator<char>(file), {}};
    EXPECT_EQ(shipped, manual_page()) << "run it again with TAPMETER_WRITE_PAGES=1";
}

TEST(ManualPage, names_every_field) {
    const std::string page = manual_page();
    for (const Field& field : all_fields) {
        EXPECT_NE(page.find("*" + std::string(field.name) + "* ("), std::string::npos);
    }
}

}  // namespace
}  // namespace tapmeter::fields
