#pragma once

#include <string>
#include <tl/expected.hpp>
#include <utility>

namespace tapmeter {

// What went wrong on a cold path, in words an operator can act on.
struct Error {
    enum class Kind { invalid_config, no_such_device, no_memory, io };

    Kind kind;
    std::string message;  // names the key, device or file, the value seen, and what would be right
};

// For functions an operator can make fail. Hot-path functions return their own small enum instead.
template <class T>
using Result = tl::expected<T, Error>;

inline tl::unexpected<Error> failed(Error::Kind kind, std::string message) {
    return tl::unexpected<Error>(Error{kind, std::move(message)});
}

}  // namespace tapmeter
