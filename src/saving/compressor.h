#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <mutex>
#include <string>
#include <thread>

namespace tapmeter::saving {

// Compresses files behind the writer's back, one after the other, each when it is closed.
class Compressor {
public:
    Compressor();
    ~Compressor();  // finishes what was asked for
    Compressor(const Compressor&) = delete;
    Compressor& operator=(const Compressor&) = delete;

    // The file is put aside at once, so that its name can be used again, and becomes PATH.zst;
    // where it cannot be compressed it gets its name back, if that is free.
    void add(const std::string& path);

private:
    struct Task {
        std::string path;
        std::string aside;
    };
    void run(const std::stop_token& stop);

    std::mutex mutex_;
    std::condition_variable_any changed_;
    std::deque<Task> waiting_;
    std::uint64_t added_ = 0;
    std::jthread thread_;  // last: it uses the others
};

}  // namespace tapmeter::saving
