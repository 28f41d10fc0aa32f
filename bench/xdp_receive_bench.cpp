// How much of what a bare AF_XDP loop takes from a veth does our receive() take, and for how much
// of the receiving core's time? A network of its own; one core sends as fast as the kernel takes
// it, the other receives, in turn by a bare loop with libxdp's own program and by our room.
// On a veth the kernel's way from sender to receiver bounds both: the ratio is what counts.
//
// usage: xdp_receive_bench [SECONDS_A_ROUND [ROUNDS]]       as root
#include <bpf/libbpf.h>
#include <linux/if_ether.h>
#include <linux/if_link.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>
#include <xdp/libxdp.h>
#include <xdp/xsk.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "pipeline/base/clock.h"
#include "pipeline/base/cycles.h"
#include "tests/support/own_network.h"
#include "xdp/capture.h"

namespace tapmeter::xdp {
namespace {

constexpr std::uint32_t ring = rx_ring_default;
constexpr std::uint32_t chunks = 2 * ring;
constexpr std::uint32_t chunk_octets = 4'096;
constexpr std::uint32_t batch = 64;
constexpr std::size_t frame_octets = 60;

[[noreturn]] void give_up(const std::string& what) {
    std::fprintf(stderr, "xdp_receive_bench: %s\n", what.c_str());
    std::exit(1);
}

void pin(unsigned core) {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(core, &set);
    ::pthread_setaffinity_np(::pthread_self(), sizeof(set), &set);
}

// Sends UDP frames of 1,024 flows until told to stop.
std::uint64_t send_until(const std::atomic<bool>& stop) {
    pin(0);
    const int socket = ::socket(AF_PACKET, SOCK_RAW, 0);
    const int on = 1;
    ::setsockopt(socket, SOL_PACKET, PACKET_QDISC_BYPASS, &on, sizeof(on));
    sockaddr_ll to{};
    to.sll_family = AF_PACKET;
    to.sll_ifindex = static_cast<int>(::if_nametoindex("tmb_out"));
    std::vector<std::array<std::uint8_t, frame_octets>> frames(1'024);
    std::vector<iovec> pieces(frames.size());
    std::vector<mmsghdr> messages(frames.size());
    for (std::size_t i = 0; i < frames.size(); ++i) {
        auto& frame = frames[i];
        frame = {0x02, 0, 0,  0,  0, 1, 0x02, 0, 0, 0, 0,  2, 0x08, 0x00, 0x45, 0, 0, 46, 0, 0,
                 0,    0, 64, 17, 0, 0, 10,   9, 0, 1, 10, 9, 0,    2,    0x10, 0, 0, 53, 0, 26};
        frame[28] = static_cast<std::uint8_t>(i >> 8U);
        frame[29] = static_cast<std::uint8_t>(i);
        pieces[i] = {frame.data(), frame.size()};
        messages[i].msg_hdr.msg_iov = &pieces[i];
        messages[i].msg_hdr.msg_iovlen = 1;
        messages[i].msg_hdr.msg_name = &to;
        messages[i].msg_hdr.msg_namelen = sizeof(to);
    }
    std::uint64_t sent = 0;
    while (!stop.load(std::memory_order_relaxed)) {
        const int count =
            ::sendmmsg(socket, messages.data(), static_cast<unsigned>(messages.size()), 0);
        sent += count > 0 ? static_cast<std::uint64_t>(count) : 0;
    }
    ::close(socket);
    return sent;
}

// The least that a receiver can do: take, look at one octet, give back.
class BareLoop {
public:
    BareLoop() {
        void* const memory = ::mmap(nullptr, std::size_t{chunks} * chunk_octets,
                                    PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        const xsk_umem_config umem{chunks, 64, chunk_octets, 0, 0};
        xsk_socket_config config{};
        config.rx_size = ring;
        config.xdp_flags = XDP_FLAGS_DRV_MODE;
        base_ = static_cast<std::uint8_t*>(memory);
        if (memory == MAP_FAILED ||
            xsk_umem__create(&umem_, memory, std::uint64_t{chunks} * chunk_octets, &fill_,
                             &completion_, &umem) != 0) {
            give_up("the bare loop cannot register its memory");
        }
        if (xsk_socket__create(&socket_, "tmb_in", 0, umem_, &rx_, nullptr, &config) != 0) {
            give_up("the bare loop cannot open its socket");
        }
        std::uint32_t first = 0;
        xsk_ring_prod__reserve(&fill_, chunks, &first);
        for (std::uint32_t i = 0; i < chunks; ++i) {
            *xsk_ring_prod__fill_addr(&fill_, first + i) = std::uint64_t{i} * chunk_octets;
        }
        xsk_ring_prod__submit(&fill_, chunks);
    }
    BareLoop(const BareLoop&) = delete;
    BareLoop& operator=(const BareLoop&) = delete;
    ~BareLoop() {
        xsk_socket__delete(socket_);
        xsk_umem__delete(umem_);
        ::munmap(base_, std::size_t{chunks} * chunk_octets);
    }

    std::uint32_t step(std::uint64_t& sum) {
        std::uint32_t from = 0;
        std::uint32_t to = 0;
        const std::uint32_t count = xsk_ring_cons__peek(&rx_, batch, &from);
        if (count == 0 || xsk_ring_prod__reserve(&fill_, count, &to) != count) {
            return 0;
        }
        for (std::uint32_t i = 0; i < count; ++i) {
            const std::uint64_t address = xsk_ring_cons__rx_desc(&rx_, from + i)->addr;
            sum += base_[address + 26];
            *xsk_ring_prod__fill_addr(&fill_, to + i) = address & ~std::uint64_t{chunk_octets - 1};
        }
        xsk_ring_cons__release(&rx_, count);
        xsk_ring_prod__submit(&fill_, count);
        return count;
    }

private:
    std::uint8_t* base_ = nullptr;
    xsk_umem* umem_ = nullptr;
    xsk_socket* socket_ = nullptr;
    xsk_ring_cons rx_{};
    xsk_ring_cons completion_{};
    xsk_ring_prod fill_{};
};

class RoomLoop {
public:
    RoomLoop() {
        XdpOptions options;
        options.interface = "tmb_in";
        options.clock = &clock_;
        options.rx_ring = ring;
        auto opened = open_xdp(options);
        if (!opened) {
            give_up(opened.error().message);
        }
        capture_ = std::move(*opened);
    }
    std::uint32_t step(std::uint64_t& sum) {
        PacketSource& queue = capture_->queue(0);
        queue.receive(burst_);
        for (const Packet& packet : burst_.view()) {
            sum += std::to_integer<std::uint64_t>(packet.frame[26]);
        }
        queue.release();
        return static_cast<std::uint32_t>(burst_.count);
    }

private:
    LiveClock clock_;
    std::unique_ptr<XdpCapture> capture_;
    Burst burst_;
};

struct Round {
    double packets_a_second = 0;
    double received_share = 0;   // of what was sent
    double cycles_a_packet = 0;  // of the receiving core while it had packets
};

// A cable of its own for each round: the kernel lets go of a socket only after it was closed.
void lay_cable() {
    // There is none before the first round.
    [[maybe_unused]] const int none = std::system("ip link del tmb_out 2>/dev/null");
    if (std::system("ip link add tmb_out type veth peer name tmb_in && ip link set tmb_out up && "
                    "ip link set tmb_in up") != 0) {
        give_up("cannot make a pair of interfaces");
    }
}

template <class Loop>
Round measure(std::chrono::duration<double> length) {
    lay_cable();
    Loop loop;
    std::atomic<bool> stop{false};
    std::uint64_t sent = 0;
    std::uint64_t received = 0;
    std::uint64_t sum = 0;
    std::uint64_t busy = 0;  // cycles
    constexpr int looks_between_clocks = 1'000;
    std::thread sender([&] { sent = send_until(stop); });
    const auto until = std::chrono::steady_clock::now() + length;
    while (std::chrono::steady_clock::now() < until) {
        for (int i = 0; i < looks_between_clocks; ++i) {
            const std::uint64_t before = cycles_now();
            const std::uint32_t count = loop.step(sum);
            received += count;
            busy += count != 0 ? cycles_now() - before : 0;
        }
    }
    stop = true;
    sender.join();
    while (const std::uint32_t count = loop.step(sum)) {
        received += count;
    }
    const auto packets = static_cast<double>(std::max<std::uint64_t>(received, 1));
    return {packets / length.count() + (sum == 1 ? 1e-9 : 0),
            packets / static_cast<double>(std::max<std::uint64_t>(sent, 1)),
            static_cast<double>(busy) / packets};
}

double median(std::vector<double> values) {
    std::ranges::sort(values);
    return values[values.size() / 2];
}

void run(std::chrono::duration<double> length, int rounds) {
    std::vector<double> ratios;
    for (int round = 0; round < rounds; ++round) {
        const Round bare = measure<BareLoop>(length);
        const Round room = measure<RoomLoop>(length);
        ratios.push_back(room.packets_a_second / bare.packets_a_second);
        std::printf(
            "bare %.3f Mpps, %.1f %% received, %.0f cycles a packet   "
            "room %.3f Mpps, %.1f %% received, %.0f cycles a packet   ratio %.3f\n",
            bare.packets_a_second / 1e6, bare.received_share * 100, bare.cycles_a_packet,
            room.packets_a_second / 1e6, room.received_share * 100, room.cycles_a_packet,
            ratios.back());
    }
    std::printf("median ratio %.3f\n", median(ratios));
}

}  // namespace
}  // namespace tapmeter::xdp

namespace {

int quiet(libbpf_print_level, const char*, va_list) {
    return 0;
}

int quiet_xdp(libxdp_print_level, const char*, va_list) {
    return 0;
}

}  // namespace

int main(int count, char** arguments) {
    const double seconds = count > 1 ? std::atof(arguments[1]) : 2;
    const int rounds = count > 2 ? std::atoi(arguments[2]) : 3;
    libxdp_set_print(quiet_xdp);
    libbpf_set_print(quiet);  // libxdp's dispatcher may be refused; it does without
    tapmeter::test_support::OwnNetwork network;
    if (!network.ready()) {
        tapmeter::xdp::give_up("cannot make a network of its own; run as root");
    }
    tapmeter::xdp::pin(1);
    tapmeter::xdp::run(std::chrono::duration<double>(seconds > 0 ? seconds : 2),
                       std::clamp(rounds, 1, 100));
    return 0;
}
