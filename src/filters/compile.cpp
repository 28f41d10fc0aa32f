#include "src/filters/compile.h"

#include <pcap/pcap.h>

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

namespace tapmeter::filters {

namespace {

// The link layers in the order of LinkType, as libpcap counts them.
constexpr std::array<int, filter::link_types> pcap_link_types{
    DLT_EN10MB, DLT_RAW, DLT_NULL, DLT_LOOP, DLT_LINUX_SLL, DLT_LINUX_SLL2, DLT_PPP, DLT_C_HDLC};

constexpr int longest_frame = 262'144;
// As tcpdump does for files: `ip broadcast` is 0.0.0.0 or 255.255.255.255.
constexpr bpf_u_int32 no_netmask = 0;

struct Close {
    void operator()(::pcap_t* handle) const noexcept { ::pcap_close(handle); }
};

// What pcap_compile() makes, given back at the end.
class Compiled {
public:
    Compiled() = default;
    Compiled(const Compiled&) = delete;
    Compiled& operator=(const Compiled&) = delete;
    ~Compiled() { ::pcap_freecode(&program_); }

    bpf_program* place() noexcept { return &program_; }
    std::vector<filter::Instruction> instructions() const {
        std::vector<filter::Instruction> all;
        for (const bpf_insn& step : std::span{program_.bf_insns, program_.bf_len}) {
            all.push_back({step.code, step.jt, step.jf, step.k});
        }
        return all;
    }

private:
    bpf_program program_{};
};

using Instructions = tl::expected<std::vector<filter::Instruction>, std::string>;

Instructions translated(const std::string& expression, int link_type, bool optimised) {
    const std::unique_ptr<::pcap_t, Close> handle(::pcap_open_dead(link_type, longest_frame));
    if (handle == nullptr) {
        return tl::unexpected<std::string>("no memory");
    }
    Compiled compiled;
    if (::pcap_compile(handle.get(), compiled.place(), expression.c_str(), optimised ? 1 : 0,
                       no_netmask) != 0) {
        return tl::unexpected<std::string>(::pcap_geterr(handle.get()));
    }
    return compiled.instructions();
}

// An expression that asks whether the frame has a tag: it compares the Ethernet type, which not
// yet optimised programs load right before, with one of them.
bool speaks_of_tags(const std::vector<filter::Instruction>& program) {
    constexpr std::uint16_t load_half = BPF_LD | BPF_H | BPF_ABS;
    constexpr std::uint16_t jump_if_equal = BPF_JMP | BPF_JEQ | BPF_K;
    constexpr std::uint32_t type_at = 12;
    constexpr std::array<std::uint32_t, 6> tags{0x8100, 0x88a8, 0x9100, 0x8847, 0x8848, 0x8864};
    for (std::size_t at = 1; at < program.size(); ++at) {
        const filter::Instruction& load = program[at - 1];
        const filter::Instruction& jump = program[at];
        if (load.code == load_half && load.operand == type_at && jump.code == jump_if_equal &&
            std::ranges::count(tags, jump.operand) != 0) {
            return true;
        }
    }
    return false;
}

std::string must_be(const std::string& complaint) {
    return "an expression of tcpdump's such as \"tcp port 443 or icmp\" (pcap-filter(7)); libpcap "
           "says: " +
           complaint;
}

}  // namespace

tl::expected<std::unique_ptr<const filter::PacketFilter>, std::string> compile(
    const std::string& expression, Tags tags) {
    if (expression.size() > expression_octets_max) {
        return tl::unexpected(
            must_be("longer than " + std::to_string(expression_octets_max) + " octets"));
    }
    const Instructions ethernet = translated(expression, DLT_EN10MB, false);
    if (!ethernet) {
        return tl::unexpected(must_be(ethernet.error()));
    }
    auto made = std::make_unique<filter::PacketFilter>();
    made->through_tags = tags == Tags::through && !speaks_of_tags(*ethernet);
    for (std::size_t link = 0; link < pcap_link_types.size(); ++link) {
        const Instructions steps = translated(expression, pcap_link_types[link], true);
        if (!steps) {
            continue;  // `ether host` of raw IP: no such packet can match
        }
        auto program = filter::Program::verified(*steps);
        if (!program) {
            return tl::unexpected(must_be(program.error().message +
                                          "; `protochain` makes loops, which are not run here"));
        }
        made->programs[link] = std::move(*program);
    }
    return made;
}

}  // namespace tapmeter::filters
