#include "pipeline/inspect/application_names.h"

#include <gtest/gtest.h>

#include <memory>

namespace tapmeter::inspect {
namespace {

TEST(ApplicationNames, write_labels_as_nDPI_does) {
    const auto names = std::make_unique<ApplicationNames>();
    names->name_protocol(91, "TLS");
    names->name_protocol(126, "Google");
    EXPECT_EQ(names->label({.master = 91, .application = 126}), "TLS.Google");
    EXPECT_EQ(names->label({.master = 0, .application = 126}), "Google");
    EXPECT_EQ(names->label({.master = 91, .application = 91}), "TLS");
    EXPECT_EQ(names->label({.master = 91, .application = 0}), "TLS");
    EXPECT_EQ(names->label({}), "Unknown");
}

TEST(ApplicationNames, have_none_outside_of_their_tables) {
    const auto names = std::make_unique<ApplicationNames>();
    EXPECT_EQ(names->protocol(0xffff), "");
    EXPECT_EQ(names->category(ApplicationNames::categories_max), "");
    EXPECT_EQ(names->risk(ApplicationNames::risks_max), "");
    names->name_protocol(0xffff, "nobody's");
    names->name_risk(ApplicationNames::risks_max - 1, "last");
    EXPECT_EQ(names->risk(ApplicationNames::risks_max - 1), "last");
}

TEST(ApplicationNames, are_harmless_in_JSON_and_on_a_terminal) {
    const auto names = std::make_unique<ApplicationNames>();
    names->name_protocol(1,
                         "a\"b\\c\nd\x1b[31m\xff"
                         "e");
    EXPECT_EQ(names->protocol(1), "a_b_c_d_[31m_e");
    names->name_protocol(1, std::string(100, 'x'));
    EXPECT_EQ(names->protocol(1), std::string(ApplicationNames::name_octets_max, 'x'));
}

TEST(ApplicationNames, keep_the_number_of_an_own_protocol_for_good) {
    const auto names = std::make_unique<ApplicationNames>();
    const auto shop = names->number_of("Shop", 282);
    EXPECT_EQ(shop, 283);
    EXPECT_EQ(names->number_of("Post", 282), 284);
    EXPECT_EQ(names->number_of("Shop", 282), shop);
    for (unsigned number = 0; number < 2'000; ++number) {
        names->number_of("own" + std::to_string(number), 282);
    }
    EXPECT_EQ(names->number_of("one too many", 282), 0);
    EXPECT_EQ(names->number_of("Shop", 282), shop);
}

TEST(ApplicationNames, have_another_edition_where_there_are_other_names) {
    const auto names = std::make_unique<ApplicationNames>();
    names->publish();
    EXPECT_EQ(names->edition(), 0U);
    names->name_protocol(91, "TLS\n");
    names->name_risk(1, "XSS");
    EXPECT_EQ(names->edition(), 0U) << "not before all are there";
    names->publish();
    EXPECT_EQ(names->edition(), 1U);
    names->name_protocol(91, "TLS\n");
    names->name_category(0, "");
    names->publish();
    EXPECT_EQ(names->edition(), 1U) << "every worker's module names the same";
    names->number_of("Shop", 282);
    names->publish();
    EXPECT_EQ(names->edition(), 2U);
}

}  // namespace
}  // namespace tapmeter::inspect
