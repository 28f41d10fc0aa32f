#include "src/exporting/spool.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <system_error>

#include "pipeline/base/expects.h"
#include "src/exporting/account.h"
#include "src/exporting/file_session.h"
#include "src/exporting/message.h"

namespace tapmeter::exporting {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t frame_octets = 56;
constexpr std::uint64_t files_of_a_spool = 16;
constexpr std::uint64_t file_octets_min = std::uint64_t{1} << 19U;
constexpr std::uint64_t file_octets_most = std::uint64_t{1} << 26U;
constexpr std::string_view suffix = ".spool";

bool same(const SpoolFile::Announced& a, const SpoolFile::Announced& b) {
    return a.frame.domain == b.frame.domain && a.octets == b.octets;
}

// "NAME-0123456789abcdef-00000001.spool"
bool is_file_of(const std::string& file, const std::string& name) {
    constexpr std::size_t behind_name = 1 + 16 + 1 + 8;
    if (file.size() != name.size() + behind_name + suffix.size() || !file.starts_with(name) ||
        !file.ends_with(suffix)) {
        return false;
    }
    const std::string_view numbers = std::string_view(file).substr(name.size(), behind_name);
    return numbers[0] == '-' && numbers[17] == '-' &&
           numbers.find_first_not_of("0123456789abcdef-") == std::string_view::npos;
}

// Of a message the time in its header (RFC 7011 section 3.1).
ObservedAt made_at(const SpoolFrame& frame, Bytes message) noexcept {
    if (frame.kind == SpoolFrame::Kind::block) {
        return frame.ended;
    }
    return message.size() < message_header_octets
               ? ObservedAt{}
               : ObservedAt{std::chrono::seconds{load_be32(message.subspan<4, 4>())}};
}

}  // namespace

Result<void> Spool::check(const std::string& folder) {
    return FileSession::check(folder);
}

Result<std::unique_ptr<Spool>> Spool::open(Setup setup) {
    std::error_code error;
    if (fs::create_directories(setup.folder, error)) {
        fs::permissions(setup.folder, fs::perms{0750}, error);
    }
    const std::string path = setup.folder + "/" + setup.name + ".lock";
    Descriptor lock(
        ::open(path.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, ::mode_t{0600}));
    if (!lock.is_open()) {
        return failed(Error::Kind::io,
                      fmt::format("spool: {} cannot be made: {}; make the folder and give this "
                                  "process the right to write there",
                                  path, std::generic_category().message(errno)));
    }
    if (::flock(lock.number(), LOCK_EX | LOCK_NB) != 0) {
        return failed(Error::Kind::io,
                      fmt::format("spool: {} is in use by another program; give each instance a "
                                  "folder of its own",
                                  path));
    }
    auto spool = std::make_unique<Spool>(std::move(setup), std::move(lock));
    if (auto found = spool->find_files(); !found) {
        return tl::unexpected<Error>(std::move(found.error()));
    }
    return spool;
}

Spool::Spool(Setup setup, Descriptor lock)
    : setup_(std::move(setup)),
      lock_(std::move(lock)),
      log_(setup_.log),
      run_(static_cast<std::uint64_t>(std::chrono::system_clock::now().time_since_epoch() /
                                      std::chrono::nanoseconds{1})),
      file_octets_max_(
          std::clamp(setup_.octets_max / files_of_a_spool, file_octets_min, file_octets_most)),
      announcements_(1) {}

Result<void> Spool::find_files() {
    std::vector<std::string> paths;
    std::error_code error;
    for (fs::directory_iterator entry(setup_.folder, error), end; !error && entry != end;
         entry.increment(error)) {
        if (is_file_of(entry->path().filename().string(), setup_.name)) {
            paths.push_back(entry->path().string());
        }
    }
    if (error) {
        return failed(Error::Kind::io,
                      fmt::format("spool: {} cannot be read: {}; see to its permissions",
                                  setup_.folder, error.message()));
    }
    std::ranges::sort(paths);  // by run and number: oldest first
    for (const std::string& path : paths) {
        take_file(path);
    }
    rewind();
    return {};
}

void Spool::take_file(const std::string& path) {
    const auto say = [this](const std::string& text) {
        if (setup_.log) {
            setup_.log(fmt::format("output {}: spool: {}", setup_.output, text));
        }
    };
    SpoolFile::Found found;
    auto file = SpoolFile::open(path, found);
    if (!file) {
        ++lost_.places;
        say(file.error().message);
        return;
    }
    if (found.cut_octets != 0) {
        ++lost_.places;
        say(
            fmt::format("{}:{}: cut or damaged; the {} octets from there on are left out, what is "
                        "before them is sent; see to the disk if this comes again",
                        path, found.damaged_at, found.cut_octets));
    }
    if (file->confirmed() == file->octets()) {
        file->remove();
        return;
    }
    const std::size_t announcements = number_of(file->announcements());
    files_.push_back({std::move(*file), announcements, 0});
}

void Spool::announce(std::vector<SpoolFile::Announced> announcements) {
    own_ = number_of(announcements);
}

std::size_t Spool::number_of(const std::vector<SpoolFile::Announced>& announcements) {
    const auto known = std::ranges::find_if(announcements_, [&](const auto& one) {
        return std::ranges::equal(one, announcements, same);
    });
    if (known == announcements_.end()) {
        announcements_.push_back(announcements);
        return announcements_.size() - 1;
    }
    return static_cast<std::size_t>(known - announcements_.begin());
}

RecordTotals Spool::waiting() const noexcept {
    RecordTotals totals;
    for (const File& one : files_) {
        totals += one.file.waiting();
    }
    return totals;
}

std::uint64_t Spool::octets() const noexcept {
    std::uint64_t octets = 0;
    for (const File& one : files_) {
        octets += one.file.octets();
    }
    return octets;
}

Spool::Appended Spool::append(const SpoolFrame& frame, Bytes message) noexcept {
    const std::uint64_t wanted = frame_octets + message.size();
    if (!make_room(wanted)) {
        return Appended::full;
    }
    const bool fits = !files_.empty() && files_.back().file.run() == run_ &&
                      files_.back().announcements == own_ &&
                      files_.back().file.octets() + wanted <= file_octets_max_;
    if ((fits || open_next_file()) && files_.back().file.append(frame, message)) {
        return Appended::done;
    }
    log_([&] {
        return fmt::format(
            "output {}: spool: {} refuses a message or block: {}; it waits in the queue "
            "meanwhile; make room on the disk",
            setup_.output, setup_.folder, std::generic_category().message(errno));
    });
    return Appended::refused;
}

Spool::Appended Spool::append_written(const SpoolFrame& frame, Bytes message) noexcept {
    const Appended appended = append(frame, message);
    if (appended == Appended::done) {
        File& last = files_.back();
        cursor_file_ = files_.size() - 1;
        cursor_offset_ = last.file.octets();
        on_their_way_.push_back(
            {cursor_offset_, frame.contents, frame.octets, made_at(frame, message)});
        ++last.on_their_way;
    }
    return appended;
}

bool Spool::open_next_file() {
    auto made = SpoolFile::create(
        fmt::format("{}/{}-{:016x}-{:08}{}", setup_.folder, setup_.name, run_, files_made_, suffix),
        run_, announcements_[own_]);
    if (!made) {
        return false;
    }
    ++files_made_;
    files_.push_back({std::move(*made), own_, 0});
    if (files_.size() == 1) {
        cursor_file_ = 0;
        cursor_offset_ = files_.front().file.confirmed();
    }
    return true;
}

// Lets the oldest go that is not on its way.
bool Spool::make_room(std::uint64_t wanted) noexcept {
    while (octets() + wanted > setup_.octets_max) {
        const bool idle = on_their_way_.empty() && !has_next_;
        const std::size_t oldest = idle ? 0 : cursor_file_ + 1;
        if (oldest + 1 >= files_.size()) {
            return false;
        }
        log_([&] {
            return fmt::format(
                "output {}: spool: full; the oldest {} flow records are dropped, reason "
                "spool_full; raise spool_size",
                setup_.output, files_[oldest].file.waiting().records);
        });
        give_up_file(oldest, lost_.full);
    }
    return true;
}

void Spool::give_up_file(std::size_t index, RecordTotals& fate) noexcept {
    fate += files_[index].file.waiting();
    files_[index].file.remove();
    files_.erase(files_.begin() + static_cast<std::ptrdiff_t>(index));
    if (index < cursor_file_) {
        --cursor_file_;
    } else if (index == cursor_file_) {
        cursor_offset_ = index < files_.size() ? files_[index].file.confirmed() : 0;
    }
}

Spool::Next* Spool::next() noexcept {
    while (!has_next_ && cursor_file_ < files_.size()) {
        File& one = files_[cursor_file_];
        if (cursor_offset_ >= one.file.octets()) {
            if (cursor_file_ + 1 == files_.size()) {
                return nullptr;
            }
            ++cursor_file_;
            cursor_offset_ = files_[cursor_file_].file.confirmed();
            continue;
        }
        next_end_ = one.file.read(cursor_offset_, next_.frame, next_.octets);
        if (next_end_ == 0) {
            lose_rest_of(one);
            continue;
        }
        next_.run = one.file.run();
        next_.announcements = one.announcements;
        has_next_ = true;
    }
    return has_next_ ? &next_ : nullptr;
}

// A message that could be read when it was written, or when the program started, and cannot now.
void Spool::lose_rest_of(File& damaged) noexcept {
    log_([&] {
        return fmt::format(
            "output {}: spool: {}:{}: damaged; the rest of it is dropped, reason "
            "spool_error; see to the disk",
            setup_.output, damaged.file.path(), cursor_offset_);
    });
    RecordTotals rest = damaged.file.waiting();
    std::size_t before = 0;
    for (std::size_t index = 0; index < cursor_file_; ++index) {
        before += files_[index].on_their_way;
    }
    for (std::size_t index = 0; index < damaged.on_their_way; ++index) {
        rest -= on_their_way_[before + index].contents;
    }
    lost_.damaged += rest;
    ++lost_.places;
    damaged.file.cut(cursor_offset_, rest);
    drop_finished();
}

void Spool::written() noexcept {
    expects(has_next_);
    on_their_way_.push_back(
        {next_end_, next_.frame.contents, next_.frame.octets, made_at(next_.frame, next_.octets)});
    ++files_[cursor_file_].on_their_way;
    cursor_offset_ = next_end_;
    has_next_ = false;
}

Spool::Confirmed Spool::confirm(std::size_t count) noexcept {
    Confirmed confirmed;
    const ObservedAt now = observed_now();
    while (count > 0) {
        const auto first =
            std::ranges::find_if(files_, [](const File& one) { return one.on_their_way != 0; });
        expects(first != files_.end());
        RecordTotals contents;
        std::uint64_t end = 0;
        for (; count > 0 && first->on_their_way > 0; --count, --first->on_their_way) {
            contents += on_their_way_.front().contents;
            end = on_their_way_.front().end;
            confirmed.octets += on_their_way_.front().octets;
            confirmed.lag.add(on_their_way_.front().contents.records, on_their_way_.front().made,
                              now);
            ++confirmed.messages;
            on_their_way_.pop_front();
        }
        confirmed.contents += contents;
        first->file.confirm(end, contents);
        drop_finished();
    }
    return confirmed;
}

void Spool::drop_finished() noexcept {
    while (!files_.empty() && files_.front().on_their_way == 0 &&
           files_.front().file.confirmed() >= files_.front().file.octets()) {
        RecordTotals nothing;
        give_up_file(0, nothing);
    }
}

void Spool::rewind() noexcept {
    for (File& one : files_) {
        one.on_their_way = 0;
    }
    on_their_way_.clear();
    has_next_ = false;
    cursor_file_ = 0;
    cursor_offset_ = files_.empty() ? 0 : files_.front().file.confirmed();
}

}  // namespace tapmeter::exporting
