#pragma once

#include <memory>
#include <mutex>
#include <vector>

#include "src/exporting/alert_event.h"

namespace tapmeter::exporting {

// The words of the sets of signatures whose alerts may still come: of the one in use, and of the
// one before it. Any thread.
class AlertWords {
public:
    explicit AlertWords(Interfaces interfaces) : interfaces_(std::move(interfaces)) {}

    // Before the set is used.
    void add(const inspect::SignatureSet& set) {
        auto words = std::make_unique<const AlertEvents>(interfaces_, set);
        const std::lock_guard lock(mutex_);
        if (sets_.size() == sets_max) {
            sets_.erase(sets_.begin());
        }
        sets_.push_back(std::move(words));
    }

    // Calls use(words) with those of this generation; of another set where there are none, whose
    // words an alert then goes without. add() was called before, and waits meanwhile.
    template <class Use>
    void with(std::uint32_t generation, Use use) const {
        const std::lock_guard lock(mutex_);
        for (const auto& words : sets_) {
            if (words->generation() == generation) {
                use(*words);
                return;
            }
        }
        use(*sets_.back());
    }

private:
    static constexpr std::size_t sets_max = 2;

    Interfaces interfaces_;
    mutable std::mutex mutex_;
    std::vector<std::unique_ptr<const AlertEvents>> sets_;  // the newest last
};

}  // namespace tapmeter::exporting
