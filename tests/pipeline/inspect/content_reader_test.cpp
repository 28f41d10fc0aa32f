#include "pipeline/inspect/content_reader.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/pipeline/inspect/content_flow.h"

namespace tapmeter::inspect {
namespace {

namespace frames = tapmeter::testing;
using frames::Frame;
using frames::segment;
using testing::ContentFlow;
using Wants = ContentReader::Wants;

TEST(ContentReader, keeps_the_facts_of_a_flow_until_it_is_forgotten) {
    ContentFlow flow;
    flow.read_all(frames::http_conversation());
    const Metadata* const metadata = flow.reader().metadata(ContentFlow::state);
    ASSERT_NE(metadata, nullptr);
    EXPECT_EQ(metadata->view(metadata->http.host), "www.example.org");
    EXPECT_EQ(metadata->http.status, 200U);
    flow.finish();
    const std::uint32_t number = flow.reader().detach(ContentFlow::state);
    ASSERT_NE(number, 0U);
    EXPECT_EQ(flow.reader().metadata(ContentFlow::state), nullptr);
    const Metadata& kept = flow.reader().metadata_at(number);
    EXPECT_EQ(kept.view(kept.http.uri), "/index.html");
    flow.reader().forget(number);
    EXPECT_EQ(flow.reader().extractor().metadata_taken(), 0U);
}

TEST(ContentReader, says_when_no_more_packets_are_wanted) {
    ContentFlow flow;
    EXPECT_EQ(flow.read(segment(true, 0x02)), Wants::facts);
    EXPECT_EQ(flow.read(segment(true, 0x18, "nothing that anybody reads")), Wants::facts);
    for (unsigned packet = 0; packet < 40; ++packet) {
        flow.read(segment(packet % 2 == 0, 0x18, "?", 80, 40'000, 26 + packet / 2));
    }
    EXPECT_EQ(flow.read(segment(true, 0x10)), Wants::nothing);
}

}  // namespace
}  // namespace tapmeter::inspect
