#include "dpdk/device_text.h"

#include <algorithm>
#include <array>

namespace tapmeter::dpdk {

namespace {

constexpr std::size_t name_octets_max = 63;  // RTE_ETH_NAME_MAX_LEN and its NUL
constexpr std::size_t text_octets_max = 4096;

bool is_hex(char letter) noexcept {
    return (letter >= '0' && letter <= '9') || (letter >= 'a' && letter <= 'f') ||
           (letter >= 'A' && letter <= 'F');
}

bool is_name_letter(char letter) noexcept {
    return (letter >= '0' && letter <= '9') || (letter >= 'a' && letter <= 'z') ||
           (letter >= 'A' && letter <= 'Z') || letter == '_' || letter == '-' || letter == '.';
}

// Bus, device, function: "17:00.0", behind an optional domain "0000:".
bool matches(std::string_view text, std::string_view pattern) noexcept {
    return std::ranges::equal(text, pattern, [](char letter, char wanted) {
        return wanted == 'x' ? is_hex(letter) : letter == wanted;
    });
}

std::string pci_address(std::string_view name) {
    if (matches(name, "xx:xx.x")) {
        return "0000:" + std::string(name);
    }
    return matches(name, "xxxx:xx:xx.x") ? std::string(name) : std::string{};
}

tl::unexpected<Error> bad_device(std::string_view text, const std::string& why) {
    return failed(Error::Kind::invalid_config,
                  "dpdk device \"" + std::string(text.substr(0, 200)) + "\": " + why);
}

}  // namespace

std::optional<std::string_view> DeviceText::argument(std::string_view key) const noexcept {
    std::optional<std::string_view> value;
    for (const auto& [each, its_value] : arguments) {
        if (each == key) {
            value = its_value;
        }
    }
    return value;
}

bool DeviceText::is_set(std::string_view key) const noexcept {
    const auto value = argument(key);
    return value && value->find_first_not_of('0') != std::string_view::npos;
}

std::string DeviceText::text() const {
    std::string whole = name;
    for (const auto& [key, value] : arguments) {
        whole += ',' + key;
        whole += value.empty() ? "" : '=' + value;
    }
    return whole;
}

Result<DeviceText> parse_device(std::string_view text) {
    if (text.size() > text_octets_max) {
        return bad_device(text, "longer than " + std::to_string(text_octets_max) + " octets");
    }
    DeviceText device;
    const std::string_view name = text.substr(0, text.find(','));
    device.name = pci_address(name);
    device.is_pci = !device.name.empty();
    if (!device.is_pci) {
        if (name.empty() || name.size() > name_octets_max ||
            !std::ranges::all_of(name, is_name_letter)) {
            return bad_device(text,
                              "the name must be a PCI address like 0000:17:00.0 or a virtual "
                              "device like net_ring0, of 1 to 63 letters, digits, _ - .");
        }
        device.name = name;
        device.driver = name.substr(0, name.find_last_not_of("0123456789") + 1);
    }
    for (std::string_view rest = text.substr(name.size()); !rest.empty();) {
        rest.remove_prefix(1);  // the comma
        const std::string_view argument = rest.substr(0, rest.find(','));
        const std::string_view key = argument.substr(0, argument.find('='));
        if (key.empty()) {
            return bad_device(text, "an argument without a name; write name=value");
        }
        const bool has_value = key.size() < argument.size();
        device.arguments.emplace_back(
            key, has_value ? argument.substr(key.size() + 1) : std::string_view{});
        rest.remove_prefix(argument.size());
    }
    return device;
}

}  // namespace tapmeter::dpdk
