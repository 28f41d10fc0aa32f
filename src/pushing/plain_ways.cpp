// The ways of src/pushing/way.h that need no library.
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <span>
#include <system_error>
#include <utility>

#include "src/exporting/descriptor.h"
#include "src/exporting/udp_session.h"
#include "src/pushing/way.h"

namespace tapmeter::pushing {
namespace {

using exporting::Descriptor;
using exporting::UdpSession;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

// Ethernet, IPv6, UDP and a tunnel leave so much of 1,500 octets. A longer line goes alone.
constexpr std::size_t datagram_octets = 1'400;
constexpr milliseconds writable_patience{20};
constexpr milliseconds refusal_patience{10};  // for the ICMP answer of a server that is away

std::string words_of(int error) {
    return std::generic_category().message(error);
}

class DatagramWay final : public Way {
public:
    explicit DatagramWay(UdpSession session) : session_(std::move(session)) {
        session_.allow_fragments(true);
    }
    Result<void> push(std::string_view lines, const Limits& limits) override;

private:
    int send(std::string_view datagram, steady_clock::time_point deadline, const Limits& limits);

    UdpSession session_;
    bool away_ = false;  // refused by ICMP, or there was no way
};

// As many whole lines as fit, and one at least.
std::size_t datagram_end(std::string_view lines) noexcept {
    const std::size_t last = lines.substr(0, datagram_octets).rfind('\n');
    return last != std::string_view::npos ? last + 1
                                          : std::min(lines.find('\n'), lines.size() - 1) + 1;
}

Result<void> DatagramWay::push(std::string_view lines, const Limits& limits) {
    const auto deadline = steady_clock::now() + limits.time;
    while (!lines.empty()) {
        const std::size_t end = datagram_end(lines);
        if (const int error = send(lines.substr(0, end), deadline, limits); error != 0) {
            return failed(Error::Kind::io,
                          fmt::format("{} cannot be sent to: {}; see that InfluxDB runs there and "
                                      "listens on this UDP port",
                                      session_.peer(), words_of(error)));
        }
        lines.remove_prefix(end);
    }
    return {};
}

// Returns errno, 0: accepted. News by ICMP is of an earlier datagram: this one is tried again, and
// from then on each is waited for until one is not refused.
int DatagramWay::send(std::string_view datagram, steady_clock::time_point deadline,
                      const Limits& limits) {
    const Bytes octets = std::as_bytes(std::span{datagram});
    for (int refusals = 0;;) {
        int error = session_.send(std::span{&octets, 1}).error;
        if (error == 0) {
            error = away_ ? session_.wait_error(refusal_patience) : 0;
            away_ = exporting::is_unreachable(error);
            return away_ ? error : 0;
        }
        const bool refused = exporting::is_unreachable(error);
        refusals += refused ? 1 : 0;
        away_ = away_ || refused;
        const bool over =
            steady_clock::now() >= deadline || (limits.is_abandoned && limits.is_abandoned());
        if (error == EMSGSIZE || refusals == 2 || over) {
            return error;
        }
        session_.wait_writable(refused ? milliseconds{0} : writable_patience);
    }
}

class FileWay final : public Way {
public:
    explicit FileWay(std::string path) : path_(std::move(path)) {}
    Result<void> push(std::string_view lines, const Limits& limits) override;

private:
    tl::unexpected<Error> complaint(int error) const {
        return failed(Error::Kind::io,
                      fmt::format("{}: {}; see that the folder is there, may be written to by this "
                                  "process and is not full",
                                  path_, words_of(error)));
    }

    std::string path_;
};

// Opened anew each time: a rotation may have moved the file away.
Result<void> FileWay::push(std::string_view lines, const Limits& /*limits*/) {
    constexpr mode_t for_all_to_read = 0644;
    const Descriptor file(
        ::open(path_.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, for_all_to_read));
    struct stat before {};
    if (!file.is_open() || ::fstat(file.number(), &before) != 0) {
        return complaint(errno);
    }
    while (!lines.empty()) {
        const auto written = ::write(file.number(), lines.data(), lines.size());
        if (written < 0 && errno != EINTR) {
            const int error = errno;
            // Of no use where it is no file, such as a pipe.
            [[maybe_unused]] const int cut = ::ftruncate(file.number(), before.st_size);
            return complaint(error);
        }
        lines.remove_prefix(written > 0 ? static_cast<std::size_t>(written) : 0);
    }
    return {};
}

}  // namespace

Result<std::unique_ptr<Way>> open_datagram_way(const config::PushAddress& address) {
    auto session = UdpSession::open(address.host, address.port);
    if (!session) {
        return tl::unexpected<Error>(std::move(session.error()));
    }
    return std::make_unique<DatagramWay>(std::move(*session));
}

std::unique_ptr<Way> open_file_way(const config::PushAddress& address) {
    return std::make_unique<FileWay>(address.path);
}

Result<std::unique_ptr<Way>> open_way(const Config::Influxdb& config) {
    using To = config::PushAddress::To;
    const auto address = config::parse_push_url(config.url);
    if (!address) {
        return failed(Error::Kind::invalid_config, "influxdb.url must be " + address.error());
    }
    switch (address->to) {
        case To::udp:
            return open_datagram_way(*address);
        case To::file:
            return open_file_way(*address);
        default:
            return open_http_way(config, *address);
    }
}

}  // namespace tapmeter::pushing
