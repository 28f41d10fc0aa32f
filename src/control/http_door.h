#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "src/control/http.h"
#include "src/control/routes.h"
#include "src/control/sockets.h"

struct MHD_Connection;
struct MHD_Daemon;

namespace tapmeter::control {

// One listening socket that speaks HTTP/1.1. Turned by the server's thread: nothing here runs on a
// thread of its own, so the doors share the routes without a lock.
class HttpDoor {
public:
    struct Parts {
        Descriptor listening;
        bool trusted;                    // the unix socket: may change things
        std::vector<std::string> hosts;  // allowed Host values; unused when trusted
        Routes& routes;                  // outlives the door
        Timeouts timeouts;
    };
    // errors  io: the HTTP library could not start (no descriptors, no memory)
    static Result<std::unique_ptr<HttpDoor>> open(Parts parts);

    explicit HttpDoor(Parts parts) : parts_(std::move(parts)) {}
    HttpDoor(const HttpDoor&) = delete;
    HttpDoor& operator=(const HttpDoor&) = delete;
    ~HttpDoor();

    int poll_fd() const noexcept;  // readable when there is something to do

    // Does what is to be done; never waits. Cuts off connections that took too long.
    void turn(std::chrono::steady_clock::time_point now);

    // How long turn() may be put off when poll_fd() stays quiet.
    std::chrono::milliseconds patience() const;

    void stop_accepting();
    bool answering() const noexcept;  // a request has begun and its answer is not out yet

private:
    struct Callbacks;  // what the HTTP library calls

    // One request in the making.
    struct Exchange {
        Head head;
        std::string body;
        bool begun = false;  // the head was looked at and found good
    };
    struct Connection {
        std::chrono::steady_clock::time_point deadline;
        bool answering = false;
    };

    void set_phase(int socket, bool answering);
    Response answer(Exchange& exchange);

    Parts parts_;
    MHD_Daemon* daemon_ = nullptr;
    // By socket; at most connections_max, as with the requests: one a connection.
    std::map<int, Connection> connections_;
    std::map<const MHD_Connection*, Exchange> exchanges_;
};

}  // namespace tapmeter::control
