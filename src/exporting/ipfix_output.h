#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "pipeline/base/result.h"
#include "src/config/config.h"
#include "src/exporting/account.h"
#include "src/exporting/collector_group.h"
#include "src/exporting/interfaces.h"
#include "src/exporting/message.h"
#include "src/exporting/output.h"
#include "src/exporting/output_queue.h"
#include "src/exporting/record_choice.h"
#include "src/exporting/sender.h"
#include "src/exporting/stream_session.h"
#include "src/exporting/template_set.h"
#include "src/exporting/udp_session.h"

namespace tapmeter::exporting {

// Where a session begins, with whom it shares the flow records, and whose words it speaks.
struct IpfixStart {
    std::uint32_t first_sequence = 0;  // another one is for tests, as is another clock
    std::chrono::steady_clock::time_point (*now)() = std::chrono::steady_clock::now;
    // Of the configured name, where the members of a group find it: the first one makes it and owns
    // it, and is opened before the others and taken before them. Null: not in a group.
    CollectorGroup** group = nullptr;
    // What applications are called; outlives the output. Null: nobody knows.
    const inspect::ApplicationNames* names = nullptr;
};

// Opens the session to one Collector and starts its sending thread. A Collector that is away is no
// error: UDP cannot know, and the others try again.
//
// interfaces  one per Observation Point, at least one, in the order of their indices
// errors      invalid_config  the host of a UDP Collector cannot be resolved, a value out of its
//                             range, a template, filter or TLS file that cannot be used
//             io              no socket, no route
Result<std::unique_ptr<Output>> open_ipfix(const Config::Ipfix& config,
                                           const Interfaces& interfaces, LogLine log = {},
                                           const IpfixStart& start = {});

// The same checks without a session, a thread or a file: the Collector notices nothing.
Result<void> check_ipfix(const Config::Ipfix& config, const Interfaces& interfaces);

// Whether the Collector is sent NetFlow instead of IPFIX.
const Protocol& protocol_of(Config::Transport transport) noexcept;

// The largest message that may be built for it.
std::size_t message_octets_max(const Config::Ipfix& config) noexcept;

// A flow as records of one direction each: what no packet went is left out, unless nothing went.
struct Uniflows {
    std::array<flow::FlowRecord, 2> records;
    std::size_t first = 0;
    std::size_t count = 0;

    explicit Uniflows(const flow::FlowRecord& record) noexcept;
    std::span<flow::FlowRecord> all() noexcept { return std::span{records}.subspan(first, count); }
};

// One Collector. Flow records that its filter and its sampling leave out are counted as left out.
// Messages that find the queue full are dropped, and because their Data
// Records are counted in the sequence number all the same, the Collector sees the gap.
class IpfixOutput : public Output, private CollectorGroup::Heir {
public:
    struct Parts {
        Config::Ipfix config;
        LogLine log;
        IpfixStart start;
        const TemplateSet* templates = nullptr;
        RecordChoice choice;
        std::optional<UdpSession> datagrams;  // one of these two
        std::unique_ptr<StreamSession> stream;
        std::unique_ptr<Spool> spool;  // null: none
        Descriptor queue_event;
    };
    IpfixOutput(Parts parts, const Interfaces& interfaces);
    ~IpfixOutput() override;

    std::string_view name() const noexcept override { return name_; }
    bool ready() noexcept override;
    bool takes_metadata() const noexcept override { return false; }
    void take(const RecordBatch& batch) override;
    void tick(std::chrono::steady_clock::time_point now) override;
    void flush(std::chrono::steady_clock::time_point deadline) override;
    void report(const MeteringReport& latest) override { sender_->report(latest); }
    // Of the Templates: open_ipfix.cpp.
    Result<void> check_reload(const Config& fresh) const override;
    std::string reload(const Config& fresh) override;
    OutputCounters counters() const override;

protected:
    // The messages of one Observation Domain.
    struct Stream {
        MessageBuilder builder;
        std::chrono::steady_clock::time_point begun{};  // the message in progress, by tick()
        ObservedAt ended{};                             // of its first flow record
    };

    // Before the records of one take() are looked at.
    void deal(const RecordBatch& batch);
    // Goes on with the Templates of the last reload; what was begun with others is finished.
    void follow_reload();
    // True: another Collector of the group has it, and it is accounted for. Of the present batch.
    bool is_elsewhere(std::size_t index, const RecordTotals& totals) noexcept;
    const RecordChoice& choice() const noexcept { return choice_; }
    // Queues what has been built, if anything.
    void finish_message(std::size_t stream);
    virtual std::uint32_t export_time(const MessageBuilder& /*builder*/) const {
        return export_time_now();
    }
    // After the records of one take().
    void publish();
    void count_as_encoding(std::size_t stream, const RecordTotals& totals, ObservedAt ended);
    std::size_t stream_of(const flow::FlowRecord& record) const noexcept;
    std::vector<Stream>& streams() noexcept { return streams_; }
    const TemplateSet& templates() const noexcept { return *templates_; }
    Account& account() noexcept { return account_; }

private:
    void take_one(const flow::FlowRecord& record, const RecordTotals& totals,
                  const RecordRing::Parts& beside);
    void learn_names();
    void tell_group() noexcept;
    bool inherit(const CollectorGroup::Legacy& message) override;
    void hand_on();
    bool add(MessageBuilder& builder, const flow::FlowRecord& record,
             const RecordRing::Parts& beside) const noexcept;
    std::unique_ptr<Sender> sender_for(Parts& parts, const Interfaces& interfaces);
    Result<const TemplateSet*> templates_after(const Config& fresh) const;

    const Config::Ipfix config_;  // of the start
    std::string name_;
    const TemplateSet* templates_;                    // exporter core's
    std::atomic<const TemplateSet*> next_templates_;  // of the last reload, by the control side
    RecordChoice choice_;
    fields::Texts texts_;
    const inspect::ApplicationNames* names_;     // null: nobody knows any
    std::uint32_t edition_ = 0;                  // of those in texts_
    std::unique_ptr<CollectorGroup> own_group_;  // of the first member
    CollectorGroup* group_ = nullptr;            // null: none
    std::string group_name_;
    std::size_t place_ = 0;                     // in it
    bool may_hand_on_ = false;                  // what waits, while the Collector is away
    std::string made_of_;                       // CollectorGroup::Legacy::choice
    std::size_t group_room_;                    // blocks that its queue must have free
    std::vector<std::size_t> stream_of_point_;  // by Observation Point
    std::vector<Stream> streams_;
    Account account_;
    OutputQueue queue_;
    std::unique_ptr<Sender> sender_;
    std::chrono::steady_clock::time_point now_;
    std::size_t pushed_since_wake_ = 0;
    std::jthread thread_;  // last: ends before what it uses
};

}  // namespace tapmeter::exporting
