#include "src/saving/recall_writer.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <system_error>
#include <thread>
#include <utility>

#include "pipeline/base/fates.h"
#include "src/exporting/text.h"
#include "src/saving/time_order.h"

namespace tapmeter::saving {

namespace {

using namespace std::chrono_literals;

constexpr auto look_again_after = 2ms;
constexpr std::string_view name_begins = "recall-";
constexpr std::string_view name_ends = ".pcapng";
constexpr std::string_view unfinished = ".part";

std::string text_of(std::int64_t nanoseconds) {
    std::array<char, exporting::timestamp_characters_max> text{};
    const char* const end =
        exporting::write_rfc3339(text.data(), ObservedAt{Nanoseconds{nanoseconds}});
    return {text.data(), static_cast<std::size_t>(end - text.data())};
}

std::string text_of(const decode::Address& address, std::uint8_t ip_version) {
    std::array<char, exporting::address_characters_max> text{};
    const char* const end = exporting::write_address(text.data(), address, ip_version);
    return {text.data(), static_cast<std::size_t>(end - text.data())};
}

std::string end_of(const decode::Address& address, const flow::FlowKey& key, std::uint16_t port) {
    const std::string text = text_of(address, key.ip_version);
    return key.ip_version == 6 ? fmt::format("[{}]:{}", text, port)
                               : fmt::format("{}:{}", text, port);
}

// "recall-20261122T061503Z-000001-alert.pcapng": names are in the order of time.
std::string name_of(const Recall& recall, std::int64_t asked_ns) {
    std::array<char, 32> text{};
    const std::time_t second = std::max<std::int64_t>(asked_ns, 0) / 1'000'000'000;
    std::tm parts{};
    ::gmtime_r(&second, &parts);
    const std::size_t octets = std::strftime(text.data(), text.size(), "%Y%m%dT%H%M%SZ", &parts);
    const std::string_view of = recall.why == Recall::Why::alert  ? "alert"
                                : recall.of == Recall::Of::host   ? "host"
                                : recall.of == Recall::Of::filter ? "filter"
                                                                  : "flow";
    return fmt::format("{}{}-{:08x}-{}{}", name_begins, std::string_view(text.data(), octets),
                       recall.number, of, name_ends);
}

void add(WriterBooks& to, const WriterBooks& other) noexcept {
    to.taken += other.taken;
    to.written += other.written;
    to.buffered += other.buffered;
    for (std::size_t i = 0; i < to.dropped.size(); ++i) {
        to.dropped[i] += other.dropped[i];
    }
    to.files += other.files;
    to.file_octets += other.file_octets;
}

}  // namespace

std::string words_of(const Recall& recall) {
    const flow::FlowKey& key = recall.key;
    std::string words = recall.why == Recall::Why::alert
                            ? fmt::format("alert {}:{}:{}, ", recall.gid, recall.sid, recall.rev)
                            : std::string();
    if (recall.of == Recall::Of::host) {
        return words + "host " + text_of(key.low, key.ip_version);
    }
    if (recall.of == Recall::Of::filter) {
        return words + "filter " + recall.filter->expression;
    }
    return words + fmt::format("flow {} {} - {}", exporting::protocol_name(key.protocol),
                               end_of(key.low, key, key.low_port),
                               end_of(key.high, key, key.high_port));
}

Result<std::unique_ptr<RecallWriter>> RecallWriter::make(Parts parts) {
    auto writer = std::make_unique<RecallWriter>(std::move(parts));
    if (auto found = writer->find_files(); !found) {
        return tl::unexpected<Error>(std::move(found.error()));
    }
    writer->publish();
    return writer;
}

RecallWriter::RecallWriter(Parts parts) : parts_(std::move(parts)), log_(parts_.log) {}

Result<void> RecallWriter::find_files() {
    std::error_code error;
    std::filesystem::create_directories(parts_.folder, error);
    for (std::filesystem::directory_iterator at(parts_.folder, error), end; !error && at != end;
         at.increment(error)) {
        const std::string name = at->path().filename().string();
        if (name.starts_with(name_begins) && name.ends_with(name_ends)) {
            files_.push_back(name);
        }
    }
    if (error) {
        return failed(Error::Kind::io,
                      fmt::format("history.folder = \"{}\": {}; name a folder that this process "
                                  "may write",
                                  parts_.folder, error.message()));
    }
    std::ranges::sort(files_);
    return {};
}

void RecallWriter::run(const std::stop_token& stop) {
    for (;;) {
        const bool last = stop.stop_requested();  // before the look: what was put before it is seen
        if (turn()) {
            continue;
        }
        write_out();
        if (last) {
            break;
        }
        std::this_thread::sleep_for(look_again_after);
    }
    while (!open_.empty()) {  // a worker that did not end in good order
        close(open_.begin()->second);
        open_.erase(open_.begin());
    }
    publish();
}

// One chunk of each worker that has one. False: none has.
bool RecallWriter::turn() {
    bool any = false;
    for (std::uint32_t number = 0; number < parts_.rings.size(); ++number) {
        SaveRing& ring = *parts_.rings[number];
        const auto chunk = ring.oldest();
        if (!chunk.empty()) {
            take_chunk(chunk, number);
            ring.give_back();
            publish();
            any = true;
        }
    }
    return any;
}

void RecallWriter::take_chunk(std::span<const std::byte> chunk, std::uint32_t ring) {
    for_each_saved(chunk, [this, ring](const SavedPacket& head, Bytes frame) {
        switch (head.mark) {
            case SavedPacket::Mark::recall_begins:
                return begin(frame);
            case SavedPacket::Mark::recall_ends:
                return end(head.recall);
            case SavedPacket::Mark::none:
                return take(head, frame, ring);
        }
    });
}

PacketWriter::Parts RecallWriter::parts_of(const Recall& recall, const std::string& name) {
    PacketWriter::Parts parts;
    parts.rotation.file = path_of(name) + std::string(unfinished);
    parts.snap_octets = parts_.snap_octets;
    parts.points = parts_.points;
    parts.statistics = [this, number = recall.number](std::size_t point) {
        Blocks::Statistics statistics = parts_.statistics(point);
        const std::string& reach = open_.at(number).reach;
        statistics.comment += (statistics.comment.empty() ? "" : "; ") + reach;
        return statistics;
    };
    parts.log = parts_.log;
    parts.steps = parts_.steps;
    parts.about = fmt::format("tapmeter recall {}: {}, asked for at {}", recall.number,
                              words_of(recall), text_of(in_time_of_day(recall.asked_ns)));
    return parts;
}

void RecallWriter::begin(Bytes octets) {
    Recall recall;
    std::memcpy(&recall, octets.data(), sizeof(recall));
    Open& open = open_[recall.number];
    if (open.writer == nullptr) {
        open.recall = recall;
        open.name = name_of(recall, in_time_of_day(recall.asked_ns));
        open.writer = std::make_unique<PacketWriter>(parts_of(recall, open.name));
    }
    open.reach += fmt::format(
        "{}worker {}: {}", open.reach.empty() ? "history of " : ", of ", recall.worker,
        recall.oldest_ns == 0 ? "empty"
                              : "from " + text_of(in_time_of_day(recall.oldest_ns)) + " on");
}

std::int64_t RecallWriter::in_time_of_day(std::int64_t observed_ns) const {
    return observed_ns + (parts_.steps == nullptr ? 0 : parts_.steps->offset().count());
}

void RecallWriter::take(const SavedPacket& head, Bytes frame, std::uint32_t ring) {
    const auto found = open_.find(head.recall);
    const SavedTotals one{1, head.octets};
    if (found == open_.end()) {
        books_.files.taken += one;
        books_.files.dropped[index_of(NotWritten::file_error)] += one;
        return;
    }
    Open& open = found->second;
    if (open.writer->file_octets() + SavedPacket::room_for(head.octets) > parts_.file_octets) {
        books_.files.taken += one;
        books_.files.dropped[index_of(NotWritten::file_full)] += one;
        return;
    }
    open.workers_with_packets += open.last_ring != ring + 1 ? 1U : 0U;
    open.last_ring = ring + 1;
    open.writer->take(head, frame);
}

void RecallWriter::end(std::uint32_t number) {
    const auto found = open_.find(number);
    if (found == open_.end() || ++found->second.workers_ended < found->second.recall.workers) {
        return;
    }
    close(found->second);
    open_.erase(found);
}

void RecallWriter::close(Open& open) {
    open.writer->finish();
    const WriterBooks books = open.writer->books();
    add(books_.files, books);
    books_.commands_done += open.recall.why == Recall::Why::command ? 1U : 0U;
    if (open.recall.filter != nullptr) {
        open.recall.filter->let_go();
    }
    if (books.written.packets == 0) {
        ++books_.empty;
        std::error_code nothing_there;
        std::filesystem::remove(path_of(open.name) + std::string(unfinished), nothing_there);
    } else {
        ++books_.closed;
        keep_file(open);
    }
}

// The file gets its name; the oldest goes where there are too many.
void RecallWriter::keep_file(const Open& open) {
    const std::string path = path_of(open.name);
    const std::string part = path + std::string(unfinished);
    // A steering core polls one queue after the other: what a worker has of several flows may come
    // a little out of order.
    if (open.workers_with_packets > 1 || open.recall.of != Recall::Of::flow) {
        if (const auto ordered = put_in_time_order(part); !ordered) {
            log_([&] { return ordered.error().message; });
        }
    }
    std::error_code error;
    std::filesystem::rename(part, path, error);
    if (error) {
        log_([&] { return part + ": keeps this name: " + error.message(); });
        return;
    }
    files_.insert(std::ranges::upper_bound(files_, open.name), open.name);
    while (files_.size() > parts_.files_max) {
        std::filesystem::remove(path_of(files_.front()), error);
        files_.pop_front();
        ++books_.files_removed;
    }
}

void RecallWriter::write_out() {
    for (auto& [number, open] : open_) {
        open.writer->write_out();
    }
    publish();
}

void RecallWriter::publish() {
    RecallBooks books = books_;
    for (auto& [number, open] : open_) {
        open.writer->show();
        add(books.files, open.writer->books());
    }
    books.open = open_.size();
    published_.publish(books);
}

}  // namespace tapmeter::saving
