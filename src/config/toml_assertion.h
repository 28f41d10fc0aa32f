#pragma once

namespace tapmeter::config {

// What the assertions of toml++ call, see src/config/meson.build. Throws std::logic_error, which
// parse_toml() catches.
[[noreturn]] void toml_assertion_failed();

}  // namespace tapmeter::config
