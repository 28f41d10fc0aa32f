#include "src/exporting/ipfix_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>
#include <zstd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <system_error>

#include "src/exporting/message.h"

namespace tapmeter::exporting {
namespace {

constexpr std::size_t part_octets = std::size_t{1} << 17U;
constexpr std::array<std::byte, 4> zstd_magic{std::byte{0x28}, std::byte{0xB5}, std::byte{0x2F},
                                              std::byte{0xFD}};
// A window of so many octets, 2^27, is the most that a file may ask us to keep (zstd's own limit).
constexpr int window_log_max = 27;

struct FreeContext {
    void operator()(ZSTD_DCtx* context) const noexcept { ZSTD_freeDCtx(context); }
};

}  // namespace

struct IpfixFile::Decompression {
    std::unique_ptr<ZSTD_DCtx, FreeContext> context{ZSTD_createDCtx()};
    std::vector<std::byte> packed;
    std::size_t used = 0;   // of packed
    bool in_frame = false;  // more must come
};

Result<std::unique_ptr<IpfixFile>> IpfixFile::open(const std::string& path) {
    Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    std::array<std::byte, 4> begin{};
    const auto got = file.is_open() ? ::pread(file.number(), begin.data(), begin.size(), 0) : -1;
    if (got < 0) {
        return failed(Error::Kind::io, fmt::format("{}: {}; see to the file and its permissions",
                                                   path, std::generic_category().message(errno)));
    }
    auto made = std::make_unique<IpfixFile>(path, std::move(file));
    if (begin == zstd_magic) {
        made->decompression_ = std::make_unique<Decompression>();
        ZSTD_DCtx_setParameter(made->decompression_->context.get(), ZSTD_d_windowLogMax,
                               window_log_max);
    }
    return made;
}

bool IpfixFile::is_one(const std::string& path) {
    auto file = open(path);
    if (!file || !(*file)->refill() || (*file)->held_.size() < 2) {
        return false;
    }
    return load_be16(std::span{(*file)->held_}.first<2>()) == ipfix_version;
}

IpfixFile::IpfixFile(std::string path, Descriptor file)
    : path_(std::move(path)), file_(std::move(file)) {}

IpfixFile::~IpfixFile() = default;

bool IpfixFile::fail(std::string why) {
    status_ = failed(Error::Kind::io, fmt::format("{}:{}: {}; what is before it was read", path_,
                                                  offset_, std::move(why)));
    return false;
}

// More octets behind those that are held. False: there are none.
bool IpfixFile::refill() {
    held_.erase(held_.begin(), held_.begin() + static_cast<std::ptrdiff_t>(begin_));
    begin_ = 0;
    const std::size_t before = held_.size();
    auto* const packed = decompression_.get();
    if (packed == nullptr) {
        held_.resize(before + part_octets);
        const auto got = ::read(file_.number(), &held_[before], part_octets);
        held_.resize(before + static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
        return got > 0 || (got < 0 && fail(std::generic_category().message(errno)));
    }
    while (held_.size() == before) {
        if (packed->used == packed->packed.size()) {
            packed->packed.resize(part_octets);
            const auto got = ::read(file_.number(), packed->packed.data(), part_octets);
            packed->packed.resize(static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
            packed->used = 0;
            if (got <= 0) {
                return got == 0 && !packed->in_frame
                           ? false
                           : fail("the compressed file is cut; get it whole");
            }
        }
        held_.resize(before + part_octets);
        ZSTD_inBuffer in{packed->packed.data(), packed->packed.size(), packed->used};
        ZSTD_outBuffer out{&held_[before], part_octets, 0};
        const std::size_t left = ZSTD_decompressStream(packed->context.get(), &out, &in);
        packed->used = in.pos;
        held_.resize(before + out.pos);
        if (ZSTD_isError(left) != 0) {
            return fail(fmt::format("the compressed file is damaged: {}", ZSTD_getErrorName(left)));
        }
        packed->in_frame = left != 0;
    }
    return true;
}

bool IpfixFile::next(std::vector<flow::FlowRecord>& records) {
    for (;;) {
        std::string failure;
        const Bytes rest = std::span{held_}.subspan(begin_);
        const std::size_t octets = reader_.read(rest, records, failure);
        if (octets != 0) {
            begin_ += octets;
            offset_ += octets;
            return true;
        }
        if (!failure.empty()) {
            return fail(std::move(failure) + "; is this an IPFIX file (RFC 5655)?");
        }
        if (!refill()) {
            return status_.has_value() && begin_ != held_.size()
                       ? fail("the file is cut in the middle of a message")
                       : false;
        }
    }
}

}  // namespace tapmeter::exporting
