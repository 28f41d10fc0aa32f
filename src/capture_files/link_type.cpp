#include "src/capture_files/link_type.h"

#include <algorithm>
#include <array>

namespace tapmeter::capture_files {
namespace {

struct Row {
    std::uint32_t linktype;
    LinkType link;
};

constexpr std::array rows{
    Row{0, LinkType::null_loopback},  // LINKTYPE_NULL
    Row{1, LinkType::ethernet},       // LINKTYPE_ETHERNET
    Row{9, LinkType::ppp},            // LINKTYPE_PPP
    Row{12, LinkType::raw_ip},        // DLT_RAW of most systems, found in files of old programs
    Row{14, LinkType::raw_ip},        // DLT_RAW of OpenBSD
    Row{50, LinkType::ppp},           // LINKTYPE_PPP_HDLC
    Row{101, LinkType::raw_ip},       // LINKTYPE_RAW
    Row{104, LinkType::c_hdlc},       // LINKTYPE_C_HDLC
    Row{108, LinkType::loop},         // LINKTYPE_LOOP
    Row{113, LinkType::linux_sll},    // LINKTYPE_LINUX_SLL
    Row{228, LinkType::raw_ip},       // LINKTYPE_IPV4
    Row{229, LinkType::raw_ip},       // LINKTYPE_IPV6
    Row{276, LinkType::linux_sll2},   // LINKTYPE_LINUX_SLL2
};
static_assert(std::ranges::is_sorted(rows, {}, &Row::linktype));

}  // namespace

LinkType link_type_of(std::uint32_t linktype) noexcept {
    const auto* const row = std::ranges::lower_bound(rows, linktype, {}, &Row::linktype);
    return row != rows.end() && row->linktype == linktype ? row->link : LinkType::unknown;
}

}  // namespace tapmeter::capture_files
