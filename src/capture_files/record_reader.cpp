#include "src/capture_files/record_reader.h"

#include <cerrno>

#include "pipeline/base/expects.h"

namespace tapmeter::capture_files {

void RecordReader::start(OctetSource& source, const Format& format,
                         std::uint16_t observation_point) noexcept {
    source_ = &source;
    octets_read_ = 0;
    damage_ = {};
    const auto* const classic = std::get_if<ClassicFormat>(&format);
    is_pcapng_ = classic == nullptr;
    if (is_pcapng_) {
        pcapng_.start(observation_point);
        return;
    }
    expects(source_->ahead().size() >= classic_header_octets);
    classic_.start(*classic, observation_point);
    source_->consume(classic_header_octets);
    octets_read_ = classic_header_octets;
}

Turn RecordReader::read(Burst& burst) noexcept {
    expects(burst.count == 0);
    for (;;) {
        const Parsed parsed = read_window(source_->ahead(), burst);
        source_->consume(parsed.consumed);
        octets_read_ += parsed.consumed;
        wire_octets_ = parsed.wire_octets;
        if (burst.count > 0) {
            return Turn::packets;  // damage behind them is met again in the next turn
        }
        if (parsed.damage) {
            return damaged(parsed.damage);
        }
        // No view is out: the source may move its octets.
        const Fill fill = source_->fill();
        if (fill != Fill::more) {
            return turn_after_fill(fill, parsed);
        }
    }
}

Parsed RecordReader::read_window(Bytes window, Burst& burst) noexcept {
    return is_pcapng_ ? pcapng_.read(window, burst) : classic_.read(window, burst);
}

Turn RecordReader::turn_after_fill(Fill fill, const Parsed& parsed) noexcept {
    const std::size_t left = source_->ahead().size();
    switch (fill) {
        case Fill::nothing_now:
            return Turn::nothing_now;
        case Fill::failed:
            return damaged({.kind = source_->failure() == EFAULT ? Damage::Kind::shrunk
                                                                 : Damage::Kind::read_failed,
                            .found = static_cast<std::uint64_t>(source_->failure())});
        case Fill::end:
        case Fill::more:
            break;
    }
    if (left == 0 && !(is_pcapng_ && pcapng_.inside_block())) {
        return Turn::end;
    }
    return damaged({.kind = Damage::Kind::cut, .found = left, .wanted = parsed.wanted});
}

Turn RecordReader::damaged(const Damage& damage) noexcept {
    damage_ = damage;
    damage_.offset = octets_read_;  // nothing is consumed beyond the record that is damaged
    return Turn::damaged;
}

}  // namespace tapmeter::capture_files
