#include "src/exporting/template_set.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <memory>
#include <mutex>

#include "pipeline/base/expects.h"
#include "src/fields/netflow.h"

namespace tapmeter::exporting {
namespace {

using fields::Item;

// What tells flows apart: addresses, ports or ICMP type and code, protocol, VLANs, interface.
bool is_key(const Item& item) {
    const fields::Field& field = fields::all_fields[item.field];
    return (field.group == fields::Group::key && field.name != "flowId") ||
           field.element.id == id_of("dot1qVlanId") ||
           field.element.id == id_of("dot1qCustomerVlanId") ||
           field.element.id == id_of("ingressInterface");
}

void append(std::vector<std::byte>& octets, std::uint16_t number) {
    octets.push_back(static_cast<std::byte>(number >> 8U));
    octets.push_back(static_cast<std::byte>(number & 0xFFU));
}

// The field whose element a field consists of: a list's is that of what it lists.
std::size_t element_field_of(std::size_t index) {
    const bool list = fields::all_fields[index].place.source == fields::Source::signature_ids;
    return list ? fields::field("signatureId") : index;
}

tl::expected<std::vector<Item>, fields::WordFault> parsed(const TemplateChoice& choice) {
    return choice.netflow ? fields::netflow_items(choice.fields)
                          : fields::parse_words(choice.fields, choice.time_unit);
}

std::vector<Item> items_of(const TemplateChoice& choice) {
    if (choice.fields.empty() && !choice.netflow) {
        return fields::default_items(choice.time_unit, choice.quirk_nfdump, choice.biflow);
    }
    auto items = parsed(choice);
    expects(items.has_value());  // of() has asked before
    return choice.biflow ? std::move(*items) : fields::forward_only(*items);
}

Result<void> check(const TemplateChoice& choice) {
    if (choice.fields.empty()) {
        return {};
    }
    const auto items = parsed(choice);
    if (!items) {
        return failed(Error::Kind::invalid_config,
                      fmt::format("template holds \"{}\": must be {}",
                                  choice.fields[items.error().word], items.error().must));
    }
    for (const Item& item : *items) {
        const fields::Field& field = fields::all_fields[item.field];
        const fields::Field& of_element = fields::all_fields[element_field_of(item.field)];
        if (of_element.element.own && choice.enterprise_number == 0) {
            return failed(
                Error::Kind::invalid_config,
                fmt::format("template holds \"{}\", which no registry knows: set enterprise_number "
                            "to the Private Enterprise Number that IANA gave your organisation",
                            field.name));
        }
    }
    return {};
}

}  // namespace

Result<const TemplateSet*> TemplateSet::of(const TemplateChoice& choice) {
    static std::mutex lock;
    static std::map<TemplateChoice, std::unique_ptr<const TemplateSet>> made;
    if (auto checked = check(choice); !checked) {
        return tl::unexpected<Error>(std::move(checked.error()));
    }
    const std::lock_guard guard(lock);
    auto& set = made[choice];
    if (set == nullptr) {
        set = std::make_unique<const TemplateSet>(choice);
    }
    return set.get();
}

TemplateSet::TemplateSet(const TemplateChoice& choice) : choice_(choice) {
    const std::vector<Item> items = items_of(choice);
    for (const Item& item : items) {
        const fields::Field& field = fields::all_fields[item.field];
        note_own(item);
        has_applications_ = has_applications_ || field.element.id == id_of("applicationId");
        if (field.group == fields::Group::counters && item.octets < field.element.octets) {
            const std::uint64_t limit = std::uint64_t{1} << (8U * item.octets);
            narrow_limit_ = narrow_limit_ == 0 ? limit : std::min(narrow_limit_, limit);
        }
    }
    if (choice.fields.empty() && choice.biflow) {
        take_default();
        return;
    }
    compile(items);
    if (narrow_limit_ != 0) {
        compile(fields::in_full(items));
    }
}

void TemplateSet::note_own(const Item& item) {
    const std::size_t index = element_field_of(item.field);
    if (fields::all_fields[index].element.own &&
        std::ranges::find(own_fields_, index) == own_fields_.end()) {
        own_fields_.push_back(index);
    }
}

// The encoders of these the compiler has made already.
void TemplateSet::take_default() {
    compile(items_of(choice_));
    const Templates& made = biflow_templates(choice_.time_unit, choice_.quirk_nfdump);
    for (std::size_t kind = 0; kind < flow_kinds; ++kind) {
        templates_[kind].encode = made[kind].encode;
        templates_[kind].plan = nullptr;
    }
}

void TemplateSet::compile(const std::vector<Item>& items) {
    for (const FlowKind& kind : all_flow_kinds) {
        add(kind, items);
    }
}

void TemplateSet::add(const FlowKind& kind, const std::vector<Item>& items) {
    const std::vector<Item> mine = fields::items_for(kind, items);
    std::uint64_t key = 0;
    for (std::size_t bit = 0; bit < mine.size() && bit < 64; ++bit) {
        key |= is_key(mine[bit]) ? std::uint64_t{1} << bit : 0;
    }
    flow_keys_.push_back(key);
    const auto id = static_cast<std::uint16_t>(choice_.first_id + templates_.size());
    plans_.emplace_back(mine);
    definitions_.push_back(define(id, mine));
    templates_.push_back({.id = id,
                          .record_octets = static_cast<std::uint16_t>(plans_.back().octets()),
                          .definition = definitions_.back(),
                          .encode = nullptr,
                          .plan = &plans_.back()});
}

// RFC 7011 sections 3.2 and 3.4.1.
std::vector<std::byte> TemplateSet::define(std::uint16_t id, const std::vector<Item>& items) const {
    std::vector<std::byte> octets;
    append(octets, id);
    append(octets, static_cast<std::uint16_t>(items.size()));
    for (const Item& item : items) {
        const fields::Field& field = fields::all_fields[item.field];
        const bool enterprise = field.reverse || field.element.own;
        const std::uint32_t number =
            field.reverse ? reverse_enterprise_number : choice_.enterprise_number;
        // NetFlow has one number for the types of both ICMPs (RFC 3954 section 8).
        const bool icmpv6 = choice_.netflow && field.element.id == id_of("icmpTypeCodeIPv6");
        const std::uint16_t id_said = icmpv6 ? id_of("icmpTypeCodeIPv4") : field.element.id;
        append(octets, static_cast<std::uint16_t>(id_said | (enterprise ? enterprise_bit : 0U)));
        append(octets, item.octets);
        if (enterprise) {
            append(octets, static_cast<std::uint16_t>(number >> 16U));
            append(octets, static_cast<std::uint16_t>(number & 0xFFFFU));
        }
    }
    return octets;
}

}  // namespace tapmeter::exporting
