#include "src/exporting/file_session.h"

#include <fcntl.h>
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <unistd.h>
#include <zstd.h>

#include <array>
#include <cerrno>
#include <ctime>
#include <filesystem>
#include <system_error>
#include <vector>

namespace tapmeter::exporting {
namespace {

constexpr ::mode_t file_mode = 0640;
constexpr int files_a_second_max = 100;

std::string text_of(int error) {
    return std::generic_category().message(error);
}

bool write_all(int file, Bytes octets) {
    while (!octets.empty()) {
        const auto written = ::write(file, octets.data(), octets.size());
        if (written < 0 && errno != EINTR) {
            return false;
        }
        octets = octets.subspan(static_cast<std::size_t>(std::max<ssize_t>(written, 0)));
    }
    return true;
}

struct FreeContext {
    void operator()(ZSTD_CCtx* context) const noexcept { ZSTD_freeCCtx(context); }
};

bool compress_into(int from, int to) {
    const std::unique_ptr<ZSTD_CCtx, FreeContext> context(ZSTD_createCCtx());
    // Else some damage would be read as other numbers.
    ZSTD_CCtx_setParameter(context.get(), ZSTD_c_checksumFlag, 1);
    std::vector<std::byte> in(ZSTD_CStreamInSize());
    std::vector<std::byte> out(ZSTD_CStreamOutSize());
    for (;;) {
        const auto got = ::read(from, in.data(), in.size());
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0 || context == nullptr) {
            return false;
        }
        ZSTD_inBuffer input{in.data(), static_cast<std::size_t>(got), 0};
        const auto mode = got == 0 ? ZSTD_e_end : ZSTD_e_continue;
        for (bool more = true; more;) {
            ZSTD_outBuffer output{out.data(), out.size(), 0};
            const std::size_t left = ZSTD_compressStream2(context.get(), &output, &input, mode);
            if (ZSTD_isError(left) != 0 || !write_all(to, std::span{out}.first(output.pos))) {
                return false;
            }
            more = mode == ZSTD_e_end ? left != 0 : input.pos != input.size;
        }
        if (got == 0) {
            return true;
        }
    }
}

}  // namespace

bool compress_file(const std::string& path) {
    const std::string packed = path + ".zst";
    const Descriptor from(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
    const Descriptor to(::open(packed.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, file_mode));
    const bool done = from.is_open() && to.is_open() && compress_into(from.number(), to.number());
    if (to.is_open()) {
        ::unlink(done ? path.c_str() : packed.c_str());
    }
    return done;
}

Result<void> FileSession::check(const std::string& folder) {
    std::filesystem::path nearest = folder;
    std::error_code error;
    while (!std::filesystem::exists(nearest, error) && nearest.has_relative_path()) {
        nearest = nearest.parent_path();
    }
    if (!std::filesystem::is_directory(nearest, error) ||
        ::access(nearest.c_str(), W_OK | X_OK) != 0) {
        return failed(Error::Kind::io,
                      fmt::format("no files can be made in '{}': {}; make the folder and give this "
                                  "process the right to write there",
                                  folder, text_of(errno == 0 ? ENOTDIR : errno)));
    }
    return {};
}

Result<std::unique_ptr<StreamSession>> FileSession::make(const Setup& setup) {
    if (auto possible = check(setup.folder); !possible) {
        return tl::unexpected<Error>(std::move(possible.error()));
    }
    std::error_code error;
    std::filesystem::create_directories(setup.folder, error);
    if (!std::filesystem::is_directory(setup.folder)) {
        return failed(Error::Kind::io, fmt::format("the folder '{}' cannot be made: {}",
                                                   setup.folder, error.message()));
    }
    return std::make_unique<FileSession>(setup);
}

FileSession::FileSession(Setup setup)
    : setup_(std::move(setup)), peer_("file://" + setup_.folder) {}

FileSession::~FileSession() {
    close();
}

StreamSession::Progress FileSession::fail(const std::string& what, int error) {
    failure_ = fmt::format("{}: {}", what, text_of(error));
    return Progress::failed;
}

StreamSession::Progress FileSession::open(std::chrono::milliseconds /*patience*/) {
    const std::string stamp = fmt::format("{}/{}-{:%Y%m%dT%H%M%SZ}", setup_.folder, setup_.name,
                                          fmt::gmtime(std::time(nullptr)));
    for (int number = 0; number < files_a_second_max; ++number) {
        path_ = number == 0 ? stamp + ".ipfix" : fmt::format("{}.{}.ipfix", stamp, number);
        if (std::filesystem::exists(path_) || std::filesystem::exists(path_ + ".zst")) {
            continue;
        }
        file_ = Descriptor(::open((path_ + ".part").c_str(),
                                  O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, file_mode));
        if (file_.is_open()) {
            opened_ = std::chrono::steady_clock::now();
            written_ = 0;
            return Progress::done;
        }
        if (errno != EEXIST) {
            break;
        }
    }
    return fail("cannot make " + path_ + ".part", errno);
}

bool FileSession::is_due() const {
    return std::chrono::steady_clock::now() - opened_ >= setup_.rotate;
}

// A message is in the file whole or not at all.
StreamSession::Progress FileSession::write(Bytes message) {
    if (is_due() && written_ != 0) {
        return Progress::renew;
    }
    if (!write_all(file_.number(), message)) {
        const int error = errno;
        [[maybe_unused]] const int cut = ::ftruncate(file_.number(), static_cast<off_t>(written_));
        return fail("cannot write " + path_ + ".part", error);
    }
    written_ += message.size();
    return Progress::done;
}

StreamSession::Progress FileSession::wait(bool /*for_room*/,
                                          std::chrono::milliseconds /*patience*/) {
    return is_due() ? Progress::renew : Progress::pending;
}

void FileSession::close() {
    if (!file_.is_open()) {
        return;
    }
    file_ = Descriptor();
    const std::string part = path_ + ".part";
    if (::rename(part.c_str(), path_.c_str()) != 0 || !setup_.compress) {
        return;
    }
    compressor_ = std::jthread([path = path_] { compress_file(path); });
}

}  // namespace tapmeter::exporting
