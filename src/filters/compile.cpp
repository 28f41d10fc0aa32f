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

// Whether the accumulator holds what it held before this instruction.
bool keeps_accumulator(const filter::Instruction& step) {
    switch (BPF_CLASS(step.code)) {
        case BPF_LDX:
        case BPF_ST:
        case BPF_STX:
        case BPF_JMP:
            return true;
        case BPF_MISC:
            return BPF_MISCOP(step.code) == BPF_TAX;
        default:
            return false;
    }
}

// How many instructions are passed over to the one that follows, either way.
std::array<std::size_t, 2> skipped_behind(const filter::Instruction& step) {
    if (BPF_CLASS(step.code) != BPF_JMP) {
        return {0, 0};
    }
    return BPF_OP(step.code) == BPF_JA
               ? std::array<std::size_t, 2>{step.operand, step.operand}
               : std::array<std::size_t, 2>{step.jump_true, step.jump_false};
}

// An expression that asks whether the frame has a tag: on some way through its program the Ethernet
// type is compared with one of them. Jumps go forward only.
bool speaks_of_tags(const std::vector<filter::Instruction>& program) {
    constexpr std::uint16_t load_half = BPF_LD | BPF_H | BPF_ABS;
    constexpr std::uint16_t jump_if_equal = BPF_JMP | BPF_JEQ | BPF_K;
    constexpr std::uint32_t type_at = 12;
    constexpr std::array<std::uint32_t, 6> tags{0x8100, 0x88a8, 0x9100, 0x8847, 0x8848, 0x8864};
    std::vector<bool> type_comes(program.size());  // in the accumulator, to this instruction
    for (std::size_t at = 0; at < program.size(); ++at) {
        const filter::Instruction& step = program[at];
        const bool holds_type = (step.code == load_half && step.operand == type_at) ||
                                (type_comes[at] && keeps_accumulator(step));
        if (holds_type && step.code == jump_if_equal &&
            std::ranges::count(tags, step.operand) != 0) {
            return true;
        }
        for (const std::size_t skipped : skipped_behind(step)) {
            if (holds_type && at + 1 + skipped < program.size()) {
                type_comes[at + 1 + skipped] = true;
            }
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
    const Instructions optimised = translated(expression, DLT_EN10MB, true);
    // Only optimised does `ether[12:2] = 0x8847` compare what it loads; what asks in words may
    // be found to be always false then, as `mpls and ip and not ip`.
    made->through_tags = tags == Tags::through && !speaks_of_tags(*ethernet) &&
                         !(optimised && speaks_of_tags(*optimised));
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
