#include "src/verbs/configuration.h"

#include <cstdio>
#include <nlohmann/json.hpp>
#include <utility>

namespace tapmeter::verbs {

void complain(const std::string& text) {
    const std::string line = "tapmeter: " + text + "\n";
    std::fwrite(line.data(), 1, line.size(), stderr);
}

std::optional<Loaded> load_or_explain(const LoadRequest& request) {
    auto loaded = load_config(request);
    if (loaded) {
        return std::move(*loaded);
    }
    for (const ConfigError& error : loaded.error()) {
        complain(error.to_text());
    }
    return std::nullopt;
}

std::string config_as_json(const Loaded& started, const Loaded& fresh) {
    nlohmann::ordered_json object;
    for (const Setting& then : started.settings) {
        const Setting* const now = then.live ? fresh.find(then.path) : nullptr;
        const Setting& setting = now != nullptr ? *now : then;
        // A value spelt as TOML is valid JSON too; what is not would be shown as text.
        auto value = nlohmann::ordered_json::parse(setting.value, nullptr, false);
        if (value.is_discarded()) {
            value = setting.value;
        }
        object[setting.path] = {{"value", std::move(value)}, {"origin", setting.origin.to_text()}};
    }
    return object.dump(2, ' ', false, nlohmann::json::error_handler_t::replace);
}

Result<Appliance::NewConfig> read_again(const LoadRequest& request, const Loaded& started) {
    auto fresh = load_config(request);
    if (!fresh) {
        std::string text;
        for (const ConfigError& error : fresh.error()) {
            text += (text.empty() ? "" : "\n") + error.to_text();
        }
        return failed(Error::Kind::invalid_config, std::move(text));
    }
    return Appliance::NewConfig{.config = fresh->config,
                                .json = config_as_json(started, *fresh),
                                .needs_restart = changed_settings(started, *fresh, false)};
}

}  // namespace tapmeter::verbs
