#pragma once

#include <stdlib.h>

#include <algorithm>
#include <filesystem>
#include <string>

namespace tapmeter::test_support {

// A folder for spool files, gone at the end.
class SpoolFolder {
public:
    SpoolFolder() {
        std::string name =
            (std::filesystem::temp_directory_path() / "tapmeter_spool_XXXXXX").string();
        path_ = ::mkdtemp(name.data());
    }
    SpoolFolder(const SpoolFolder&) = delete;
    SpoolFolder& operator=(const SpoolFolder&) = delete;
    ~SpoolFolder() { std::filesystem::remove_all(path_); }

    const std::filesystem::path& path() const noexcept { return path_; }

    // Files in which something waits.
    std::size_t files() const {
        const std::filesystem::directory_iterator entries(path_);
        return static_cast<std::size_t>(std::ranges::count_if(
            entries, [](const auto& entry) { return entry.path().extension() == ".spool"; }));
    }

private:
    std::filesystem::path path_;
};

}  // namespace tapmeter::test_support
