#include "src/bench/made_traffic.h"

#include <algorithm>
#include <array>

#include "pipeline/base/expects.h"
#include "src/bench/file_traffic.h"
#include "src/bench/frame_head.h"
#include "src/bench/random.h"

namespace tapmeter::bench {

namespace {

// The flows of one worker are numbers of their own.
std::uint64_t first_flow_of(const TrafficRequest& request) noexcept {
    return std::uint64_t{request.worker} << 48U;
}

std::size_t stride_of(std::uint32_t frame_size) noexcept {
    return frame_size == 64 ? 64 : Traffic::frame_stride_max;
}

std::uint32_t frame_octets_of(const TrafficRequest& request, Random& random) noexcept {
    return request.frame_size == 0 ? imix_frame_octets(random) : request.frame_size - fcs_octets;
}

// First every flow once, then each packet of any of them.
Result<Traffic> make_uniform(const TrafficRequest& request) {
    constexpr std::uint64_t packets_max = 16'000'000;
    const std::uint64_t packets =
        std::max({request.packets_min, std::min(2 * request.flows, packets_max), request.flows});
    auto traffic = Traffic::reserve(packets, packets * stride_of(request.frame_size));
    if (!traffic) {
        return traffic;
    }
    Random random(request.worker + 1);
    for (std::uint64_t packet = 0; packet < packets; ++packet) {
        const std::uint64_t flow = packet < request.flows ? packet : random.below(request.flows);
        traffic->add_made({.flow = first_flow_of(request) + flow,
                           .frame_octets = frame_octets_of(request, random)});
    }
    traffic->seal(Renewal::none, request.flows);
    return traffic;
}

// A quarter of the packets: they are written anew at each pass.
Result<Traffic> make_flood(const TrafficRequest& request) {
    const std::uint64_t packets = std::max<std::uint64_t>(request.packets_min / 4, 1);
    auto traffic = Traffic::reserve(packets, packets * stride_of(request.frame_size));
    if (!traffic) {
        return traffic;
    }
    Random random(request.worker + 1);
    for (std::uint64_t packet = 0; packet < packets; ++packet) {
        traffic->add_made({.flow = first_flow_of(request) + packet,
                           .frame_octets = frame_octets_of(request, random)});
    }
    // The table has a third more places than flows, and is to be full of them.
    traffic->seal(Renewal::flows, 2 * request.flows, first_flow_of(request) + packets);
    return traffic;
}

// One TCP conversation: three packets of handshake, data, three of FIN.
class Conversation {
public:
    Conversation() = default;
    Conversation(std::uint64_t flow, unsigned packets) noexcept : flow_(flow), packets_(packets) {}

    bool finished() const noexcept { return written_ == packets_; }

    FrameHead next(Random& random) noexcept {
        FrameHead head{.flow = flow_, .protocol = protocol_tcp};
        const unsigned left = packets_ - written_;
        if (written_ < handshake) {
            constexpr std::array<std::uint8_t, handshake> bits{tcp_syn, tcp_syn | tcp_ack, tcp_ack};
            head.from_client = written_ != 1;
            head.tcp_control_bits = bits[written_];
        } else if (left <= closing) {
            head.from_client = left != 2;
            head.tcp_control_bits = left == 1 ? tcp_ack : tcp_fin | tcp_ack;
        } else {
            head.from_client = random.below(3) == 0;
            head.tcp_control_bits = tcp_psh | tcp_ack;
            head.frame_octets = imix_frame_octets(random);
        }
        number(head);
        ++written_;
        return head;
    }

    static constexpr unsigned handshake = 3;
    static constexpr unsigned closing = 3;
    static constexpr unsigned packets_min = handshake + closing + 1;
    static constexpr unsigned packets_mean = 20;

private:
    // As nothing is lost, nothing is sent again: whoever looks into TCP finds it in order.
    void number(FrameHead& head) noexcept {
        constexpr std::uint32_t headers_octets = 20 + 20;
        std::uint32_t& from = head.from_client ? client_next_ : server_next_;
        head.sequence = from;
        head.acknowledgement = head.from_client ? server_next_ : client_next_;
        from += ip_octets_of(head) - headers_octets;
        from += (head.tcp_control_bits & (tcp_syn | tcp_fin)) != 0 ? 1U : 0U;
    }

    std::uint64_t flow_ = 0;
    unsigned packets_ = 0;
    unsigned written_ = 0;
    std::uint32_t client_next_ = 1;
    std::uint32_t server_next_ = 1;
};

// Conversations take turns in `flows` lanes, a packet a turn. In each lane they fill the turns of
// a pass exactly and are then shifted by chance, so that some begin in one pass and end in the
// next: at every moment as many are open as there are lanes.
class Lanes {
public:
    Lanes(const TrafficRequest& request, std::size_t turns)
        : lanes_(request.flows),
          turns_(turns),
          next_flow_(first_flow_of(request)),
          random_(request.worker + 1),
          heads_(lanes_ * turns_),
          flags_(lanes_ * turns_) {
        for (std::size_t lane = 0; lane < lanes_; ++lane) {
            fill(lane);
        }
    }

    // Turn by turn, and in each turn all lanes.
    void add_to(Traffic& traffic) const {
        for (std::size_t i = 0; i < heads_.size(); ++i) {
            traffic.add_made(heads_[i], flags_[i]);
        }
    }

private:
    void fill(std::size_t lane) {
        const std::size_t shift = random_.below(turns_);
        for (std::size_t begin = 0; begin < turns_;) {
            constexpr std::size_t more =
                2 * (Conversation::packets_mean - Conversation::packets_min);
            std::size_t packets = Conversation::packets_min + random_.below(more + 1);
            if (turns_ - begin < packets + Conversation::packets_min) {
                packets = turns_ - begin;
            }
            Conversation conversation(next_flow_++, static_cast<unsigned>(packets));
            for (std::size_t at = begin + shift; !conversation.finished(); ++at) {
                const std::size_t i = at % turns_ * lanes_ + lane;
                heads_[i] = conversation.next(random_);
                flags_[i] = at >= turns_ && begin + shift < turns_ ? Slot::begun_before : 0;
            }
            begin += packets;
        }
    }

    std::size_t lanes_;
    std::size_t turns_;
    std::uint64_t next_flow_;
    Random random_;
    std::vector<FrameHead> heads_;
    std::vector<std::uint8_t> flags_;
};

Result<Traffic> make_imix(const TrafficRequest& request) {
    constexpr std::uint64_t turns_min = 2 * Conversation::packets_mean;
    const std::uint64_t turns =
        std::max((request.packets_min + request.flows - 1) / request.flows, turns_min);
    const std::uint64_t packets = turns * request.flows;
    auto traffic = Traffic::reserve(packets, packets * Traffic::frame_stride_max);
    if (!traffic) {
        return traffic;
    }
    Lanes(request, turns).add_to(*traffic);
    traffic->seal(Renewal::addresses, packets);
    return traffic;
}

}  // namespace

Result<Traffic> make_traffic(const TrafficRequest& request) {
    expects(request.flows >= 1 && request.flows <= flows_max);
    switch (request.kind) {
        case TrafficRequest::Kind::flood:
            return make_flood(request);
        case TrafficRequest::Kind::imix:
            return make_imix(request);
        case TrafficRequest::Kind::file:
            return make_from_file(request);
        case TrafficRequest::Kind::uniform:
            break;
    }
    return make_uniform(request);
}

}  // namespace tapmeter::bench
