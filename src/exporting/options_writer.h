#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "pipeline/base/bytes.h"
#include "pipeline/base/expects.h"
#include "src/exporting/message.h"
#include "src/exporting/options.h"
#include "src/fields/plan.h"

namespace tapmeter::exporting {

// One Data Record of options, field by field.
class OptionsRecord {
public:
    template <class Integer>
    OptionsRecord& number(Integer value) {
        store_be(room(sizeof value).template first<sizeof value>(), value);
        return *this;
    }
    // Its length before it, and no more of it than is good for a message of 512 octets.
    OptionsRecord& text(std::string_view text) {
        return append(
            fields::as_variable_length(std::as_bytes(std::span{text.substr(0, text_octets_max)})));
    }
    OptionsRecord& append(Bytes octets) {
        std::ranges::copy(octets, room(octets.size()).begin());
        return *this;
    }
    Bytes octets() const { return std::span{octets_}.first(used_); }

private:
    static constexpr std::size_t text_octets_max = 200;

    std::span<std::byte> room(std::size_t octets) {
        expects(octets <= octets_.size() - used_);
        return std::span{octets_}.subspan(std::exchange(used_, used_ + octets), octets);
    }

    std::array<std::byte, 1'024> octets_{};
    std::size_t used_ = 0;
};

// Puts Sets of Templates and of options into messages that are no longer than the limit.
class OptionsWriter {
public:
    OptionsWriter(std::vector<PreparedMessage>& messages, std::size_t octets_max)
        : messages_(messages), octets_max_(octets_max) {}

    // A whole Template Record or Data Record of Set `id`.
    void add(std::uint16_t id, Bytes record, bool data) {
        const std::size_t padded = (record.size() + 3) & ~std::size_t{3};
        const bool full = messages_.empty() ||
                          messages_.back().octets.size() + set_header_octets + padded > octets_max_;
        if (full || id != set_id_ || fresh_) {
            close();
            if (full) {
                messages_.push_back({std::vector<std::byte>(message_header_octets), 0, 0, 0});
            }
            fresh_ = false;
            set_id_ = id;
            set_at_ = messages_.back().octets.size();
            messages_.back().octets.resize(set_at_ + set_header_octets);
            messages_.back().template_sets += data ? 0U : 1U;
        }
        auto& octets = messages_.back().octets;
        octets.resize(octets.size() + record.size());
        std::ranges::copy(record, std::span{octets}.last(record.size()).begin());
        messages_.back().data_records += data ? 1U : 0U;
    }

    // Ends the Set in progress; the next one begins a message of its own only where it must.
    void close() {
        if (set_at_ == 0) {
            return;
        }
        auto& octets = messages_.back().octets;
        const std::size_t padded = (octets.size() + 3) & ~std::size_t{3};
        // Padding is shorter than any record (RFC 7011 section 3.3.1): none has less than four.
        octets.resize(padded);
        const auto head = std::span{octets}.subspan(set_at_);
        store_be(head.subspan<0, 2>(), set_id_);
        store_be(head.subspan<2, 2>(), static_cast<std::uint16_t>(head.size()));
        set_at_ = 0;
        fresh_ = true;
    }

private:
    static constexpr std::size_t set_header_octets = 4;

    std::vector<PreparedMessage>& messages_;
    std::size_t octets_max_;
    std::uint16_t set_id_ = 0;
    std::size_t set_at_ = 0;
    bool fresh_ = true;
};

}  // namespace tapmeter::exporting
