#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "pipeline/base/units.h"

namespace tapmeter::saving {

// Which file a packet goes into: tcpdump's -C, -G and -W, to the letter of its names, but for one
// thing: time is that of the packets, so that a recording is cut as it would have been live.
//
//   octets           FILE, FILE1, FILE2, ...
//   octets, files    FILE0, FILE1, ... with as many digits as the last needs; then FILE0 anew
//   time             FILE as a format of strftime(3), in local time
//   time, files      likewise; behind the last nothing more is written
//   time, octets     FILE by strftime, FILE1, ...; numbers begin anew with each time
class Rotation {
public:
    struct Settings {
        std::string file;
        std::uint64_t file_octets = 0;  // 0: size does not matter
        std::uint32_t files = 0;        // 0: any number
        std::chrono::seconds rotate{0};
    };
    explicit Rotation(Settings settings) : settings_(std::move(settings)) {}

    enum class Verdict : std::uint8_t { same_file, next_file, no_more };

    // Whether a first file can be named without a packet: its name has no time in it.
    bool begins_at_once() const noexcept { return settings_.rotate.count() == 0; }

    // Asked in front of each packet. With next_file, name() is that of the file to begin.
    // octets  of the file at hand
    Verdict before(ObservedAt packet, std::uint64_t octets);

    const std::string& name() const noexcept { return name_; }
    void begin();  // the first file, where begins_at_once()

private:
    void make_name(std::uint32_t number);
    bool is_over(std::int64_t second);

    Settings settings_;
    std::string name_;  // empty: no file was begun
    std::uint32_t number_ = 0;
    std::uint32_t times_ = 0;  // how often time was over
    std::int64_t since_ = 0;   // second in which the file, or its first number, began
    bool no_more_ = false;
};

}  // namespace tapmeter::saving
