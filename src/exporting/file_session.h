#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <thread>

#include "pipeline/base/result.h"
#include "src/exporting/descriptor.h"
#include "src/exporting/stream_session.h"

namespace tapmeter::exporting {

// IPFIX files (RFC 5655): messages one after the other. Each file is a session of its own, begins
// with its Templates and can be read by itself. While it is written its name ends in ".part"; a
// file that is closed is compressed, where that is wanted, by a thread of its own.
class FileSession final : public StreamSession {
public:
    struct Setup {
        std::string folder;  // made where it is missing, mode 0750
        std::string name;    // files are "NAME-20261121T204200Z.ipfix", and ".zst" when compressed
        std::chrono::seconds rotate{60};
        bool compress = true;
    };
    // errors  io  no such folder, and none can be made; or nothing can be written there
    static Result<std::unique_ptr<StreamSession>> make(const Setup& setup);

    // Whether that folder could be made or written to; makes nothing.
    static Result<void> check(const std::string& folder);

    explicit FileSession(Setup setup);
    ~FileSession() override;

    Progress open(std::chrono::milliseconds patience) override;
    Progress write(Bytes message) override;
    Progress wait(bool for_room, std::chrono::milliseconds patience) override;
    std::uint64_t written() const override { return written_; }
    std::uint64_t delivered() const override { return written_; }
    void close() override;
    // Whoever reads a file (RFC 5655) need not know of withdrawals.
    bool keeps_templates() const noexcept override { return true; }
    const std::string& peer() const override { return peer_; }
    const std::string& failure() const override { return failure_; }

private:
    bool is_due() const;
    Progress fail(const std::string& what, int error);

    Setup setup_;
    std::string peer_;
    std::string failure_;
    Descriptor file_;
    std::string path_;  // without ".part"
    std::chrono::steady_clock::time_point opened_{};
    std::uint64_t written_ = 0;
    std::jthread compressor_;  // of the file before
};

// Replaces FILE by FILE.zst; leaves FILE where that fails. False: it failed.
bool compress_file(const std::string& path);

}  // namespace tapmeter::exporting
