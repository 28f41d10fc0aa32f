#include "src/fields/netflow.h"

#include <gtest/gtest.h>

namespace tapmeter::fields {
namespace {

// The numbers of RFC 3954 section 8, and the lengths it gives.
TEST(NetflowItems, the_default_is_what_every_collector_knows) {
    for (const Item& item : netflow_default_items()) {
        const Field& field = all_fields[item.field];
        EXPECT_TRUE(field.element.id <= 61 || field.element.id >= 128) << field.name;
        EXPECT_FALSE(field.reverse) << field.name;
        EXPECT_FALSE(field.element.own) << field.name;
    }
    EXPECT_EQ(netflow_items({}).value(), netflow_default_items());
    EXPECT_EQ(netflow_items({"default"}).value(), netflow_default_items());
}

TEST(NetflowItems, a_time_is_said_once_and_as_uptime) {
    const auto items = netflow_items({"flowEndNanoseconds", "octetDeltaCount/4"}).value();
    ASSERT_EQ(items.size(), 2U);
    EXPECT_EQ(all_fields[items[0].field].name, "flowEndSysUpTime");
    EXPECT_EQ(items[0].octets, 4U);
    EXPECT_EQ(items[1].octets, 4U);
    const auto twice = netflow_items({"flowEndNanoseconds", "flowEndSeconds"});
    ASSERT_FALSE(twice.has_value());
    EXPECT_EQ(twice.error().word, 1U);
    EXPECT_FALSE(netflow_items({"octetDeltaCounts"}).has_value());
    EXPECT_FALSE(netflow_items({"octetDeltaCount", "reversePacketDeltaCount"}).has_value());
}

// The application is a number of fixed length there too; names and lists are not.
TEST(NetflowItems, tell_the_application_by_its_number) {
    const auto items = netflow_items({"octetDeltaCount", "applicationId"}).value();
    EXPECT_EQ(items[1].octets, 7U);
    for (const char* word : {"applicationName", "signatureIds", "signatureId"}) {
        const auto refused = netflow_items({"octetDeltaCount", word});
        ASSERT_FALSE(refused.has_value()) << word;
        EXPECT_EQ(refused.error().word, 1U);
    }
}

}  // namespace
}  // namespace tapmeter::fields
