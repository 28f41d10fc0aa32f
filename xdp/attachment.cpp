#include "xdp/attachment.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/capability.h>
#include <linux/if_link.h>
#include <array>
#include <cerrno>
#include <vector>

#include "xdp/system_error.h"

namespace tapmeter::xdp {

namespace {

// The name of a loaded program; empty where the kernel does not tell us.
std::string program_name(std::uint32_t id) {
    const FileDescriptor program(bpf_prog_get_fd_by_id(id));
    bpf_prog_info info{};
    std::uint32_t octets = sizeof(info);
    if (!program.is_open() || bpf_obj_get_info_by_fd(program.number(), &info, &octets) != 0) {
        return {};
    }
    return info.name;
}

// The id of a program on the interface, in whichever mode; 0 for none.
std::uint32_t foreign_program(const Link& link) {
    bpf_xdp_query_opts found{};
    found.sz = sizeof(found);
    if (bpf_xdp_query(static_cast<int>(link.index), 0, &found) != 0) {
        return 0;
    }
    for (const std::uint32_t id :
         {found.prog_id, found.drv_prog_id, found.skb_prog_id, found.hw_prog_id}) {
        if (id != 0) {
            return id;
        }
    }
    return 0;
}

Error foreign_error(const Link& link, std::uint32_t id) {
    const std::string name = program_name(id);
    std::string cure = "stop the program that owns it, or take it off with \"ip link set dev " +
                       link.name + " xdp off\"";
    if (name == "xdp_dispatcher") {
        cure = "it belongs to xdp-tools: \"xdp-loader unload " + link.name + " --all\" removes it";
    } else if (name.starts_with("prefilter")) {
        cure = "that is tapmeter's own: another tapmeter captures here; stop that one first";
    }
    return {Error::Kind::io, link.name + ": an XDP program" +
                                 (name.empty() ? "" : " named \"" + name + "\"") + " (id " +
                                 std::to_string(id) +
                                 ") is attached already and tapmeter never replaces one; " + cure +
                                 " (\"bpftool net show dev " + link.name + "\" shows it)"};
}

// Why an attempt failed, in words; errno values alone say little here.
std::string refusal_text(int error, const Link& link) {
    std::string text = error_text(error);
    if (error == ERANGE) {
        text += ": the MTU of " + link.name + " (" + std::to_string(link.mtu) +
                ") or of its peer is too large";
    }
    return text;
}

Error attach_error(const Link& link, Mode mode, const std::string& refusals) {
    const std::string otherwise =
        mode == Mode::native
            ? "the driver has no native XDP for this interface as it is set up: lower its MTU, "
              "or allow generic mode (xdp_mode = \"auto\" or \"generic\")"
            : "Linux 5.18 or later with CONFIG_XDP_SOCKETS is needed";
    return {Error::Kind::io, link.name + ": the XDP program cannot be attached: " + refusals +
                                 "; " + capability_cure({CAP_NET_ADMIN, CAP_BPF}, otherwise)};
}

// Drivers refuse the program for frames of one piece where the MTU needs several; veth looks at
// its peer's MTU for that. Some take only that program, so the other kind is tried too.
std::vector<Attachment::Step> steps_of(Attachment::Wish wish) {
    std::vector<Attachment::Step> steps;
    for (const bool native : {true, false}) {
        if (wish.mode == (native ? Mode::generic : Mode::native)) {
            continue;
        }
        steps.push_back({.native = native, .pieces = wish.frames_in_pieces});
        steps.push_back({.native = native, .pieces = !wish.frames_in_pieces});
    }
    return steps;
}

// The descriptor of the link, or -1 and errno.
int create_link(const Link& link, const Prefilter& prefilter, Attachment::Step step) {
    bpf_link_create_opts options{};
    options.sz = sizeof(options);
    options.flags = step.native ? std::uint32_t{XDP_FLAGS_DRV_MODE} : XDP_FLAGS_SKB_MODE;
    const int program = step.pieces ? prefilter.program_for_pieces() : prefilter.program();
    return bpf_link_create(program, static_cast<int>(link.index), BPF_XDP, &options);
}

std::string step_text(Attachment::Step step) {
    return std::string(step.native ? "native" : "generic") +
           (step.pieces ? " for frames in pieces: " : ": ");
}

}  // namespace

Result<Attachment> Attachment::attach(const Link& link, const Prefilter& prefilter, Wish wish) {
    if (const std::uint32_t id = foreign_program(link); id != 0) {
        return tl::unexpected<Error>(foreign_error(link, id));
    }
    std::string refusals;
    for (const Step& step : steps_of(wish)) {
        FileDescriptor attached(create_link(link, prefilter, step));
        if (attached.is_open()) {
            return Attachment(std::move(attached), step, refusals);
        }
        const int error = errno;
        if (const std::uint32_t id = foreign_program(link); id != 0) {
            return tl::unexpected<Error>(foreign_error(link, id));
        }
        refusals += refusals.empty() ? "" : ", ";
        refusals += step_text(step) + refusal_text(error, link);
        if (error == EPERM || error == EACCES || error == ENODEV || error == ENOSYS) {
            break;  // the next step would meet the same
        }
    }
    return tl::unexpected<Error>(attach_error(link, wish.mode, refusals));
}

void Attachment::detach() noexcept {
    if (link_.is_open()) {
        bpf_link_detach(link_.number());
        link_ = FileDescriptor();
    }
}

}  // namespace tapmeter::xdp
