#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "pipeline/flow/application.h"

namespace tapmeter::inspect {

// What the numbers of flow::Application are called. Filled while the program starts; protocols of a
// rule file may join later, under numbers that never change again. One thread writes, any reads.
class ApplicationNames {
public:
    static constexpr std::size_t protocols_max = 1'024;
    static constexpr std::size_t categories_max = 256;
    static constexpr std::size_t risks_max = 64;
    static constexpr std::size_t name_octets_max = 47;  // longer ones are cut
    static constexpr std::size_t label_octets_max = 2 * name_octets_max + 1;
    static constexpr std::size_t escaped_octets_max = name_octets_max;

    // Empty where the number has no name.
    std::string_view protocol(std::uint16_t number) const noexcept;
    std::string_view category(std::uint16_t number) const noexcept;
    std::string_view risk(std::size_t number) const noexcept;

    // Raised by publish() alone: another number, more names. 0: none is known yet.
    std::uint32_t edition() const noexcept { return edition_.load(std::memory_order_acquire); }

    // The two protocols as nDPI prints them: "TLS.Google", "DNS", "Unknown".
    std::string label(const flow::Application& application) const;

    // Octets that JSON would have to escape, and all that are no printable ASCII, become '_'.
    void name_protocol(std::uint16_t number, std::string_view name) noexcept;
    void name_category(std::uint16_t number, std::string_view name) noexcept;
    void name_risk(std::size_t number, std::string_view name) noexcept;

    // The number of a protocol of the operator's own: that which it has already, or a new one above
    // `above`; 0 where there is none left.
    std::uint16_t number_of(std::string_view name, std::uint16_t above) noexcept;

    // What belongs together has been named; nothing where all of it was known before.
    void publish() noexcept;

private:
    struct Name {
        std::array<char, name_octets_max> octets{};
        std::atomic<std::uint8_t> length{0};  // written last

        std::string_view view() const noexcept;
        bool set(std::string_view name) noexcept;  // false: it is called so already
    };

    std::array<Name, protocols_max> protocols_;
    std::array<Name, categories_max> categories_;
    std::array<Name, risks_max> risks_;
    bool has_changed_ = false;  // since the last publish()
    std::atomic<std::uint32_t> edition_{0};
};

}  // namespace tapmeter::inspect
