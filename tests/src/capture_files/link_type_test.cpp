#include "src/capture_files/link_type.h"

#include <gtest/gtest.h>

#include <utility>

namespace tapmeter::capture_files {
namespace {

using Row = std::pair<std::uint32_t, LinkType>;

class LinkTypeOf : public ::testing::TestWithParam<Row> {};

TEST_P(LinkTypeOf, answers) {
    EXPECT_EQ(link_type_of(GetParam().first), GetParam().second);
}

INSTANTIATE_TEST_SUITE_P(
    , LinkTypeOf,
    ::testing::Values(
        Row{0, LinkType::null_loopback}, Row{1, LinkType::ethernet}, Row{2, LinkType::unknown},
        Row{8, LinkType::unknown}, Row{9, LinkType::ppp}, Row{10, LinkType::unknown},
        Row{12, LinkType::raw_ip}, Row{14, LinkType::raw_ip}, Row{50, LinkType::ppp},
        Row{51, LinkType::unknown}, Row{57, LinkType::unknown}, Row{101, LinkType::raw_ip},
        Row{104, LinkType::c_hdlc}, Row{105, LinkType::unknown}, Row{108, LinkType::loop},
        Row{113, LinkType::linux_sll}, Row{192, LinkType::unknown}, Row{228, LinkType::raw_ip},
        Row{229, LinkType::raw_ip}, Row{230, LinkType::unknown}, Row{276, LinkType::linux_sll2},
        Row{277, LinkType::unknown}, Row{0xffffffff, LinkType::unknown}),
    [](const auto& row) { return "linktype_" + std::to_string(row.param.first); });

}  // namespace
}  // namespace tapmeter::capture_files
