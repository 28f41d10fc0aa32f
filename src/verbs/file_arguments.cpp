#include "src/verbs/file_arguments.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <system_error>

#include "src/config/check.h"

namespace tapmeter::verbs {

namespace {

// The words that a filter can begin with (pcap-filter(7)).
constexpr std::array<std::string_view, 57> filter_words{
    "aarp",       "ah",    "and",   "arp",       "atalk", "broadcast", "carp",    "clnp",
    "decnet",     "dst",   "ether", "esis",      "esp",   "fddi",      "gateway", "geneve",
    "greater",    "host",  "icmp",  "icmp6",     "igmp",  "igrp",      "inbound", "ip",
    "ip6",        "ipx",   "isis",  "iso",       "lat",   "len",       "less",    "link",
    "lsp",        "moprc", "mpls",  "multicast", "net",   "netbeui",   "not",     "or",
    "outbound",   "pim",   "port",  "portrange", "ppp",   "pppoed",    "pppoes",  "proto",
    "protochain", "rarp",  "sctp",  "src",       "stp",   "tcp",       "udp",     "vlan",
    "vrrp",
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

std::size_t files_among(std::span<const std::string> words) {
    std::error_code error;
    const auto is_no_file = [&error](const std::string& word) {
        return word != "-" && !std::filesystem::exists(word, error) && looks_like_filter(word);
    };
    return static_cast<std::size_t>(std::ranges::find_if(words, is_no_file) - words.begin());
}

std::optional<std::string> files_fault(std::span<const std::string> words) {
    const auto files = words.first(files_among(words));
    if (files.empty()) {
        return "no file is named before the filter; - is standard input";
    }
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
            return config::shortened(file) + ": no such file or directory";
        }
        if (std::filesystem::is_directory(status)) {
            return config::shortened(file) + ": is a directory; name the files in it";
        }
    }
    return std::nullopt;
}

}  // namespace tapmeter::verbs
