#include "pipeline/inspect/application_names.h"

#include <algorithm>

namespace tapmeter::inspect {

namespace {

constexpr bool is_plain(char c) noexcept {
    return c > ' ' - 1 && c < '\x7f' && c != '"' && c != '\\';
}

}  // namespace

std::string_view ApplicationNames::Name::view() const noexcept {
    // Pairs with the release in set(): whoever sees the length sees the octets.
    return {octets.data(), length.load(std::memory_order_acquire)};
}

bool ApplicationNames::Name::set(std::string_view name) noexcept {
    const std::string_view kept = name.substr(0, name_octets_max);
    const auto as_kept = [](char c) { return is_plain(c) ? c : '_'; };
    if (std::ranges::equal(view(), kept, {}, {}, as_kept)) {
        return false;
    }
    std::ranges::transform(kept, octets.begin(), as_kept);
    length.store(static_cast<std::uint8_t>(kept.size()), std::memory_order_release);
    return true;
}

std::string_view ApplicationNames::protocol(std::uint16_t number) const noexcept {
    return number < protocols_.size() ? protocols_[number].view() : std::string_view{};
}

std::string_view ApplicationNames::category(std::uint16_t number) const noexcept {
    return number < categories_.size() ? categories_[number].view() : std::string_view{};
}

std::string_view ApplicationNames::risk(std::size_t number) const noexcept {
    return number < risks_.size() ? risks_[number].view() : std::string_view{};
}

std::string ApplicationNames::label(const flow::Application& application) const {
    if (!application.known()) {
        return "Unknown";
    }
    const std::string_view carried = protocol(application.application);
    const std::string_view master = protocol(application.master);
    if (application.master == 0 || application.master == application.application) {
        return std::string(carried);
    }
    std::string both(master);
    return application.application == 0 ? both : both.append(1, '.').append(carried);
}

void ApplicationNames::name_protocol(std::uint16_t number, std::string_view name) noexcept {
    if (number < protocols_.size()) {
        has_changed_ = protocols_[number].set(name) || has_changed_;
    }
}

void ApplicationNames::name_category(std::uint16_t number, std::string_view name) noexcept {
    if (number < categories_.size()) {
        has_changed_ = categories_[number].set(name) || has_changed_;
    }
}

void ApplicationNames::name_risk(std::size_t number, std::string_view name) noexcept {
    if (number < risks_.size()) {
        has_changed_ = risks_[number].set(name) || has_changed_;
    }
}

std::uint16_t ApplicationNames::number_of(std::string_view name, std::uint16_t above) noexcept {
    const std::string_view kept = name.substr(0, name_octets_max);
    for (std::size_t number = std::size_t{above} + 1; number < protocols_.size(); ++number) {
        const std::string_view there = protocols_[number].view();
        if (there.empty()) {
            has_changed_ = protocols_[number].set(kept) || has_changed_;
            return static_cast<std::uint16_t>(number);
        }
        if (there == kept) {
            return static_cast<std::uint16_t>(number);
        }
    }
    return 0;
}

void ApplicationNames::publish() noexcept {
    if (has_changed_) {
        has_changed_ = false;
        edition_.fetch_add(1, std::memory_order_release);
    }
}

}  // namespace tapmeter::inspect
