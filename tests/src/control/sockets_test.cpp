#include "src/control/sockets.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>

#include "tests/src/control/raw_client.h"

namespace tapmeter::control {
namespace {

using testing::HasSubstr;

class Sockets : public testing::Test {
protected:
    std::filesystem::path path(const std::string& name = "control.sock") const {
        return folder_.path() / name;
    }
    Result<UnixListener> open(const std::string& name = "control.sock") const {
        return UnixListener::open({.socket = path(name), .group = {}});
    }
    // What a killed process leaves: a socket file that nobody listens behind.
    void leave_stale(const std::filesystem::path& at) const {
        const Descriptor dead(::socket(AF_UNIX, SOCK_STREAM, 0));
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::memcpy(&address.sun_path, at.c_str(), at.native().size());
        const auto* const any =
            reinterpret_cast<const sockaddr*>(&address);  // NOLINT(*-reinterpret-cast)
        ASSERT_EQ(::bind(dead.get(), any, sizeof(address)), 0);
    }

    TemporaryFolder folder_;
};

TEST_F(Sockets, the_file_is_for_owner_and_group_only) {
    for (const mode_t mask : {mode_t{0}, mode_t{022}, mode_t{0777}}) {
        const mode_t before = ::umask(mask);
        const auto listener = open();
        ::umask(before);
        ASSERT_TRUE(listener.has_value()) << listener.error().message;
        struct stat made {};
        ASSERT_EQ(::lstat(path().c_str(), &made), 0);
        EXPECT_TRUE(S_ISSOCK(made.st_mode));
        EXPECT_EQ(made.st_mode & 07777U, 0660U);
    }
}

TEST_F(Sockets, the_file_goes_with_its_owner) {
    {
        const auto listener = open();
        ASSERT_TRUE(listener.has_value());
        EXPECT_TRUE(RawClient(path()).connected());
    }
    EXPECT_FALSE(std::filesystem::exists(path()));
}

TEST_F(Sockets, the_file_of_a_successor_stays) {
    auto listener = open();
    ASSERT_TRUE(listener.has_value());
    std::filesystem::rename(path(), path("elsewhere"));
    std::ofstream(path()) << "somebody else's";
    listener->remove();
    EXPECT_TRUE(std::filesystem::exists(path()));
}

TEST_F(Sockets, a_stale_socket_is_replaced) {
    leave_stale(path());
    const auto listener = open();
    ASSERT_TRUE(listener.has_value()) << listener.error().message;
    EXPECT_TRUE(RawClient(path()).connected());
}

TEST_F(Sockets, a_living_one_is_not_and_is_named) {
    const auto first = open();
    ASSERT_TRUE(first.has_value());
    const auto second = open();
    ASSERT_FALSE(second.has_value());
    EXPECT_EQ(second.error().kind, Error::Kind::io);
    EXPECT_THAT(second.error().message, HasSubstr("process " + std::to_string(::getpid())));
    EXPECT_THAT(second.error().message, HasSubstr(path().native()));
    EXPECT_TRUE(RawClient(path()).connected());
}

TEST_F(Sockets, a_file_that_is_no_socket_is_never_touched) {
    std::ofstream(path()) << "precious";
    const auto listener = open();
    ASSERT_FALSE(listener.has_value());
    EXPECT_THAT(listener.error().message, HasSubstr("no socket"));
    EXPECT_EQ(std::filesystem::file_size(path()), 8U);
}

TEST_F(Sockets, a_missing_directory_is_created) {
    const auto listener = open("run/tapmeter/control.sock");
    ASSERT_TRUE(listener.has_value()) << listener.error().message;
    EXPECT_TRUE(RawClient(path("run/tapmeter/control.sock")).connected());
}

TEST_F(Sockets, a_directory_that_cannot_be_made_is_an_error_with_a_cure) {
    std::ofstream(path("run")) << "a file";
    const auto listener = open("run/control.sock");
    ASSERT_FALSE(listener.has_value());
    EXPECT_THAT(listener.error().message, HasSubstr("choose another path"));
}

TEST_F(Sockets, the_path_may_be_as_long_as_the_kernel_takes) {
    const std::size_t room = sizeof(sockaddr_un{}.sun_path) - 1 - path("").native().size();
    EXPECT_TRUE(open(std::string(room, 'x')).has_value());
    const auto too_long = open(std::string(room + 1, 'x'));
    ASSERT_FALSE(too_long.has_value());
    EXPECT_EQ(too_long.error().kind, Error::Kind::invalid_config);
    EXPECT_THAT(too_long.error().message, HasSubstr("at most 107"));
}

TEST_F(Sockets, an_unknown_group_is_an_error_that_leaves_no_file) {
    const auto listener =
        UnixListener::open({.socket = path(), .group = "no-such-group-for-tapmeter"});
    ASSERT_FALSE(listener.has_value());
    EXPECT_EQ(listener.error().kind, Error::Kind::invalid_config);
    EXPECT_THAT(listener.error().message, HasSubstr("groupadd"));
    EXPECT_FALSE(std::filesystem::exists(path()));
}

TEST_F(Sockets, the_group_is_set) {
    if (::getuid() != 0) {
        GTEST_SKIP() << "only root may give a file to the group daemon";
    }
    const auto listener = UnixListener::open({.socket = path(), .group = "daemon"});
    ASSERT_TRUE(listener.has_value()) << listener.error().message;
    struct stat made {};
    ASSERT_EQ(::lstat(path().c_str(), &made), 0);
    EXPECT_EQ(made.st_gid, 1U);
    EXPECT_EQ(made.st_mode & 07777U, 0660U);
}

TEST_F(Sockets, tcp_takes_a_free_port) {
    const auto listener = listen_on_loopback({.address = "127.0.0.1", .port = 0});
    ASSERT_TRUE(listener.has_value()) << listener.error().message;
    EXPECT_NE(listener->port, 0);
    EXPECT_TRUE(RawClient(listener->port).connected());
}

TEST_F(Sockets, a_port_in_use_names_the_address_and_the_cure) {
    const auto first = listen_on_loopback({.address = "127.0.0.1", .port = 0});
    ASSERT_TRUE(first.has_value());
    const auto second = listen_on_loopback({.address = "127.0.0.1", .port = first->port});
    ASSERT_FALSE(second.has_value());
    EXPECT_EQ(second.error().kind, Error::Kind::io);
    EXPECT_THAT(second.error().message, HasSubstr("127.0.0.1 port " + std::to_string(first->port)));
    EXPECT_THAT(second.error().message, HasSubstr("ss -ltnp"));
    EXPECT_THAT(second.error().message, HasSubstr("http.port"));
}

TEST_F(Sockets, only_loopback_is_listened_on) {
    for (const char* address :
         {"0.0.0.0", "::", "192.0.2.1", "localhost", "", "128.0.0.1", "127.1"}) {
        const auto listener = listen_on_loopback({.address = address, .port = 0});
        ASSERT_FALSE(listener.has_value()) << address;
        EXPECT_EQ(listener.error().kind, Error::Kind::invalid_config);
        EXPECT_THAT(listener.error().message, HasSubstr("loopback"));
    }
    EXPECT_TRUE(listen_on_loopback({.address = "127.0.0.2", .port = 0}).has_value());
}

}  // namespace
}  // namespace tapmeter::control
