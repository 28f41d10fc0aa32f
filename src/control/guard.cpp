#include "src/control/guard.h"

#include <algorithm>
#include <charconv>

namespace tapmeter::control {

namespace {

bool contains(const std::vector<std::string>& list, const std::string& value) {
    return std::ranges::find(list, value) != list.end();
}

std::string lower(std::string text) {
    std::ranges::transform(text, text.begin(), [](char c) {
        return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    });
    return text;
}

std::optional<Response> refuse_host(const Head& head, const std::vector<std::string>& allowed) {
    if (head.hosts.size() > 1) {
        return response_of({400, "bad_request", "more than one Host header", "send exactly one"});
    }
    if (head.trusted) {
        return std::nullopt;
    }
    if (head.hosts.empty() || !contains(allowed, lower(head.hosts.front()))) {
        return response_of({421, "misdirected_request", "the Host header names another server",
                            "ask for http://" + allowed.front() + "/"});
    }
    return std::nullopt;
}

// A page in the operator's browser must not be able to change anything.
std::optional<Response> refuse_cross_site(const Head& head,
                                          const std::vector<std::string>& allowed) {
    const bool foreign_origin = std::ranges::any_of(head.origins, [&](const std::string& origin) {
        constexpr std::string_view scheme = "http://";
        return !origin.starts_with(scheme) ||
               !contains(allowed, lower(origin.substr(scheme.size())));
    });
    const bool foreign_site = std::ranges::any_of(head.fetch_sites, [](const std::string& site) {
        return site != "same-origin" && site != "none";
    });
    if (foreign_origin || foreign_site) {
        return response_of({403, "cross_site", "the request comes from a page of another site",
                            "use tapmeter ctl, or curl --unix-socket"});
    }
    return std::nullopt;
}

std::optional<Response> refuse_body(const Head& head) {
    if (!head.transfer_encodings.empty()) {
        return response_of({411, "length_required", "Transfer-Encoding is not accepted",
                            "send the body with Content-Length"});
    }
    if (head.content_lengths.empty()) {
        return std::nullopt;
    }
    const std::string& text = head.content_lengths.front();
    std::size_t octets = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), octets);
    if (error == std::errc::result_out_of_range || octets > body_octets_max) {
        return response_of({413, "body_too_large",
                            "the body may have at most " + std::to_string(body_octets_max) +
                                " octets, not " + text.substr(0, 20),
                            "split the change into smaller ones"});
    }
    if (head.content_lengths.size() > 1 || error != std::errc{} ||
        end != text.data() + text.size()) {
        return response_of({400, "bad_request", "Content-Length is not one number",
                            "send it once, in decimal digits"});
    }
    const bool reads_only = head.method == "GET" || head.method == "HEAD";
    if (octets > 0 && reads_only) {
        return response_of({400, "bad_request", head.method + " takes no body", "leave it out"});
    }
    return std::nullopt;
}

}  // namespace

std::vector<std::string> host_names(const std::string& address, std::uint16_t port) {
    std::vector<std::string> names{address, "127.0.0.1", "localhost", "[::1]"};
    if (address.find(':') != std::string::npos) {
        names.front() = "[" + address + "]";
    }
    // The first is the one that hints show.
    std::vector<std::string> all;
    for (const std::string& name : names) {
        all.push_back(lower(name) + ":" + std::to_string(port));
    }
    if (port == 80) {
        all.insert(all.end(), names.begin(), names.end());
    }
    return all;
}

std::optional<Response> refuse(const Head& head, const std::vector<std::string>& allowed_hosts) {
    if (head.header_octets > header_octets_max) {
        return response_of({431, "header_too_large",
                            "request line and headers may have at most " +
                                std::to_string(header_octets_max) + " octets together",
                            "send fewer or shorter headers"});
    }
    if (head.blank_in_name) {  // RFC 9112 section 5.1
        return response_of({400, "malformed_header", "a blank stands before a header's colon",
                            "write Name: value"});
    }
    if (auto refusal = refuse_host(head, allowed_hosts)) {
        return refusal;
    }
    const bool reads_only = head.method == "GET" || head.method == "HEAD";
    if (!reads_only) {
        if (auto refusal = refuse_cross_site(head, allowed_hosts)) {
            return refusal;
        }
    }
    return refuse_body(head);
}

}  // namespace tapmeter::control
