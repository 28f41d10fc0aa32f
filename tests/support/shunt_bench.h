#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "pipeline/base/shunt.h"
#include "pipeline/flow/flow_key.h"
#include "pipeline/flow/meter.h"

namespace tapmeter::testing {

// The shunt's other side as bpf/shunt.h and xdp/shunt.cpp have it, in one thread: what is asked
// takes effect when serve() is called, so that a test decides what comes in between.
class ShuntBench {
public:
    explicit ShuntBench(std::uint32_t slots, std::uint32_t cpus = 2, std::size_t flows_max = 65'535)
        : cpus_(cpus),
          flows_max_(flows_max),
          lines_(std::size_t{slots} * cpus * ShuntDoor::parts * ShuntDoor::senders),
          cuts_(slots),
          door_({.slots = slots,
                 .cpus = cpus,
                 .lines = lines_,
                 .cuts = cuts_,
                 .monotonic_zero = zero}) {}

    ShuntDoor& door() { return door_; }
    std::size_t flows() const { return flows_.size(); }
    std::uint64_t packets() const { return packets_; }

    // Takes what was asked; a flow that leaves is gone with the next call, as after the kernel's
    // grace period.
    void serve() {
        for (const std::uint32_t slot : leaving_) {
            door_.answer(slot, ShuntState::gone);
        }
        leaving_.clear();
        Ring<ShuntRequest>& requests = door_.requests();
        for (auto some = requests.readable(); !some.empty(); some = requests.readable()) {
            for (const ShuntRequest& request : some) {
                serve_one(request);
            }
            requests.consume(some.size());
        }
    }

    // True where the packet was dropped and counted here; else the worker must see it.
    bool takes(const flow::FlowKey& key, const flow::Observation& packet) {
        constexpr unsigned fin_syn_rst = 0x07;
        const auto found = flows_.find(octets_of(key));
        if (found == flows_.end() || (packet.tcp_control_bits & fin_syn_rst) != 0) {
            return false;
        }
        const auto now = static_cast<std::uint64_t>((packet.at - zero).count());
        const std::uint64_t cut = cuts_[found->second];
        const auto turn = static_cast<std::uint16_t>(cut + (now >> 10U >= cut >> 16U ? 1U : 0U));
        const std::size_t cpu = packets_ % cpus_;  // as if the two directions moved about
        ShuntLine& line =
            lines_[((found->second * cpus_ + cpu) * ShuntDoor::parts + turn % ShuntDoor::parts) *
                       ShuntDoor::senders +
                   static_cast<std::size_t>(packet.sender)];
        count(line, turn, now, packet);
        ++packets_;
        return true;
    }

    // As if a CPU were in the middle of writing every line, or were done again.
    void toggle_writing() {
        for (ShuntLine& line : lines_) {
            ++line.sequence;
        }
    }

private:
    static constexpr ObservedAt zero{std::chrono::seconds(500)};

    static std::string octets_of(const flow::FlowKey& key) {
        const auto octets = std::bit_cast<ShuntKey>(key);
        return text_of(octets);
    }
    static std::string text_of(const ShuntKey& octets) {
        std::string text;
        for (const std::byte octet : octets) {
            text += static_cast<char>(octet);
        }
        return text;
    }
    void serve_one(const ShuntRequest& request) {
        const std::string key = text_of(request.key);
        if (request.leave) {
            const auto found = flows_.find(key);
            if (found != flows_.end() && found->second == request.slot) {
                flows_.erase(found);
                leaving_.push_back(request.slot);
            }
        } else if (flows_.size() == flows_max_ || flows_.contains(key)) {
            door_.answer(request.slot, ShuntState::refused);
        } else {
            flows_.emplace(key, request.slot);
        }
    }
    static void count(ShuntLine& line, std::uint16_t turn, std::uint64_t now,
                      const flow::Observation& packet) {
        if (line.mark != turn || line.packets == 0) {
            line.mark = turn;
            line.first = now;
            line.tcp_control_bits = 0;
            line.type_of_service = packet.type_of_service;
            line.ttl_min = packet.time_to_live;
        }
        line.packets += 1;
        line.octets += packet.octets;
        line.layer2_octets += packet.layer2_octets;
        line.last = now;
        line.tcp_control_bits |= packet.tcp_control_bits;
        line.ttl_min = std::min(line.ttl_min, packet.time_to_live);
    }

    std::size_t cpus_;
    std::size_t flows_max_;
    std::vector<ShuntLine> lines_;
    std::vector<std::uint64_t> cuts_;
    ShuntDoor door_;
    std::map<std::string, std::uint32_t> flows_;
    std::vector<std::uint32_t> leaving_;
    std::uint64_t packets_ = 0;
};

}  // namespace tapmeter::testing
