#include "src/appliance/interface_watch.h"

#include <utility>

namespace tapmeter {

InterfaceWatch::InterfaceWatch(const std::vector<std::string>& names) {
    for (const std::string& name : names) {
        seen_.push_back({.name = "interface " + name});
    }
}

std::vector<InterfaceWatch::Event> InterfaceWatch::look(
    std::span<const std::unique_ptr<Capture>> captures) {
    std::vector<Event> events;
    for (std::size_t index = 0; index < captures.size(); ++index) {
        Seen& seen = seen_[index];
        const auto returned = captures[index]->reopen();
        if (!returned && returned.error().message != seen.refusal) {
            seen.refusal = returned.error().message;
            events.push_back(
                {.well = false,
                 .text = seen.name + " is there again and cannot be captured: " + seen.refusal});
        }
        Event event = change(seen, *captures[index], returned.value_or(false));
        if (!event.text.empty()) {
            events.push_back(std::move(event));
        }
    }
    return events;
}

// Without words: nothing has changed.
InterfaceWatch::Event InterfaceWatch::change(Seen& seen, const Capture& capture, bool returned) {
    const CaptureCounters now = capture.counters();
    const bool was_present = std::exchange(seen.present, now.present);
    const bool was_up = std::exchange(seen.link_up, now.link_up);
    if (returned) {
        seen.refusal.clear();
        return {.returned = true, .text = seen.name + " is back: " + capture.describe()};
    }
    if (was_present && !now.present) {
        return {.well = false,
                .text = seen.name + " is gone; it is captured again once there is one of its name"};
    }
    if (was_up != now.link_up) {
        return {.well = now.link_up,
                .text = seen.name + (now.link_up ? " has link" : " has no link")};
    }
    return {};
}

}  // namespace tapmeter
