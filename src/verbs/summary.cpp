#include "src/verbs/summary.h"

#include <algorithm>
#include <bit>
#include <utility>

#include "src/exporting/account.h"
#include "src/exporting/text.h"

namespace tapmeter::verbs {

namespace {

std::string address_text(const decode::Address& address, std::uint8_t ip_version) {
    std::array<char, exporting::address_characters_max> text{};
    const char* const end = exporting::write_address(text.data(), address, ip_version);
    return std::string(static_cast<const char*>(text.data()), end);
}

std::uint64_t octets_of(const auto& tally) {
    return tally.octets_in + tally.octets_out;
}

std::string share(std::uint64_t part, std::uint64_t whole) {
    if (whole == 0) {
        return "";
    }
    const auto per_mille = static_cast<std::uint64_t>(
        static_cast<double>(part) / static_cast<double>(whole) * 1'000 + 0.5);
    return std::to_string(per_mille / 10) + "." + std::to_string(per_mille % 10) + " %";
}

}  // namespace

std::size_t Summary::HostHash::operator()(const Host& host) const noexcept {
    __extension__ using Wide = unsigned __int128;
    const auto words = std::bit_cast<std::array<std::uint64_t, 2>>(host.address);
    const Wide product =
        static_cast<Wide>(words[0] ^ secret[0] ^ host.ip_version) * (words[1] ^ secret[1]);
    return static_cast<std::size_t>(product) ^ static_cast<std::size_t>(product >> 64U);
}

Summary::Summary(bool counts_hosts)
    : counts_hosts_(counts_hosts),
      hosts_(0, HostHash{flow::random_hash_key().value_or(flow::HashKey{1, 2})}) {}

void Summary::take(const RecordBatch& batch) {
    for (const flow::FlowRecord& record : batch.records) {
        if (counts_hosts_) {
            add({record.source, record.ip_version}, record.forward, record.reverse);
            add({record.destination, record.ip_version}, record.reverse, record.forward);
        }
        Tally& protocol = protocols_[record.protocol];
        ++protocol.records;
        protocol.packets_out += record.forward.packets.value;
        protocol.packets_in += record.reverse.packets.value;
        protocol.octets_out += record.forward.octets.value;
        protocol.octets_in += record.reverse.octets.value;
        totals_ += exporting::totals_of(record);
    }
    published_.publish(totals_);
}

void Summary::add(const Host& host, const flow::Side& sent, const flow::Side& received) {
    auto found = hosts_.find(host);
    if (found == hosts_.end() && hosts_.size() < summary_hosts_max) {
        found = hosts_.try_emplace(host).first;
    }
    Tally& tally = found == hosts_.end() ? other_hosts_ : found.value();
    ++tally.records;
    tally.packets_out += sent.packets.value;
    tally.packets_in += received.packets.value;
    tally.octets_out += sent.octets.value;
    tally.octets_in += received.octets.value;
}

exporting::OutputCounters Summary::counters() const {
    exporting::OutputCounters counters{};
    counters.taken = published_.read();
    counters.sent = counters.taken;
    return counters;
}

Table Summary::hosts(std::size_t top) const {
    std::vector<std::pair<Host, Tally>> sorted(hosts_.begin(), hosts_.end());
    const std::size_t shown = std::min(top, sorted.size());
    std::ranges::partial_sort(sorted, sorted.begin() + static_cast<std::ptrdiff_t>(shown),
                              [](const auto& a, const auto& b) {
                                  return std::pair{octets_of(a.second), b.first.address} >
                                         std::pair{octets_of(b.second), a.first.address};
                              });
    Table table{.title = "top hosts by octets, both directions",
                .columns = {{.name = "host"},
                            {.name = "octets", .scaled = true},
                            {.name = "octets_sent", .heading = "sent", .scaled = true},
                            {.name = "octets_received", .heading = "received", .scaled = true},
                            {.name = "packets", .scaled = true},
                            {.name = "flow_records", .heading = "flow records", .scaled = true}}};
    std::uint64_t shown_octets = 0;
    for (std::size_t place = 0; place < shown; ++place) {
        const auto& [host, tally] = sorted[place];
        shown_octets += octets_of(tally);
        table.rows.push_back({address_text(host.address, host.ip_version), octets_of(tally),
                              tally.octets_out, tally.octets_in,
                              tally.packets_in + tally.packets_out, tally.records});
    }
    // Every octet has two hosts: that which sent it and that which received it.
    const std::uint64_t all_octets = 2 * totals_.octets;
    if (shown < sorted.size() || other_hosts_.records != 0) {
        table.remark = std::to_string(shown) + " of " +
                       (other_hosts_.records != 0 ? "more than " : "") +
                       std::to_string(sorted.size()) + " hosts have " +
                       share(shown_octets, all_octets) + " of all octets";
    }
    return table;
}

Table Summary::protocols() const {
    std::vector<std::size_t> numbers;
    for (std::size_t number = 0; number < protocols_.size(); ++number) {
        if (protocols_[number].records != 0) {
            numbers.push_back(number);
        }
    }
    std::ranges::sort(numbers, [this](std::size_t a, std::size_t b) {
        return octets_of(protocols_[a]) > octets_of(protocols_[b]);
    });
    Table table{.title = "protocols",
                .columns = {{.name = "protocol"},
                            {.name = "octets", .scaled = true},
                            {.name = "share"},
                            {.name = "packets", .scaled = true},
                            {.name = "flow_records", .heading = "flow records", .scaled = true}}};
    for (const std::size_t number : numbers) {
        const Tally& tally = protocols_[number];
        table.rows.push_back(
            {std::string(exporting::protocol_name(static_cast<std::uint8_t>(number))),
             octets_of(tally), share(octets_of(tally), totals_.octets),
             tally.packets_in + tally.packets_out, tally.records});
    }
    return table;
}

}  // namespace tapmeter::verbs
