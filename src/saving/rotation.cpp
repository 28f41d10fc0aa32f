#include "src/saving/rotation.h"

#include <fmt/format.h>

#include <array>
#include <ctime>

namespace tapmeter::saving {

namespace {

constexpr std::size_t name_octets_max = 4'096;  // PATH_MAX

// Digits of the last number below `files`; 0 of one file, as tcpdump counts.
int digits_of(std::uint32_t files) noexcept {
    int digits = 0;
    for (std::uint32_t rest = files == 0 ? 0 : files - 1; rest > 0; rest /= 10) {
        ++digits;
    }
    return digits;
}

// A name that is too long, or empty, stays as it was written.
std::string with_time(const std::string& format, std::int64_t second) {
    std::array<char, name_octets_max> text{};
    const std::time_t time = second;
    std::tm parts{};
    if (::localtime_r(&time, &parts) == nullptr) {
        return format;
    }
    // The operator's own format.
    const std::size_t octets = std::strftime(text.data(), text.size(), format.c_str(), &parts);
    return octets == 0 ? format : std::string(text.data(), octets);
}

std::int64_t second_of(ObservedAt time) noexcept {
    return std::chrono::floor<std::chrono::seconds>(time.time_since_epoch()).count();
}

}  // namespace

void Rotation::make_name(std::uint32_t number) {
    const std::string base =
        settings_.rotate.count() != 0 ? with_time(settings_.file, since_) : settings_.file;
    const int digits = settings_.file_octets != 0 ? digits_of(settings_.files) : 0;
    name_ = number == 0 && digits == 0 ? base : fmt::format("{}{:0{}}", base, number, digits);
}

void Rotation::begin() {
    make_name(0);
}

bool Rotation::is_over(std::int64_t second) {
    const std::int64_t limit = settings_.rotate.count();
    if (limit == 0 || second - since_ < limit) {
        return false;
    }
    since_ = second;
    ++times_;
    return true;
}

// Where time and size are over at once, time goes first.
Rotation::Verdict Rotation::before(ObservedAt packet, std::uint64_t octets) {
    if (no_more_) {
        return Verdict::no_more;
    }
    const std::int64_t second = second_of(packet);
    if (name_.empty()) {
        since_ = second;
        make_name(0);
        return Verdict::next_file;
    }
    if (is_over(second)) {
        if (settings_.file_octets == 0 && settings_.files != 0 && times_ >= settings_.files) {
            no_more_ = true;
            return Verdict::no_more;
        }
        number_ = 0;
        make_name(number_);
        return Verdict::next_file;
    }
    if (settings_.file_octets != 0 && octets > settings_.file_octets) {
        ++number_;
        number_ = settings_.files != 0 && number_ >= settings_.files ? 0 : number_;
        make_name(number_);
        return Verdict::next_file;
    }
    return Verdict::same_file;
}

}  // namespace tapmeter::saving
