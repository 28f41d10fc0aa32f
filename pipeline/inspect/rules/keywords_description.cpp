#include <algorithm>
#include <array>

#include "pipeline/inspect/rules/group.h"
#include "pipeline/inspect/rules/keywords.h"
#include "pipeline/inspect/rules/numbers.h"

namespace tapmeter::inspect::rules {

namespace {

constexpr std::int64_t id_max = 0xFFFF'FFFF;
constexpr std::size_t text_octets_max = 1'024;  // of a message; longer ones are refused
constexpr std::size_t references_max = 64;
constexpr std::size_t metadata_max = 64;

constexpr std::array class_types{
    ClassType{"not-suspicious", "Not Suspicious Traffic", 3},
    ClassType{"unknown", "Unknown Traffic", 3},
    ClassType{"bad-unknown", "Potentially Bad Traffic", 2},
    ClassType{"attempted-recon", "Attempted Information Leak", 2},
    ClassType{"successful-recon-limited", "Information Leak", 2},
    ClassType{"successful-recon-largescale", "Large Scale Information Leak", 2},
    ClassType{"attempted-dos", "Attempted Denial of Service", 2},
    ClassType{"successful-dos", "Denial of Service", 2},
    ClassType{"attempted-user", "Attempted User Privilege Gain", 1},
    ClassType{"unsuccessful-user", "Unsuccessful User Privilege Gain", 1},
    ClassType{"successful-user", "Successful User Privilege Gain", 1},
    ClassType{"attempted-admin", "Attempted Administrator Privilege Gain", 1},
    ClassType{"successful-admin", "Successful Administrator Privilege Gain", 1},
    ClassType{"rpc-portmap-decode", "Decode of an RPC Query", 2},
    ClassType{"shellcode-detect", "Executable code was detected", 1},
    ClassType{"string-detect", "A suspicious string was detected", 3},
    ClassType{"suspicious-filename-detect", "A suspicious filename was detected", 2},
    ClassType{"suspicious-login", "An attempted login using a suspicious username was detected", 2},
    ClassType{"system-call-detect", "A system call was detected", 2},
    ClassType{"tcp-connection", "A TCP connection was detected", 4},
    ClassType{"trojan-activity", "A Network Trojan was detected", 1},
    ClassType{"unusual-client-port-connection", "A client was using an unusual port", 2},
    ClassType{"network-scan", "Detection of a Network Scan", 3},
    ClassType{"denial-of-service", "Detection of a Denial of Service Attack", 2},
    ClassType{"non-standard-protocol", "Detection of a non-standard protocol or event", 2},
    ClassType{"protocol-command-decode", "Generic Protocol Command Decode", 3},
    ClassType{"web-application-activity", "access to a potentially vulnerable web application", 2},
    ClassType{"web-application-attack", "Web Application Attack", 1},
    ClassType{"misc-activity", "Misc activity", 3},
    ClassType{"misc-attack", "Misc Attack", 2},
    ClassType{"icmp-event", "Generic ICMP event", 3},
    ClassType{"inappropriate-content", "Inappropriate Content was Detected", 1},
    ClassType{"policy-violation", "Potential Corporate Privacy Violation", 1},
    ClassType{"default-login-attempt", "Attempt to login by a default username and password", 2},
    ClassType{"targeted-activity", "Targeted Malicious Activity was Detected", 1},
    ClassType{"exploit-kit", "Exploit Kit Activity Detected", 1},
    ClassType{"external-ip-check", "Device Retrieving External IP Address Detected", 2},
    ClassType{"domain-c2", "Domain Observed Used for C2 Detected", 1},
    ClassType{"pup-activity", "Possibly Unwanted Program Detected", 2},
    ClassType{"credential-theft", "Successful Credential Theft Detected", 1},
    ClassType{"social-engineering", "Possible Social Engineering Attempted", 2},
    ClassType{"coin-mining", "Crypto Currency Mining Activity Detected", 2},
    ClassType{"command-and-control", "Malware Command and Control Activity Detected", 1},
};

Parsed<void> message(Draft& draft, const Option& option) {
    const auto quoted = unquote(option.value);
    if (!quoted) {
        return refused(quoted.error());
    }
    if (quoted->text.size() > text_octets_max) {
        return refused("the message is longer than " + std::to_string(text_octets_max) + " octets");
    }
    draft.rule.message.clear();
    for (std::size_t i = 0; i < quoted->text.size(); ++i) {
        i += quoted->text[i] == '\\' && i + 1 < quoted->text.size() ? 1 : 0;
        draft.rule.message += quoted->text[i];
    }
    return {};
}

Parsed<void> number_into(std::uint32_t& to, const Option& option, std::int64_t least) {
    const auto number = parse_number(option.value, {option.keyword, least, id_max});
    if (!number) {
        return refused(number.error());
    }
    to = static_cast<std::uint32_t>(*number);
    return {};
}

Parsed<void> sid(Draft& draft, const Option& option) {
    return number_into(draft.rule.sid, option, 1);
}

Parsed<void> rev(Draft& draft, const Option& option) {
    return number_into(draft.rule.rev, option, 0);
}

Parsed<void> gid(Draft& draft, const Option& option) {
    return number_into(draft.rule.gid, option, 1);
}

Parsed<void> class_type(Draft& draft, const Option& option) {
    const ClassType* const found = find_class_type(option.value);
    // A classtype of somebody's own file says nothing about what the rule matches.
    draft.rule.category = found == nullptr ? option.value : found->description;
    if (found != nullptr && !draft.rule.priority_set) {
        draft.rule.priority = found->priority;
    }
    return {};
}

Parsed<void> priority(Draft& draft, const Option& option) {
    const auto number = parse_number(option.value, {option.keyword, 1, 255});
    if (!number) {
        return refused(number.error());
    }
    draft.rule.priority = static_cast<std::uint8_t>(*number);
    draft.rule.priority_set = true;
    return {};
}

Parsed<void> reference(Draft& draft, const Option& option) {
    if (draft.rule.references.size() < references_max) {
        draft.rule.references.emplace_back(option.value);
    }
    return {};
}

Parsed<void> metadata(Draft& draft, const Option& option) {
    for (const std::string_view item : split_list(option.value)) {
        const std::size_t blank = item.find_first_of(" \t");
        if (blank != std::string_view::npos && draft.rule.metadata.size() < metadata_max) {
            draft.rule.metadata.emplace_back(item.substr(0, blank), trimmed(item.substr(blank)));
        }
    }
    return {};
}

Parsed<void> no_alert(Draft& draft, const Option& option) {
    if (!option.value.empty()) {
        return refused("noalert takes no value");
    }
    draft.rule.no_alert = true;
    return {};
}

// What concerns neither the match nor the alert: hints of speed, marks for other programs.
Parsed<void> without_effect(Draft& /*draft*/, const Option& /*option*/) {
    return {};
}

constexpr std::array keywords{
    Keyword{"msg", message},
    Keyword{"sid", sid},
    Keyword{"rev", rev},
    Keyword{"gid", gid},
    Keyword{"classtype", class_type},
    Keyword{"priority", priority},
    Keyword{"reference", reference},
    Keyword{"metadata", metadata},
    Keyword{"noalert", no_alert},
    Keyword{"prefilter", without_effect},
    Keyword{"target", without_effect},
    Keyword{"tag", without_effect},
};

}  // namespace

std::span<const Keyword> description_keywords() noexcept {
    return keywords;
}

const ClassType* find_class_type(std::string_view name) noexcept {
    const auto* const found = std::ranges::find(class_types, name, &ClassType::name);
    return found == class_types.end() ? nullptr : found;
}

}  // namespace tapmeter::inspect::rules
