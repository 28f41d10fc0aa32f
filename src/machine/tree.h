#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "pipeline/base/result.h"

namespace tapmeter::machine {

// The kernel's files: /proc and /sys, below a folder that tests put in the place of "/".
// What is not there or cannot be read is nothing, never an error: kernels and machines differ.
class Tree {
public:
    explicit Tree(std::filesystem::path root = "/") : root_(std::move(root)) {}

    // Paths are as of the real machine, such as "/sys/devices/system/cpu/online".
    // Without the last newline; the first MiB.
    std::optional<std::string> text(const std::string& path) const;
    std::optional<std::uint64_t> number(const std::string& path) const;
    bool exists(const std::string& path) const;
    bool is_folder(const std::string& path) const;
    std::vector<std::string> names(const std::string& folder) const;  // sorted
    // The last part of where a symbolic link leads: a device's driver.
    std::optional<std::string> leads_to(const std::string& link) const;

    // errors  io, with the path and the reason
    Result<void> write(const std::string& path, const std::string& value) const;

    bool is_real() const { return root_ == "/"; }

private:
    std::filesystem::path at(const std::string& path) const;

    std::filesystem::path root_;
};

}  // namespace tapmeter::machine
