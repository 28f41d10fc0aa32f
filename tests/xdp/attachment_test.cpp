#include "xdp/attachment.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <gtest/gtest.h>
#include <linux/bpf.h>
#include <linux/if_link.h>
#include <linux/netlink.h>

#include "tests/xdp/veth.h"

namespace tapmeter::xdp {
namespace {

using testing::shell;
using testing::VethTest;

class AttachmentTest : public VethTest {
protected:
    Link link(const std::string& name) {
        auto route = Netlink::open(NETLINK_ROUTE);
        auto link = route.and_then([&](Netlink& open) { return read_link(open, name); });
        EXPECT_TRUE(link) << link.error().message;
        return link.value_or(Link{});
    }
    Result<Attachment> attach(const std::string& name, Attachment::Wish wish) {
        if (!prefilter_) {
            prefilter_ = Prefilter::load();
        }
        return prefilter_.and_then(
            [&](Prefilter& loaded) { return Attachment::attach(link(name), loaded, wish); });
    }

    Result<Prefilter> prefilter_ = failed(Error::Kind::io, "not loaded yet");
};

TEST_F(AttachmentTest, native_where_the_driver_has_it) {
    {
        const auto attached = attach("xdp_in", {});
        ASSERT_TRUE(attached) << attached.error().message;
        EXPECT_TRUE(attached->is_native());
        EXPECT_FALSE(attached->takes_pieces());
        EXPECT_EQ(attached->refusal(), "");
        EXPECT_TRUE(shell("ip link show xdp_in | grep -q 'prog/xdp'"));
    }
    EXPECT_TRUE(shell("! ip link show xdp_in | grep -q 'prog/xdp'")) << "gone with the object";
}

TEST_F(AttachmentTest, generic_where_it_is_wished) {
    auto attached = attach("xdp_in", {.mode = Mode::generic});
    ASSERT_TRUE(attached) << attached.error().message;
    EXPECT_FALSE(attached->is_native());
    EXPECT_TRUE(shell("ip link show xdp_in | grep -q xdpgeneric"));
    attached->detach();
    EXPECT_TRUE(shell("! ip link show xdp_in | grep -q xdpgeneric"));
    attached->detach();
}

TEST_F(AttachmentTest, generic_where_native_is_refused) {
    ASSERT_TRUE(shell("ip link set lo up"));
    const auto attached = attach("lo", {});
    ASSERT_TRUE(attached) << attached.error().message;
    EXPECT_FALSE(attached->is_native());
    EXPECT_NE(attached->refusal().find("native: "), std::string::npos) << attached->refusal();
}

TEST_F(AttachmentTest, native_and_nothing_else) {
    const auto attached = attach("lo", {.mode = Mode::native});
    ASSERT_FALSE(attached);
    EXPECT_NE(attached.error().message.find("lo: the XDP program cannot be attached: native: "),
              std::string::npos)
        << attached.error().message;
    EXPECT_NE(attached.error().message.find("xdp_mode"), std::string::npos);
}

// veth: a peer MTU above 3506 needs a program for frames of several pieces.
TEST_F(AttachmentTest, the_program_that_the_mtu_needs) {
    ASSERT_TRUE(shell("ip link set xdp_out mtu 3506"));
    {
        const auto attached = attach("xdp_in", {.mode = Mode::native});
        ASSERT_TRUE(attached) << attached.error().message;
        EXPECT_FALSE(attached->takes_pieces());
    }
    ASSERT_TRUE(shell("ip link set xdp_out mtu 3507"));
    const auto attached = attach("xdp_in", {.mode = Mode::native});
    ASSERT_TRUE(attached) << attached.error().message;
    EXPECT_TRUE(attached->takes_pieces());
    EXPECT_NE(attached->refusal().find("ERANGE"), std::string::npos) << attached->refusal();
}

TEST_F(AttachmentTest, never_in_the_place_of_a_foreign_program) {
    // r0 = XDP_PASS; exit
    const std::array<bpf_insn, 2> pass{
        {{.code = 0xb7, .dst_reg = 0, .src_reg = 0, .off = 0, .imm = 2},
         {.code = 0x95, .dst_reg = 0, .src_reg = 0, .off = 0, .imm = 0}}};
    const FileDescriptor program(bpf_prog_load(BPF_PROG_TYPE_XDP, "somebody_else", "GPL",
                                               pass.data(), pass.size(), nullptr));
    ASSERT_TRUE(program.is_open());
    bpf_prog_info info{};
    std::uint32_t octets = sizeof(info);
    ASSERT_EQ(bpf_obj_get_info_by_fd(program.number(), &info, &octets), 0);
    const auto index = static_cast<int>(link("xdp_in").index);
    for (const std::uint32_t mode : {std::uint32_t{XDP_FLAGS_DRV_MODE}, XDP_FLAGS_SKB_MODE}) {
        ASSERT_EQ(bpf_xdp_attach(index, program.number(), mode, nullptr), 0);
        const auto attached = attach("xdp_in", {});
        ASSERT_FALSE(attached);
        EXPECT_NE(
            attached.error().message.find("\"somebody_else\" (id " + std::to_string(info.id) + ")"),
            std::string::npos)
            << attached.error().message;
        EXPECT_NE(attached.error().message.find("ip link set dev xdp_in xdp off"),
                  std::string::npos);
        EXPECT_TRUE(shell("ip link show xdp_in | grep -q 'id " + std::to_string(info.id) + "'"))
            << "it is still there";
        ASSERT_EQ(bpf_xdp_detach(index, mode, nullptr), 0);
    }
    EXPECT_TRUE(attach("xdp_in", {}));
}

}  // namespace
}  // namespace tapmeter::xdp
