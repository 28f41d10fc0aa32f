#include "xdp/capture.h"

#include <algorithm>

#include "pipeline/base/expects.h"

namespace tapmeter::xdp {

XdpCapture::XdpCapture(Parts parts)
    : options_(std::move(parts.options)),
      symmetric_(parts.port.symmetric),
      route_(std::move(parts.route)),
      last_seen_(parts.port.link),
      prefilter_(std::move(parts.prefilter)),
      port_(std::move(parts.port)) {
    expects(!port_.sockets.empty());
    for (std::size_t number = 0; number < port_.sockets.size(); ++number) {
        queues_.push_back(std::make_unique<Queue>(
            Queue::Options{.name = options_.interface + " queue " + std::to_string(number),
                           .observation_point = options_.observation_point,
                           .clock = options_.clock},
            std::move(port_.sockets[number])));
    }
    port_.sockets.clear();
}

void XdpCapture::stop_arrivals() noexcept {
    stopped_ = true;
    port_.attachment.detach();
    if (options_.shunt != nullptr) {
        wait_for_running_programs();  // from now on, what the shunt has counted stays as it is
    }
}

bool XdpCapture::is_present() const {
    const std::lock_guard guard(reading_);
    return read_link(route_, port_.link.index).has_value();
}

void XdpCapture::go_over_to(Port port, Packets not_attached) {
    const std::lock_guard guard(reading_);
    missed_before_ += last_seen_.rx_missed - std::min(last_seen_.rx_missed, port_.link.rx_missed);
    not_attached_ += not_attached.value;
    ++returns_;
    // Where it has fewer queues now, the others stay with what they had: nothing comes to them.
    for (std::size_t number = 0; number < port.sockets.size(); ++number) {
        queues_[number]->change_to(std::move(port.sockets[number]));
    }
    port.sockets.clear();
    port_ = std::move(port);
    last_seen_ = port_.link;
}

CaptureCounters XdpCapture::counters() const {
    const std::lock_guard guard(reading_);
    if (auto fates = prefilter_.counters()) {
        last_read_ = *fates;
    }
    const auto link = read_link(route_, port_.link.index);
    if (link) {
        last_seen_ = *link;
    }
    CaptureCounters counters;
    counters.present = link.has_value();
    counters.returns = returns_;
    counters.link_up = link && link->up;
    counters.link_speed_bits = counters.link_up ? port_.ethtool.speed_bits().value_or(0) : 0;

    // What the NIC itself had no room for never reached the program.
    const std::uint64_t missed = missed_before_ + last_seen_.rx_missed -
                                 std::min(last_seen_.rx_missed, port_.link.rx_missed);
    counters.offered = last_read_.packets[prefilter_seen];
    counters.offered += Packets{missed + not_attached_};
    const auto fate = [&](prefilter_fate which) { return last_read_.packets[which].value; };
    counters.ignored[index_of(Ignored::excluded_prefix)] = fate(prefilter_excluded);
    counters.ignored[index_of(Ignored::denied_port)] = fate(prefilter_denied);
    counters.ignored[index_of(Ignored::sampling)] = fate(prefilter_sampled_out);
    counters.shunted = last_read_.packets[prefilter_shunted];
    counters.shunted_octets = last_read_.octets[prefilter_shunted];
    counters.dropped[index_of(Dropped::rx_missed)] = missed;
    counters.dropped[index_of(Dropped::not_attached)] = not_attached_;
    counters.dropped[index_of(Dropped::no_socket)] = fate(prefilter_no_socket);
    for (const auto& queue : queues_) {
        const SourceCounters taken = queue->counters();
        counters.received += taken.received;
        counters.received_octets += taken.received_octets;
        counters.waiting += queue->waiting();
        const SocketLosses losses = queue->losses();
        counters.dropped[index_of(Dropped::no_buffer)] += losses.no_buffer;
        counters.dropped[index_of(Dropped::xdp_ring_full)] += losses.ring_full;
        counters.dropped[index_of(Dropped::rx_error)] += losses.invalid;
    }
    return counters;
}

// The queues of the sockets: the kernel has no other account of one queue that all drivers keep.
std::vector<DeviceQueueCounters> XdpCapture::device_queues() const {
    std::vector<DeviceQueueCounters> counters;
    for (const auto& queue : queues_) {
        const SourceCounters taken = queue->counters();
        const SocketLosses losses = queue->losses();
        counters.push_back({.packets = taken.received.value + queue->waiting().value,
                            .octets = taken.received_octets.value,
                            .errors = losses.invalid,
                            .missed = losses.no_buffer + losses.ring_full});
    }
    return counters;
}

std::string XdpCapture::describe() const {
    const std::lock_guard guard(reading_);
    return "xdp " + options_.interface + ": " +
           (port_.attachment.is_native() ? "native" : "generic") + ", " +
           (queues_.front()->socket().zero_copy() ? "zero copy" : "copying") + ", " +
           queues_text() + " queues";
}

std::vector<Capability> XdpCapture::capabilities() const {
    const std::lock_guard guard(reading_);
    const auto strips_tags = port_.ethtool.strips_vlan_tags();
    const std::string& busy_poll_refusal = queues_.front()->socket().busy_poll_refusal();
    std::string mode = "native";
    if (!port_.attachment.is_native()) {
        mode = "generic";
        mode += port_.attachment.refusal().empty() ? "" : " (" + port_.attachment.refusal() + ")";
        mode +=
            ": several times the cost of native, and packets that the kernel has merged are "
            "counted as one; \"ethtool -K " +
            options_.interface + " gro off lro off\" keeps them apart";
    }
    std::string busy_poll = "off";
    if (options_.busy_poll) {
        busy_poll = busy_poll_refusal.empty() ? "yes" : "no: " + busy_poll_refusal;
    }
    return {
        {"mode", mode},
        {"zero copy", zero_copy_text()},
        {"need wakeup", "yes"},
        {"busy poll", busy_poll},
        {"frames in pieces", pieces_text()},
        {"queues", queues_text()},
        {"ring",
         std::to_string(port_.ring.descriptors) + " descriptors a queue: " + port_.ring.reason},
        {"symmetric hash", symmetric_ ? "yes"
                           : port_.link.kind.empty()
                               ? "no: packets are steered by software; \"ethtool -X " +
                                     options_.interface +
                                     " hkey 6d:5a:...\" with that pair repeated makes it symmetric"
                               : "no: packets are steered by software"},
        {"shunt", options_.shunt != nullptr ? "in the XDP program" : "off"},
        {"timestamps", "software, at the burst"},
        {"vlan tags", strips_tags.value_or(false)
                          ? "perhaps taken out by the NIC; \"ethtool -K " + options_.interface +
                                " rxvlan off\" keeps them"
                          : "in the frame"},
        {"promiscuous", port_.promiscuous.is_open() ? "yes" : "off"},
    };
}

std::string XdpCapture::zero_copy_text() const {
    const auto copying = static_cast<std::size_t>(std::ranges::count(
        queues_, false, [](const auto& queue) { return queue->socket().zero_copy(); }));
    if (copying == 0) {
        return "yes";
    }
    if (options_.zero_copy == ZeroCopy::off) {
        return "off";
    }
    if (!port_.attachment.is_native()) {
        return "no: generic mode always copies";
    }
    return copying == queues_.size()
               ? "no: the driver has none here; copying"
               : "no: on " + std::to_string(copying) + " of " + std::to_string(queues_.size()) +
                     " queues the driver has none; copying there";
}

std::string XdpCapture::pieces_text() const {
    if (queues_.front()->socket().takes_pieces()) {
        return "yes";
    }
    const std::uint32_t most = options_.frame_octets - headroom_octets;
    return "no: frames above " + std::to_string(most) + " octets are dropped as no_buffer" +
           (port_.link.mtu > most || !port_.attachment.is_native()
                ? "; Linux 6.6 and a driver that has them are needed"
                : "; the MTU of " + std::to_string(port_.link.mtu) + " allows none");
}

std::string XdpCapture::queues_text() const {
    std::string both =
        std::to_string(queues_.size()) + " of " + std::to_string(port_.device_queues);
    if (queues_.size() >= port_.device_queues) {
        return both;
    }
    return both + " (frames on the others are dropped as no_socket; \"ethtool -L " +
           options_.interface + " combined " + std::to_string(queues_.size()) +
           "\" brings them here)";
}

}  // namespace tapmeter::xdp
