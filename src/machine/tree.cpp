#include "src/machine/tree.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <system_error>

namespace tapmeter::machine {

namespace fs = std::filesystem;

namespace {
constexpr std::size_t text_octets_max = std::size_t{1} << 20U;
}  // namespace

fs::path Tree::at(const std::string& path) const {
    return root_ / fs::path(path).relative_path();
}

// By read(2): a file of the kernel may open and then refuse to be read, which streams answer with
// an exception.
std::optional<std::string> Tree::text(const std::string& path) const {
    const int file = ::open(at(path).c_str(), O_RDONLY | O_CLOEXEC);
    if (file < 0) {
        return std::nullopt;
    }
    std::string text;
    std::array<char, 4'096> piece{};
    ssize_t octets = 0;
    while (text.size() < text_octets_max &&
           (octets = ::read(file, piece.data(), piece.size())) > 0) {
        text.append(piece.data(), static_cast<std::size_t>(octets));
    }
    ::close(file);
    if (octets < 0) {
        return std::nullopt;
    }
    while (!text.empty() && text.back() == '\n') {
        text.pop_back();
    }
    return text;
}

bool Tree::is_folder(const std::string& path) const {
    std::error_code ignored;
    return fs::is_directory(at(path), ignored);
}

std::optional<std::uint64_t> Tree::number(const std::string& path) const {
    const auto found = text(path);
    std::uint64_t number = 0;
    if (!found ||
        std::from_chars(found->data(), found->data() + found->size(), number).ec != std::errc()) {
        return std::nullopt;
    }
    return number;
}

bool Tree::exists(const std::string& path) const {
    std::error_code ignored;
    return fs::exists(at(path), ignored);
}

std::vector<std::string> Tree::names(const std::string& folder) const {
    std::vector<std::string> names;
    std::error_code error;
    for (fs::directory_iterator entry(at(folder), error), end; !error && entry != end;
         entry.increment(error)) {
        names.push_back(entry->path().filename().string());
    }
    std::ranges::sort(names);
    return names;
}

std::optional<std::string> Tree::leads_to(const std::string& link) const {
    std::error_code error;
    const fs::path target = fs::read_symlink(at(link), error);
    return error ? std::nullopt : std::optional(target.filename().string());
}

Result<void> Tree::write(const std::string& path, const std::string& value) const {
    // No file of /proc or /sys is ever made by us; a plain write(2), because the kernel answers
    // with the error that tells why.
    const int file = ::open(at(path).c_str(), O_WRONLY | O_CLOEXEC);
    const bool written = file >= 0 && ::write(file, value.data(), value.size()) ==
                                          static_cast<ssize_t>(value.size());
    const int error = errno;
    if (file >= 0) {
        ::close(file);
    }
    if (!written) {
        return failed(Error::Kind::io,
                      path + ": cannot be set to \"" + value + "\": " + std::strerror(error));
    }
    return {};
}

}  // namespace tapmeter::machine
