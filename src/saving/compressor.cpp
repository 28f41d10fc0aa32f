#include "src/saving/compressor.h"

#include <unistd.h>

#include <cstdio>
#include <utility>

#include "src/exporting/file_session.h"

namespace tapmeter::saving {

Compressor::Compressor() : thread_([this](const std::stop_token& stop) { run(stop); }) {}

Compressor::~Compressor() {
    thread_.request_stop();
}

void Compressor::add(const std::string& path) {
    {
        const std::lock_guard lock(mutex_);
        Task task{path, path + ".closed" + std::to_string(added_++)};
        if (std::rename(path.c_str(), task.aside.c_str()) != 0) {
            return;
        }
        waiting_.push_back(std::move(task));
    }
    changed_.notify_all();
}

void Compressor::run(const std::stop_token& stop) {
    for (;;) {
        std::unique_lock lock(mutex_);
        if (!changed_.wait(lock, stop, [this] { return !waiting_.empty(); })) {
            return;
        }
        const Task task = std::move(waiting_.front());
        waiting_.pop_front();
        lock.unlock();
        if (exporting::compress_file(task.aside)) {
            // One of a turn before, under the same name, is replaced.
            std::rename((task.aside + ".zst").c_str(), (task.path + ".zst").c_str());
        } else if (::access(task.path.c_str(), F_OK) != 0) {
            std::rename(task.aside.c_str(), task.path.c_str());
        }
    }
}

}  // namespace tapmeter::saving
