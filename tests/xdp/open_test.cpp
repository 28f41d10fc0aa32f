// What open_xdp() refuses, and whether its words help.

#include <gtest/gtest.h>
#include <linux/capability.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <array>

#include "tests/xdp/veth.h"
#include "xdp/capture.h"

namespace tapmeter::xdp {
namespace {

using testing::shell;
using testing::VethTest;
using testing::wait_until;

const LiveClock live_clock;

XdpOptions options_for(const std::string& interface) {
    XdpOptions options;
    options.interface = interface;
    options.clock = &live_clock;
    return options;
}

Error refusal_of(const XdpOptions& options) {
    const auto capture = open_xdp(options);
    if (capture) {
        ADD_FAILURE() << "was opened";
        return {};
    }
    return capture.error();
}

void expect_words(const std::string& text, std::initializer_list<const char*> words) {
    for (const char* word : words) {
        EXPECT_NE(text.find(word), std::string::npos) << word << " is missing in: " << text;
    }
}

// Runs `child` in a process of its own and answers what it returned.
template <class Child>
std::string text_from_child(Child child) {
    std::array<int, 2> ends{};
    EXPECT_EQ(::pipe(ends.data()), 0);
    const pid_t process = fork();
    if (process == 0) {
        const std::string text = child();
        const ssize_t written = ::write(ends[1], text.data(), text.size());
        _exit(written == static_cast<ssize_t>(text.size()) ? 0 : 1);
    }
    ::close(ends[1]);
    std::string text;
    std::array<char, 4'096> piece{};
    for (ssize_t octets = 1; octets > 0;) {
        octets = ::read(ends[0], piece.data(), piece.size());
        text.append(piece.data(), static_cast<std::size_t>(octets > 0 ? octets : 0));
    }
    ::close(ends[0]);
    int status = -1;
    EXPECT_EQ(waitpid(process, &status, 0), process);
    EXPECT_EQ(status, 0);
    return text;
}

class OpenXdp : public VethTest {};

// These are refused before the kernel is asked for anything, so they need no rights.
TEST(OpenXdpOptions, out_of_range) {
    const auto with = [](auto change) {
        XdpOptions options = options_for("lo");
        change(options);
        const Error error = refusal_of(options);
        EXPECT_EQ(error.kind, Error::Kind::invalid_config);
        return error.message;
    };
    for (const std::uint32_t ring : {1U, 63U, 32U, 65U, 65'536U, 0xffff'ffffU}) {
        expect_words(with([&](XdpOptions& o) { o.rx_ring = ring; }),
                     {"rx_ring", "power of two from 64 to 32768"});
    }
    for (const std::uint32_t octets : {0U, 2'047U, 3'000U, 8'192U}) {
        expect_words(with([&](XdpOptions& o) { o.frame_octets = octets; }),
                     {"frame_octets", "2048 or 4096"});
    }
    expect_words(with([](XdpOptions& o) { o.queues_max = 0; }), {"1 to 64"});
    expect_words(with([](XdpOptions& o) { o.queues_max = 65; }), {"65", "1 to 64"});
    expect_words(with([](XdpOptions& o) { o.queues_wanted = 65; }), {"queues = 65", "0 to 64"});
    expect_words(with([](XdpOptions& o) {
                     o.mode = Mode::generic;
                     o.zero_copy = ZeroCopy::on;
                 }),
                 {"zero_copy", "generic"});
}

TEST(OpenXdpOptions, no_such_interface) {
    for (const char* name : {"nonexistent0", "", "a_name_longer_than_15"}) {
        const Error error = refusal_of(options_for(name));
        EXPECT_EQ(error.kind, Error::Kind::no_such_device);
        expect_words(error.message, {name, "there are:", "lo"});
    }
}

TEST_F(OpenXdp, more_queues_than_there_are) {
    XdpOptions options = options_for("xdp_in");
    options.queues_wanted = 5;
    const Error error = refusal_of(options);
    EXPECT_EQ(error.kind, Error::Kind::invalid_config);
    expect_words(error.message, {"xdp_in", "queues = 5", "has 4", "ethtool -L xdp_in"});
    options.queues_wanted = 4;
    EXPECT_TRUE(open_xdp(options)) << "as many as there are";
    options.queues_wanted = 0;
    options.queues_max = 3;
    // The kernel gives queues free a moment after they were closed.
    std::unique_ptr<XdpCapture> limited;
    ASSERT_TRUE(wait_until([&] {
        auto opened = open_xdp(options);
        limited = opened ? std::move(*opened) : nullptr;
        return limited != nullptr;
    }));
    EXPECT_EQ(limited->queues(), 3U);
}

TEST_F(OpenXdp, bad_rules) {
    XdpOptions options = options_for("xdp_in");
    options.rules.sample = 0;
    expect_words(refusal_of(options).message, {"sample = 0", "1 to 1000000"});
}

TEST_F(OpenXdp, an_interface_without_ethernet) {
    ASSERT_TRUE(shell("ip tuntap add xdp_tun mode tun"));
    const Error error = refusal_of(options_for("xdp_tun"));
    EXPECT_EQ(error.kind, Error::Kind::invalid_config);
    expect_words(error.message, {"xdp_tun", "no Ethernet frames", "tapmeter devices"});
}

TEST_F(OpenXdp, zero_copy_where_there_is_none) {
    XdpOptions options = options_for("xdp_in");
    options.zero_copy = ZeroCopy::on;
    const Error error = refusal_of(options);
    EXPECT_EQ(error.kind, Error::Kind::invalid_config);
    expect_words(error.message,
                 {"xdp_in queue 0", "zero copy is refused", "EOPNOTSUPP", "zero_copy = \"auto\""});
    EXPECT_TRUE(shell("! ip link show xdp_in | grep -q prog/xdp")) << "nothing is left attached";
}

TEST_F(OpenXdp, twice_on_one_interface) {
    const auto first = open_xdp(options_for("xdp_in"));
    ASSERT_TRUE(first) << first.error().message;
    expect_words(refusal_of(options_for("xdp_in")).message,
                 {"xdp_in", "prefilter", "another tapmeter"});
}

TEST_F(OpenXdp, leaves_the_interface_when_it_is_killed) {
    std::array<int, 2> ends{};
    ASSERT_EQ(::pipe(ends.data()), 0);
    const pid_t process = fork();
    if (process == 0) {
        const auto capture = open_xdp(options_for("xdp_in"));
        const char opened = capture ? 'y' : 'n';
        (void)!::write(ends[1], &opened, 1);
        for (;;) {
            ::pause();
        }
    }
    char opened = 0;
    ASSERT_EQ(::read(ends[0], &opened, 1), 1);
    EXPECT_EQ(opened, 'y');
    EXPECT_TRUE(shell("ip link show xdp_in | grep -q prog/xdp"));
    ASSERT_EQ(::kill(process, SIGKILL), 0);
    int status = 0;
    ASSERT_EQ(waitpid(process, &status, 0), process);
    EXPECT_TRUE(wait_until([] { return shell("! ip link show xdp_in | grep -q prog/xdp"); }));
    EXPECT_TRUE(open_xdp(options_for("xdp_in"))) << "and the next start finds it free";
    ::close(ends[0]);
    ::close(ends[1]);
}

// Each capability is missed by name; with just the four that the README names, it works.
TEST_F(OpenXdp, with_few_capabilities) {
    const auto opened_with = [](std::uint64_t kept) {
        return text_from_child([&] {
            __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
            std::array<__user_cap_data_struct, 2> data{};
            for (unsigned half = 0; half < 2; ++half) {
                data[half].effective = data[half].permitted =
                    static_cast<std::uint32_t>(kept >> (32U * half));
            }
            // Less than the frames take, whatever this machine allows root.
            const rlimit few{.rlim_cur = 1U << 20U, .rlim_max = 1U << 20U};
            if (::setrlimit(RLIMIT_MEMLOCK, &few) != 0 ||
                ::syscall(SYS_capset, &header, data.data()) != 0) {
                return std::string("cannot give capabilities away");
            }
            const auto capture = open_xdp(options_for("xdp_in"));
            return capture ? std::string("opened") : capture.error().message;
        });
    };
    const auto bit = [](int capability) {
        return std::uint64_t{1} << static_cast<unsigned>(capability);
    };
    const std::uint64_t enough =
        bit(CAP_NET_RAW) | bit(CAP_NET_ADMIN) | bit(CAP_BPF) | bit(CAP_IPC_LOCK);
    EXPECT_EQ(opened_with(enough), "opened");
    expect_words(opened_with(0), {"lacks CAP_NET_ADMIN and CAP_BPF", "root"});
    expect_words(opened_with(enough & ~bit(CAP_BPF)), {"lacks CAP_BPF"});
    expect_words(opened_with(enough & ~bit(CAP_NET_ADMIN)), {"lacks CAP_NET_ADMIN"});
    expect_words(opened_with(enough & ~bit(CAP_NET_RAW)), {"xdp_in", "lacks CAP_NET_RAW"});
    expect_words(opened_with(enough & ~bit(CAP_IPC_LOCK)),
                 {"xdp_in", "does not lock 32 MiB", "lock limit: 1 MiB", "lacks CAP_IPC_LOCK",
                  "LimitMEMLOCK"});
}

}  // namespace
}  // namespace tapmeter::xdp
