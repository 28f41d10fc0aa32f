#include "src/metrics/packet_samples.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <prometheus/text_serializer.h>

#include <cmath>
#include <sstream>

#include "src/metrics/books_text.h"
#include "tests/src/metrics/broken_laws.h"
#include "tests/src/metrics/sample.h"

namespace tapmeter::metrics {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

// 10,000 packets of 100 octets, chosen 1 in 100.
Snapshot sampled_snapshot() {
    Snapshot snapshot = sample_snapshot();
    exporting::PacketSamples& samples = snapshot.outputs[0].counters.samples;
    samples.one_in = 100;
    samples.taken = 100;
    samples.sent = 90;
    samples.send_error = 7;
    samples.not_expressible = 3;
    samples.ring_full = 5;
    samples.pool = 10'400;
    for (int i = 0; i < 100; ++i) {
        sampling::add_chosen(samples.packets, 1, 100);
        sampling::add_chosen(samples.octets, 100, 100);
    }
    return snapshot;
}

std::string families_of(const Snapshot& snapshot) {
    Families families;
    add_packet_samples(snapshot, families);
    std::ostringstream text;
    prometheus::TextSerializer().Serialize(text, families.take());
    return text.str();
}

// sFlow's rule for 100 samples says 19.6 %; of 1 in 100, sqrt(99 / 100) of that.
TEST(PacketSamples, say_what_they_stand_for_and_how_sure_that_is) {
    const Snapshot snapshot = sampled_snapshot();
    const exporting::PacketSamples& samples = snapshot.outputs[0].counters.samples;
    EXPECT_NEAR(sampling_error_percent(samples.packets), 19.6 * std::sqrt(0.99), 1e-9);
    EXPECT_NEAR(sampling_error_percent(samples.octets), 19.6 * std::sqrt(0.99), 1e-9);
    EXPECT_EQ(sampling_error_percent({}), 0);
    const auto json = packet_samples_json(samples);
    EXPECT_EQ(json["one_in"], 100U);
    EXPECT_EQ(json["packets"]["estimated"], 10'000.0);
    EXPECT_EQ(json["octets"]["estimated"], 1'000'000.0);
    EXPECT_NEAR(json["packets"]["error_bound"].get<double>(), 1'950.2, 0.1);
    EXPECT_TRUE(packet_samples_json({}).is_null());
}

TEST(PacketSamples, are_families_of_the_outputs_that_have_them) {
    const Snapshot snapshot = sampled_snapshot();
    const std::string label = "{output=\"" + snapshot.outputs[0].name + "\"";
    const std::string text = families_of(snapshot);
    EXPECT_THAT(text, HasSubstr("tapmeter_samples_total" + label + "} 105\n"));
    EXPECT_THAT(text, HasSubstr("tapmeter_samples_sent_total" + label + "} 90\n"));
    EXPECT_THAT(text,
                HasSubstr("tapmeter_samples_dropped_total" + label + ",reason=\"ring_full\"} 5\n"));
    EXPECT_THAT(
        text, HasSubstr("tapmeter_samples_dropped_total" + label + ",reason=\"send_error\"} 7\n"));
    EXPECT_THAT(text, HasSubstr("tapmeter_sample_estimate_packets" + label + "} 10000\n"));
    EXPECT_THAT(text, HasSubstr("tapmeter_sample_pool_packets_total" + label + "} 10400\n"));
    EXPECT_THAT(text, Not(HasSubstr(snapshot.outputs[1].name)));
    EXPECT_EQ(families_of(sample_snapshot()), "");
}

TEST(PacketSamples, stand_in_the_books) {
    const std::string text = books_as_text(sampled_snapshot());
    EXPECT_THAT(text, HasSubstr("1 in 100 of 10,400 packets"));
    EXPECT_THAT(text, HasSubstr("stand for 10,000 +- 1,950 (95 %)"));
    EXPECT_THAT(text, HasSubstr("samples: ring_full"));
    EXPECT_THAT(text, HasSubstr("all of them to 19.50 %"));
    EXPECT_THAT(books_as_text(sample_snapshot()), Not(HasSubstr("samples")));
}

TEST(PacketSamples, have_a_law) {
    using Names = std::set<std::string>;
    Snapshot snapshot = sampled_snapshot();
    EXPECT_EQ(broken(snapshot), Names{});
    exporting::PacketSamples& samples = snapshot.outputs[0].counters.samples;
    const Names law{"output " + snapshot.outputs[0].name + ": samples"};
    ++samples.sent;
    EXPECT_EQ(broken(snapshot), law);
    samples.sent -= 2;
    samples.waiting = 1;
    EXPECT_EQ(broken(snapshot), law) << "nothing may wait in the end";
    snapshot.settled = false;
    EXPECT_EQ(broken(snapshot), Names{});
    --samples.sent;
    EXPECT_EQ(broken(snapshot), law);
}

}  // namespace
}  // namespace tapmeter::metrics
