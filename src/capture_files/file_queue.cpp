#include "src/capture_files/file_queue.h"

#include <algorithm>

#include "pipeline/base/expects.h"

namespace tapmeter::capture_files {
namespace {

Octets total_of(const std::vector<Input>& inputs) noexcept {
    Octets total;
    for (const Input& input : inputs) {
        const std::uint64_t octets = input.octets->octets_total();
        if (octets == 0) {
            return {};
        }
        total += Octets{octets};
    }
    return total;
}

}  // namespace

FileQueue::FileQueue(std::vector<Input> inputs, std::uint16_t observation_point)
    : inputs_(std::move(inputs)),
      octets_total_(total_of(inputs_)),
      observation_point_(observation_point) {
    expects(!inputs_.empty());
    start_input();
}

void FileQueue::receive(Burst& burst) noexcept {
    expects(!burst_is_out_);
    burst_is_out_ = true;
    burst.count = 0;
    if (stopped_.load(std::memory_order_relaxed)) {
        give_up();
    }
    while (!exhausted()) {
        const Turn turn = reader_.read(burst);
        if (turn == Turn::packets || turn == Turn::nothing_now) {
            break;
        }
        end_input(turn);
    }
    publish(burst);
}

void FileQueue::release() noexcept {
    expects(burst_is_out_);
    burst_is_out_ = false;
}

void FileQueue::start_input() noexcept {
    Input& input = inputs_[current_];
    reader_.start(*input.octets, input.format, observation_point_);
}

// A damaged input does not keep us from reading the next: its fault is remembered for status().
void FileQueue::end_input(Turn turn) noexcept {
    if (turn == Turn::damaged && damaged_inputs_++ == 0) {
        first_damage_ = {.input = current_,
                         .packets_before = received_.received.value - packets_of_ended_inputs_,
                         .damage = reader_.damage()};
    }
    packets_of_ended_inputs_ = received_.received.value;
    octets_of_ended_inputs_ += reader_.octets_read();
    inputs_[current_].octets->close();
    if (++current_ < inputs_.size()) {
        start_input();
    }
}

// Leaves the rest of the inputs unread.
void FileQueue::give_up() noexcept {
    if (!exhausted()) {
        octets_of_ended_inputs_ += reader_.octets_read();
        current_ = inputs_.size();
    }
}

void FileQueue::publish(const Burst& burst) noexcept {
    if (burst.count > 0) {
        received_.received += Packets{burst.count};
        received_.received_octets += Octets{reader_.wire_octets()};
        published_.publish(received_);
    }
    octets_read_.set(octets_of_ended_inputs_ + (exhausted() ? 0 : reader_.octets_read()));
}

Progress FileQueue::progress() const noexcept {
    return {.octets_read = {octets_read_.read()}, .octets_total = octets_total_};
}

Result<void> FileQueue::status() const {
    if (damaged_inputs_ == 0) {
        return {};
    }
    std::string message = inputs_[first_damage_.input].name + ": " +
                          capture_files::describe(first_damage_.damage) + "; read " +
                          std::to_string(first_damage_.packets_before) + " packets before it";
    if (damaged_inputs_ > 1) {
        message += "; " + std::to_string(damaged_inputs_ - 1) + " more files are damaged";
    }
    return failed(Error::Kind::io, std::move(message));
}

bool FileQueue::views_stay_valid() const noexcept {
    return std::ranges::all_of(inputs_,
                               [](const Input& input) { return input.octets->views_stay_valid(); });
}

std::string FileQueue::describe() const {
    std::string text = "capture file " + inputs_.front().name;
    if (inputs_.size() > 1) {
        text += " and " + std::to_string(inputs_.size() - 1) + " more";
    }
    return text;
}

}  // namespace tapmeter::capture_files
