#include "src/config/config_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <algorithm>
#include <array>
#include <cerrno>
#include <optional>
#include <system_error>
#include <utility>

#include "src/config/toml_text.h"

namespace tapmeter::config {

namespace {

namespace fs = std::filesystem;

class Descriptor {
public:
    explicit Descriptor(int number) : number_(number) {}
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    ~Descriptor() {
        if (number_ >= 0) {
            ::close(number_);
        }
    }
    int number() const { return number_; }

private:
    int number_;
};

std::string reason_of(int error) {
    return std::generic_category().message(error);
}

std::optional<std::string> stat_fault(const struct stat& status, const fs::path& file,
                                      Reader reader) {
    if (!S_ISREG(status.st_mode)) {
        return "not a regular file";
    }
    if (status.st_size > static_cast<off_t>(file_octets_max)) {
        return "larger than " + std::to_string(file_octets_max >> 20U) + " MiB";
    }
    if (reader.user == 0 && status.st_uid != 0) {
        return "belongs to user " + std::to_string(status.st_uid) +
               ", who could make a root process open and write any file; run: chown root " +
               file.string();
    }
    const mode_t strangers = reader.user == 0 ? S_IWGRP | S_IWOTH : S_IWOTH;
    if ((status.st_mode & strangers) != 0) {
        return "others may write it; run: chmod go-w " + file.string();
    }
    return std::nullopt;
}

tl::expected<std::string, std::string> read_all(int descriptor) {
    std::string text;
    std::array<char, 65'536> piece{};
    // One octet more than is allowed, for a file that grows while it is read.
    while (text.size() <= file_octets_max) {
        const ssize_t octets = ::read(descriptor, piece.data(), piece.size());
        if (octets < 0 && errno == EINTR) {
            continue;
        }
        if (octets < 0) {
            return tl::unexpected<std::string>("cannot be read: " + reason_of(errno));
        }
        if (octets == 0) {
            break;
        }
        text.append(piece.data(), static_cast<std::size_t>(octets));
    }
    return text;
}

tl::expected<std::vector<fs::path>, std::string> parts_of(const fs::path& folder) {
    std::vector<fs::path> parts;
    std::error_code error;
    fs::directory_iterator entry(folder, error);
    if (error == std::errc::no_such_file_or_directory || error == std::errc::not_a_directory) {
        return parts;
    }
    for (; !error && entry != fs::directory_iterator(); entry.increment(error)) {
        const std::string name = entry->path().filename().string();
        if (name.ends_with(".toml") && !name.starts_with('.')) {
            parts.push_back(entry->path());
        }
        if (parts.size() > parts_max) {
            return tl::unexpected<std::string>(folder.string() + " holds more than " +
                                               std::to_string(parts_max) + " files *.toml");
        }
    }
    if (error) {
        return tl::unexpected<std::string>(folder.string() + " cannot be read: " + error.message());
    }
    std::ranges::sort(parts);
    return parts;
}

}  // namespace

Reader Reader::this_process() {
    return {.user = ::geteuid()};
}

tl::expected<std::string, std::string> read_config_file(const fs::path& file, Reader reader) {
    // Not blocking, so that a FIFO under that name cannot hold us up.
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-vararg): open(2) is declared so
    const Descriptor descriptor(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
    if (descriptor.number() < 0) {
        return tl::unexpected<std::string>("cannot be opened: " + reason_of(errno));
    }
    struct stat status {};
    if (::fstat(descriptor.number(), &status) != 0) {
        return tl::unexpected<std::string>("cannot be examined: " + reason_of(errno));
    }
    if (auto fault = stat_fault(status, file, reader)) {
        return tl::unexpected<std::string>(std::move(*fault));
    }
    return read_all(descriptor.number());
}

tl::expected<std::vector<fs::path>, std::string> config_parts(const fs::path& file) {
    auto parts = parts_of(file.parent_path() / "conf.d");
    if (!parts) {
        return parts;
    }
    auto own = parts_of(fs::path(file.string() + ".d"));
    if (!own) {
        return own;
    }
    parts->insert(parts->end(), own->begin(), own->end());
    return parts;
}

}  // namespace tapmeter::config
