#include "dpdk/driver_info.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <fstream>
#include <optional>

namespace tapmeter::dpdk {

namespace {

constexpr std::string_view info_mark = "PMD_INFO_STRING= {";
constexpr std::size_t info_octets_max = 65'536;
constexpr std::uint16_t any_id = 0xffff;

// The text between the quotes behind `"key":` or `"key" :`.
std::string_view string_of(std::string_view info, std::string_view key) {
    const std::size_t at = info.find(key);
    if (at == std::string_view::npos) {
        return {};
    }
    const std::size_t open = info.find('"', at + key.size());
    if (open == std::string_view::npos) {
        return {};
    }
    const std::size_t close = info.find('"', open + 1);
    return close == std::string_view::npos ? std::string_view{}
                                           : info.substr(open + 1, close - open - 1);
}

// Cuts the next number off the front of `text`, skipping what stands before it.
std::optional<std::uint16_t> next_number(std::string_view& text) {
    text.remove_prefix(std::min(text.find_first_of("0123456789"), text.size()));
    std::uint16_t value = 0;
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
    if (parsed.ec != std::errc{}) {
        return std::nullopt;
    }
    text.remove_prefix(static_cast<std::size_t>(parsed.ptr - text.data()));
    return value;
}

// [[vendor, device, subsystem vendor, subsystem device], ...]
std::vector<PciMatch> devices_of(std::string_view info) {
    constexpr std::string_view key = "\"pci_ids\"";
    std::vector<PciMatch> devices;
    const std::size_t at = info.find(key);
    if (at == std::string_view::npos) {
        return devices;
    }
    std::string_view rest = info.substr(at + key.size());
    for (;;) {
        std::array<std::optional<std::uint16_t>, 4> row;
        std::ranges::generate(row, [&rest] { return next_number(rest); });
        if (!row[3]) {
            return devices;
        }
        devices.push_back({*row[0], *row[1]});
    }
}

}  // namespace

bool DriverInfo::serves(std::uint16_t vendor, std::uint16_t device) const noexcept {
    return std::ranges::any_of(devices, [&](const PciMatch& match) {
        return match.vendor == vendor && (match.device == device || match.device == any_id);
    });
}

std::vector<DriverInfo> parse_driver_infos(std::string_view program) {
    std::vector<DriverInfo> drivers;
    for (std::size_t at = program.find(info_mark); at != std::string_view::npos;
         at = program.find(info_mark, at + info_mark.size())) {
        std::string_view info = program.substr(at, info_octets_max);
        info = info.substr(0, info.find('\0'));
        const std::string_view name = string_of(info, "\"name\"");
        if (!name.empty()) {
            drivers.push_back(
                {std::string(name), std::string(string_of(info, "\"kmod\"")), devices_of(info)});
        }
    }
    return drivers;
}

std::vector<DriverInfo> linked_drivers() {
    std::ifstream program("/proc/self/exe", std::ios::binary | std::ios::ate);
    const std::streamoff octets = program.tellg();
    if (octets <= 0) {
        return {};
    }
    std::string text(static_cast<std::size_t>(octets), '\0');
    program.seekg(0);
    program.read(text.data(), octets);
    return parse_driver_infos(text);
}

}  // namespace tapmeter::dpdk
