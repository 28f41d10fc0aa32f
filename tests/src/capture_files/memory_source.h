#pragma once

#include <algorithm>
#include <cstdint>

#include "src/capture_files/format.h"
#include "src/capture_files/octet_source.h"

namespace tapmeter::capture_files::testing {

// Octets in memory that come to light a step at a time, like those of a pipe; at first as many as
// recognise() looks at.
class MemorySource final : public OctetSource {
public:
    MemorySource(Bytes octets, std::size_t step_octets)
        : octets_(octets),
          step_octets_(step_octets),
          present_(std::min(octets.size(), recognised_octets)) {}

    Bytes ahead() const noexcept override {
        return octets_.subspan(consumed_, present_ - consumed_);
    }
    void consume(std::size_t octets) noexcept override { consumed_ += octets; }
    Fill fill() noexcept override {
        if (present_ == octets_.size()) {
            return Fill::end;
        }
        present_ = std::min(octets_.size(), present_ + step_octets_);
        return Fill::more;
    }
    void close() noexcept override {}
    bool views_stay_valid() const noexcept override { return true; }
    std::uint64_t octets_total() const noexcept override { return octets_.size(); }
    int failure() const noexcept override { return 0; }

private:
    Bytes octets_;
    std::size_t step_octets_;
    std::size_t present_;
    std::size_t consumed_ = 0;
};

}  // namespace tapmeter::capture_files::testing
