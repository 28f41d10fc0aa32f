#include "src/saving/packet_writer.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <system_error>
#include <thread>
#include <utility>

#include "pipeline/base/fates.h"

namespace tapmeter::saving {

namespace {

using namespace std::chrono_literals;

constexpr ::mode_t file_mode = 0640;
constexpr std::size_t buffer_octets = std::size_t{1} << 20U;
constexpr auto look_again_after = 2ms;
constexpr auto open_again_after = 1s;

std::string text_of(int error) {
    return std::generic_category().message(error);
}

// Returns how many octets were written; fewer than all: errno says why.
std::size_t write_all(int file, Bytes octets) {
    std::size_t done = 0;
    while (done < octets.size()) {
        const auto written = ::write(file, &octets[done], octets.size() - done);
        if (written < 0 && errno == EINTR) {
            continue;
        }
        if (written <= 0) {
            break;
        }
        done += static_cast<std::size_t>(written);
    }
    return done;
}

std::uint64_t key_of(std::uint16_t point, LinkType link) noexcept {
    constexpr unsigned link_bits = 8;
    return std::uint64_t{point} << link_bits | static_cast<std::uint64_t>(link);
}

}  // namespace

Result<std::unique_ptr<PacketWriter>> PacketWriter::make(Parts parts) {
    auto writer = std::make_unique<PacketWriter>(std::move(parts));
    if (writer->rotation_.begins_at_once()) {
        writer->rotation_.begin();
        if (auto opened = writer->open_file(); !opened) {
            return tl::unexpected<Error>(std::move(opened.error()));
        }
    }
    writer->publish();
    return writer;
}

PacketWriter::PacketWriter(Parts parts)
    : parts_(std::move(parts)),
      rings_(parts_.rings),
      rotation_(parts_.rotation),
      log_(parts_.log),
      written_of_(parts_.points.size()),
      buffered_of_(parts_.points.size()),
      compressor_(parts_.compress ? std::make_unique<Compressor>() : nullptr) {}

PacketWriter::~PacketWriter() {
    close_file();
}

void PacketWriter::run(const std::stop_token& stop) {
    for (;;) {
        const bool last = stop.stop_requested();  // before the look: what was put before it is seen
        if (turn(last)) {
            continue;
        }
        write_out();
        publish();
        if (last) {
            break;
        }
        std::this_thread::sleep_for(look_again_after);
    }
    finish();
}

void PacketWriter::finish() {
    close_file();
    publish();
}

// Those whose order is known. False: none is.
bool PacketWriter::turn(bool last) {
    const std::size_t packets = rings_.visit(
        Clock::now(), last, [this](const SavedPacket& head, Bytes frame) { take(head, frame); });
    publish();
    return packets != 0;
}

void PacketWriter::take(const SavedPacket& saved, Bytes frame) {
    SavedPacket head = saved;
    head.observed_ns += parts_.steps == nullptr ? 0 : parts_.steps->offset().count();
    const SavedTotals one{1, head.octets};
    books_.taken += one;
    first_ns_ = first_ns_ == 0 ? head.observed_ns : first_ns_;
    last_ns_ = std::max(last_ns_, head.observed_ns);
    if (!file_is_open_for(head)) {
        return;
    }
    blocks_.packet(interface_of(head), head, frame);
    books_.buffered += one;
    ++buffered_of_[head.observation_point];
    if (blocks_.octets().size() >= buffer_octets) {
        write_out();
    }
}

// False: the packet is not written, and was counted.
bool PacketWriter::file_is_open_for(const SavedPacket& head) {
    const SavedTotals one{1, head.octets};
    const auto verdict = rotation_.before(ObservedAt{Nanoseconds{head.observed_ns}},
                                          file_octets_ + blocks_.octets().size());
    if (verdict != Rotation::Verdict::same_file) {
        close_file();
        retry_at_ = {};
    }
    if (verdict == Rotation::Verdict::no_more) {
        books_.dropped[index_of(NotWritten::files_used_up)] += one;
        return false;
    }
    if (file_.is_open()) {
        return true;
    }
    const auto now = Clock::now();
    if (now >= retry_at_) {
        const auto opened = open_file();
        if (opened) {
            return true;
        }
        retry_at_ = now + open_again_after;
        log_([&] { return opened.error().message; });
    }
    books_.dropped[index_of(NotWritten::file_error)] += one;
    return false;
}

// Its number in the file; it is described there when it is first met.
std::uint32_t PacketWriter::interface_of(const SavedPacket& head) {
    const std::uint64_t key = key_of(head.observation_point, head.link);
    const auto known = std::ranges::find(interfaces_, key);
    const auto number = static_cast<std::uint32_t>(known - interfaces_.begin());
    if (known == interfaces_.end()) {
        interfaces_.push_back(key);
        const Point& point = parts_.points[head.observation_point];
        blocks_.interface({.link_type = link_type_number(head.link),
                           .snap_octets = parts_.snap_octets,
                           .name = point.name,
                           .filter = point.filter});
    }
    return number;
}

Result<void> PacketWriter::open_file() {
    path_ = rotation_.name();
    file_ = exporting::Descriptor(
        ::open(path_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, file_mode));
    if (!file_.is_open()) {
        return failed(Error::Kind::io,
                      fmt::format("{}: cannot be made: {}; name another file to write packets to, "
                                  "or see to the folder and its permissions",
                                  path_, text_of(errno)));
    }
    file_octets_ = 0;
    interfaces_.clear();
    interfaces_written_ = 0;
    blocks_.clear();
    blocks_.section(parts_.about);
    ++books_.files;
    return {};
}

// Everything that was made goes into the file, or nothing of it.
void PacketWriter::write_out() {
    const Bytes octets = blocks_.octets();
    if (octets.empty() || !file_.is_open()) {
        return;
    }
    const std::size_t done = write_all(file_.number(), octets);
    if (done == octets.size()) {
        file_octets_ += done;
        books_.file_octets += done;
        books_.written += std::exchange(books_.buffered, {});
        for (std::size_t point = 0; point < written_of_.size(); ++point) {
            written_of_[point] += std::exchange(buffered_of_[point], 0);
        }
        interfaces_written_ = interfaces_.size();
        blocks_.clear();
        return;
    }
    const int error = errno;
    lose_buffered(error == ENOSPC || error == EDQUOT ? NotWritten::disk_full
                                                     : NotWritten::file_error);
    log_([&] {
        return fmt::format(
            "{}: packets are not written: {}; metering goes on, and so will "
            "writing once there is room",
            path_, text_of(error));
    });
    const bool cut = ::ftruncate(file_.number(), static_cast<::off_t>(file_octets_)) == 0 &&
                     ::lseek(file_.number(), static_cast<::off_t>(file_octets_), SEEK_SET) >= 0;
    if (!cut) {
        file_ = {};  // a pipe without a reader: begun anew in a second
        retry_at_ = Clock::now() + open_again_after;
    }
    if (file_octets_ == 0) {
        blocks_.section(parts_.about);
    }
}

void PacketWriter::lose_buffered(NotWritten why) {
    books_.dropped[index_of(why)] += std::exchange(books_.buffered, {});
    std::ranges::fill(buffered_of_, 0);
    blocks_.clear();
    interfaces_.resize(interfaces_written_);  // those whose description was lost come again
}

void PacketWriter::close_file() {
    if (!file_.is_open()) {
        return;
    }
    write_out();
    if (interfaces_.empty() && file_octets_ == 0) {
        interface_of({});  // a file must describe one
    }
    for (std::size_t number = 0; number < interfaces_.size(); ++number) {
        constexpr unsigned link_bits = 8;
        const std::size_t point = interfaces_[number] >> link_bits;
        Blocks::Statistics statistics = parts_.statistics(point);
        statistics.written = written_of_[point];
        statistics.started_ns = first_ns_;
        statistics.ended_ns = last_ns_;
        blocks_.statistics(static_cast<std::uint32_t>(number), statistics);
    }
    write_out();
    file_ = {};
    blocks_.clear();
    if (compressor_ != nullptr) {
        compressor_->add(path_);
    }
}

}  // namespace tapmeter::saving
