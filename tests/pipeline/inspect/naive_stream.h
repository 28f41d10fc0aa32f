#pragma once

#include <cstdint>
#include <iterator>
#include <map>
#include <string>
#include <utility>

#include "pipeline/inspect/reassembly.h"

namespace tapmeter::inspect::testing {

// What a stream told its consumer, in order: "text", "<3 lost>", "<end>".
class Story {
public:
    void tell(const std::string& text) { told_ += text; }
    void lose(std::uint32_t octets) { told_ += "<" + std::to_string(octets) + " lost>"; }
    void end() { told_ += "<end>"; }
    const std::string& told() const { return told_; }

private:
    std::string told_;
};

// The same policies as Reassembly, written the simplest way that can be right: every octet that
// waits stands alone in a map.
class NaiveStream {
public:
    explicit NaiveStream(std::size_t limit) : limit_(static_cast<std::int64_t>(limit)) {}

    void feed(const Segment& segment, Story& story) {
        if (is_closed_) {
            return;
        }
        const bool is_syn = (segment.control_bits & tcp::syn) != 0;
        const std::uint32_t first = segment.sequence + (is_syn ? 1 : 0);
        if (!is_open_ || (is_syn && delivered_ == 0 && waiting_.empty())) {
            base_ = first;
            is_open_ = true;
        }
        const auto size = static_cast<std::int64_t>(segment.payload.size());
        const std::int64_t begin =
            delivered_ +
            static_cast<std::int32_t>(first - (base_ + static_cast<std::uint32_t>(delivered_)));
        if ((segment.control_bits & tcp::fin) != 0 && end_ < 0 && begin + size >= delivered_ &&
            begin + size <= limit_) {
            end_ = begin + size;
        }
        bool is_new = false;
        for (std::int64_t i = 0; i < size; ++i) {
            const std::int64_t at = begin + i;
            const bool is_inside = at >= delivered_ && at < limit_ && (end_ < 0 || at < end_);
            if (is_inside) {
                is_new = true;
                waiting_.emplace(
                    at, std::to_integer<char>(
                            segment.payload[static_cast<std::size_t>(i)]));  // the first wins
            }
        }
        if (is_new && runs() > pieces_max && waiting_.begin()->first > delivered_) {
            skip(story);
        }
        deliver(story);
    }

    void acknowledge(std::uint32_t sequence, Story& story) {
        if (waiting_.empty() || is_told_) {
            return;
        }
        const std::int64_t acknowledged =
            static_cast<std::int32_t>(sequence - (base_ + static_cast<std::uint32_t>(delivered_)));
        if (acknowledged > waiting_.begin()->first - delivered_) {
            skip(story);
            deliver(story);
        }
    }

    void finish(Story& story) {
        if (!is_open_ || is_told_) {
            return;
        }
        is_closed_ = true;
        deliver(story);
        while (!waiting_.empty() && !is_told_) {
            skip(story);
            deliver(story);
        }
        if (!is_told_) {
            story.end();
            is_told_ = true;
        }
    }

private:
    std::size_t runs() const {
        std::size_t count = 0;
        std::int64_t expected = -1;
        for (const auto& [at, octet] : waiting_) {
            count += at == expected ? 0 : 1;
            expected = at + 1;
        }
        return count;
    }

    void skip(Story& story) {
        story.lose(static_cast<std::uint32_t>(waiting_.begin()->first - delivered_));
        delivered_ = waiting_.begin()->first;
    }

    bool is_at_end() const {
        return is_open_ && (delivered_ >= limit_ || (end_ >= 0 && delivered_ >= end_));
    }

    void deliver(Story& story) {
        std::string text;
        while (!is_at_end() && !waiting_.empty() && waiting_.begin()->first == delivered_) {
            text += waiting_.begin()->second;
            waiting_.erase(waiting_.begin());
            ++delivered_;
        }
        story.tell(text);
        if (!is_told_ && is_at_end()) {
            is_told_ = true;
            is_closed_ = true;
            waiting_.clear();
            story.end();
        }
    }

    std::int64_t limit_;
    std::map<std::int64_t, char> waiting_;
    std::int64_t delivered_ = 0;
    std::int64_t end_ = -1;
    std::uint32_t base_ = 0;
    bool is_open_ = false;
    bool is_closed_ = false;
    bool is_told_ = false;
};

// A consumer of the real stream: keeps what it is told to keep, and checks that it sees it again.
class Consumer {
public:
    Consumer(Reassembly& reassembly, Stream& stream) : reassembly_(reassembly), stream_(stream) {}

    // keep  how many of the octets of each step stay unread, at most
    // returns  false where a step did not begin with what was kept
    bool take(Delivery step, std::size_t keep, Story& story) {
        bool holds = true;
        for (; step.happened(); step = reassembly_.next(stream_)) {
            std::string text;
            for (const std::byte octet : step.octets) {
                text += std::to_integer<char>(octet);
            }
            holds = holds && step.fresh_from == kept_.size() && text.starts_with(kept_);
            story.tell(text.substr(std::min(step.fresh_from, text.size())));
            if (step.lost != 0) {
                story.lose(step.lost);
            }
            if (step.last) {
                story.end();
            }
            const std::size_t kept = std::min(keep, text.size());
            reassembly_.consumed(stream_, step, text.size() - kept);
            kept_ = step.lost != 0 || step.last ? "" : text.substr(text.size() - kept);
        }
        return holds;
    }

private:
    Reassembly& reassembly_;
    Stream& stream_;
    std::string kept_;
};

}  // namespace tapmeter::inspect::testing
