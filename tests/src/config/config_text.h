#pragma once

#include <string>
#include <utility>
#include <vector>

#include "src/config/load.h"

namespace tapmeter::config {

// Loads a text as the file "t.toml", without environment.
inline tl::expected<Loaded, std::vector<ConfigError>> load_text(std::string text) {
    LoadRequest request;
    request.file = "t.toml";
    request.text = std::move(text);
    return load_config(request);
}

// The errors one a line; "no error" when there is none.
template <class Result>
std::string errors_of(const Result& result) {
    if (result) {
        return "no error";
    }
    std::string text;
    for (const ConfigError& error : result.error()) {
        text += error.to_text() + "\n";
    }
    return text;
}

}  // namespace tapmeter::config
