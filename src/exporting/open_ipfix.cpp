// What must be there before a Collector can be exported to, and what is refused (ipfix_output.h).
#include <fmt/format.h>
#include <sys/eventfd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <system_error>

#include "src/exporting/dtls_session.h"
#include "src/exporting/file_session.h"
#include "src/exporting/ipfix_output.h"
#include "src/exporting/netflow_output.h"
#include "src/exporting/sctp.h"
#include "src/exporting/sflow_output.h"
#include "src/exporting/tls_session.h"

namespace tapmeter::exporting {
namespace {

// With the one domain that the operator gave for all.
Interfaces in_domains(Interfaces interfaces, const Config::Ipfix& config) {
    if (!config.observation_domain_id) {
        return interfaces;
    }
    for (Interface& one : interfaces) {
        one.observation_domain_id = ObservationDomainId{*config.observation_domain_id};
        one.observation_domain_name = config.observation_domain_name;
    }
    return interfaces;
}

Result<void> check(const Config::Ipfix& config, const Interfaces& interfaces) {
    const std::size_t octets = message_octets_max(config);
    if (octets < message_octets_unknown_path || octets > message_octets_limit) {
        return failed(
            Error::Kind::invalid_config,
            fmt::format("export.ipfix '{}': message_octets_max = {}: must be 0 or {} to {}",
                        config.name, octets, message_octets_unknown_path, message_octets_limit));
    }
    if (interfaces.empty() || config.queue_messages == 0 || config.template_refresh_messages == 0 ||
        !std::has_single_bit(config.sampling)) {
        return failed(Error::Kind::invalid_config,
                      fmt::format("export.ipfix '{}': needs a capture, 1 or more for "
                                  "queue_messages and template_refresh_messages, and a power of "
                                  "two for sampling",
                                  config.name));
    }
    return {};
}

// What one kind of Collector has and another has not.
Result<void> check_transport(const Config::Ipfix& config) {
    const bool sctp = config.transport == Config::Transport::sctp;
    const bool connects = sctp || config.transport == Config::Transport::tcp ||
                          config.transport == Config::Transport::tls;
    if (!connects && !config.spool_folder.empty()) {
        return failed(
            Error::Kind::invalid_config,
            "spool: only a collector over tcp://, tls:// or sctp:// says what has arrived; leave "
            "it out, or change the collector's URL");
    }
    if (!config.group.empty() && (config.transport == Config::Transport::file ||
                                  config.transport == Config::Transport::netflow5)) {
        return failed(
            Error::Kind::invalid_config,
            "group: whether files or a collector of NetFlow version 5 are there cannot be "
            "told without records; leave it out, or change the collector's URL");
    }
    if (config.transport == Config::Transport::dtls &&
        config.message_octets_max > dtls_message_octets_max) {
        return failed(Error::Kind::invalid_config,
                      fmt::format("max_message = {}: over DTLS a message is one record, so it is "
                                  "at most {}; lower it, or leave it out",
                                  config.message_octets_max, dtls_message_octets_max));
    }
    if (sctp && config.message_octets_max > sctp_message_octets_max) {
        return failed(
            Error::Kind::invalid_config,
            fmt::format("max_message = {}: over SCTP a message is one packet, so it is at "
                        "most {}; lower it, or leave it out",
                        config.message_octets_max, sctp_message_octets_max));
    }
    if (!sctp && config.udp_encapsulation != 0) {
        return failed(Error::Kind::invalid_config,
                      "udp_encapsulation: only SCTP goes inside of UDP; leave it out, or export to "
                      "sctp://");
    }
    if (config.transport == Config::Transport::netflow5 && !config.fields.empty()) {
        return failed(Error::Kind::invalid_config,
                      "template: NetFlow version 5 has one for all; leave it out, or export to "
                      "netflow9://");
    }
    return {};
}

// What of a block makes its Templates. NetFlow has one form of most.
TemplateChoice choice_of(const Config::Ipfix& config) {
    if (protocol_of(config.transport).tells_uptime) {
        return {.biflow = false, .fields = config.fields, .netflow = true};
    }
    return {.time_unit = config.time_unit,
            .quirk_nfdump = config.quirk_nfdump,
            .biflow = config.biflow,
            .enterprise_number = config.enterprise_number,
            .fields = config.fields};
}

// What becomes of those that a reload replaces.
std::string withdrawal_in_words(const Config::Ipfix& config, const TemplateSet& before) {
    using Transport = Config::Transport;
    const std::size_t count = before.all().size();
    switch (config.transport) {
        case Transport::tcp:
        case Transport::tls:
        case Transport::sctp:
            return fmt::format("{} are withdrawn", count);
        case Transport::file:
            return "a new file begins with them";
        default:
            return fmt::format("{} are used no more", count);
    }
}

Result<std::unique_ptr<StreamSession>> open_stream(const Config::Ipfix& config,
                                                   const IpfixStart& start) {
    const TlsFiles files{config.tls_certificate, config.tls_key, config.tls_ca, config.tls_name};
    if (config.transport == Config::Transport::tls) {
        return TlsSession::make(config.host, config.port, files);
    }
    if (config.transport == Config::Transport::dtls) {
        return DtlsSession::make({.host = config.host,
                                  .port = config.port,
                                  .files = files,
                                  .may_fragment = config.message_octets_max != 0,
                                  .renew = config.dtls_renew,
                                  .now = start.now});
    }
    if (config.transport == Config::Transport::sctp) {
        return open_sctp(config.host, config.port, config.udp_encapsulation);
    }
    if (config.transport == Config::Transport::file) {
        return FileSession::make({config.path, config.name, config.rotate, config.compress});
    }
    return std::make_unique<TcpSession>(config.host, config.port);
}

// What can be refused, before any thread begins.
Result<void> open_parts(IpfixOutput::Parts& parts) {
    const Config::Ipfix& config = parts.config;
    if (auto checked = check_transport(config); !checked) {
        return checked;
    }
    const bool netflow = protocol_of(config.transport).tells_uptime;
    auto templates = TemplateSet::of(choice_of(config));
    if (!templates) {
        return tl::unexpected<Error>(std::move(templates.error()));
    }
    parts.templates = *templates;
    auto choice = RecordChoice::of(config.filter, config.sampling);
    if (!choice) {
        return tl::unexpected<Error>(std::move(choice.error()));
    }
    parts.choice = std::move(*choice);
    if (netflow || config.transport == Config::Transport::udp) {
        auto datagrams = UdpSession::open(config.host, config.port);
        if (!datagrams) {
            return tl::unexpected<Error>(std::move(datagrams.error()));
        }
        parts.datagrams = std::move(*datagrams);
    } else {
        auto stream = open_stream(config, parts.start);
        if (!stream) {
            return tl::unexpected<Error>(std::move(stream.error()));
        }
        parts.stream = std::move(*stream);
    }
    return {};
}

// After all that can be refused for other reasons: it makes files.
Result<void> open_spool(IpfixOutput::Parts& parts) {
    const Config::Ipfix& config = parts.config;
    if (config.spool_folder.empty()) {
        return {};
    }
    auto spool = Spool::open({fmt::format("ipfix/{}", config.name), config.name,
                              config.spool_folder.string(), config.spool_octets, parts.log});
    if (!spool) {
        return tl::unexpected<Error>(std::move(spool.error()));
    }
    parts.spool = std::move(*spool);
    return {};
}

Result<void> open_event(IpfixOutput::Parts& parts) {
    parts.queue_event = Descriptor(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
    if (!parts.queue_event.is_open()) {
        return failed(Error::Kind::io,
                      fmt::format("eventfd: {}; raise the limit of open files (LimitNOFILE)",
                                  std::generic_category().message(errno)));
    }
    return {};
}

}  // namespace

std::size_t message_octets_max(const Config::Ipfix& config) noexcept {
    return config.message_octets_max == 0 ? protocol_of(config.transport).message_octets_auto
                                          : config.message_octets_max;
}

const Protocol& protocol_of(Config::Transport transport) noexcept {
    return transport == Config::Transport::netflow9   ? netflow9_protocol
           : transport == Config::Transport::netflow5 ? netflow5_protocol
                                                      : ipfix_protocol;
}

Result<std::unique_ptr<Output>> open_ipfix(const Config::Ipfix& config,
                                           const Interfaces& interfaces, LogLine log,
                                           const IpfixStart& start) {
    if (auto checked = check(config, interfaces); !checked) {
        return tl::unexpected<Error>(std::move(checked.error()));
    }
    if (config.transport == Config::Transport::sflow) {
        return open_sflow(config, interfaces, std::move(log));
    }
    IpfixOutput::Parts parts;
    parts.config = config;
    parts.log = std::move(log);
    parts.start = start;
    auto opened = open_parts(parts);
    opened = opened ? open_event(parts) : std::move(opened);
    opened = opened ? open_spool(parts) : std::move(opened);
    if (!opened) {
        opened.error().message =
            fmt::format("export.ipfix '{}': {}", config.name, opened.error().message);
        return tl::unexpected<Error>(std::move(opened.error()));
    }
    if (protocol_of(config.transport).tells_uptime) {
        return std::make_unique<NetflowOutput>(std::move(parts), in_domains(interfaces, config));
    }
    return std::make_unique<IpfixOutput>(std::move(parts), in_domains(interfaces, config));
}

Result<void> check_ipfix(const Config::Ipfix& config, const Interfaces& interfaces) {
    if (auto checked = check(config, interfaces); !checked) {
        return checked;
    }
    if (config.transport == Config::Transport::sflow) {
        return check_sflow(config);
    }
    if (config.transport == Config::Transport::file) {
        return FileSession::check(config.path);
    }
    if (!config.spool_folder.empty()) {
        if (auto possible = Spool::check(config.spool_folder.string()); !possible) {
            return possible;
        }
    }
    IpfixOutput::Parts parts;
    parts.config = config;
    return open_parts(parts);
}

// All that is not about Templates stays as it was at the start; and they too, where the next start
// will have none of this kind.
Result<const TemplateSet*> IpfixOutput::templates_after(const Config& fresh) const {
    const TemplateSet* const present = next_templates_.load(std::memory_order_relaxed);
    const auto block = std::ranges::find(fresh.ipfix, config_.name, &Config::Ipfix::name);
    if (block == fresh.ipfix.end() || block->transport != config_.transport) {
        return present;
    }
    Config::Ipfix config = config_;
    config.fields = block->fields;
    config.time_unit = block->time_unit;
    config.biflow = block->biflow;
    config.enterprise_number = block->enterprise_number;
    if (auto checked = check_transport(config); !checked) {
        return tl::unexpected<Error>(std::move(checked.error()));
    }
    TemplateChoice choice = choice_of(config);
    choice.first_id = present->choice().first_id;
    if (choice == present->choice()) {
        return present;
    }
    choice.first_id = next_first_id(choice.first_id);
    return TemplateSet::of(choice);
}

Result<void> IpfixOutput::check_reload(const Config& fresh) const {
    if (const auto templates = templates_after(fresh); !templates) {
        return failed(templates.error().kind, fmt::format("export.ipfix '{}': {}", config_.name,
                                                          templates.error().message));
    }
    return {};
}

std::string IpfixOutput::reload(const Config& fresh) {
    const TemplateSet& before = *next_templates_.load(std::memory_order_relaxed);
    const auto after = templates_after(fresh);
    if (!after || *after == &before) {
        return {};
    }
    next_templates_.store(*after, std::memory_order_release);
    return fmt::format("output {}: template changed: {} new Templates from id {}, {}\n", name_,
                       (*after)->all().size(), (*after)->choice().first_id,
                       withdrawal_in_words(config_, before));
}

}  // namespace tapmeter::exporting
