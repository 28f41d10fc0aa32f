#include "pipeline/inspect/signature_set.h"

#include <algorithm>
#include <utility>

namespace tapmeter::inspect {

namespace {

using rules::Buffer;
using rules::Flowbit;
using rules::LeftOut;
using rules::Rule;

// Passing rules first; then those that set flowbits before those that ask for them.
unsigned rank_of(const Rule& rule) {
    if (rule.action == rules::Action::pass) {
        return 0;
    }
    const bool asks = std::ranges::any_of(rule.flowbits, [](const Flowbit& bit) {
        return bit.operation == Flowbit::Operation::is_set ||
               bit.operation == Flowbit::Operation::is_not_set;
    });
    const bool sets = std::ranges::any_of(rule.flowbits, [](const Flowbit& bit) {
        return bit.operation != Flowbit::Operation::is_set &&
               bit.operation != Flowbit::Operation::is_not_set;
    });
    return !asks ? 1 : sets ? 2 : 3;
}

// The numbers of flowbits' names, in the order in which they are met.
class FlowbitNames {
public:
    // errors  in words: too many names
    rules::Parsed<std::uint16_t> number_of(const std::string& name) {
        const auto found = std::ranges::find(names_, name);
        if (found == names_.end() && names_.size() == rules::flowbits_max) {
            return rules::refused("more than " + std::to_string(rules::flowbits_max) +
                                  " different flowbits in all rules");
        }
        const auto number = static_cast<std::uint16_t>(found - names_.begin());
        if (found == names_.end()) {
            names_.push_back(name);
        }
        return number;
    }

private:
    std::vector<std::string> names_;
};

bool has_position(const rules::BufferConditions& conditions) {
    return std::ranges::any_of(conditions.conditions, [](const rules::Condition& condition) {
        const auto* const content = std::get_if<rules::Content>(&condition);
        return content != nullptr && (content->offset || content->depth);
    });
}

// Nothing but buffers, addresses and the transport.
bool asks_little(const Rule& rule) {
    return rule.tests.empty() && !rule.flags && !rule.ip_option && !rule.fragment_bits &&
           !rule.same_ip && !rule.flow.any() && rule.flowbits.empty() &&
           rule.application_tests.empty() && rule.application == rules::Application::unknown &&
           rule.source_port.is_any() && rule.destination_port.is_any();
}

bool asks_ends_only(const Rule& rule) {
    return rule.buffers.empty() && asks_little(rule) && rule.transport != rules::Transport::icmp &&
           !rule.packet_only;
}

// One content of the payload, anywhere in it, that the prefilter looks for as it stands.
bool is_literal(const Rule& rule) {
    if (rule.buffers.size() != 1 || rule.buffers.front().buffer != Buffer::payload ||
        rule.buffers.front().transform != rules::Transform::none ||
        rule.buffers.front().conditions.size() != 1) {
        return false;
    }
    const auto* const content =
        std::get_if<rules::Content>(&rule.buffers.front().conditions.front());
    return content != nullptr && !content->negated && !content->ends_with && !content->offset &&
           !content->depth && !content->relative() && content->fast_length == 0 &&
           content->octets.size() <= literal_octets_max;
}

bool asks_packet(const Rule& rule) {
    const auto of_packet = [](const rules::PacketTest& test) {
        return test.field < rules::Field::stream_octets_client;
    };
    return rule.flags || rule.ip_option || rule.fragment_bits || rule.same_ip ||
           std::ranges::any_of(rule.tests, of_packet) ||
           std::ranges::any_of(rule.buffers, [](const rules::BufferConditions& conditions) {
               return rules::is_packet_header(conditions.buffer);
           });
}

// As Suricata: a TCP rule looks at the stream, unless it asks something of a packet; one whose
// contents have places in the payload looks at both.
void set_places(Signature& made) {
    const Rule& rule = made.rule;
    made.ends_only = asks_ends_only(rule);
    made.is_bare = asks_little(rule) && rule.source.is_any() && rule.destination.is_any();
    made.is_told = is_literal(rule);
    for (const rules::BufferConditions& conditions : rule.buffers) {
        made.named = made.named || rules::is_named(conditions.buffer);
        if (conditions.buffer != Buffer::payload) {
            continue;
        }
        made.payload = true;
        made.on_stream = !rule.packet_only && !asks_packet(rule);
        made.on_packet = !rule.stream_only && (!made.on_stream || has_position(conditions));
    }
}

rules::Parsed<Signature> signature_of(Rule rule, FlowbitNames& names) {
    Signature made;
    made.rule = std::move(rule);
    if (made.rule.buffers.size() > buffers_per_rule_max) {
        return rules::refused("the rule looks into more than " +
                              std::to_string(buffers_per_rule_max) + " buffers");
    }
    set_places(made);
    for (const rules::BufferConditions& conditions : made.rule.buffers) {
        auto steps = steps_of(conditions);
        if (!steps) {
            return rules::refused(steps.error());
        }
        made.buffers.push_back(std::move(*steps));
    }
    for (const Flowbit& bit : made.rule.flowbits) {
        Signature::FlowbitStep step{bit.operation, {}};
        for (const std::string& name : bit.names) {
            const auto number = names.number_of(name);
            if (!number) {
                return rules::refused(number.error());
            }
            step.bits.push_back(*number);
        }
        made.flowbits.push_back(std::move(step));
    }
    return made;
}

// Rules whose expressions Hyperscan cannot look for are looked at always.
void follow_refusals(ScanPlan& plan, const CompiledSlots& compiled) {
    for (std::size_t slot = 0; slot < slots; ++slot) {
        for (const std::uint32_t index : compiled.refused[slot]) {
            look_always(plan, slot, plan.by_slot[slot].expressions.at(index).rule);
        }
    }
}

bool fits(const Rule& rule, std::size_t slot) {
    switch (rule.transport) {
        case rules::Transport::tcp:
            return slot == slot_tcp;
        case rules::Transport::udp:
            return slot == slot_udp;
        case rules::Transport::ip:
            return slot != slot_other || rule.application == rules::Application::unknown;
        default:
            return slot == slot_other;
    }
}

}  // namespace

SignatureSet::SignatureSet(std::vector<Signature> signatures, Prefilter prefilter)
    : signatures_(std::move(signatures)), prefilter_(std::move(prefilter)) {}

Result<std::unique_ptr<const SignatureSet>> SignatureSet::build(rules::RuleSet rules,
                                                                const SetSettings& settings) {
    std::ranges::stable_sort(rules.rules, {}, rank_of);
    FlowbitNames names;
    std::vector<Signature> all;
    std::vector<Rule> kept;
    for (Rule& rule : rules.rules) {
        const rules::Place place = rule.place;
        const std::uint32_t sid = rule.sid;
        auto made = signature_of(std::move(rule), names);
        if (!made) {
            rules.left_out.push_back(
                {place, LeftOut::Cause::unsupported, "compile", made.error(), sid});
            continue;
        }
        kept.push_back(made->rule);
        made->rule.buffers.clear();
        all.push_back(std::move(*made));
    }
    ScanPlan plan = plan_scans(kept);
    auto compiled = compile_scans(plan, settings.limits, settings.cache_folder);
    if (!compiled) {
        return tl::unexpected<Error>(compiled.error());
    }
    follow_refusals(plan, *compiled);
    auto prefilter = Prefilter::make(plan, *compiled);
    if (!prefilter) {
        return tl::unexpected<Error>(prefilter.error());
    }
    std::unique_ptr<SignatureSet> set(new SignatureSet(std::move(all), std::move(*prefilter)));
    for (std::size_t slot = 0; slot < slot_buffers; ++slot) {
        std::vector<std::uint32_t> indices;
        std::ranges::copy_if(plan.every_packet, std::back_inserter(indices),
                             [&](std::uint32_t i) { return fits(kept[i], slot); });
        set->by_ports_.at(slot) = PortIndex::make(kept, indices);
    }
    set->generation_ = settings.generation;
    set->coverage_ = {.loaded = set->signatures_.size(),
                      .left_out = std::move(rules.left_out),
                      .literals = plan.literals,
                      .expressions = plan.expressions,
                      .every_packet = plan.every_packet.size(),
                      .databases = set->prefilter_.databases(),
                      .database_octets = set->prefilter_.database_octets(),
                      .compile_time = compiled->took,
                      .from_cache = compiled->from_cache};
    return std::unique_ptr<const SignatureSet>(std::move(set));
}

}  // namespace tapmeter::inspect
