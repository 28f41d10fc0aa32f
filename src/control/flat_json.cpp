#include "src/control/flat_json.h"

#include <set>

namespace tapmeter::control {

namespace {

using Json = nlohmann::json;

// {"add": ["10.0.0.0/8"]} has an object and a list.
constexpr int depth_max = 2;

}  // namespace

std::string shown(const Json& value) {
    constexpr std::size_t shown_max = 60;
    const std::string text = value.dump(-1, ' ', true, Json::error_handler_t::replace);
    return text.size() <= shown_max ? text : text.substr(0, shown_max) + "...";
}

Result<Json> parse_flat(std::string_view text, const std::string& what,
                        const std::string& example) {
    const auto refused = [&](const std::string& message) {
        return failed(Error::Kind::invalid_config, what + ": " + message);
    };
    std::set<std::string> seen;
    std::string fault;
    const auto watch = [&](int depth, Json::parse_event_t event, Json& parsed) {
        if (depth >= depth_max && (event == Json::parse_event_t::object_start ||
                                   event == Json::parse_event_t::array_start)) {
            fault = "nested too deep";
            return false;
        }
        if (event == Json::parse_event_t::key && !seen.insert(parsed.get<std::string>()).second) {
            fault = shown(parsed) + " is given twice";
        }
        return true;
    };
    try {
        Json json = Json::parse(text, watch);
        if (!fault.empty()) {
            return refused(fault + "; write one object such as " + example);
        }
        if (!json.is_object()) {
            return refused("not an object; write one such as " + example);
        }
        return json;
    } catch (const Json::exception& error) {
        return refused(std::string("no JSON: ") + error.what());
    }
}

}  // namespace tapmeter::control
