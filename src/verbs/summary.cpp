#include "src/verbs/summary.h"

#include <algorithm>
#include <bit>
#include <functional>
#include <tuple>
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

std::uint32_t label_of(const flow::Application& application) {
    return std::uint32_t{application.master} << 16U | application.application;
}

std::string endpoint_text(const decode::Address& address, std::uint16_t port,
                          std::uint8_t ip_version) {
    const std::string text = address_text(address, ip_version);
    return (ip_version == 6 ? "[" + text + "]" : text) + ":" + std::to_string(port);
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

std::size_t Summary::StreamHash::operator()(const StreamName& name) const noexcept {
    __extension__ using Wide = unsigned __int128;
    const Wide product =
        static_cast<Wide>(name.flow_id ^ secret[0]) *
        ((std::uint64_t{name.source} << 1U | (name.is_reverse ? 1U : 0U)) ^ secret[1]);
    return static_cast<std::size_t>(product) ^ static_cast<std::size_t>(product >> 64U);
}

Summary::Summary(bool counts_hosts, const inspect::ApplicationNames* names)
    : counts_hosts_(counts_hosts),
      hosts_(0, HostHash{flow::random_hash_key().value_or(flow::HashKey{1, 2})}),
      names_(names),
      streams_(0, StreamHash{flow::random_hash_key().value_or(flow::HashKey{3, 4})}) {}

void Summary::take(const RecordBatch& batch) {
    for (std::size_t i = 0; i < batch.records.size(); ++i) {
        const flow::FlowRecord& record = batch.records[i];
        if (const auto* const report = batch.part_of<flow::PayloadReport>(i);
            report != nullptr && report->has_rtp && counts_hosts_) {
            add(record, *report);
        }
        if (counts_hosts_) {
            add({record.source, record.ip_version}, record.forward, record.reverse);
            add({record.destination, record.ip_version}, record.reverse, record.forward);
        }
        add(protocols_[record.protocol], record.forward, record.reverse);
        add(applications_[label_of(record.application)], record.forward, record.reverse);
        totals_ += exporting::totals_of(record);
    }
    published_.publish(totals_);
}

void Summary::take_alerts(std::span<const inspect::Alert> alerts,
                          const exporting::AlertEvents& words) {
    for (const inspect::Alert& alert : alerts) {
        Hits& hits = signatures_[std::uint64_t{alert.gid} << 32U | alert.sid];
        if (hits.alerts++ == 0) {
            hits.severity = alert.severity;
            hits.message = words.message(alert);
        }
    }
    totals_.alerts += alerts.size();
    published_.publish(totals_);
}

Table Summary::signatures(std::size_t top) const {
    std::vector<std::pair<std::uint64_t, Hits>> sorted(signatures_.begin(), signatures_.end());
    std::ranges::sort(sorted, [](const auto& a, const auto& b) {
        return std::pair{a.second.alerts, b.first} > std::pair{b.second.alerts, a.first};
    });
    Table table{.title = "top signatures by alerts",
                .columns = {{.name = "sid"},
                            {.name = "alerts", .scaled = true},
                            {.name = "severity"},
                            {.name = "signature"}}};
    const std::size_t shown = std::min(top, sorted.size());
    for (const auto& [number, hits] : std::span{sorted}.first(shown)) {
        table.rows.push_back(
            {number & 0xffff'ffffU, hits.alerts, std::uint64_t{hits.severity}, hits.message});
    }
    if (shown < sorted.size()) {
        table.remark =
            std::to_string(shown) + " of " + std::to_string(sorted.size()) + " signatures";
    }
    return table;
}

void Summary::add(const flow::FlowRecord& record, const flow::PayloadReport& report) {
    for (const bool is_reverse : {false, true}) {
        const auto& way = report.directions[is_reverse ? 1 : 0];
        if (!way.is_rtp) {
            continue;
        }
        const StreamName name{record.flow_id, way.rtp_source, is_reverse};
        auto found = streams_.find(name);
        if (found == streams_.end() && streams_.size() == summary_streams_max) {
            ++other_streams_;
            continue;
        }
        if (found == streams_.end()) {
            found = streams_.try_emplace(name).first;
            Stream& fresh = found.value();
            fresh.from = endpoint_text(record.source, record.source_port, record.ip_version);
            fresh.to =
                endpoint_text(record.destination, record.destination_port, record.ip_version);
            if (is_reverse) {
                std::swap(fresh.from, fresh.to);
            }
        }
        Stream& stream = found.value();
        stream.payload_type = way.rtp_payload_type;
        stream.packets += way.rtp_packets;
        stream.lost += way.rtp_lost;
        stream.jitter_us += std::uint64_t{way.rtp_jitter_mean_us} * way.rtp_packets;
        stream.jitter_max_us = std::max(stream.jitter_max_us, way.rtp_jitter_max_us);
        stream.has_clock = stream.has_clock || way.rtp_clock != 0;
    }
}

Table Summary::streams(std::size_t top) const {
    std::vector<std::pair<StreamName, Stream>> sorted(streams_.begin(), streams_.end());
    const auto rank = [](const auto& one) {
        return std::tuple{one.second.jitter_mean_us(), one.second.jitter_max_us, one.first.flow_id,
                          one.first.source, one.first.is_reverse};
    };
    std::ranges::sort(sorted, std::ranges::greater{}, rank);
    Table table{.title = "top RTP streams by jitter",
                .columns = {{.name = "from"},
                            {.name = "to"},
                            {.name = "ssrc"},
                            {.name = "payload_type", .heading = "type"},
                            {.name = "packets", .scaled = true},
                            {.name = "lost", .scaled = true},
                            {.name = "jitter_us", .heading = "jitter us"},
                            {.name = "jitter_max_us", .heading = "max us"}}};
    const std::size_t shown = std::min(top, sorted.size());
    for (const auto& [name, stream] : std::span{sorted}.first(shown)) {
        const auto jitter = [&stream = stream](std::uint64_t time) {
            return stream.has_clock ? Table::Cell{time} : Table::Cell{std::string("clock?")};
        };
        table.rows.push_back({stream.from, stream.to, std::uint64_t{name.source},
                              std::uint64_t{stream.payload_type}, stream.packets, stream.lost,
                              jitter(stream.jitter_mean_us()), jitter(stream.jitter_max_us)});
    }
    if (shown < sorted.size() || other_streams_ != 0) {
        table.remark = std::to_string(shown) + " of " + (other_streams_ != 0 ? "more than " : "") +
                       std::to_string(sorted.size()) + " streams";
    }
    return table;
}

void Summary::add(const Host& host, const flow::Side& sent, const flow::Side& received) {
    auto found = hosts_.find(host);
    if (found == hosts_.end() && hosts_.size() < summary_hosts_max) {
        found = hosts_.try_emplace(host).first;
    }
    add(found == hosts_.end() ? other_hosts_ : found.value(), sent, received);
}

void Summary::add(Tally& tally, const flow::Side& sent, const flow::Side& received) {
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

Table Summary::applications(std::size_t top) const {
    std::vector<std::pair<std::uint32_t, Tally>> sorted(applications_.begin(), applications_.end());
    std::ranges::sort(sorted, [](const auto& a, const auto& b) {
        return std::pair{octets_of(a.second), b.first} > std::pair{octets_of(b.second), a.first};
    });
    Table table{.title = "top applications by octets",
                .columns = {{.name = "application"},
                            {.name = "octets", .scaled = true},
                            {.name = "share"},
                            {.name = "packets", .scaled = true},
                            {.name = "flow_records", .heading = "flow records", .scaled = true}}};
    const std::size_t shown = std::min(top, sorted.size());
    std::uint64_t shown_octets = 0;
    for (const auto& [label, tally] : std::span{sorted}.first(shown)) {
        shown_octets += octets_of(tally);
        table.rows.push_back({name_of(label), octets_of(tally),
                              share(octets_of(tally), totals_.octets),
                              tally.packets_in + tally.packets_out, tally.records});
    }
    if (shown < sorted.size()) {
        table.remark = std::to_string(shown) + " of " + std::to_string(sorted.size()) +
                       " applications have " + share(shown_octets, totals_.octets) +
                       " of all octets";
    }
    return table;
}

std::string Summary::name_of(std::uint32_t label) const {
    const flow::Application application{.master = static_cast<std::uint16_t>(label >> 16U),
                                        .application = static_cast<std::uint16_t>(label)};
    return names_ != nullptr ? names_->label(application) : std::to_string(label);
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
