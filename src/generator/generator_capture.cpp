#include "src/generator/generator_capture.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <string>

namespace tapmeter::generator {

namespace {
constexpr std::size_t conversations_at_once = 256;
}  // namespace

class GeneratorCapture::Queue final : public PacketSource {
public:
    explicit Queue(const Options& options) : options_(options), began_(options.clock->now()) {
        for (std::size_t i = 0; i < conversations_at_once; ++i) {
            conversations_.emplace_back(next_number_++);
        }
    }

    void receive(Burst& burst) noexcept override {
        const ObservedAt now = options_.clock->now();
        burst.count = allowed(now);
        for (std::size_t i = 0; i < burst.count; ++i) {
            const std::size_t octets = next_conversation().next(frames_[i]);
            burst.packets[i] = {.frame = Bytes(frames_[i]).first(octets),
                                .observed_at = now,
                                .wire_octets = static_cast<std::uint32_t>(octets),
                                .observation_point = options_.observation_point};
            octets_.add(octets);
        }
        packets_.add(burst.count);
    }
    void release() noexcept override {}  // the frames are ours and are written again next time

    SourceCounters counters() const noexcept override {
        return {.received = {packets_.read()}, .received_octets = {octets_.read()}};
    }
    std::string describe() const override { return "traffic generator"; }
    bool exhausted() const noexcept override {
        return stopped_.load(std::memory_order_relaxed) ||
               (options_.packets_max != 0 && packets_.read() == options_.packets_max);
    }
    void stop() noexcept { stopped_.store(true, std::memory_order_relaxed); }

private:
    // Packets that the rate owes by now, at most a burst; what a stall leaves behind is made up.
    std::size_t allowed(ObservedAt now) const noexcept {
        if (exhausted()) {
            return 0;
        }
        const auto elapsed = static_cast<double>((now - began_).count()) / 1e9;
        auto owed =
            static_cast<std::uint64_t>(elapsed * static_cast<double>(options_.packets_per_second));
        if (options_.packets_max != 0) {
            owed = std::min(owed, options_.packets_max);
        }
        const std::uint64_t sent = packets_.read();
        return owed > sent ? std::min<std::size_t>(owed - sent, burst_packets_max) : 0;
    }

    Conversation& next_conversation() noexcept {
        turn_ = (turn_ + 1) % conversations_.size();
        Conversation& conversation = conversations_[turn_];
        if (conversation.finished()) {
            conversation = Conversation(next_number_++);
        }
        return conversation;
    }

    Options options_;
    ObservedAt began_;
    std::vector<Conversation> conversations_;
    std::uint64_t next_number_ = 0;
    std::size_t turn_ = 0;
    std::array<std::array<std::byte, frame_octets_max>, burst_packets_max> frames_{};
    Counter packets_;
    Counter octets_;
    std::atomic<bool> stopped_{false};
};

GeneratorCapture::GeneratorCapture(const Options& options)
    : options_(options), queue_(std::make_unique<Queue>(options)) {}

GeneratorCapture::~GeneratorCapture() = default;

PacketSource& GeneratorCapture::queue(std::size_t) noexcept {
    return *queue_;
}

void GeneratorCapture::stop_arrivals() noexcept {
    queue_->stop();
}

CaptureCounters GeneratorCapture::counters() const {
    const SourceCounters queue = queue_->counters();
    return {.offered = queue.received,
            .received = queue.received,
            .received_octets = queue.received_octets};
}

std::string GeneratorCapture::describe() const {
    return "traffic generator, " + std::to_string(options_.packets_per_second) +
           " packets/s of made-up conversations";
}

std::vector<Capability> GeneratorCapture::capabilities() const {
    return {{"timestamps", "software, at the burst"}};
}

}  // namespace tapmeter::generator
