#include "src/exporting/tls_session.h"

#include <gtest/gtest.h>

namespace tapmeter::exporting {
namespace {

// What it shares with DTLS is tested in dtls_session_test.cpp; with a real collector at the other
// end TLS is in tests/system/ipfix_conformance_test.sh.
TEST(TlsSession, files_that_cannot_be_read_are_refused_with_their_names) {
    const auto authorities = TlsSession::make("h", 4740, {"", "", "/nowhere/ca.pem", ""});
    ASSERT_FALSE(authorities);
    EXPECT_NE(authorities.error().message.find("/nowhere/ca.pem"), std::string::npos);
    const auto ours = TlsSession::make("h", 4740, {"/nowhere/c.pem", "/nowhere/k.pem", "", ""});
    ASSERT_FALSE(ours);
    EXPECT_NE(ours.error().message.find("/nowhere/k.pem"), std::string::npos);
    EXPECT_TRUE(TlsSession::make("h", 4740, {}));
}

}  // namespace
}  // namespace tapmeter::exporting
