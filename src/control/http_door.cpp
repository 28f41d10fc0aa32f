#include "src/control/http_door.h"

#include <microhttpd.h>
#include <sys/socket.h>

#include <algorithm>
#include <exception>
#include <span>

#include "src/control/guard.h"

namespace tapmeter::control {

namespace {

using Clock = std::chrono::steady_clock;

// Room for the largest allowed head and its answer's. What is larger than this the library itself
// refuses, with 431 or 414 and no JSON.
constexpr std::size_t connection_memory_octets = std::size_t{64} << 10U;

int socket_of(MHD_Connection* connection) {
    return MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
}

bool same_name(std::string_view a, std::string_view b) {
    const auto lower = [](char c) {
        return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
    };
    return std::ranges::equal(a, b, {}, lower, lower);
}

// Called by the library for every header field; keeps those that guard and routes look at.
MHD_Result keep_field(void* cls, MHD_ValueKind, const char* key, std::size_t key_octets,
                      const char* value, std::size_t value_octets) {
    Head& head = *static_cast<Head*>(cls);
    struct Kept {
        std::string_view name;
        std::vector<std::string>& values;
    };
    const Kept fields[] = {{"Host", head.hosts},  // NOLINT(*-avoid-c-arrays): holds references
                           {"Origin", head.origins},
                           {"Sec-Fetch-Site", head.fetch_sites},
                           {"Content-Type", head.content_types},
                           {"Content-Length", head.content_lengths},
                           {"Transfer-Encoding", head.transfer_encodings}};
    const std::string_view name(key, key_octets);
    if (name.find_first_of(" \t") != std::string_view::npos) {
        head.blank_in_name = true;
    }
    for (const Kept& field : fields) {
        if (same_name(name, field.name)) {
            field.values.emplace_back(value == nullptr ? "" : std::string(value, value_octets));
        }
    }
    return MHD_YES;
}

MHD_Result send(MHD_Connection* connection, const Response& answer) {
    // The library copies the body when asked to and never writes through this pointer.
    void* const body = const_cast<char*>(answer.body.data());  // NOLINT(*-const-cast)
    MHD_Response* const response =
        MHD_create_response_from_buffer(answer.body.size(), body, MHD_RESPMEM_MUST_COPY);
    if (response == nullptr) {
        return MHD_NO;  // no memory: the connection is closed
    }
    MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, answer.content_type.c_str());
    MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
    MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
    MHD_add_response_header(response, "Content-Security-Policy",
                            "default-src 'none'; frame-ancestors 'none'");
    for (const auto& [name, value] : answer.headers) {
        MHD_add_response_header(response, name.c_str(), value.c_str());
    }
    const MHD_Result queued = MHD_queue_response(connection, answer.status, response);
    MHD_destroy_response(response);
    return queued;
}

Response internal_error(const std::exception& error) {
    return response_of({500, "internal", std::string("the request failed: ") + error.what(),
                        "please report this with the request"});
}

}  // namespace

struct HttpDoor::Callbacks {
    static HttpDoor& door(void* cls) { return *static_cast<HttpDoor*>(cls); }

    // The raw request target: the library hands on a decoded one, which could hide a NUL.
    static void* on_target(void* cls, const char* uri, MHD_Connection* connection) noexcept {
        try {
            Exchange& exchange = door(cls).exchanges_[connection];
            exchange = Exchange{};
            const std::string_view target = uri;
            const std::size_t mark = target.find('?');
            exchange.head.path = target.substr(0, mark);
            exchange.head.query = mark == std::string_view::npos ? "" : target.substr(mark + 1);
            return &exchange;
        } catch (const std::exception&) {
            return nullptr;  // no memory: on_request() closes the connection
        }
    }

    // Called with the head, then with each piece of the body, then once more.
    static MHD_Result on_request(void* cls, MHD_Connection* connection, const char*,
                                 const char* method, const char*, const char* upload,
                                 std::size_t* upload_octets, void** context) noexcept {
        auto* const exchange = static_cast<Exchange*>(*context);
        if (exchange == nullptr) {
            return MHD_NO;
        }
        try {
            if (!exchange->begun) {
                return on_head(door(cls), connection, method, *exchange);
            }
            if (*upload_octets != 0) {
                if (exchange->body.size() + *upload_octets > body_octets_max) {
                    return MHD_NO;  // more than it declared
                }
                exchange->body.append(upload, *upload_octets);
                *upload_octets = 0;
                return MHD_YES;
            }
            return reply(door(cls), connection, *exchange, door(cls).answer(*exchange));
        } catch (const std::exception& error) {
            return send(connection, internal_error(error));
        }
    }

    static MHD_Result on_head(HttpDoor& door, MHD_Connection* connection, const char* method,
                              Exchange& exchange) {
        door.set_phase(socket_of(connection), true);
        exchange.begun = true;
        exchange.head.method = method;
        exchange.head.trusted = door.parts_.trusted;
        const auto* const size =
            MHD_get_connection_info(connection, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
        exchange.head.header_octets = size == nullptr ? 0 : size->header_size;
        MHD_get_connection_values_n(connection, MHD_HEADER_KIND, &keep_field, &exchange.head);

        std::optional<Response> refusal = refuse(exchange.head, door.parts_.hosts);
        if (!refusal) {
            refusal = door.parts_.routes.refuse(exchange.head);
        }
        return refusal ? reply(door, connection, exchange, *refusal) : MHD_YES;
    }

    static MHD_Result reply(HttpDoor& door, MHD_Connection* connection, const Exchange& exchange,
                            const Response& response) {
        door.parts_.routes.count(exchange.head.path, response.status);
        return send(connection, response);
    }

    static void on_completed(void* cls, MHD_Connection* connection, void** context,
                             MHD_RequestTerminationCode) noexcept {
        *context = nullptr;
        door(cls).exchanges_.erase(connection);
        door(cls).set_phase(socket_of(connection), false);
    }

    static void on_connection(void* cls, MHD_Connection* connection, void**,
                              MHD_ConnectionNotificationCode what) noexcept {
        const int socket = socket_of(connection);
        if (what == MHD_CONNECTION_NOTIFY_CLOSED) {
            door(cls).connections_.erase(socket);
            return;
        }
        try {
            door(cls).connections_[socket] = {};
            door(cls).set_phase(socket, false);
        } catch (const std::exception&) {
            ::shutdown(socket, SHUT_RDWR);  // no memory to watch over it
        }
    }
};

Result<std::unique_ptr<HttpDoor>> HttpDoor::open(Parts parts) {
    auto door = std::make_unique<HttpDoor>(std::move(parts));
    constexpr unsigned idle_seconds_max = 30;
    door->daemon_ = MHD_start_daemon(
        MHD_USE_EPOLL, 0, nullptr, nullptr, &Callbacks::on_request, door.get(),
        MHD_OPTION_LISTEN_SOCKET, door->parts_.listening.get(),        //
        MHD_OPTION_CONNECTION_LIMIT, connections_max,                  //
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, connection_memory_octets,  //
        MHD_OPTION_CONNECTION_TIMEOUT, idle_seconds_max,               //
        MHD_OPTION_STRICT_FOR_CLIENT, 1,                               //
        MHD_OPTION_URI_LOG_CALLBACK, &Callbacks::on_target, door.get(), MHD_OPTION_NOTIFY_COMPLETED,
        &Callbacks::on_completed, door.get(), MHD_OPTION_NOTIFY_CONNECTION,
        &Callbacks::on_connection, door.get(), MHD_OPTION_END);
    if (door->daemon_ == nullptr) {
        return failed(Error::Kind::io,
                      "http: libmicrohttpd could not start; raise the limit of open files "
                      "(LimitNOFILE) or free memory");
    }
    door->parts_.listening.release();  // the library closes it
    return door;
}

HttpDoor::~HttpDoor() {
    if (daemon_ != nullptr) {
        MHD_stop_daemon(daemon_);
    }
}

int HttpDoor::poll_fd() const noexcept {
    return MHD_get_daemon_info(daemon_, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
}

void HttpDoor::turn(Clock::time_point now) {
    for (auto& [socket, connection] : connections_) {
        if (connection.deadline <= now) {
            // The library sees the end of the connection and closes it in its own order.
            ::shutdown(socket, SHUT_RDWR);
            connection.deadline = Clock::time_point::max();
        }
    }
    const std::size_t before = connections_.size();
    MHD_run(daemon_);
    if (connections_.size() < before) {
        // A full door stops listening and begins again only on its next turn: take that now, for
        // nothing else would wake us.
        MHD_run(daemon_);
    }
}

std::chrono::milliseconds HttpDoor::patience() const {
    auto earliest = Clock::time_point::max();
    for (const auto& [socket, connection] : connections_) {
        earliest = std::min(earliest, connection.deadline);
    }
    constexpr std::chrono::milliseconds forever = std::chrono::hours(1);
    auto wait = forever;
    if (earliest != Clock::time_point::max()) {
        wait = std::chrono::ceil<std::chrono::milliseconds>(earliest - Clock::now());
    }
    MHD_UNSIGNED_LONG_LONG library_wait = 0;
    if (MHD_get_timeout(daemon_, &library_wait) == MHD_YES) {
        wait = std::min(wait, std::chrono::milliseconds(
                                  std::min<std::uint64_t>(library_wait, forever.count())));
    }
    return std::clamp(wait, std::chrono::milliseconds(0), forever);
}

void HttpDoor::stop_accepting() {
    // The library gives the socket back to us.
    const Descriptor no_longer_listening(MHD_quiesce_daemon(daemon_));
}

bool HttpDoor::answering() const noexcept {
    return std::ranges::any_of(connections_,
                               [](const auto& entry) { return entry.second.answering; });
}

void HttpDoor::set_phase(int socket, bool answering) {
    const auto found = connections_.find(socket);
    if (found != connections_.end()) {
        const Timeouts& timeouts = parts_.timeouts;
        found->second.deadline = Clock::now() + (answering ? timeouts.request : timeouts.header);
        found->second.answering = answering;
    }
}

Response HttpDoor::answer(Exchange& exchange) {
    return parts_.routes.answer(exchange.head, exchange.body);
}

}  // namespace tapmeter::control
