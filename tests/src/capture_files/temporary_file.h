#pragma once

#include <filesystem>
#include <fstream>
#include <string>

#include <unistd.h>

#include "tests/src/capture_files/capture_builder.h"

namespace tapmeter::capture_files::testing {

// A file that is gone with its owner.
class TemporaryFile {
public:
    explicit TemporaryFile(const File& content) {
        static int number = 0;
        path_ = std::filesystem::temp_directory_path() /
                ("tapmeter_capture_files_" + std::to_string(::getpid()) + "_" +
                 std::to_string(number++));
        write(content);
    }
    TemporaryFile(const TemporaryFile&) = delete;
    TemporaryFile& operator=(const TemporaryFile&) = delete;
    ~TemporaryFile() { std::filesystem::remove(path_); }

    const std::filesystem::path& path() const { return path_; }

private:
    void write(const File& content) const {
        std::ofstream stream(path_, std::ios::binary);
        // NOLINTNEXTLINE(*-reinterpret-cast): streams write chars
        stream.write(reinterpret_cast<const char*>(content.data()),
                     static_cast<std::streamsize>(content.size()));
    }

    std::filesystem::path path_;
};

}  // namespace tapmeter::capture_files::testing
