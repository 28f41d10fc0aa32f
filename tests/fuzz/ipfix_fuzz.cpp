// What is encoded is what a reader decodes that was written from the RFC alone: any fields, in any
// order, of any record, both directions in one record or in two.
#include <cstdlib>
#include <cstring>

#include "src/exporting/message.h"
#include "src/exporting/template_set.h"
#include "tests/support/collector.h"

namespace {

using tapmeter::Bytes;
using tapmeter::flow::FlowRecord;
using tapmeter::test_support::Collector;
namespace exporting = tapmeter::exporting;
namespace fields = tapmeter::fields;

constexpr std::size_t message_octets = 2'048;
constexpr std::size_t names_octets = 16;

void demand(bool holds) {
    if (!holds) {
        std::abort();
    }
}

// Words of the table, chosen by octets; nothing where they make no template.
std::vector<std::string> words_of(Bytes choices) {
    std::vector<std::string> words;
    for (const std::byte choice : choices) {
        const auto number = std::to_integer<std::size_t>(choice);
        const fields::Field& field = fields::all_fields[number % fields::all_fields.size()];
        std::string word(field.name);
        if (field.group == fields::Group::counters && number >= 128) {
            word += "/" + std::to_string(1 + number % 8);
        }
        words.push_back(std::move(word));
    }
    words.emplace_back("protocolIdentifier");
    const bool good = fields::parse_words(words, fields::TimeUnit::milliseconds).has_value();
    return good ? words : std::vector<std::string>{};
}

void check_values(const exporting::Template& made_for, const FlowRecord& record,
                  const tapmeter::test_support::DataRecord& decoded) {
    if (decoded.has(1)) {
        demand(decoded.value(1) == record.forward.octets.value);
    }
    if (decoded.has(2)) {
        demand(decoded.value(2) == record.forward.packets.value);
    }
    if (decoded.has(1, tapmeter::test_support::reverse_pen)) {
        demand(decoded.value(1, tapmeter::test_support::reverse_pen) ==
               record.reverse.octets.value);
    }
    if (decoded.has(148)) {
        demand(decoded.value(148) == record.flow_id);
    }
    if (decoded.has(82)) {
        demand(decoded.text(82) == "eth1");
    }
    demand(decoded.value(4) == record.protocol);
    demand(decoded.template_id == made_for.id);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const Bytes octets = std::as_bytes(std::span{data, size});
    if (size < 1 + sizeof(FlowRecord)) {
        return 0;
    }
    FlowRecord record;
    std::memcpy(static_cast<void*>(&record), &octets[1], sizeof record);
    record.ip_version = record.ip_version % 2 == 0 ? 4 : 6;
    record.observation_point = 0;
    record.sampling_exponent %= 64;
    record.aggregated = octets[0] >= std::byte{128};
    const Bytes rest = octets.subspan(1 + sizeof record);
    exporting::TemplateChoice choice;
    choice.enterprise_number = 32'473;
    choice.biflow = (octets[0] & std::byte{1}) == std::byte{0};
    choice.fields = words_of(rest.first(std::min(rest.size(), names_octets)));
    if (choice.fields.empty()) {
        return 0;
    }
    const exporting::TemplateSet set(choice);
    const std::string name = "eth1";
    fields::Texts texts;
    texts.interface_names.push_back(fields::as_variable_length(std::as_bytes(std::span{name})));
    texts.longest = texts.interface_names[0].size();

    Collector collector;
    for (const auto& sets : exporting::template_sets(set.all(), 496)) {
        std::vector<std::byte> message(exporting::message_header_octets);
        message.insert(message.end(), sets.begin(), sets.end());
        exporting::store_header(std::span{message}.first<exporting::message_header_octets>(), {},
                                message.size());
        collector.read(message);
    }
    exporting::MessageBuilder builder(tapmeter::ObservationDomainId{0}, message_octets, 0, texts);
    const exporting::Template& made_for = set.for_record(record);
    demand(builder.add(made_for, record));
    demand(builder.add(made_for, record));
    collector.read(builder.finish(0));
    demand(collector.faults().empty());
    demand(collector.records().size() == 2);
    check_values(made_for, record, collector.records()[0]);
    check_values(made_for, record, collector.records()[1]);
    return 0;
}
