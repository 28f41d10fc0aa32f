#include <gtest/gtest.h>

#include <memory>

#include "pipeline/inspect/application.h"
#include "tests/pipeline/inspect/conversations.h"

namespace tapmeter::inspect {
namespace {

using namespace std::chrono_literals;
using testing::Frame;

// What nDPI has read in these frames.
std::unique_ptr<Metadata> found_in(const std::vector<Frame>& frames) {
    static ApplicationNames names;
    static const auto dissector = std::move(*Dissector::load({.states_max = 64}, names));
    std::vector<std::byte> state(Dissector::state_octets());
    Dissector::begin(state);
    for (const Frame& frame : frames) {
        dissector->inspect(state, Bytes{frame}.subspan(14), ObservedAt{1s});
    }
    auto found = std::make_unique<Metadata>();
    const bool any = dissector->describe(state, *found);
    EXPECT_EQ(any, found->protocol != Protocol::unknown);
    dissector->end(state);
    return found;
}

TEST(Description, http_has_request_and_response) {
    const auto found = found_in(testing::http_conversation());
    EXPECT_EQ(found->protocol, Protocol::http);
    EXPECT_EQ(found->view(found->http.host), "www.example.org");
    EXPECT_EQ(found->view(found->http.uri), "/index.html");
    EXPECT_EQ(found->view(found->http.user_agent), "Mozilla/5.0");
    EXPECT_EQ(found->view(found->http.method), "GET");
    EXPECT_EQ(found->http.status, 200);
    EXPECT_EQ(found->http.version, 0x11);
}

TEST(Description, tls_has_server_name_and_fingerprint) {
    const auto found = found_in(testing::tls_conversation("www.google.com"));
    EXPECT_EQ(found->protocol, Protocol::tls);
    EXPECT_EQ(found->view(found->tls.sni), "www.google.com");
    EXPECT_TRUE(found->tls.has_client_hello);
    EXPECT_NE(found->tls.ja3, (std::array<std::uint8_t, 16>{}));
    EXPECT_FALSE(found->tls.has_certificate);
}

TEST(Description, dns_has_its_question) {
    const auto found = found_in({testing::dns_query("www.example.org")});
    EXPECT_EQ(found->protocol, Protocol::dns);
    EXPECT_EQ(found->view(found->dns.query), "www.example.org");
    EXPECT_EQ(found->dns.type, 1);
    EXPECT_FALSE(found->dns.has_response);
}

TEST(Description, ssh_has_its_software) {
    const auto found =
        found_in({testing::segment(false, 0x18, "SSH-2.0-OpenSSH_9.2p1 Debian\r\n", 22),
                  testing::segment(true, 0x18, "SSH-2.0-libssh_0.9\r\n", 22)});
    EXPECT_EQ(found->protocol, Protocol::ssh);
    EXPECT_FALSE(found->ssh.client_software.empty() && found->ssh.server_software.empty());
}

TEST(Description, a_flow_that_told_nothing_has_none) {
    EXPECT_EQ(found_in({testing::segment(true, 0x02)})->text_used, 0);
}

}  // namespace
}  // namespace tapmeter::inspect
