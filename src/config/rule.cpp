#include <algorithm>
#include <chrono>
#include <string>

#include "src/config/keys.h"
#include "src/config/quantity.h"

namespace tapmeter::config {

namespace {

std::string grouped(std::uint64_t number) {
    std::string text = std::to_string(number);
    for (std::size_t i = text.size(); i > 3 && number >= 10'000;) {
        i -= 3;
        text.insert(i, ",");
    }
    return text;
}

std::string quoted_words(const Key& key) {
    std::string text;
    const auto last = std::ranges::find_if_not(
        key.words, [&key](const auto& word) { return &word == key.words.data() || !word.empty(); });
    for (auto word = key.words.begin(); word != last; ++word) {
        const std::string_view joint = word + 1 == last ? " or " : ", ";
        text += std::string(text.empty() ? "" : joint) + "\"" + std::string(*word) + "\"";
    }
    return text;
}

std::string number_rule(const Key& key) {
    std::string text = key.traits.power_of_two ? "a power of two" : "a whole number";
    return text + " from " + grouped(key.min) + " to " + grouped(key.max);
}

std::string rule_of_type(const Key& key) {
    using std::chrono::milliseconds;
    const auto duration = [](std::uint64_t count) {
        return duration_text(milliseconds{static_cast<std::int64_t>(count)});
    };
    switch (key.type) {
        case Type::flag:
            return "true or false";
        case Type::number:
            return number_rule(key);
        case Type::size:
            return "a size such as \"64KiB\" or \"4GiB\", from " + size_text(key.min) + " to " +
                   size_text(key.max);
        case Type::duration:
            return std::string("a duration such as \"500ms\", \"30s\", \"5m\" or \"1h\", ") +
                   (key.traits.whole_seconds ? "in whole seconds, " : "") + "from " +
                   duration(key.min) + " to " + duration(key.max);
        case Type::choice:
            return quoted_words(key);
        case Type::cores:
            return "a list of cores such as \"2-9\" or \"2,4,6-8\"";
        case Type::name:
            return "a name of 1 to 63 letters, digits and . _ : -, beginning with a letter or "
                   "digit";
        case Type::source:
            return R"("eth1", "xdp:eth1", "pci:0000:17:00.0", "dpdk:net_ring0" or "pcap:FILE")";
        case Type::collector:
            return "a URL of udp, dtls, tcp, tls, sctp, netflow9, netflow5, sflow or file";
        case Type::listen:
            return "\"ADDRESS:PORT\" such as \"127.0.0.1:14739\", or \"off\"";
        case Type::http_url:
            return R"("http://HOST:PORT" or "https://HOST:PORT")";
        case Type::brokers:
            return R"(a list such as "192.0.2.7:9092" or "kafka1:9092,kafka2:9092")";
        case Type::path:
            return "an absolute path of at most " + std::to_string(key.max) + " octets, or \"off\"";
        case Type::group:
            return "the name of a group, or empty";
        case Type::file:
            return "a file name, \"-\" for standard output, or a udp://, tcp:// or unix:// URL";
        case Type::texts:
            return "a list of at most " + grouped(key.max) + " texts";
        case Type::fields:
            return "a list of at most " + grouped(key.max) + " fields of a flow record";
        case Type::filter:
            return "an expression such as \"dst port 443 and bytes > 1m\", or empty";
        case Type::packet_filter:
        case Type::packet_filter_raw:
            return "an expression of tcpdump's such as \"tcp port 443 or icmp\", or empty";
        case Type::secret:
            return "a text, or empty";
        case Type::push_url:
            return "an http://, https://, udp:// or file:// URL, or empty";
        case Type::ports:
            return "a list of port numbers from 1 to 65535";
        case Type::prefixes:
            return "a list of at most " + grouped(key.max) +
                   " addresses or prefixes such as \"10.1.0.0/24\" or \"2001:db8::/48\"";
    }
    return {};
}

}  // namespace

std::string rule(const Key& key) {
    return rule_of_type(key) + (key.traits.automatic ? ", or \"auto\"" : "");
}

}  // namespace tapmeter::config
