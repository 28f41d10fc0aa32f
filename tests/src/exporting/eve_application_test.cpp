#include "src/exporting/eve_application.h"

#include <gtest/gtest.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <string>

namespace tapmeter::exporting {
namespace {

using flow::Application;
using flow::Confidence;
using flow::Inspection;
using nlohmann::json;

std::unique_ptr<inspect::ApplicationNames> names() {
    auto all = std::make_unique<inspect::ApplicationNames>();
    all->name_protocol(1, "FTP_CONTROL");
    all->name_protocol(91, "TLS");
    all->name_protocol(126, "Google");
    all->name_category(5, "Web");
    for (std::size_t risk = 0; risk < inspect::ApplicationNames::risks_max; ++risk) {
        all->name_risk(risk, std::string(60, 'r'));
    }
    return all;
}

json written(const Application& application) {
    std::string text(application_octets_max, '\0');
    const auto all = names();
    char* end = write_app_proto(text.data() + 1, application, *all);
    end = write_ndpi(end, application, *all);
    end = write_inspection(end, application);
    const auto octets = static_cast<std::size_t>(end - text.data());
    EXPECT_LE(octets, application_octets_max);
    text.resize(octets);
    text[0] = '{';
    // The comma before the first member belongs to a record that has others.
    return octets == 1 ? json::object() : json::parse("{" + text.substr(2) + "}");
}

TEST(EveApplication, both_parts_have_names_numbers_and_a_confidence) {
    const json record = written({.master = 91,
                                 .application = 126,
                                 .category = 5,
                                 .confidence = Confidence::dissected,
                                 .inspection = Inspection::decided,
                                 .packets = 4});
    EXPECT_EQ(record["app_proto"], "tls");
    EXPECT_EQ(record["ndpi"]["proto"], "TLS.Google");
    EXPECT_EQ(record["ndpi"]["proto_id"], "91.126");
    EXPECT_EQ(record["ndpi"]["category"], "Web");
    EXPECT_EQ(record["ndpi"]["confidence"], "DPI");
    EXPECT_FALSE(record["ndpi"].contains("flow_risk"));
    EXPECT_EQ(record["dpi"], "decided");
    EXPECT_EQ(record["dpi_packets"], 4);
}

TEST(EveApplication, Suricatas_word_is_taken_where_it_has_one) {
    const json record = written({.application = 1, .inspection = Inspection::guessed});
    EXPECT_EQ(record["app_proto"], "ftp");
    EXPECT_EQ(record["ndpi"]["proto"], "FTP_CONTROL");
    EXPECT_EQ(record["ndpi"]["proto_id"], "1");
}

TEST(EveApplication, one_that_nobody_knows_has_failed) {
    const json record = written({.inspection = Inspection::no_state});
    EXPECT_EQ(record["app_proto"], "failed");
    EXPECT_EQ(record["ndpi"]["proto"], "Unknown");
    EXPECT_EQ(record["ndpi"]["confidence"], "Unknown");
    EXPECT_EQ(record["dpi"], "no_state");
}

TEST(EveApplication, a_flow_that_was_not_inspected_has_no_member) {
    EXPECT_EQ(written({.master = 91}), json::object());
}

TEST(EveApplication, risks_have_names_and_their_number_is_bounded) {
    json record = written({.risks = (1ULL << 4U) | (1ULL << 63U),
                           .application = 91,
                           .risk_score = 110,
                           .inspection = Inspection::decided});
    EXPECT_EQ(record["ndpi"]["flow_risk"].size(), 2U);
    EXPECT_EQ(record["ndpi"]["flow_risk"]["4"]["risk"], std::string(47, 'r'));
    EXPECT_EQ(record["ndpi"]["flow_risk_score"], 110);
    record = written({.risks = ~0ULL,
                      .master = 91,
                      .application = 126,
                      .risk_score = 0xffff,
                      .inspection = Inspection::quarantined,
                      .packets = 255});
    EXPECT_EQ(record["ndpi"]["flow_risk"].size(), 12U);
}

}  // namespace
}  // namespace tapmeter::exporting
