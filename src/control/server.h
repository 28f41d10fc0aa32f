#pragma once

#include <cstdint>
#include <memory>

#include "pipeline/base/result.h"
#include "src/config/config.h"
#include "src/control/http.h"
#include "src/control/instance.h"

namespace tapmeter::control {

// The control server of a running instance: HTTP on loopback for reading, and on a unix socket for
// everything. One thread serves both; it reads what the workers have published and waits for none.
class Server {
public:
    // Listens, then answers in a thread of its own until destroyed. A door that the configuration
    // leaves out (http.enabled = false, an empty control.socket) is not opened.
    // instance  outlives the server; its functions are called from the server's thread
    // errors    invalid_config, io: what listen_on_loopback() and UnixListener::open() say
    static Result<std::unique_ptr<Server>> start(const Config::Http& http,
                                                 const Config::Control& control, Instance& instance,
                                                 Timeouts timeouts = {});

    // Takes no new requests, finishes those that have begun within a second, removes the socket's
    // file. Any thread but the server's own.
    ~Server();

    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;

    // The TCP port that was bound; 0 where there is no TCP door.
    std::uint16_t port() const noexcept;

    class Parts;
    explicit Server(std::unique_ptr<Parts> parts);  // what start() calls

private:
    std::unique_ptr<Parts> parts_;
};

}  // namespace tapmeter::control
