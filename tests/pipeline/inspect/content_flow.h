#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "pipeline/decode/frame.h"
#include "pipeline/inspect/content_reader.h"
#include "pipeline/inspect/rules/rule_files.h"
#include "pipeline/inspect/signature_set.h"
#include "tests/pipeline/inspect/conversations.h"

namespace tapmeter::inspect::testing {

using tapmeter::testing::Frame;

inline std::unique_ptr<const SignatureSet> compile(const std::string& text) {
    rules::RuleSet rules;
    rules::parse_rules(text, "test.rules", rules::with_defaults({}), rules);
    rules::settle(rules);
    EXPECT_TRUE(rules.left_out.empty());
    return std::move(*SignatureSet::build(std::move(rules), {}));
}

// One flow from 10.0.0.1 and its reader.
class ContentFlow {
public:
    explicit ContentFlow(const std::string& rules = "", std::size_t side_octets_max = 16'384) {
        std::unique_ptr<Comparison> comparison;
        if (!rules.empty()) {
            set_ = compile(rules);
            Comparison::Settings settings;
            settings.kit = std::move(*SignatureKit::make(*set_));
            settings.alerts = &alerts_;
            settings.states_max = 4;
            settings.side_octets_max = side_octets_max;
            settings.histories_max = 4;
            comparison = std::move(*Comparison::make(std::move(settings)));
        }
        reader_ = std::move(*ContentReader::make(
            {.states_max = 4,
             .extractor = {.streams = {.window_octets = side_octets_max, .windows_max = 4},
                           .metadata_max = 2}},
            std::move(comparison)));
        reader_->begin(state);
    }

    ContentReader::Wants read(const Frame& frame, bool compares = true) {
        const Packet packet = tapmeter::testing::packet_of(frame);
        const auto headers = decode::decode_frame(packet);
        EXPECT_TRUE(headers);
        flow::write_key(*headers, false, flow_.key);
        const bool from_client = headers->source.back() == 1;
        flow_.state = flow_.key.low.back() == 1 ? 0 : flow::state::initiator_is_high;
        const InspectedPacket seen{
            .headers = *headers,
            .at = packet.observed_at,
            .direction = from_client ? Direction::from_initiator : Direction::from_responder,
            .state = state,
            .flow_id = 77,
            .spoken = spoken};
        const bool more_facts = reader_->read(seen);
        return reader_->compare(seen, more_facts, compares);
    }
    void read_all(const std::vector<Frame>& frames) {
        for (const Frame& frame : frames) {
            read(frame);
        }
    }
    void finish() { reader_->finish(state, flow_); }

    std::vector<std::uint32_t> sids() {
        alerts_.publish();
        std::vector<std::uint32_t> sids;
        for (const Alert& alert : alerts_.readable()) {
            EXPECT_EQ(alert.flow_id, 77U);
            sids.push_back(alert.sid);
        }
        return sids;
    }
    SignatureBooks books() const {
        SignatureBooks books;
        reader_->comparison()->tell(books);
        EXPECT_EQ(books.raised, books.emitted + books.refused + books.suppressed);
        return books;
    }
    ContentReader& reader() { return *reader_; }

    static constexpr StateIndex state{2};
    rules::Application spoken = rules::Application::unknown;  // as a dissector would tell

private:
    std::unique_ptr<const SignatureSet> set_;
    AlertRing alerts_{64};
    std::unique_ptr<ContentReader> reader_;
    flow::Flow flow_{};
};

using Sids = std::vector<std::uint32_t>;

}  // namespace tapmeter::inspect::testing
