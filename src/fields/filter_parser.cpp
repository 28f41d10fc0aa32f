#include <arpa/inet.h>

#include <algorithm>
#include <bit>
#include <charconv>
#include <optional>

#include "src/fields/filter.h"

namespace tapmeter::fields {
namespace {

bool is_word_character(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == ':' || c == '/' || c == '_' || c == '-';
}

// The first `bits` of 128 set, as octets of an address.
std::array<std::uint64_t, 2> mask_of(unsigned bits) {
    std::array<std::uint8_t, 16> mask{};
    for (unsigned bit = 0; bit < bits; ++bit) {
        mask[bit / 8] |= static_cast<std::uint8_t>(0x80U >> (bit % 8));
    }
    return std::bit_cast<std::array<std::uint64_t, 2>>(mask);
}

}  // namespace

// From left to right, once; operators wait on a stack of their own until what they join is there
// (Dijkstra's shunting yard). No recursion.
class FilterParser {
public:
    explicit FilterParser(std::string_view text) : text_(text) { next(); }

    tl::expected<Filter, std::string> parse() {
        while (fault_.empty() && !word_.empty()) {
            if (wants_operand_) {
                operand();
            } else {
                between();
            }
        }
        if (fault_.empty() && wants_operand_ && !(filter_.steps_.empty() && waiting_.empty())) {
            refuse("a condition such as \"port 443\"");
        }
        while (fault_.empty() && !waiting_.empty()) {
            if (waiting_.back() == Waiting::parenthesis) {
                refuse("\")\"");
            } else {
                carry_out();
            }
        }
        if (!fault_.empty()) {
            return tl::unexpected<std::string>(std::move(fault_));
        }
        return std::move(filter_);
    }

private:
    using Quantity = Filter::Quantity;
    using Comparison = Filter::Comparison;
    using Operation = Filter::Operation;
    enum class Waiting : std::uint8_t { parenthesis, either, both, negate };  // by strength

    struct Word {
        std::string_view word;
        Quantity first;
        Quantity second;  // the other side; the same where there is none
    };
    static constexpr std::array words{
        Word{"port", Quantity::source_port, Quantity::destination_port},
        Word{"vlan", Quantity::vlan, Quantity::vlan},
        Word{"if", Quantity::interface, Quantity::interface},
        Word{"tos", Quantity::type_of_service, Quantity::type_of_service},
        Word{"end", Quantity::end_reason, Quantity::end_reason},
        Word{"flowid", Quantity::flow_id, Quantity::flow_id},
        Word{"bytes", Quantity::octets, Quantity::reverse_octets},
        Word{"packets", Quantity::packets, Quantity::reverse_packets},
        Word{"duration", Quantity::duration, Quantity::duration},
        Word{"pps", Quantity::packets_per_second, Quantity::packets_per_second},
        Word{"bps", Quantity::bits_per_second, Quantity::bits_per_second},
        Word{"bpp", Quantity::octets_per_packet, Quantity::octets_per_packet},
    };
    struct Protocol {
        std::string_view name;
        std::uint64_t number;
    };
    static constexpr std::array protocols{
        Protocol{"icmp", 1}, Protocol{"igmp", 2}, Protocol{"tcp", 6},    Protocol{"udp", 17},
        Protocol{"gre", 47}, Protocol{"esp", 50}, Protocol{"icmp6", 58}, Protocol{"sctp", 132},
    };
    static constexpr std::array versions{Protocol{"ipv4", 4}, Protocol{"inet", 4},
                                         Protocol{"ipv6", 6}, Protocol{"inet6", 6}};

    void next() {
        while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\t')) {
            ++at_;
        }
        begin_ = at_;
        if (at_ < text_.size() && !is_word_character(text_[at_])) {
            ++at_;
        } else {
            while (at_ < text_.size() && is_word_character(text_[at_])) {
                ++at_;
            }
        }
        word_ = text_.substr(begin_, at_ - begin_);
    }
    bool take(std::string_view word) {
        const bool same = word_ == word;
        if (same) {
            next();
        }
        return same;
    }
    void refuse(std::string_view must) {
        if (fault_.empty()) {
            fault_ = "a filter with " + std::string(must) + " at character " +
                     std::to_string(begin_ + 1) + ", where it has " +
                     (word_.empty() ? "its end" : "\"" + std::string(word_) + "\"");
        }
    }

    void operand() {
        if (take("not")) {
            wait(Waiting::negate);
        } else if (take("(")) {
            wait(Waiting::parenthesis);
        } else {
            condition();
            wants_operand_ = false;
        }
    }

    // After a condition: "and", "or", ")".
    void between() {
        if (take("and")) {
            carry_out_from(Waiting::both);
            wait(Waiting::both);
            wants_operand_ = true;
        } else if (take("or")) {
            carry_out_from(Waiting::either);
            wait(Waiting::either);
            wants_operand_ = true;
        } else if (word_ == ")") {
            carry_out_from(Waiting::either);
            if (waiting_.empty()) {
                refuse("\"and\", \"or\" or its end");
                return;
            }
            waiting_.pop_back();
            next();
        } else {
            refuse("\"and\", \"or\" or its end");
        }
    }

    void wait(Waiting waiting) {
        if (waiting_.size() == filter_depth_max) {
            refuse("at most " + std::to_string(filter_depth_max) + " open parentheses");
            return;
        }
        waiting_.push_back(waiting);
    }
    void carry_out_from(Waiting weakest) {
        while (!waiting_.empty() && waiting_.back() >= weakest) {
            carry_out();
        }
    }
    void carry_out() {
        const Waiting strongest = waiting_.back();
        waiting_.pop_back();
        emit(strongest == Waiting::negate ? Operation::negate
             : strongest == Waiting::both ? Operation::both
                                          : Operation::either);
    }
    void emit(Operation operation) {
        filter_.steps_.push_back({operation, 0});
        depth_ -= operation == Operation::negate ? 0U : 1U;
    }
    void emit(const Filter::Test& test) {
        if (filter_.tests_.size() == filter_tests_max || depth_ == filter_depth_max - 1) {
            refuse("at most " + std::to_string(filter_tests_max) + " conditions");
            return;
        }
        filter_.steps_.push_back(
            {Operation::test, static_cast<std::uint32_t>(filter_.tests_.size())});
        filter_.tests_.push_back(test);
        ++depth_;
    }

    enum class Side : std::uint8_t { either, source, destination };

    void condition() {
        Side side = Side::either;
        if (take("src") || take("in")) {
            side = Side::source;
        } else if (take("dst") || take("out")) {
            side = Side::destination;
        }
        if (take("any")) {
            emit({Quantity::any, Comparison::equal, 0, 0});
        } else if (take("ip") || take("host") || take("net")) {
            addresses(side);
        } else if (take("proto")) {
            protocol();
        } else if (take("flags")) {
            flags();
        } else if (const auto* word = std::ranges::find(words, word_, &Word::word);
                   word != words.end()) {
            next();
            quantity(*word, side);
        } else {
            short_word();
        }
    }

    void short_word() {
        const auto* const protocol = std::ranges::find(protocols, word_, &Protocol::name);
        const auto* const version = std::ranges::find(versions, word_, &Protocol::name);
        if (protocol != protocols.end()) {
            emit({Quantity::protocol, Comparison::equal, protocol->number, 0});
        } else if (version != versions.end()) {
            emit({Quantity::ip_version, Comparison::equal, version->number, 0});
        } else {
            refuse(
                "one of ip, net, port, proto, vlan, if, tos, flags, end, flowid, bytes, packets, "
                "duration, pps, bps, bpp, any or the name of a protocol");
            return;
        }
        next();
    }

    void protocol() {
        const auto* const known = std::ranges::find(protocols, word_, &Protocol::name);
        const auto value = known != protocols.end() ? std::optional(known->number) : number();
        if (!value) {
            refuse("the name or number of a protocol");
            return;
        }
        emit({Quantity::protocol, Comparison::equal, *value, 0});
        next();
    }

    // The letters of nfdump, in the order of the bits.
    void flags() {
        constexpr std::string_view letters = "FSRPAUEC";
        std::uint64_t bits = 0;
        for (const char letter : word_) {
            const std::size_t bit = letters.find(letter);
            bits |= bit < letters.size() ? std::uint64_t{1} << bit : ~std::uint64_t{0};
        }
        if (bits == 0 || bits > 0xFF) {
            refuse("flags out of F, S, R, P, A, U, E and C");
            return;
        }
        emit({Quantity::tcp_flags, Comparison::all_bits, bits, 0});
        next();
    }

    // Nothing said about the side: of ports either will do; counts are the source's.
    void quantity(const Word& word, Side side) {
        const bool counts = word.first == Quantity::octets || word.first == Quantity::packets;
        const bool both = side == Side::either && word.first != word.second && !counts;
        const Quantity one = side == Side::destination ? word.second : word.first;
        Comparison comparison = Comparison::equal;
        if (take("<")) {
            comparison = Comparison::less;
        } else if (take(">")) {
            comparison = Comparison::greater;
        } else if (take("=")) {
            take("=");
        }
        each_of([&] {
            const auto value = number();
            if (!value) {
                refuse("a number such as 443, 10k or 1m");
                return;
            }
            emit({one, comparison, *value, 0});
            if (both) {
                emit({word.second, comparison, *value, 0});
                emit(Operation::either);
            }
        });
    }

    void addresses(Side side) {
        each_of([&] {
            const auto network = parsed_network();
            if (!network) {
                refuse("an IPv4 or IPv6 address or prefix such as 10.0.0.0/8");
                return;
            }
            filter_.networks_.push_back(*network);
            const std::size_t index = filter_.networks_.size() - 1;
            if (side != Side::destination) {
                emit({Quantity::source, Comparison::equal, 0, index});
            }
            if (side != Side::source) {
                emit({Quantity::destination, Comparison::equal, 0, index});
            }
            if (side == Side::either) {
                emit(Operation::either);
            }
        });
    }

    // One word, or "in [ word, word … ]" with commas or without.
    template <class Emit>
    void each_of(Emit&& emit_word) {
        if (!take("in")) {
            emit_word();
            next();
            return;
        }
        if (!take("[")) {
            refuse("\"[\"");
            return;
        }
        for (bool first = true; fault_.empty() && (first || word_ != "]"); first = false) {
            emit_word();
            next();
            if (!first) {
                emit(Operation::either);
            }
            take(",");
        }
        if (!take("]")) {
            refuse("\"]\"");
        }
    }

    std::optional<std::uint64_t> number() const {
        std::uint64_t value = 0;
        const char* const end = word_.data() + word_.size();
        const auto [rest, error] = std::from_chars(word_.data(), end, value);
        if (error != std::errc{} || rest == end) {
            return rest == end && error == std::errc{} ? std::optional(value) : std::nullopt;
        }
        constexpr std::string_view units = "kmgt";
        const std::size_t unit = units.find(static_cast<char>(*rest | 0x20));
        if (rest + 1 != end || unit == std::string_view::npos) {
            return std::nullopt;
        }
        for (std::size_t power = 0; power <= unit; ++power) {
            if (value > ~std::uint64_t{0} / 1'000) {
                return std::nullopt;
            }
            value *= 1'000;
        }
        return value;
    }

    std::optional<Filter::Network> parsed_network() const {
        const std::size_t slash = word_.find('/');
        const std::string address(word_.substr(0, slash));
        std::array<std::uint8_t, 16> octets{};
        Filter::Network network;
        if (::inet_pton(AF_INET, address.c_str(), &octets[12]) == 1) {
            network.ip_version = 4;
        } else if (::inet_pton(AF_INET6, address.c_str(), octets.data()) == 1) {
            network.ip_version = 6;
        } else {
            return std::nullopt;
        }
        const unsigned bits_max = network.ip_version == 4 ? 32 : 128;
        unsigned bits = bits_max;
        if (slash != std::string_view::npos) {
            const std::string_view digits = word_.substr(slash + 1);
            const char* const end = digits.data() + digits.size();
            const auto [rest, error] = std::from_chars(digits.data(), end, bits);
            if (error != std::errc{} || rest != end || bits > bits_max) {
                return std::nullopt;
            }
        }
        network.mask = mask_of(bits + 128 - bits_max);
        network.address = std::bit_cast<std::array<std::uint64_t, 2>>(octets);
        network.address[0] &= network.mask[0];
        network.address[1] &= network.mask[1];
        return network;
    }

    std::string_view text_;
    std::size_t at_ = 0;
    std::size_t begin_ = 0;  // of word_
    std::string_view word_;
    Filter filter_;
    std::vector<Waiting> waiting_;
    std::size_t depth_ = 0;  // answers that wait, at this point of the list of steps
    bool wants_operand_ = true;
    std::string fault_;
};

tl::expected<Filter, std::string> parse_filter(std::string_view text) {
    return FilterParser(text).parse();
}

}  // namespace tapmeter::fields
