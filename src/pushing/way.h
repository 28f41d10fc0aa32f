#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string_view>

#include "pipeline/base/result.h"
#include "src/config/config.h"
#include "src/config/push_address.h"

namespace tapmeter::pushing {

// How one push may end before it is done.
struct Limits {
    std::chrono::milliseconds time{5'000};
    std::function<bool()> is_abandoned;  // asked several times a second; empty: never
};

// Where lines go. One thread.
class Way {
public:
    Way() = default;
    Way(const Way&) = delete;
    Way& operator=(const Way&) = delete;
    virtual ~Way() = default;

    // Whole lines, each with its line feed. Nothing is kept of what fails.
    // errors  what did not work, where, and the cure
    virtual Result<void> push(std::string_view lines, const Limits& limits) = 0;
};

// config  with a URL
// errors  invalid_config: a file that cannot be read, a host that means nothing; io, no_memory
Result<std::unique_ptr<Way>> open_way(const Config::Influxdb& config);

// What open_way() chooses from.
Result<std::unique_ptr<Way>> open_http_way(const Config::Influxdb& config,
                                           const config::PushAddress& address);
Result<std::unique_ptr<Way>> open_datagram_way(const config::PushAddress& address);
std::unique_ptr<Way> open_file_way(const config::PushAddress& address);

}  // namespace tapmeter::pushing
