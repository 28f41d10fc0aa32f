#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

#include "pipeline/base/bytes.h"
#include "pipeline/base/result.h"
#include "xdp/file_descriptor.h"

namespace tapmeter::xdp {

// A request as the kernel reads it: what stands behind the netlink header.
class NetlinkRequest {
public:
    template <class Header>
    explicit NetlinkRequest(const Header& header) {
        append(std::as_bytes(std::span{&header, 1}));
    }
    NetlinkRequest& attribute(std::uint16_t type, const std::string& text);
    NetlinkRequest& attribute(std::uint16_t type, std::uint32_t number);

    Bytes octets() const noexcept { return octets_; }

private:
    void append(Bytes octets);
    void append_attribute(std::uint16_t type, Bytes payload);

    std::vector<std::byte> octets_;
};

// Calls visit(type, payload) for each attribute in `octets`; stops at the first that is cut off.
template <class Visit>
void for_each_attribute(Bytes octets, Visit visit) {
    constexpr std::size_t header_octets = 4;
    while (octets.size() >= header_octets) {
        std::uint16_t length = 0;
        std::uint16_t type = 0;
        std::memcpy(&length, octets.data(), sizeof(length));
        std::memcpy(&type, octets.data() + sizeof(length), sizeof(type));
        if (length < header_octets || length > octets.size()) {
            return;
        }
        // The upper two bits say "nested" and "network order".
        visit(static_cast<std::uint16_t>(type & 0x3fffU),
              octets.subspan(header_octets, length - header_octets));
        const std::size_t aligned = (std::size_t{length} + 3) & ~std::size_t{3};
        octets = octets.subspan(aligned < octets.size() ? aligned : octets.size());
    }
}

// The first octets of an attribute or message as a value; zero where it is too short.
template <class Value>
requires std::is_trivially_copyable_v<Value> Value value_of(Bytes octets)
noexcept {
    Value value{};
    if (octets.size() >= sizeof(value)) {
        std::memcpy(&value, octets.data(), sizeof(value));
    }
    return value;
}

// The text of an attribute, up to its NUL.
std::string text_of(Bytes octets);

// A netlink socket for questions and their answers. One thread at a time.
class Netlink {
public:
    // protocol  NETLINK_ROUTE or NETLINK_GENERIC
    static Result<Netlink> open(int protocol);

    struct Question {
        std::uint16_t type = 0;
        bool all = false;  // NLM_F_DUMP
    };
    // Sends the request and collects the answers, each without its netlink header.
    // errors   the errno value that the kernel answered, or that of the socket
    tl::expected<std::vector<std::vector<std::byte>>, int> ask(Question question,
                                                               const NetlinkRequest& request);

private:
    explicit Netlink(FileDescriptor socket) noexcept : socket_(std::move(socket)) {}

    std::optional<int> send(Question question, const NetlinkRequest& request);

    FileDescriptor socket_;
    std::uint32_t sequence_ = 0;
};

}  // namespace tapmeter::xdp
