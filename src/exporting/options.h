#pragma once

#include <chrono>
#include <cstdint>
#include <string_view>
#include <vector>

#include "pipeline/inspect/application_names.h"
#include "src/exporting/account.h"
#include "src/exporting/interfaces.h"
#include "src/exporting/metering_report.h"
#include "src/exporting/protocol.h"
#include "src/exporting/template_set.h"

namespace tapmeter::exporting {

// A message of Templates or of options records, complete but for its header.
struct PreparedMessage {
    std::vector<std::byte> octets;   // begins with room for the header
    std::uint32_t data_records = 0;  // counted in the sequence numbers (RFC 7011 section 3.1)
    std::uint32_t template_sets = 0;
    std::uint32_t templates = 0;  // for the header of NetFlow; 0 elsewhere
};

// What one Exporting Process says of itself at one moment.
struct ExportingTotals {
    std::uint64_t messages = 0;
    std::uint64_t message_octets = 0;
    std::uint64_t records = 0;
    RecordTotals not_sent;
};

class OptionsWriter;

// All that a Collector is told in one Observation Domain besides flow records: the Templates, what
// the domain, its interfaces and their VRFs are called, which fields are the flow key, what
// elements of ours mean, and how much was lost (RFC 7011 section 4, RFC 5610, RFC 6759, RFC 7014).
// One thread.
class Announcement {
public:
    struct Setup {
        const TemplateSet* templates = nullptr;
        ObservationDomainId domain{};
        Interfaces interfaces;             // of all Observation Points
        bool options = true;               // false: Templates of flow records alone
        std::size_t message_octets = 512;  // no message is longer
        // Names of applicationIds (RFC 6759 section 4.2), told where records have these; outlives
        // the announcement. Null: nobody knows any.
        const inspect::ApplicationNames* applications = nullptr;
        const Protocol* protocol = &ipfix_protocol;  // options of NetFlow: netflow_options.h
        std::uint32_t sampling = 1;                  // 1 in N flows is sent
    };
    explicit Announcement(Setup setup);

    // At the start of a session and at every refresh: Templates first, then what seldom changes.
    const std::vector<PreparedMessage>& opening();

    // From now on it is about these Templates; static storage.
    void change_templates(const TemplateSet& templates);
    // In a session over which Templates can be withdrawn: that they are (RFC 7011 section 8.1), and
    // of opening() what is about them. Of IPFIX.
    PreparedMessage withdrawal() const;
    std::vector<PreparedMessage> about_templates();

    // Applications have other names than those that were told last: statistics() has them.
    bool has_news() const noexcept;

    // Now and then: sections 4.1 to 4.3, and the Selector. Empty where there are no options.
    //
    // report  as last heard, by Observation Point; may be empty
    // now     when this was true
    std::vector<PreparedMessage> statistics(const ExportingTotals& exporting,
                                            const MeteringReport& report,
                                            std::chrono::system_clock::time_point now);

private:
    MeteringTotals of_this_domain(const MeteringReport& report,
                                  std::chrono::system_clock::time_point now);
    void compose();
    void add_templates(std::vector<PreparedMessage>& messages) const;
    void add_netflow_templates();
    void add_netflow_options();
    void add_options_templates();
    void add_domain();
    void add_vrfs();
    void add_interfaces();
    void add_flow_keys(std::vector<PreparedMessage>& messages) const;
    void add_types(std::vector<PreparedMessage>& messages) const;
    bool tells_applications() const noexcept {
        return setup_.applications != nullptr && setup_.templates->has_applications();
    }
    bool learn_applications();
    bool is_of_this_domain(const Interface& one) const noexcept {
        return one.observation_domain_id == setup_.domain;
    }
    std::string_view domain_name() const noexcept;  // empty: it has none
    void define_applications(OptionsWriter& writer) const;
    static void define(OptionsWriter& writer, std::uint16_t id, std::size_t scopes,
                       const std::vector<std::string_view>& elements);

    Setup setup_;
    bool knows_vrfs_ = false;  // of an interface of this domain
    std::vector<PreparedMessage> opening_;
    std::size_t messages_that_stay_ = 0;  // of those; the names of applications are behind them
    std::uint32_t edition_ = 0;           // of these names
    std::uint64_t ignored_seen_ = 0;
    std::int64_t first_ignored_milliseconds_ = 0;
    std::int64_t last_ignored_milliseconds_ = 0;
};

}  // namespace tapmeter::exporting
