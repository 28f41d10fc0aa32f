#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "pipeline/base/source.h"

namespace tapmeter {

// Looks after the Observation Points while they run: takes an interface again that was gone and has
// come back, and tells in words what has changed. One thread.
class InterfaceWatch {
public:
    struct Event {
        bool well = true;  // false: something is amiss now
        bool returned = false;
        std::string text;
    };
    // names  of the captures, in their order
    explicit InterfaceWatch(const std::vector<std::string>& names);

    // What has changed since the last look; a few system calls for each capture.
    std::vector<Event> look(std::span<const std::unique_ptr<Capture>> captures);

private:
    struct Seen {
        std::string name;
        bool present = true;
        bool link_up = true;
        std::string refusal{};  // why it could not be taken again; told once
    };
    static Event change(Seen& seen, const Capture& capture, bool returned);

    std::vector<Seen> seen_;
};

}  // namespace tapmeter
