#include "src/exporting/ipfix_singles.h"

#include <algorithm>

#include "pipeline/base/expects.h"
#include "src/exporting/flow_fields.h"
#include "src/exporting/message.h"
#include "src/exporting/protocol.h"

namespace tapmeter::exporting {
namespace {

constexpr std::size_t set_header_octets = 4;

void store_set_header(std::span<std::byte> to, std::uint16_t id, std::size_t octets) noexcept {
    store_be(to.subspan<0, 2>(), id);
    store_be(to.subspan<2, 2>(), static_cast<std::uint16_t>(octets));
}

}  // namespace

Result<IpfixSingles> IpfixSingles::make(const Interfaces& interfaces) {
    const auto templates = TemplateSet::of({});
    if (!templates) {
        return tl::unexpected<Error>(templates.error());
    }
    return IpfixSingles(**templates, interfaces);
}

IpfixSingles::IpfixSingles(const TemplateSet& templates, const Interfaces& interfaces)
    : templates_(&templates) {
    for (const Interface& one : interfaces) {
        const auto known = std::ranges::find(streams_, one.observation_domain_id, &Stream::domain);
        stream_of_point_.push_back(static_cast<std::size_t>(known - streams_.begin()));
        if (known == streams_.end()) {
            streams_.push_back({one.observation_domain_id, 0});
        }
    }
    for (const Template& one : templates_->all()) {
        octets_max_ = std::max(octets_max_, message_header_octets + 2 * set_header_octets +
                                                one.definition.size() + one.record_octets +
                                                fields::RecordPlan::slack_octets);
    }
}

std::size_t IpfixSingles::write(std::span<std::byte> to, const flow::FlowRecord& record,
                                const RecordRing::Parts& beside) noexcept {
    expects(record.observation_point < stream_of_point_.size());
    Stream& stream = streams_[stream_of_point_[record.observation_point]];
    const Template& made_for = templates_->for_record(record);
    std::size_t at = message_header_octets;
    store_set_header(to.subspan(at), template_set_id,
                     set_header_octets + made_for.definition.size());
    std::ranges::copy(made_for.definition, to.subspan(at + set_header_octets).begin());
    at += set_header_octets + made_for.definition.size();

    const fields::Beside reports{.tcp = std::get<const flow::TcpReport*>(beside),
                                 .tunnel = std::get<const flow::TunnelReport*>(beside),
                                 .behaviour = std::get<const flow::BehaviourReport*>(beside)};
    const std::size_t octets =
        made_for.write(record, fields::Texts{}, to.subspan(at + set_header_octets), reports);
    store_set_header(to.subspan(at), made_for.id, set_header_octets + octets);
    at += set_header_octets + octets;
    store_header(
        to.first<message_header_octets>(),
        {.export_time = export_time_now(), .sequence = stream.sequence++, .domain = stream.domain},
        at);
    return at;
}

}  // namespace tapmeter::exporting
