#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace tapmeter::verbs {

// Whether a text reads like a capture filter in tcpdump's language: "tcp port 443", "not arp".
bool looks_like_filter(std::string_view text);

// Says that the words from the first on are a filter, and what to do instead.
std::string filter_fault(std::span<const std::string> words);

// What is wrong with the files to be read: one that does not exist, a folder, "-" twice, or a
// filter behind them, which this version does not have. Nothing when all is well.
std::optional<std::string> files_fault(std::span<const std::string> files);

}  // namespace tapmeter::verbs
