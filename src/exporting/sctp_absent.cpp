// For a build without usrsctp.
#include "src/exporting/sctp.h"

namespace tapmeter::exporting {

Result<std::unique_ptr<StreamSession>> open_sctp(const std::string& /*host*/,
                                                 std::uint16_t /*port*/,
                                                 std::uint16_t /*udp_port*/) {
    return failed(Error::Kind::invalid_config,
                  "sctp://: this program was built without SCTP; install libusrsctp-dev and build "
                  "it again with -Dsctp=enabled, or export to tcp://");
}

}  // namespace tapmeter::exporting
