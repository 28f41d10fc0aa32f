#include "xdp/capture.h"

#include <algorithm>

#include "pipeline/base/expects.h"

namespace tapmeter::xdp {

XdpCapture::XdpCapture(Parts parts)
    : options_(std::move(parts.options)),
      link_(std::move(parts.link)),
      device_queues_(parts.device_queues),
      ethtool_(std::move(parts.ethtool)),
      symmetric_(parts.queues.size() == 1 || ethtool_.has_symmetric_hash()),
      ring_reason_(std::move(parts.ring_reason)),
      route_(std::move(parts.route)),
      last_seen_(link_),
      prefilter_(std::move(parts.prefilter)),
      queues_(std::move(parts.queues)),
      promiscuous_(std::move(parts.promiscuous)),
      attachment_(std::move(parts.attachment)) {
    expects(!queues_.empty());
}

void XdpCapture::stop_arrivals() noexcept {
    attachment_.detach();
    if (options_.shunt != nullptr) {
        wait_for_running_programs();  // from now on, what the shunt has counted stays as it is
    }
}

CaptureCounters XdpCapture::counters() const {
    const std::lock_guard guard(reading_);
    if (auto fates = prefilter_.counters()) {
        last_read_ = *fates;
    }
    const auto link = read_link(route_, link_.index);
    if (link) {
        last_seen_ = *link;
    }
    CaptureCounters counters;
    counters.link_up = link && link->up;
    counters.link_speed_bits = counters.link_up ? ethtool_.speed_bits().value_or(0) : 0;

    // What the NIC itself had no room for never reached the program.
    const std::uint64_t missed =
        last_seen_.rx_missed - std::min(last_seen_.rx_missed, link_.rx_missed);
    counters.offered = last_read_.packets[prefilter_seen];
    counters.offered += Packets{missed};
    const auto fate = [&](prefilter_fate which) { return last_read_.packets[which].value; };
    counters.ignored[index_of(Ignored::excluded_prefix)] = fate(prefilter_excluded);
    counters.ignored[index_of(Ignored::denied_port)] = fate(prefilter_denied);
    counters.ignored[index_of(Ignored::sampling)] = fate(prefilter_sampled_out);
    counters.shunted = last_read_.packets[prefilter_shunted];
    counters.shunted_octets = last_read_.octets[prefilter_shunted];
    counters.dropped[index_of(Dropped::rx_missed)] = missed;
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
    return "xdp " + link_.name + ": " + (attachment_.is_native() ? "native" : "generic") + ", " +
           (queues_.front()->zero_copy() ? "zero copy" : "copying") + ", " + queues_text() +
           " queues";
}

std::vector<Capability> XdpCapture::capabilities() const {
    const auto strips_tags = ethtool_.strips_vlan_tags();
    const std::string& busy_poll_refusal = queues_.front()->busy_poll_refusal();
    std::string mode = "native";
    if (!attachment_.is_native()) {
        mode = "generic";
        mode += attachment_.refusal().empty() ? "" : " (" + attachment_.refusal() + ")";
        mode +=
            ": several times the cost of native, and packets that the kernel has merged are "
            "counted as one; \"ethtool -K " +
            link_.name + " gro off lro off\" keeps them apart";
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
        {"ring", std::to_string(options_.rx_ring) + " descriptors a queue: " + ring_reason_},
        {"symmetric hash", symmetric_ ? "yes"
                           : link_.kind.empty()
                               ? "no: packets are steered by software; \"ethtool -X " + link_.name +
                                     " hkey 6d:5a:...\" with that pair repeated makes it symmetric"
                               : "no: packets are steered by software"},
        {"shunt", options_.shunt != nullptr ? "in the XDP program" : "off"},
        {"timestamps", "software, at the burst"},
        {"vlan tags", strips_tags.value_or(false) ? "perhaps taken out by the NIC; \"ethtool -K " +
                                                        link_.name + " rxvlan off\" keeps them"
                                                  : "in the frame"},
        {"promiscuous", promiscuous_.is_open() ? "yes" : "off"},
    };
}

std::string XdpCapture::zero_copy_text() const {
    const auto copying = static_cast<std::size_t>(
        std::ranges::count(queues_, false, [](const auto& queue) { return queue->zero_copy(); }));
    if (copying == 0) {
        return "yes";
    }
    if (options_.zero_copy == ZeroCopy::off) {
        return "off";
    }
    if (!attachment_.is_native()) {
        return "no: generic mode always copies";
    }
    return copying == queues_.size()
               ? "no: the driver has none here; copying"
               : "no: on " + std::to_string(copying) + " of " + std::to_string(queues_.size()) +
                     " queues the driver has none; copying there";
}

std::string XdpCapture::pieces_text() const {
    if (queues_.front()->takes_pieces()) {
        return "yes";
    }
    const std::uint32_t most = options_.frame_octets - headroom_octets;
    return "no: frames above " + std::to_string(most) + " octets are dropped as no_buffer" +
           (link_.mtu > most || !attachment_.is_native()
                ? "; Linux 6.6 and a driver that has them are needed"
                : "; the MTU of " + std::to_string(link_.mtu) + " allows none");
}

std::string XdpCapture::queues_text() const {
    std::string both = std::to_string(queues_.size()) + " of " + std::to_string(device_queues_);
    if (queues_.size() >= device_queues_) {
        return both;
    }
    return both + " (frames on the others are dropped as no_socket; \"ethtool -L " + link_.name +
           " combined " + std::to_string(queues_.size()) + "\" brings them here)";
}

}  // namespace tapmeter::xdp
