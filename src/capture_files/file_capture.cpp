#include "src/capture_files/file_capture.h"

#include <algorithm>
#include <system_error>
#include <utility>

#include "pipeline/base/expects.h"

namespace tapmeter::capture_files {
namespace {

std::string name_of(const std::filesystem::path& path) {
    return path == "-" ? "standard input" : path.string();
}

// Sees to it that the window shows what recognise() wants, or all that there is.
Result<void> show_start(OctetSource& octets) {
    while (octets.ahead().size() < recognised_octets) {
        const Fill fill = octets.fill();
        if (fill == Fill::failed) {
            return failed(Error::Kind::io,
                          "cannot be read: " + std::generic_category().message(octets.failure()));
        }
        if (fill == Fill::end) {
            break;
        }
    }
    return {};
}

Result<Input> open_input(const std::filesystem::path& path, const Options& options) {
    auto octets = open_octets(path, options.keep_pages, options.buffered);
    if (!octets) {
        return tl::unexpected(octets.error());
    }
    if (auto shown = show_start(**octets); !shown) {
        return tl::unexpected(shown.error());
    }
    const Bytes ahead = (*octets)->ahead();
    auto format = recognise(ahead.first(std::min(ahead.size(), recognised_octets)));
    if (!format) {
        return tl::unexpected(format.error());
    }
    return Input{.name = name_of(path), .octets = std::move(*octets), .format = *format};
}

bool is_mapped(const Input& input) noexcept {
    return input.octets->views_stay_valid();
}

}  // namespace

FileCapture::FileCapture(std::vector<Input> inputs, const Options& options)
    : queue_(std::move(inputs), options.observation_point),
      views_stay_valid_(queue_.views_stay_valid()),
      keep_pages_(options.keep_pages) {}

PacketSource& FileCapture::queue(std::size_t index) noexcept {
    expects(index == 0);
    return queue_;
}

CaptureCounters FileCapture::counters() const {
    const SourceCounters received = queue_.counters();
    CaptureCounters counters;
    counters.offered = received.received;
    counters.received = received.received;
    counters.received_octets = received.received_octets;
    return counters;
}

std::vector<Capability> FileCapture::capabilities() const {
    const auto mapped = std::ranges::count_if(queue_.inputs(), is_mapped);
    const auto all = static_cast<std::ptrdiff_t>(queue_.inputs().size());
    std::vector<Capability> facts{
        {"files", std::to_string(all)},
        {"format", capture_files::describe(queue_.inputs().front().format)},
        {"timestamps", "from the file"},
        {"zero copy", mapped == all ? "yes: mapped" : "no: read through a buffer"},
    };
    if (mapped > 0) {
        facts.push_back({"pages", keep_pages_ ? "kept" : "given back behind the reader"});
    }
    return facts;
}

Result<std::unique_ptr<FileCapture>> open(const Options& options) {
    if (options.paths.empty() || options.paths.size() > files_max) {
        return failed(Error::Kind::invalid_config, std::to_string(options.paths.size()) +
                                                       " capture files are named, must be 1 to " +
                                                       std::to_string(files_max));
    }
    std::vector<Input> inputs;
    inputs.reserve(options.paths.size());
    for (const std::filesystem::path& path : options.paths) {
        auto input = open_input(path, options);
        if (!input) {
            return failed(input.error().kind, name_of(path) + ": " + input.error().message);
        }
        inputs.push_back(std::move(*input));
    }
    const auto pipes =
        inputs.size() - static_cast<std::size_t>(std::ranges::count_if(inputs, is_mapped));
    if (pipes > pipes_max) {
        return failed(Error::Kind::invalid_config, std::to_string(pipes) +
                                                       " pipes are named, must be at most " +
                                                       std::to_string(pipes_max));
    }
    return std::make_unique<FileCapture>(std::move(inputs), options);
}

}  // namespace tapmeter::capture_files
