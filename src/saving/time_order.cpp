#include "src/saving/time_order.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <span>
#include <system_error>
#include <vector>

#include "pipeline/base/bytes.h"
#include "src/exporting/descriptor.h"

namespace tapmeter::saving {

namespace {

constexpr std::uint32_t interface_statistics = 5;
constexpr std::uint32_t enhanced_packet = 6;
constexpr std::size_t block_octets_min = 12;
constexpr std::size_t time_at = 12;  // in an enhanced packet block
constexpr ::mode_t file_mode = 0640;
constexpr std::size_t buffer_octets = std::size_t{1} << 20U;

struct Block {
    std::uint64_t time = 0;
    std::size_t at = 0;
    std::uint32_t octets = 0;
};

struct BlocksOfFile {
    std::vector<Block> front;  // the section, interfaces
    std::vector<Block> packets;
    std::vector<Block> back;  // statistics
};

std::uint32_t number_at(Bytes octets, std::size_t at) noexcept {
    std::uint32_t number = 0;
    std::memcpy(&number, octets.subspan(at).data(), sizeof(number));
    return number;
}

// A file that ends within a block, as by a full disk, ends behind the last whole one.
BlocksOfFile blocks_of(Bytes file) {
    BlocksOfFile found;
    for (std::size_t at = 0; file.size() - at >= block_octets_min;) {
        const std::uint32_t type = number_at(file, at);
        const std::uint32_t octets = number_at(file, at + sizeof(type));
        if (octets < block_octets_min || octets > file.size() - at) {
            break;
        }
        Block block{.time = 0, .at = at, .octets = octets};
        if (type == enhanced_packet) {
            constexpr unsigned half_bits = 32;
            block.time = std::uint64_t{number_at(file, at + time_at)} << half_bits |
                         number_at(file, at + time_at + sizeof(std::uint32_t));
        }
        auto& to = type == enhanced_packet        ? found.packets
                   : type == interface_statistics ? found.back
                                                  : found.front;
        to.push_back(block);
        at += octets;
    }
    return found;
}

// The octets of a file, as long as this lives.
class Mapped {
public:
    explicit Mapped(int file) noexcept {
        struct ::stat facts {};
        if (::fstat(file, &facts) != 0 || facts.st_size == 0) {
            return;
        }
        const auto octets = static_cast<std::size_t>(facts.st_size);
        void* const first = ::mmap(nullptr, octets, PROT_READ, MAP_PRIVATE, file, 0);
        if (first != MAP_FAILED) {  // NOLINT(*-cstyle-cast): the system's macro
            first_ = first;
            octets_ = {static_cast<const std::byte*>(first), octets};
        }
    }
    Mapped(const Mapped&) = delete;
    Mapped& operator=(const Mapped&) = delete;
    ~Mapped() {
        if (!octets_.empty()) {
            ::munmap(first_, octets_.size());
        }
    }
    Bytes octets() const noexcept { return octets_; }

private:
    void* first_ = nullptr;
    Bytes octets_;
};

bool write_whole(int file, Bytes octets) noexcept {
    while (!octets.empty()) {
        const auto written = ::write(file, octets.data(), octets.size());
        if (written < 0 && errno == EINTR) {
            continue;
        }
        if (written <= 0) {
            return false;
        }
        octets = octets.subspan(static_cast<std::size_t>(written));
    }
    return true;
}

bool write_blocks(int file, Bytes from, const BlocksOfFile& blocks) {
    std::vector<std::byte> buffer;
    buffer.reserve(buffer_octets);
    for (const auto* part : {&blocks.front, &blocks.packets, &blocks.back}) {
        for (const Block& block : *part) {
            const Bytes octets = from.subspan(block.at, block.octets);
            buffer.insert(buffer.end(), octets.begin(), octets.end());
            if (buffer.size() >= buffer_octets) {
                if (!write_whole(file, buffer)) {
                    return false;
                }
                buffer.clear();
            }
        }
    }
    return write_whole(file, buffer);
}

tl::unexpected<Error> cannot_order(const std::string& path) {
    return failed(Error::Kind::io,
                  path + ": its packets stay in the order in which the workers gave them: " +
                      std::generic_category().message(errno) +
                      "; make room beside it, or sort it with reordercap");
}

}  // namespace

Result<void> put_in_time_order(const std::string& path) {
    const exporting::Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!file.is_open()) {
        return cannot_order(path);
    }
    const Mapped mapped(file.number());
    BlocksOfFile blocks = blocks_of(mapped.octets());
    if (std::ranges::is_sorted(blocks.packets, {}, &Block::time)) {
        return {};
    }
    std::ranges::stable_sort(blocks.packets, {}, &Block::time);
    const std::string ordered = path + ".order";
    const exporting::Descriptor to(
        ::open(ordered.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, file_mode));
    if (!to.is_open()) {
        return cannot_order(path);
    }
    if (!write_blocks(to.number(), mapped.octets(), blocks) ||
        ::rename(ordered.c_str(), path.c_str()) != 0) {
        auto error = cannot_order(path);
        ::unlink(ordered.c_str());
        return error;
    }
    return {};
}

}  // namespace tapmeter::saving
