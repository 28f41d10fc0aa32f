#include "src/verbs/file_arguments.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <system_error>

#include "src/config/check.h"

namespace tapmeter::verbs {

namespace {

// The words that a filter can begin with (pcap-filter(7)).
constexpr std::array<std::string_view, 38> filter_words{
    "and",    "arp",     "broadcast", "carp", "dst",       "ether",  "fddi",  "gateway",
    "geneve", "greater", "host",      "icmp", "icmp6",     "igmp",   "igrp",  "ip",
    "ip6",    "ipx",     "iso",       "len",  "less",      "link",   "mpls",  "multicast",
    "net",    "not",     "or",        "port", "portrange", "pppoes", "proto", "rarp",
    "sctp",   "src",     "tcp",       "udp",  "vlan",      "vrrp",
};

}  // namespace

bool looks_like_filter(std::string_view text) {
    const std::size_t begin = text.find_first_not_of(" (!");
    if (begin == std::string_view::npos) {
        return false;
    }
    const bool marked = begin > 0 && text.find_first_of("(!") < begin;
    text.remove_prefix(begin);
    const std::string_view word = text.substr(0, text.find_first_of(" [)"));
    return marked || std::ranges::find(filter_words, word) != filter_words.end();
}

std::string filter_fault(std::span<const std::string> words) {
    std::string filter;
    for (const std::string& word : words) {
        filter += filter.empty() ? "" : " ";
        filter += word;
    }
    return config::shortened(filter) +
           ": capture filters are not supported in this version; filter before, with: tcpdump -r "
           "FILE -w - EXPRESSION | tapmeter read -";
}

std::optional<std::string> files_fault(std::span<const std::string> files) {
    if (std::ranges::count(files, "-") > 1) {
        return "standard input (-) can be read only once";
    }
    for (const std::string& file : files) {
        std::error_code error;
        const auto status = std::filesystem::status(file, error);
        if (file == "-") {
            continue;
        }
        if (!std::filesystem::exists(status)) {
            const auto rest = files.subspan(static_cast<std::size_t>(&file - files.data()));
            return looks_like_filter(file)
                       ? filter_fault(rest)
                       : config::shortened(file) + ": no such file or directory";
        }
        if (std::filesystem::is_directory(status)) {
            return config::shortened(file) + ": is a directory; name the files in it";
        }
    }
    return std::nullopt;
}

}  // namespace tapmeter::verbs
