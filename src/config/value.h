#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <type_traits>
#include <variant>
#include <vector>

#include "src/config/config.h"

namespace tapmeter::config {

// A checked value on its way between a text and a member of Config. Durations are milliseconds,
// sizes octets, a choice is its index; "auto" is 0, an empty text or an empty list.
using Value = std::variant<bool, std::uint64_t, std::string, std::vector<std::string>,
                           std::vector<std::uint64_t>>;

// How one key reaches its member: `block` says which of several blocks, 0 where there is one.
struct Access {
    Value (*get)(const Config& config, std::size_t block);
    void (*set)(Config& config, std::size_t block, const Value& value);
};

// Reads as the path that a person would write: at<&Config::flow, &Config::Flow::flows_max>.
// A vector of blocks on the way is entered at `block`.
template <auto... Path>
constexpr Access at();

namespace access {

template <class T>
inline constexpr bool is_vector = false;
template <class T>
inline constexpr bool is_vector<std::vector<T>> = true;
template <class T>
inline constexpr bool is_duration = false;
template <class Rep, class Period>
inline constexpr bool is_duration<std::chrono::duration<Rep, Period>> = true;

template <auto Head, auto... Rest, class Owner>
auto& walk(Owner& owner, std::size_t block) {
    auto& member = owner.*Head;
    if constexpr (sizeof...(Rest) == 0) {
        return member;
    } else if constexpr (is_vector<std::remove_cvref_t<decltype(member)>>) {
        return walk<Rest...>(member[block], block);
    } else {
        return walk<Rest...>(member, block);
    }
}

template <class To, class From>
std::vector<To> converted(const std::vector<From>& from) {
    std::vector<To> to;
    to.reserve(from.size());
    for (const From& item : from) {
        if constexpr (std::is_same_v<From, std::filesystem::path>) {
            to.push_back(item.string());
        } else {
            to.push_back(static_cast<To>(item));
        }
    }
    return to;
}

template <class T>
Value get(const T& member) {
    if constexpr (std::is_same_v<T, bool> || std::is_same_v<T, std::string> ||
                  std::is_same_v<T, std::vector<std::string>>) {
        return member;
    } else if constexpr (std::is_same_v<T, std::filesystem::path>) {
        return member.string();
    } else if constexpr (std::is_same_v<T, std::vector<std::filesystem::path>>) {
        return converted<std::string>(member);
    } else if constexpr (is_vector<T>) {
        return converted<std::uint64_t>(member);
    } else if constexpr (is_duration<T>) {
        return static_cast<std::uint64_t>(std::chrono::milliseconds(member).count());
    } else if constexpr (std::is_same_v<T, std::optional<std::uint32_t>>) {
        return std::uint64_t{member.value_or(0)};
    } else {
        return static_cast<std::uint64_t>(member);
    }
}

template <class T>
void set(T& member, const Value& value) {
    if constexpr (std::is_same_v<T, bool>) {
        const bool* flag = std::get_if<bool>(&value);
        member = flag != nullptr ? *flag : std::get<std::uint64_t>(value) != 0;
    } else if constexpr (std::is_same_v<T, std::string> ||
                         std::is_same_v<T, std::filesystem::path>) {
        member = std::get<std::string>(value);
    } else if constexpr (std::is_same_v<T, std::vector<std::string>>) {
        member = std::get<std::vector<std::string>>(value);
    } else if constexpr (std::is_same_v<T, std::vector<std::filesystem::path>>) {
        member = converted<std::filesystem::path>(std::get<std::vector<std::string>>(value));
    } else if constexpr (is_vector<T>) {
        member = converted<typename T::value_type>(std::get<std::vector<std::uint64_t>>(value));
    } else if constexpr (is_duration<T>) {
        member = std::chrono::duration_cast<T>(
            std::chrono::milliseconds(static_cast<std::int64_t>(std::get<std::uint64_t>(value))));
    } else if constexpr (std::is_same_v<T, std::optional<std::uint32_t>>) {
        const auto number = static_cast<std::uint32_t>(std::get<std::uint64_t>(value));
        member = number == 0 ? std::nullopt : std::optional(number);
    } else {
        member = static_cast<T>(std::get<std::uint64_t>(value));
    }
}

template <auto... Path>
struct Member {
    static Value get(const Config& config, std::size_t block) {
        return access::get(walk<Path...>(config, block));
    }
    static void set(Config& config, std::size_t block, const Value& value) {
        access::set(walk<Path...>(config, block), value);
    }
};

}  // namespace access

template <auto... Path>
constexpr Access at() {
    return {&access::Member<Path...>::get, &access::Member<Path...>::set};
}

}  // namespace tapmeter::config
