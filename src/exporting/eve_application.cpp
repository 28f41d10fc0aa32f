#include "src/exporting/eve_application.h"

#include <fmt/compile.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "src/fields/derived.h"

namespace tapmeter::exporting {

namespace {

using flow::Application;
using flow::Inspection;
using inspect::ApplicationNames;

// A flow has a few of them; a list that a sender could make long would help nobody.
constexpr std::size_t risks_written_max = 12;

struct Word {
    std::string_view ndpi;
    std::string_view suricata;
};
// Where Suricata's word is not nDPI's in lower case.
constexpr std::array other_words{
    Word{"FTP_CONTROL", "ftp"}, Word{"FTP_DATA", "ftp-data"}, Word{"SMBv1", "smb"},
    Word{"SMBv23", "smb"},      Word{"Kerberos", "krb5"},     Word{"IPsec", "ike"},
    Word{"VNC", "rfb"},         Word{"HTTP_Proxy", "http"},   Word{"HTTP_Connect", "http"},
    Word{"MDNS", "mdns"},       Word{"DoH_DoT", "tls"},       Word{"IMAPS", "tls"},
    Word{"POPS", "tls"},        Word{"SMTPS", "tls"},
};

char* append(char* to, std::string_view text) noexcept {
    return std::ranges::copy(text, to).out;
}

char* append_lower(char* to, std::string_view text) noexcept {
    return std::ranges::transform(
               text, to,
               [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; })
        .out;
}

bool was_inspected(const Application& application) noexcept {
    return application.inspection != Inspection::off;
}

// The protocol as spoken on the wire: what carries the application.
std::uint16_t wire_protocol(const Application& application) noexcept {
    return application.master != 0 ? application.master : application.application;
}

char* write_risks(char* to, const Application& application,
                  const ApplicationNames& names) noexcept {
    to = append(to, ",\"flow_risk\":{");
    std::size_t written = 0;
    for (std::size_t risk = 0; risk < ApplicationNames::risks_max; ++risk) {
        if (((application.risks >> risk) & 1U) == 0 || written == risks_written_max) {
            continue;
        }
        to = fmt::format_to(to, FMT_COMPILE("{}\"{}\":{{\"risk\":\"{}\"}}"),
                            written++ == 0 ? "" : ",", risk, names.risk(risk));
    }
    return fmt::format_to(to, FMT_COMPILE("}},\"flow_risk_score\":{}"), application.risk_score);
}

}  // namespace

char* write_label(char* to, const Application& application,
                  const ApplicationNames& names) noexcept {
    if (!application.known()) {
        return append(to, "Unknown");
    }
    const bool two = application.master != 0 && application.application != 0 &&
                     application.master != application.application;
    to = append(to, names.protocol(two ? application.master : wire_protocol(application)));
    if (two) {
        *to++ = '.';
        to = append(to, names.protocol(application.application));
    }
    return to;
}

char* write_app_proto(char* to, const Application& application,
                      const ApplicationNames& names) noexcept {
    if (!was_inspected(application)) {
        return to;
    }
    to = append(to, ",\"app_proto\":\"");
    if (!application.known()) {
        return append(to, "failed\"");
    }
    const std::string_view name = names.protocol(wire_protocol(application));
    const auto* const other = std::ranges::find(other_words, name, &Word::ndpi);
    to = other == other_words.end() ? append_lower(to, name) : append(to, other->suricata);
    *to++ = '"';
    return to;
}

char* write_ndpi(char* to, const Application& application, const ApplicationNames& names) noexcept {
    if (!was_inspected(application)) {
        return to;
    }
    to = append(to, ",\"ndpi\":{\"proto\":\"");
    to = write_label(to, application, names);
    if (application.master != 0 && application.application != 0 &&
        application.master != application.application) {
        to = fmt::format_to(to, FMT_COMPILE("\",\"proto_id\":\"{}.{}\""), application.master,
                            application.application);
    } else {
        to = fmt::format_to(to, FMT_COMPILE("\",\"proto_id\":\"{}\""), wire_protocol(application));
    }
    constexpr std::array<std::string_view, flow::confidences> confidence_words{
        "Unknown", "Match by port", "Match by IP", "DPI (cache)", "DPI"};
    to = fmt::format_to(to, FMT_COMPILE(",\"category\":\"{}\",\"confidence\":\"{}\""),
                        names.category(application.category),
                        confidence_words[static_cast<std::size_t>(application.confidence)]);
    if (application.risks != 0) {
        to = write_risks(to, application, names);
    }
    *to++ = '}';
    return to;
}

char* write_flat_application(char* to, const Application& application,
                             const ApplicationNames& names) noexcept {
    if (!was_inspected(application)) {
        return to;
    }
    const std::uint16_t number = fields::protocol_of(application);
    return fmt::format_to(
        to, FMT_COMPILE(",\"applicationId\":\"{}:{}:{}\",\"applicationName\":\"{}\""),
        fields::application_engine, fields::ntop_enterprise_number, number, names.protocol(number));
}

char* write_inspection(char* to, const Application& application) noexcept {
    if (!was_inspected(application)) {
        return to;
    }
    return fmt::format_to(to, FMT_COMPILE(",\"dpi\":\"{}\",\"dpi_packets\":{}"),
                          flow::inspection_names[static_cast<std::size_t>(application.inspection)],
                          application.packets);
}

}  // namespace tapmeter::exporting
