#pragma once

#include <filesystem>
#include <string>
#include <tl/expected.hpp>
#include <vector>

namespace tapmeter::config {

inline constexpr std::size_t parts_max = 64;  // files of one conf.d folder

// Who runs us, as the rule below sees it; given by tests.
struct Reader {
    unsigned user = 0;

    static Reader this_process();
};

// Reads a configuration file whole.
// errors  what is wrong and the cure: no such file, not a regular file, larger than
//         file_octets_max. Run by root, the file must belong to root and nobody else may write
//         it: who writes the configuration decides what a root process opens and writes. For
//         anybody else, it must not be writable for all.
tl::expected<std::string, std::string> read_config_file(const std::filesystem::path& file,
                                                        Reader reader);

// The files "*.toml" that belong to `file`, in the order of their names: first those of the folder
// conf.d beside it, then those of FILE.d. A folder that does not exist has none.
// errors  a folder that cannot be read, or holds more than parts_max of them
tl::expected<std::vector<std::filesystem::path>, std::string> config_parts(
    const std::filesystem::path& file);

}  // namespace tapmeter::config
