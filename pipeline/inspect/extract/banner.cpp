#include "pipeline/inspect/extract/banner.h"

#include <algorithm>
#include <string_view>

namespace tapmeter::inspect::extract {

namespace {

constexpr std::size_t line_octets_max = 1'024;
constexpr std::uint16_t lines_max = 32;  // before an SSH server's identification

std::string_view without_end(std::string_view line) noexcept {
    while (line.ends_with('\n') || line.ends_with('\r')) {
        line.remove_suffix(1);
    }
    return line;
}

// "2.0" and "OpenSSH_9.2p1" of "SSH-2.0-OpenSSH_9.2p1 comment".
void keep_ssh(std::string_view line, Context& context) noexcept {
    constexpr std::string_view prefix = "SSH-";
    line.remove_prefix(prefix.size());
    const std::size_t dash = std::min(line.find('-'), line.size());
    const Bytes protocol = octets_of(line.substr(0, dash));
    const std::string_view behind = line.substr(std::min(dash + 1, line.size()));
    const Bytes software = octets_of(behind.substr(0, behind.find(' ')));
    context.count(ReadEvent::ssh_banner);
    context.show(Buffer::ssh_proto, protocol);
    context.show(Buffer::ssh_software, software);
    auto& ssh = context.metadata.ssh;
    auto& kept_protocol = context.from_client ? ssh.client_protocol : ssh.server_protocol;
    auto& kept_software = context.from_client ? ssh.client_software : ssh.server_software;
    if (kept_protocol.empty()) {
        kept_protocol = context.metadata.keep(protocol, text_max::banner);
        kept_software = context.metadata.keep(software, text_max::banner);
    }
}

}  // namespace

Read read_ssh(Bytes unread, bool last, Place& place, Context& context) noexcept {
    Read read;
    while (place.message < lines_max) {
        const std::string_view rest = text_of(unread.subspan(read.consumed));
        const std::size_t end = rest.find('\n');
        const bool is_whole = end != std::string_view::npos;
        if (!is_whole && !last && rest.size() < line_octets_max) {
            return read;
        }
        const auto line = rest.substr(0, is_whole ? end + 1 : rest.size());
        read.consumed += line.size();
        ++place.message;
        if (line.starts_with("SSH-")) {
            keep_ssh(without_end(line), context);
            read.done = true;
            return read;
        }
        if (!is_whole) {
            break;
        }
    }
    context.count(ReadEvent::ssh_no_banner);
    read.done = true;
    return read;
}

Read read_greeting(Bytes unread, bool last, Place& /*place*/, Context& context) noexcept {
    const std::string_view text = text_of(unread);
    const std::size_t end = text.find('\n');
    if (end == std::string_view::npos && !last && text.size() < line_octets_max) {
        return {};
    }
    const std::string_view line = without_end(text.substr(0, std::min(end, line_octets_max)));
    const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
    if (line.size() >= 3 && std::ranges::all_of(line.substr(0, 3), is_digit)) {
        context.count(ReadEvent::greeting);
        const bool is_ftp = context.metadata.protocol == Protocol::ftp;
        context.show(is_ftp ? Buffer::ftp_greeting : Buffer::smtp_greeting, octets_of(line));
        if (context.metadata.greeting.empty()) {
            context.metadata.greeting = context.metadata.keep(octets_of(line), text_max::greeting);
        }
    }
    return {.consumed = unread.size(), .done = true};
}

}  // namespace tapmeter::inspect::extract
