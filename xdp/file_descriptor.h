#pragma once

#include <unistd.h>
#include <utility>

namespace tapmeter::xdp {

// Owns one file descriptor.
class FileDescriptor {
public:
    FileDescriptor() = default;
    explicit FileDescriptor(int descriptor) noexcept : descriptor_(descriptor) {}
    FileDescriptor(const FileDescriptor&) = delete;
    FileDescriptor& operator=(const FileDescriptor&) = delete;
    FileDescriptor(FileDescriptor&& other) noexcept
        : descriptor_(std::exchange(other.descriptor_, -1)) {}
    FileDescriptor& operator=(FileDescriptor&& other) noexcept {
        std::swap(descriptor_, other.descriptor_);
        return *this;
    }
    ~FileDescriptor() {
        if (is_open()) {
            ::close(descriptor_);
        }
    }

    bool is_open() const noexcept { return descriptor_ >= 0; }
    int number() const noexcept { return descriptor_; }

private:
    int descriptor_ = -1;
};

}  // namespace tapmeter::xdp
