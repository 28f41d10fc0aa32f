#include "xdp/system_error.h"

#include <bpf/libbpf.h>
#include <gtest/gtest.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <array>
#include <cerrno>

namespace tapmeter::xdp {
namespace {

TEST(ErrorText, names_the_number) {
    EXPECT_EQ(error_text(EPERM), "Operation not permitted (EPERM)");
    EXPECT_EQ(error_text(524), "not supported (ENOTSUPP)");
    EXPECT_EQ(error_text(9999), "error 9999");
}

// In a child, which gives all its capabilities away.
TEST(MissingCapabilities, are_named) {
    const pid_t child = fork();
    if (child == 0) {
        __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
        const std::array<__user_cap_data_struct, 2> none{};
        const bool dropped = ::syscall(SYS_capset, &header, none.data()) == 0;
        const bool named =
            missing_capabilities({CAP_BPF, CAP_NET_ADMIN}) == "CAP_NET_ADMIN and CAP_BPF";
        const std::string cure = capability_cure({CAP_NET_RAW}, "something else");
        _exit(dropped && named && cure.starts_with("this process lacks CAP_NET_RAW;") ? 0 : 1);
    }
    int status = -1;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
}

TEST(MissingCapabilities, none_missing_is_another_cure) {
    if (geteuid() != 0) {
        GTEST_SKIP() << "needs root: has the capabilities that are asked for";
    }
    EXPECT_EQ(missing_capabilities({CAP_NET_ADMIN, CAP_NET_RAW}), "");
    EXPECT_EQ(capability_cure({CAP_NET_ADMIN}, "something else"), "something else");
    EXPECT_EQ(cure_of(EPERM, {CAP_NET_ADMIN}, "something else"), "something else");
    EXPECT_NE(cure_of(EMFILE, {CAP_NET_ADMIN}, "something else").find("LimitNOFILE"),
              std::string::npos);
    EXPECT_EQ(missing_capabilities({}), "");
}

TEST(LibraryMessages, are_kept_and_forgotten) {
    take_library_messages();
    EXPECT_EQ(take_library_messages(), "");
    ::testing::internal::CaptureStderr();
    EXPECT_EQ(bpf_object__open_file("/nonexistent.o", nullptr), nullptr);
    EXPECT_EQ(::testing::internal::GetCapturedStderr(), "") << "nothing is printed";
    const std::string said = take_library_messages();
    EXPECT_NE(said.find("/nonexistent.o"), std::string::npos) << said;
    EXPECT_EQ(said.find('\n'), std::string::npos);
    EXPECT_EQ(take_library_messages(), "");
}

TEST(LibraryMessages, are_bounded) {
    take_library_messages();
    for (int i = 0; i < 100; ++i) {
        EXPECT_EQ(bpf_object__open_file("/nonexistent.o", nullptr), nullptr);
    }
    EXPECT_LE(take_library_messages().size(), 512U);
}

}  // namespace
}  // namespace tapmeter::xdp
