#pragma once

#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstring>
#include <string>

namespace tapmeter::test_support {

// A network namespace without a name, for the calling thread alone, with loopback up. It ends with
// the object and whoever was started inside; nothing outside is touched. Needs root.
class OwnNetwork {
public:
    OwnNetwork() : before_(::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC)) {
        ready_ = before_ >= 0 && ::unshare(CLONE_NEWNET) == 0;
        if (ready_) {
            ifreq request = loopback();
            request.ifr_flags = IFF_UP | IFF_LOOPBACK;
            ready_ = ask(SIOCSIFFLAGS, request);
        }
    }
    OwnNetwork(const OwnNetwork&) = delete;
    OwnNetwork& operator=(const OwnNetwork&) = delete;
    ~OwnNetwork() {
        if (before_ >= 0) {
            ::setns(before_, CLONE_NEWNET);
            ::close(before_);
        }
    }

    bool ready() const { return ready_; }
    std::string why_not() const { return "no network namespace of our own: needs root"; }

    void set_loopback_mtu(int octets) {
        ifreq request = loopback();
        request.ifr_mtu = octets;
        ready_ = ready_ && ask(SIOCSIFMTU, request);
    }

private:
    static ifreq loopback() {
        ifreq request{};
        std::memcpy(request.ifr_name, "lo", 3);
        return request;
    }
    static bool ask(unsigned long what, ifreq& request) {
        const int socket = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        const bool done = ::ioctl(socket, what, &request) == 0;
        ::close(socket);
        return done;
    }

    int before_;
    bool ready_ = false;
};

}  // namespace tapmeter::test_support
