#include "xdp/system_error.h"

#include <bpf/libbpf.h>
#include <linux/capability.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <xdp/libxdp.h>
#include <array>
#include <cstdarg>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <string_view>

namespace tapmeter::xdp {

namespace {

constexpr std::size_t message_octets_max = 512;
constexpr int enotsupp = 524;  // kernel-internal, and yet drivers let it out

struct CapabilityName {
    int capability;
    std::string_view name;
};
constexpr std::array<CapabilityName, 6> capability_names{{{CAP_NET_ADMIN, "CAP_NET_ADMIN"},
                                                          {CAP_NET_RAW, "CAP_NET_RAW"},
                                                          {CAP_IPC_LOCK, "CAP_IPC_LOCK"},
                                                          {CAP_SYS_ADMIN, "CAP_SYS_ADMIN"},
                                                          {CAP_PERFMON, "CAP_PERFMON"},
                                                          {CAP_BPF, "CAP_BPF"}}};

// The capabilities in effect, one bit each; all set where the kernel does not tell.
std::uint64_t effective_capabilities() {
    __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
    std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3> data{};
    if (::syscall(SYS_capget, &header, data.data()) != 0) {
        return ~std::uint64_t{0};
    }
    return (std::uint64_t{data[1].effective} << 32U) | data[0].effective;
}

// The libraries' print hooks have no place for an object of ours, hence this one per thread.
std::string& messages_of_this_thread() {
    thread_local std::string messages;
    return messages;
}

void keep(const char* format, std::va_list arguments) {
    std::array<char, message_octets_max> line{};
    const int length = std::vsnprintf(line.data(), line.size(), format, arguments);
    if (length <= 0) {
        return;
    }
    std::string& messages = messages_of_this_thread();
    messages += line.data();
    if (messages.size() > message_octets_max) {
        messages.erase(0, messages.size() - message_octets_max);
    }
}

int keep_libbpf(libbpf_print_level level, const char* format, std::va_list arguments) {
    if (level == LIBBPF_WARN) {
        keep(format, arguments);
    }
    return 0;
}

int keep_libxdp(libxdp_print_level level, const char* format, std::va_list arguments) {
    if (level == LIBXDP_WARN) {
        keep(format, arguments);
    }
    return 0;
}

}  // namespace

std::string error_text(int error_number) {
    if (error_number == enotsupp) {
        return "not supported (ENOTSUPP)";
    }
    const char* name = strerrorname_np(error_number);
    const char* description = strerrordesc_np(error_number);
    if (name == nullptr || description == nullptr) {
        return "error " + std::to_string(error_number);
    }
    return std::string(description) + " (" + name + ")";
}

std::string missing_capabilities(std::initializer_list<int> wanted) {
    const std::uint64_t effective = effective_capabilities();
    std::string missing;
    for (const CapabilityName& known : capability_names) {
        bool is_missing = false;
        for (const int capability : wanted) {
            is_missing = is_missing || (capability == known.capability &&
                                        (effective >> static_cast<unsigned>(capability) & 1U) == 0);
        }
        if (is_missing) {
            missing += (missing.empty() ? "" : " and ") + std::string(known.name);
        }
    }
    return missing;
}

std::string capability_cure(std::initializer_list<int> wanted, const std::string& otherwise) {
    const std::string missing = missing_capabilities(wanted);
    if (missing.empty()) {
        return otherwise;
    }
    return "this process lacks " + missing +
           "; start it as root, or give it the capability "
           "(systemd: AmbientCapabilities=, by hand: setcap)";
}

std::string cure_of(int error_number, std::initializer_list<int> wanted,
                    const std::string& otherwise) {
    if (error_number == EMFILE) {
        return "this process may open too few files; raise its limit (systemd: LimitNOFILE=, by "
               "hand: ulimit -n)";
    }
    return capability_cure(wanted, otherwise);
}

std::string take_library_messages() {
    libbpf_set_print(keep_libbpf);
    libxdp_set_print(keep_libxdp);
    std::string text = std::move(messages_of_this_thread());
    messages_of_this_thread().clear();
    while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) {
        text.pop_back();
    }
    for (char& character : text) {
        if (character == '\n') {
            character = ';';
        }
    }
    return text;
}

}  // namespace tapmeter::xdp
