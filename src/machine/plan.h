#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "src/machine/facts.h"
#include "src/machine/needs.h"
#include "src/machine/topics.h"

namespace tapmeter::machine {

struct Step {
    enum class How : std::uint8_t {
        write,    // `value` into the kernel's file `path`
        run,      // the command `words`
        by_hand,  // `words` as a line; too far-reaching to be done unasked
        reboot,   // `value` to be added to the kernel's command line
    };
    std::string_view topic = {};  // one of topics
    How how = How::write;
    std::string reason = {};
    std::string path = {};
    std::string value = {};
    std::vector<std::string> words = {};

    // As a shell would do it.
    std::string line() const;
};

// Everything that this machine lacks for those needs, in the order in which it is to be done.
// Empty where nothing is to be done, so a second plan after a first one was carried out is empty
// but for what needs a reboot. Pure.
std::vector<Step> plan_setup(const Needs& needs, const Facts& facts);

}  // namespace tapmeter::machine
