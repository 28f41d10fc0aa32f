#pragma once

#include <array>

#include "src/config/key_shapes.h"

// The keys of [history]; for keys.cpp alone.
namespace tapmeter::config::key_shapes {

inline constexpr std::uint64_t history_path_octets_max = 4'000;

inline constexpr std::array history_keys{
    Key{plain(Type::flag), TableId::history, "enabled", at<&C::history, &C::History::enabled>(),
        "keep the packets received last, to write those of a flow or a host when an alert is "
        "raised or `tapmeter ctl recall` asks"},
    Key{ranged(Type::size, mebibyte, mebibyte << 20U), TableId::history, "octets",
        at<&C::history, &C::History::octets>(),
        "memory of each worker for them, taken at the start; rounded up to a power of two"},
    Key{ranged(Type::number, 128, 262'144, automatic), TableId::history, "snap_octets",
        at<&C::history, &C::History::snap_octets>(),
        "octets of a packet that are kept at most; auto: all that were captured"},
    Key{plain(Type::flag), TableId::history, "alerts", at<&C::history, &C::History::alerts>(),
        "an alert of a signature recalls its flow"},
    Key{ranged(Type::duration, 0, hour), TableId::history, "after",
        at<&C::history, &C::History::after>(),
        "packets that come belong to a recall for so long, by the time of the packets"},
    Key{ranged(Type::number, 0, 1'000'000'000), TableId::history, "packets_after",
        at<&C::history, &C::History::packets_after>(), "and so many of each worker at most"},
    Key{ranged(Type::path, 0, history_path_octets_max), TableId::history, "folder",
        at<&C::history, &C::History::folder>(),
        "where the files go, one a recall; made where it is missing"},
    Key{ranged(Type::number, 1, 100'000), TableId::history, "files",
        at<&C::history, &C::History::files>(), "the oldest of more files is removed"},
    Key{ranged(Type::size, 64 * kibibyte, mebibyte << 20U), TableId::history, "file_octets",
        at<&C::history, &C::History::file_octets>(),
        "of one file at most; what is more is not written, and counted"},
};

}  // namespace tapmeter::config::key_shapes
