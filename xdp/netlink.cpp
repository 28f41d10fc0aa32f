#include "xdp/netlink.h"

#include <linux/netlink.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <array>
#include <cerrno>

#include "xdp/system_error.h"

namespace tapmeter::xdp {

namespace {

// The kernel fills at most 32 KiB of a dump at once.
constexpr std::size_t answer_octets_max = 65'536;
// The kernel answers at once; a limit all the same, so that nothing can hang here.
constexpr timeval patience{.tv_sec = 2, .tv_usec = 0};

struct Collected {
    std::vector<std::vector<std::byte>> answers;
    bool complete = false;
    int error = 0;
};

// Takes the messages of one datagram that belong to question `sequence`.
void collect(Bytes datagram, std::uint32_t sequence, Collected& collected) {
    while (datagram.size() >= sizeof(nlmsghdr) && !collected.complete) {
        const auto header = value_of<nlmsghdr>(datagram);
        if (header.nlmsg_len < sizeof(header) || header.nlmsg_len > datagram.size()) {
            collected.complete = true;
            collected.error = EBADMSG;
            return;
        }
        const Bytes payload = datagram.subspan(sizeof(header), header.nlmsg_len - sizeof(header));
        const std::size_t aligned = (std::size_t{header.nlmsg_len} + 3) & ~std::size_t{3};
        datagram = datagram.subspan(aligned < datagram.size() ? aligned : datagram.size());
        if (header.nlmsg_seq != sequence) {
            continue;  // a late answer to a question that ran out of patience
        }
        if (header.nlmsg_type == NLMSG_DONE) {
            collected.complete = true;
        } else if (header.nlmsg_type == NLMSG_ERROR) {
            collected.complete = true;
            collected.error = -value_of<std::int32_t>(payload);
        } else {
            collected.answers.emplace_back(payload.begin(), payload.end());
            collected.complete = (header.nlmsg_flags & NLM_F_MULTI) == 0;
        }
    }
}

}  // namespace

NetlinkRequest& NetlinkRequest::attribute(std::uint16_t type, const std::string& text) {
    append_attribute(type, std::as_bytes(std::span{text.c_str(), text.size() + 1}));
    return *this;
}

NetlinkRequest& NetlinkRequest::attribute(std::uint16_t type, std::uint32_t number) {
    append_attribute(type, std::as_bytes(std::span{&number, 1}));
    return *this;
}

void NetlinkRequest::append(Bytes octets) {
    octets_.insert(octets_.end(), octets.begin(), octets.end());
    octets_.resize((octets_.size() + 3) & ~std::size_t{3});
}

void NetlinkRequest::append_attribute(std::uint16_t type, Bytes payload) {
    const nlattr header{.nla_len = static_cast<std::uint16_t>(sizeof(nlattr) + payload.size()),
                        .nla_type = type};
    append(std::as_bytes(std::span{&header, 1}));
    append(payload);
}

std::string text_of(Bytes octets) {
    std::string text;
    for (const std::byte octet : octets) {
        if (octet == std::byte{0}) {
            break;
        }
        text += static_cast<char>(octet);
    }
    return text;
}

Result<Netlink> Netlink::open(int protocol) {
    FileDescriptor socket(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol));
    if (!socket.is_open()) {
        return failed(Error::Kind::io, "cannot ask the kernel about its network interfaces: " +
                                           error_text(errno) + " from socket(AF_NETLINK)");
    }
    ::setsockopt(socket.number(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    return Netlink(std::move(socket));
}

std::optional<int> Netlink::send(Question question, const NetlinkRequest& request) {
    nlmsghdr header{};
    header.nlmsg_len = static_cast<std::uint32_t>(sizeof(header) + request.octets().size());
    header.nlmsg_type = question.type;
    header.nlmsg_flags =
        static_cast<std::uint16_t>(NLM_F_REQUEST | (question.all ? NLM_F_DUMP : 0));
    header.nlmsg_seq = ++sequence_;
    std::vector<std::byte> message(header.nlmsg_len);
    std::memcpy(message.data(), &header, sizeof(header));
    std::memcpy(message.data() + sizeof(header), request.octets().data(), request.octets().size());
    if (::send(socket_.number(), message.data(), message.size(), 0) < 0) {
        return errno;
    }
    return std::nullopt;
}

tl::expected<std::vector<std::vector<std::byte>>, int> Netlink::ask(Question question,
                                                                    const NetlinkRequest& request) {
    if (const auto error = send(question, request)) {
        return tl::unexpected(*error);
    }
    Collected collected;
    std::vector<std::byte> datagram(answer_octets_max);
    while (!collected.complete) {
        const ssize_t octets = ::recv(socket_.number(), datagram.data(), datagram.size(), 0);
        if (octets < 0 && errno == EINTR) {
            continue;
        }
        if (octets < 0) {
            return tl::unexpected(errno);
        }
        collect(Bytes(datagram).first(static_cast<std::size_t>(octets)), sequence_, collected);
    }
    if (collected.error != 0) {
        return tl::unexpected(collected.error);
    }
    return std::move(collected.answers);
}

}  // namespace tapmeter::xdp
