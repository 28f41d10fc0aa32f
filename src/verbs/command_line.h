#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <tl/expected.hpp>
#include <variant>
#include <vector>

#include "src/bench/made_traffic.h"
#include "src/config/load.h"

namespace tapmeter::verbs {

// What the process returns; the meaning of each number is part of the command line's contract.
enum class ExitCode : int {
    done = 0,        // also after Ctrl-C or SIGTERM
    failed = 1,      // while running
    refused = 2,     // wrong command line or configuration; nothing was started
    answer_no = 3,   // ran, and the answer is no: a blocker, a lost packet
    no_instance = 4  // nobody behind the socket or URL
};

enum class OutputFormat : std::uint8_t { text, json, csv };
enum class ColorMode : std::uint8_t { automatic, always, never };

inline constexpr unsigned top_max = 1'000;

// Options that every verb takes.
struct CommonOptions {
    std::optional<std::filesystem::path> config;  // -c
    std::vector<std::string> sets;                // --set KEY=VALUE
    OutputFormat output = OutputFormat::text;
    bool quiet = false;
    unsigned verbose = 0;                    // how often -v was given
    ColorMode color = ColorMode::automatic;  // NO_COLOR is answered with never
};

// Which packets, and what becomes of them beside being metered.
struct PacketOptions {
    std::vector<std::string> filter_words;  // behind the options; joined they are one expression
    std::string write;                      // -w; empty: as the configuration says
    std::optional<std::uint64_t> file_millions;  // -C: 1,000,000 octets
    std::optional<std::uint32_t> files;          // -W
    std::optional<std::uint32_t> rotate;         // -G, seconds
    std::optional<std::uint32_t> snap_octets;    // -s

    std::string filter() const;             // empty: none
    std::vector<std::string> sets() const;  // as KEY=VALUE of the configuration
};

struct RunCommand {
    std::vector<std::string> sources;     // -i, as `source` of [[capture]]
    std::vector<std::string> collectors;  // -n, as URLs
    std::vector<std::string> json_paths;
    std::optional<std::chrono::milliseconds> duration;  // none: until told to stop
    PacketOptions packets;
};

struct ReadCommand {
    std::vector<std::string> files;  // existing files; "-" is standard input
    std::vector<std::string> collectors;
    std::vector<std::string> json_paths;
    unsigned workers = 1;            // 1 to workers_max
    std::string flow_key = "inner";  // or "outer": of tunnelled packets
    std::string dedup = "0s";        // as `dedup` of [[capture]]
    bool strict = false;             // lost or undecoded packets end in ExitCode::answer_no
    unsigned top = 10;               // rows of each table, up to top_max; 0: no hosts are counted
    bool utc = false;
    bool flows = false;  // print every flow record
    PacketOptions packets;
};

struct CheckCommand {
    bool dump = false;                      // print the effective configuration
    bool rules = false;                     // check the rules of signatures instead
    std::vector<std::string> rule_files{};  // of --rules; none: those of the configuration
    std::vector<std::string> sources = {};  // -i
};

struct SetupCommand {
    bool apply = false;                     // do it, instead of printing it
    std::vector<std::string> topics = {};   // empty: all; words of machine::topics
    std::vector<std::string> sources = {};  // -i
};

struct DevicesCommand {};

struct DemoCommand {
    std::optional<std::chrono::milliseconds> duration;
};

struct DdlCommand {
    std::vector<std::string> parts{};       // words of ddl_parts; none: all
    std::string server = "current";         // or "18.16"
    std::optional<std::string> database{};  // none: of the configuration, else "default"
    std::optional<std::string> table{};     // none: of the configuration, else "flows"
    std::string cluster = "tapmeter";
};

struct BenchCommand {
    bench::TrafficRequest::Kind kind = bench::TrafficRequest::Kind::uniform;
    std::filesystem::path file;       // of Kind::file
    std::uint64_t flows = 1'000'000;  // of each worker
    unsigned workers = 1;             // 1 to workers_max
    std::string cores;                // as workers.cores; empty: not pinned
    std::chrono::milliseconds duration{3'000};
    std::uint64_t packets_min = 4'000'000;  // made in memory, for each worker
    bool stages = true;                     // say where the time goes
    std::vector<std::string> sources;       // -i: a real port instead of memory
    bool external = false;                  // print what to type on the machine that sends
    bool search = false;                    // for the highest rate without loss
    std::chrono::milliseconds trial{10'000};
    std::uint32_t ring_slots = 4'096;  // of the receive ring in memory
    double max_loss = 0;               // share of the packets, 0 to 1
    bool max_loss_given = false;
    std::vector<std::uint32_t> sizes{64};  // frames with FCS, one run each; 0: simple IMIX
    std::vector<std::string> collectors;
    std::vector<std::string> json_paths;
};

struct CtlCommand {
    enum class Action : std::uint8_t {
        status,
        books,
        stats,
        reload,
        stop,
        prefilter_show,
        prefilter_add,     // prefixes
        prefilter_remove,  // prefixes
        prefilter_deny,    // ports
        prefilter_allow,   // ports
        prefilter_sample,  // sample
        recall_show,
        recall_host,    // recall.source
        recall_flow,    // recall
        recall_filter,  // recall.words
    };
    struct RecallWords {
        std::string protocol;
        std::string source;
        std::uint16_t source_port = 0;
        std::string destination;
        std::uint16_t destination_port = 0;
        std::vector<std::string> words;  // of an expression of tcpdump's
    };
    Action action = Action::status;
    std::vector<std::string> prefixes;
    std::vector<std::uint16_t> ports;
    std::uint32_t sample = 1;  // 1 in N
    RecallWords recall;
    std::optional<std::filesystem::path> socket;  // none: that of the configuration
    std::optional<std::string> url;               // instead of a socket
};

using VerbCommand = std::variant<RunCommand, ReadCommand, CheckCommand, SetupCommand,
                                 DevicesCommand, CtlCommand, DemoCommand, BenchCommand, DdlCommand>;

struct CommandLine {
    CommonOptions common;
    VerbCommand verb;
};

// Nothing is to be run: print this and go. Help, version and completion scripts are `done` and
// stand on standard output; errors are `refused` and stand on standard error.
struct Farewell {
    ExitCode code = ExitCode::done;
    std::string output;
    std::string error;
};

// Reads the arguments behind the program's name. Looks at the file system (files to be read must
// exist) and starts nothing. Never throws.
// no_color   NO_COLOR is set and not empty (no-color.org)
tl::expected<CommandLine, Farewell> parse_command_line(std::vector<std::string> arguments,
                                                       bool no_color);

// What load_config() needs of a command line: file, addresses, --set and the environment given.
// `run` without -c and -i reads default_config_file, and so does `setup` where that file exists;
// other verbs read a file only with -c.
LoadRequest load_request(const CommandLine& line, std::vector<std::string> environment);

}  // namespace tapmeter::verbs
