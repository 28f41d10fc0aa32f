#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "pipeline/base/result.h"
#include "src/exporting/descriptor.h"
#include "src/exporting/ipfix_reader.h"

namespace tapmeter::exporting {

// A file of IPFIX Messages (RFC 5655) to be read from its beginning, as it is or compressed with
// zstd.
class IpfixFile {
public:
    // errors  io  cannot be opened, or is neither of these
    static Result<std::unique_ptr<IpfixFile>> open(const std::string& path);

    // Whether a file begins as one; false too where it cannot be read.
    static bool is_one(const std::string& path);

    IpfixFile(std::string path, Descriptor file);
    ~IpfixFile();
    IpfixFile(const IpfixFile&) = delete;
    IpfixFile& operator=(const IpfixFile&) = delete;

    // The flow records of the next message, which may be none. False: at the end, or at what
    // cannot be read, of which status() tells file, offset (of what is not compressed) and cure.
    bool next(std::vector<flow::FlowRecord>& records);
    const Result<void>& status() const noexcept { return status_; }
    const IpfixReader::Counts& counts() const noexcept { return reader_.counts(); }

private:
    struct Decompression;

    bool refill();
    bool fail(std::string why);

    std::string path_;
    Descriptor file_;
    std::unique_ptr<Decompression> decompression_;  // null: not compressed
    IpfixReader reader_;
    std::vector<std::byte> held_;
    std::size_t begin_ = 0;     // of what is not read yet, in held_
    std::uint64_t offset_ = 0;  // of begin_
    Result<void> status_;
};

}  // namespace tapmeter::exporting
