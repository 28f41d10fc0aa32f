#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace tapmeter::verbs {

// Whether a text reads like a capture filter in tcpdump's language: "tcp port 443", "not arp".
bool looks_like_filter(std::string_view text);

// How many of the words are files to be read: all in front of the first that reads like a filter
// and names no file.
std::size_t files_among(std::span<const std::string> words);

// What is wrong with the files in front of the filter: none, one that does not exist, a folder, or
// "-" twice. Nothing when all is well.
std::optional<std::string> files_fault(std::span<const std::string> words);

}  // namespace tapmeter::verbs
