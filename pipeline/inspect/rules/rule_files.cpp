#include "pipeline/inspect/rules/rule_files.h"

#include <fcntl.h>
#include <glob.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <string_view>
#include <utility>

#include "pipeline/inspect/rules/group.h"

namespace tapmeter::inspect::rules {

namespace {

constexpr std::uint32_t sids_per_list = 10;
constexpr std::size_t name_octets_max = 253;  // of a domain (RFC 1035 section 2.3.4)

// A file descriptor with an owner.
class File {
public:
    explicit File(const std::string& path)
        : descriptor_(open(path.c_str(), O_RDONLY | O_CLOEXEC)) {}
    File(const File&) = delete;
    File& operator=(const File&) = delete;
    ~File() {
        if (descriptor_ >= 0) {
            close(descriptor_);
        }
    }
    int descriptor() const noexcept { return descriptor_; }

private:
    int descriptor_;
};

tl::unexpected<Error> io_error(const std::string& path, const std::string& doing) {
    return failed(Error::Kind::io, path + ": cannot " + doing + ": " + std::strerror(errno) +
                                       "; check the path and that its owner may read it");
}

// What a pattern stands for, sorted; a path without wildcards stands for itself.
Result<std::vector<std::string>> expand(const std::string& pattern) {
    if (pattern.find_first_of("*?[") == std::string::npos) {
        return std::vector<std::string>{pattern};
    }
    glob_t found{};
    const int code = glob(pattern.c_str(), GLOB_ERR, nullptr, &found);
    std::vector<std::string> paths;
    for (std::size_t i = 0; code == 0 && i < found.gl_pathc; ++i) {
        paths.emplace_back(found.gl_pathv[i]);
    }
    globfree(&found);
    if (code != 0) {
        return failed(Error::Kind::io, "rule_files: no file matches \"" + pattern +
                                           "\"; put a rule file there or take the pattern out");
    }
    return paths;
}

// Lines without comments and blanks, with their numbers.
struct Line {
    std::string_view text;
    std::size_t number = 0;
};

std::vector<Line> lines_of(std::string_view octets) {
    std::vector<Line> lines;
    for (std::size_t number = 1; !octets.empty(); ++number) {
        const std::size_t end = std::min(octets.find('\n'), octets.size());
        std::string_view text = octets.substr(0, end);
        octets.remove_prefix(std::min(end + 1, octets.size()));
        // Host files and feeds put a comment or more columns behind the item.
        text = trimmed(text.substr(0, text.find_first_of("#;,")));
        text = text.substr(0, text.find_first_of(" \t"));
        if (!text.empty()) {
            lines.push_back({text, number});
        }
    }
    return lines;
}

LeftOut malformed_line(const std::string& file, const Line& line, std::string why) {
    return {{file, line.number, 1}, LeftOut::Cause::malformed, "list", std::move(why), 0};
}

bool is_domain(std::string_view name) {
    return !name.empty() && name.size() <= name_octets_max && std::ranges::all_of(name, [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '_';
    });
}

// One rule for one name in one buffer: the name itself, or what stands below it.
Rule domain_rule(const std::string& name, Buffer buffer, const Place& place) {
    Rule rule;
    rule.place = place;
    rule.application = application_of(buffer);
    rule.message = "listed domain " + name;
    rule.category = "Domain Observed Used for C2 Detected";
    rule.priority = 1;
    Content content;
    content.octets = "." + name;
    content.nocase = true;
    content.ends_with = true;
    rule.buffers.push_back({buffer, Transform::dot_prefix, {std::move(content)}});
    return rule;
}

}  // namespace

std::vector<Variable> with_defaults(std::vector<Variable> configured) {
    // Suricata's suricata.yaml, with HOME_NET any: this program meters what its operator mirrors.
    constexpr std::array<std::pair<std::string_view, std::string_view>, 24> defaults{{
        {"HOME_NET", "any"},
        {"EXTERNAL_NET", "any"},
        {"HTTP_SERVERS", "$HOME_NET"},
        {"SMTP_SERVERS", "$HOME_NET"},
        {"SQL_SERVERS", "$HOME_NET"},
        {"DNS_SERVERS", "$HOME_NET"},
        {"TELNET_SERVERS", "$HOME_NET"},
        {"AIM_SERVERS", "$EXTERNAL_NET"},
        {"DC_SERVERS", "$HOME_NET"},
        {"DNP3_SERVER", "$HOME_NET"},
        {"DNP3_CLIENT", "$HOME_NET"},
        {"MODBUS_CLIENT", "$HOME_NET"},
        {"MODBUS_SERVER", "$HOME_NET"},
        {"ENIP_CLIENT", "$HOME_NET"},
        {"ENIP_SERVER", "$HOME_NET"},
        {"HTTP_PORTS", "80"},
        {"SHELLCODE_PORTS", "!80"},
        {"ORACLE_PORTS", "1521"},
        {"SSH_PORTS", "22"},
        {"DNP3_PORTS", "20000"},
        {"MODBUS_PORTS", "502"},
        {"FILE_DATA_PORTS", "[$HTTP_PORTS,110,143]"},
        {"FTP_PORTS", "21"},
        {"GENEVE_PORTS", "6081"},
    }};
    for (const auto& [name, value] : defaults) {
        if (std::ranges::find(configured, name, &Variable::name) == configured.end()) {
            configured.push_back({std::string(name), std::string(value)});
        }
    }
    return configured;
}

Result<std::string> read_file(const std::string& path) {
    const File file{path};
    struct stat facts {};
    if (file.descriptor() < 0 || fstat(file.descriptor(), &facts) != 0) {
        return io_error(path, "open it");
    }
    if (S_ISDIR(facts.st_mode)) {
        return failed(Error::Kind::io,
                      path + ": is a folder; name its files, such as " + path + "/*.rules");
    }
    std::string octets;
    std::array<char, 65'536> part{};
    while (true) {
        const ssize_t count = read(file.descriptor(), part.data(), part.size());
        if (count < 0) {
            return io_error(path, "read it");
        }
        if (count == 0) {
            return octets;
        }
        octets.append(part.data(), static_cast<std::size_t>(count));
        if (octets.size() > file_octets_max) {
            return failed(Error::Kind::invalid_config, path + ": is longer than " +
                                                           std::to_string(file_octets_max >> 20U) +
                                                           " MiB, the most that is read; split it");
        }
    }
}

Result<void> read_address_list(const std::string& file, std::uint32_t sid, RuleSet& to) {
    const auto octets = read_file(file);
    if (!octets) {
        return tl::unexpected<Error>(octets.error());
    }
    std::vector<AddressSet::Range> ranges;
    for (const Line& line : lines_of(*octets)) {
        auto range = parse_network(line.text);
        if (!range) {
            to.left_out.push_back(malformed_line(file, line, range.error()));
            continue;
        }
        ranges.push_back(*range);
    }
    if (ranges.empty()) {
        return {};
    }
    Rule rule;
    rule.place = {file, 1, 1};
    rule.sid = sid;
    rule.rev = 1;
    rule.priority = 1;
    rule.message = "address on the list " + file;
    rule.category = "Misc Attack";
    rule.destination = AddressSet::of(std::move(ranges), {});
    rule.both_ways = true;
    // Once a minute for each address: a listed peer sends many packets.
    rule.threshold = Threshold{Threshold::Kind::limit, Threshold::Track::by_both, 1, 60};
    to.rules.push_back(std::move(rule));
    return {};
}

Result<void> read_domain_list(const std::string& file, std::uint32_t sid, RuleSet& to) {
    const auto octets = read_file(file);
    if (!octets) {
        return tl::unexpected<Error>(octets.error());
    }
    for (const Line& line : lines_of(*octets)) {
        std::string name{line.text};
        std::ranges::transform(name, name.begin(), [](char c) {
            return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
        });
        name.erase(0, std::min(name.find_first_not_of("*."), name.size()));
        if (!is_domain(name)) {
            to.left_out.push_back(
                malformed_line(file, line,
                               "\"" + std::string(line.text.substr(0, 64)) +
                                   "\" is no domain name: write example.org, one a line"));
            continue;
        }
        std::uint32_t offset = 0;
        for (const Buffer buffer :
             {Buffer::dns_query, Buffer::tls_server_name, Buffer::http_host}) {
            Rule rule = domain_rule(name, buffer, {file, line.number, 1});
            // One sid a list and buffer; gid tells the rules apart by their line.
            rule.gid = static_cast<std::uint32_t>(line.number) + 1;
            rule.sid = sid + offset++;
            rule.rev = 1;
            to.rules.push_back(std::move(rule));
        }
    }
    return {};
}

Result<RuleSet> read_rules(const Sources& sources) {
    RuleSet set;
    std::size_t files = 0;
    const auto variables = with_defaults(sources.variables);
    for (const std::string& pattern : sources.rule_files) {
        const auto paths = expand(pattern);
        if (!paths) {
            return tl::unexpected<Error>(paths.error());
        }
        files += paths->size();
        if (files > files_max) {
            return failed(
                Error::Kind::invalid_config,
                "rule_files: more than " + std::to_string(files_max) + " files; join some of them");
        }
        for (const std::string& path : *paths) {
            const auto octets = read_file(path);
            if (!octets) {
                return tl::unexpected<Error>(octets.error());
            }
            parse_rules(*octets, path, variables, set);
        }
    }
    std::uint32_t sid = list_sid_first;
    for (const auto& [files_of_kind, read_list] :
         {std::pair{&sources.address_lists, &read_address_list},
          std::pair{&sources.domain_lists, &read_domain_list}}) {
        for (const std::string& file : *files_of_kind) {
            if (auto done = read_list(file, sid, set); !done) {
                return tl::unexpected<Error>(done.error());
            }
            sid += sids_per_list;
        }
    }
    settle(set);
    return set;
}

}  // namespace tapmeter::inspect::rules
