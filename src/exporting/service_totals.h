#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "pipeline/base/published.h"
#include "pipeline/flow/analytics_books.h"
#include "pipeline/inspect/application_names.h"
#include "pipeline/record_ring.h"
#include "src/fields/filter.h"

namespace tapmeter::exporting {

inline constexpr std::size_t services_max = 32;

// What the user calls a service, told by the server's side of a flow record.
struct Service {
    std::string name;
    fields::Filter towards;                 // records whose destination serves
    fields::Filter away;                    // the same records, seen from the other end
    std::vector<std::string> applications;  // one of them, as nDPI names it; empty: any
};

// How one service fares, both directions of its flows told apart. Plain numbers that only rise.
struct ServiceCounts {
    struct Way {
        std::uint64_t packets = 0;
        std::uint64_t octets = 0;  // layer 3
    };
    // Times below 2^32 us, counted by flow::round_trip_bounds_us.
    struct Latency {
        std::array<std::uint64_t, flow::round_trip_buckets> buckets{};
        std::uint64_t sum_us = 0;
    };

    std::uint64_t flows = 0;  // that began
    Way to_service{};
    Way from_service{};

    // Of flows that a client began: TCP whose SYN was seen, and all that is not TCP.
    std::uint64_t answered = 0;  // by SYN-ACK; without TCP, by any packet
    std::uint64_t refused = 0;   // by RST
    std::uint64_t unanswered = 0;
    std::uint64_t last_failed = 0;  // the newest of them was not answered

    // Of TCP, where [analytics] looks at it.
    std::uint64_t segments = 0;
    std::uint64_t retransmissions = 0;
    std::uint64_t lost_segments = 0;
    Latency client{};    // SYN-ACK to ACK
    Latency server{};    // SYN to SYN-ACK
    Latency response{};  // first octets of the client to those of the server

    // Of RTP, likewise.
    std::uint64_t rtp_packets = 0;
    std::uint64_t rtp_lost = 0;
    std::uint64_t rtp_jitter_us = 0;  // the mean of each record, times its packets

    std::uint64_t attempts() const noexcept { return answered + refused + unanswered; }
};

// Meters services by the flow records that leave. A record counts for every service that it
// belongs to. The exporter core adds, any thread reads; a look may be late by the batch in hand.
class ServiceTotals {
public:
    struct Total {
        std::string name;
        ServiceCounts counts;
    };

    // names  of applications; outlives the totals
    // services  at most services_max
    ServiceTotals(std::vector<Service> services, const inspect::ApplicationNames& names);

    void add(const RecordBatch& batch) noexcept;

    // In the order in which they were given.
    std::vector<Total> read() const;

private:
    using Services = std::uint32_t;  // bit i: service i
    static_assert(sizeof(Services) * 8 >= services_max);

    void learn_names() noexcept;
    Services of_application(const flow::Application& label) const noexcept;
    void add(const flow::FlowRecord& record, RecordBatch::Parts beside) noexcept;

    std::vector<Service> services_;
    const inspect::ApplicationNames& names_;
    std::uint32_t names_edition_ = 0;
    Services any_application_ = 0;
    std::array<Services, inspect::ApplicationNames::protocols_max> by_application_{};
    std::array<ServiceCounts, services_max> counts_{};  // the exporter core's
    Services changed_ = 0;                              // since they were published
    std::unique_ptr<std::array<Published<ServiceCounts>, services_max>> published_;
};

}  // namespace tapmeter::exporting
