#include "src/exporting/collector_group.h"

#include <algorithm>

#include "pipeline/base/expects.h"
#include "src/exporting/record_hash.h"
#include "src/exporting/spread.h"

namespace tapmeter::exporting {
namespace {

// FNV-1a: the same on every machine.
std::uint64_t hash_of(std::string_view name) noexcept {
    std::uint64_t hash = 0xcbf2'9ce4'8422'2325;
    for (const char c : name) {
        hash = (hash ^ static_cast<unsigned char>(c)) * 0x100'0000'01b3;
    }
    return spread(hash);
}

}  // namespace

std::size_t CollectorGroup::join(std::string_view name, bool has_spool, Heir* heir) {
    expects(members_.size() < outputs_max);
    members_.push_back({hash_of(name), has_spool, heir, State::ready});
    owners_.reserve(Output::records_at_a_time);
    return members_.size() - 1;
}

void CollectorGroup::deal(std::span<const flow::FlowRecord> records) {
    const std::size_t count = candidates();
    owners_.clear();
    only_owner_ = candidates_[0];
    if (sharing_ == Config::Sharing::failover || count == 1) {
        return;
    }
    for (const flow::FlowRecord& record : records) {
        owners_.push_back(chosen_of(record_hash(record), count));
    }
}

bool CollectorGroup::hand_on(std::size_t place, const Legacy& message) const {
    if (!may_hand_on(place)) {
        return false;
    }
    for (std::size_t other = 0; other < members_.size(); ++other) {
        const Member& member = members_[other];
        if (other != place && member.heir != nullptr && member.state == State::ready &&
            member.heir->inherit(message)) {
            return true;
        }
    }
    return false;
}

std::size_t CollectorGroup::others_ready(std::size_t place) const noexcept {
    std::size_t count = 0;
    for (std::size_t other = 0; other < members_.size(); ++other) {
        count += other != place && members_[other].state == State::ready ? 1U : 0U;
    }
    return count;
}

// Writes the places of those that may have records now; how many, 1 at least.
std::size_t CollectorGroup::candidates() {
    const auto gather = [this](auto may) {
        std::size_t count = 0;
        for (std::size_t place = 0; place < members_.size(); ++place) {
            if (may(members_[place])) {
                candidates_[count] = static_cast<std::uint8_t>(place);
                ++count;
            }
        }
        return count;
    };
    std::size_t count = gather([](const Member& one) { return one.state == State::ready; });
    count = count != 0 ? count : gather([](const Member& one) { return one.has_spool; });
    count = count != 0 ? count : gather([](const Member& one) { return one.state == State::full; });
    return count != 0 ? count : gather([](const Member&) { return true; });
}

// Rendezvous hashing (Thaler and Ravishankar 1998): the highest of the members' own hashes wins.
std::uint8_t CollectorGroup::chosen_of(std::uint64_t flow, std::size_t count) const noexcept {
    std::uint8_t chosen = candidates_[0];
    std::uint64_t highest = 0;
    for (std::size_t i = 0; i < count; ++i) {
        const std::uint64_t own = spread(flow ^ members_[candidates_[i]].seed);
        if (own >= highest) {
            highest = own;
            chosen = candidates_[i];
        }
    }
    return chosen;
}

}  // namespace tapmeter::exporting
