#pragma once

#include <tl/expected.hpp>

#include "pipeline/base/fates.h"

namespace tapmeter::decode {

// A header, or the reason why the packet ends as undecoded; each reason is one counter.
template <class Header>
using Decoded = tl::expected<Header, Undecoded>;

constexpr tl::unexpected<Undecoded> malformed(Undecoded why) noexcept {
    return tl::unexpected<Undecoded>(why);
}

}  // namespace tapmeter::decode
