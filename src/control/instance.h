#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "pipeline/base/result.h"
#include "pipeline/recall.h"
#include "src/metrics/snapshot.h"

namespace tapmeter::control {

// A change of the prefilter of the interfaces captured by AF_XDP, as asked over the control socket.
struct PrefilterChange {
    std::string interface;             // empty: every interface that has a prefilter
    std::vector<std::string> add;      // prefixes to exclude
    std::vector<std::string> remove;   // prefixes to exclude no longer
    std::vector<std::uint16_t> deny;   // ports
    std::vector<std::uint16_t> allow;  // ports to deny no longer
    std::uint32_t sample = 0;          // keep 1 in N; 0: as it is
};

// What to recall out of the history.
struct RecallRequest : Recall {
    RecallRequest() = default;
    // NOLINTNEXTLINE(*-explicit-*): a recall of a flow or a host is all that needs to be said
    RecallRequest(const Recall& recall, std::string expression_of_filter = {})
        : Recall(recall), expression(std::move(expression_of_filter)) {}

    std::string expression;  // of a filter: in tcpdump's words
};

struct PrefilterState {
    std::string interface;
    std::vector<std::string> exclude;  // at most 1,000 shown
    std::uint64_t excluded_prefixes = 0;
    std::vector<std::uint16_t> deny_ports;
    std::uint32_t sample = 1;
};

// What the control server may ask of the running program. Implemented by the appliance; every
// function may be called from the server's thread at any time.
class Instance {
public:
    Instance() = default;
    Instance(const Instance&) = delete;
    Instance& operator=(const Instance&) = delete;
    virtual ~Instance() = default;

    virtual metrics::Snapshot snapshot() const = 0;

    // Reads the configuration again and applies what can change while running; the text lists what
    // changed and what needs a restart.
    // errors  invalid_config: nothing was changed, the old configuration stays
    virtual Result<std::string> reload() = 0;

    virtual Result<std::vector<PrefilterState>> prefilter() const = 0;
    virtual Result<std::vector<PrefilterState>> change_prefilter(const PrefilterChange& change) = 0;

    // Packets of a flow, of a host or of a filter, out of the history and of those that come, into
    // a file of their own; the text says which.
    // wanted  its key or its expression, and what it is of
    // errors  invalid_config: there is no history, as many are under way as may be, or the
    //         expression is none
    virtual Result<std::string> recall(const RecallRequest& wanted) = 0;

    // Begins the orderly end: arrivals stop, queues and rings drain, every flow is exported.
    virtual void request_stop() = 0;

    virtual std::string effective_config_json() const = 0;
    virtual std::uint64_t reloads(bool ok) const = 0;  // how many reloads succeeded or failed
};

}  // namespace tapmeter::control
