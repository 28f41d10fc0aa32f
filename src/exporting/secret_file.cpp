#include "src/exporting/secret_file.h"

#include <fmt/format.h>

#include <fstream>
#include <iterator>

namespace tapmeter::exporting {

Result<std::string> read_secret(const std::string& path) {
    constexpr std::size_t octets_max = 4'096;
    std::ifstream stream(path, std::ios::binary);
    std::string text{std::istreambuf_iterator<char>(stream), {}};
    if (!stream.is_open() || stream.bad() || text.size() > octets_max) {
        return failed(Error::Kind::invalid_config,
                      fmt::format("password_file '{}': must be a file of at most {} octets that "
                                  "this process can read",
                                  path, octets_max));
    }
    while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) {
        text.pop_back();
    }
    return text;
}

}  // namespace tapmeter::exporting
