#include "src/appliance/filters.h"

#include <utility>
#include <vector>

#include "src/filters/compile.h"

namespace tapmeter {

Result<std::unique_ptr<const filter::PacketFilters>> make_filters(const Config& config) {
    std::vector<std::unique_ptr<const filter::PacketFilter>> by_point;
    bool any = false;
    for (const Config::Capture& capture : config.captures) {
        const bool raw = !capture.filter_raw.empty();
        const std::string& expression = raw ? capture.filter_raw : capture.filter;
        by_point.push_back(nullptr);
        if (expression.empty()) {
            continue;
        }
        auto made = filters::compile(expression, raw ? filters::Tags::raw : filters::Tags::through);
        if (!made) {
            return failed(
                Error::Kind::invalid_config,
                capture.name + ": the filter \"" + expression + "\" must be " + made.error());
        }
        by_point.back() = std::move(*made);
        any = true;
    }
    if (!any) {
        return nullptr;
    }
    return std::make_unique<const filter::PacketFilters>(std::move(by_point));
}

}  // namespace tapmeter
