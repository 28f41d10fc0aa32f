#include "src/verbs/packet_arguments.h"

#include "src/config/check.h"
#include "src/filters/compile.h"
#include "src/verbs/file_arguments.h"

namespace tapmeter::verbs {

namespace {

constexpr std::uint64_t file_octets_unit = 1'000'000;  // as tcpdump's -C
constexpr std::uint64_t file_millions_max = 1'000'000;
constexpr std::uint32_t files_max = 1'000'000;
constexpr std::uint32_t rotate_seconds_max = 30 * 86'400;
constexpr std::uint32_t snap_octets_max = 262'144;

// "" of no words.
std::string joined_words(const std::vector<std::string>& words) {
    std::string text;
    for (const std::string& word : words) {
        text += text.empty() ? "" : " ";
        text += word;
    }
    return text;
}

}  // namespace

std::string PacketOptions::filter() const {
    return joined_words(filter_words);
}

std::vector<std::string> PacketOptions::sets() const {
    std::vector<std::string> all;
    const auto set = [&all](const std::string& key, const std::string& value) {
        all.push_back("write." + key + "=" + value);
    };
    if (!write.empty()) {
        set("file", write);
    }
    if (file_millions) {
        set("file_octets", std::to_string(*file_millions * file_octets_unit));
    }
    if (files) {
        set("files", std::to_string(*files));
    }
    if (rotate) {
        set("rotate", std::to_string(*rotate) + "s");
    }
    if (snap_octets) {
        set("snap_octets", *snap_octets == 0 ? "auto" : std::to_string(*snap_octets));
    }
    return all;
}

void add_packet_options(CLI::App& verb, PacketOptions& options) {
    verb.add_option("-w,--write", options.write, "write the packets to this pcapng file")
        ->type_name("FILE");
    verb.add_option("-C", options.file_millions, "the next file begins behind so many octets")
        ->type_name("MILLIONS")
        ->check(CLI::Range(std::uint64_t{1}, file_millions_max));
    verb.add_option("-G", options.rotate, "the next file begins after so long")
        ->type_name("SECONDS")
        ->check(CLI::Range(1U, rotate_seconds_max));
    verb.add_option("-W", options.files, "so many files at most")
        ->type_name("COUNT")
        ->check(CLI::Range(1U, files_max));
    verb.add_option("-s,--snapshot-length", options.snap_octets, "octets of a packet; 0: all")
        ->type_name("OCTETS")
        ->check(CLI::Range(0U, snap_octets_max));
}

std::optional<std::string> packet_options_fault(const Draft& draft, std::string_view verb) {
    if (verb != "run" && verb != "read") {
        return std::nullopt;
    }
    const bool read = verb == "read";
    const PacketOptions& options = read ? draft.read.packets : draft.run.packets;
    std::vector<std::string> words = options.filter_words;
    if (read) {
        const std::vector<std::string>& arguments = draft.read.files;
        words.assign(arguments.begin() + static_cast<std::ptrdiff_t>(files_among(arguments)),
                     arguments.end());
    }
    const std::string filter = joined_words(words);
    const auto made = filters::compile(filter, filters::Tags::through);
    return made ? std::nullopt
                : std::optional("the filter " + config::shortened(filter) + " must be " +
                                made.error());
}

}  // namespace tapmeter::verbs
