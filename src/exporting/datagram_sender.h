#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "src/exporting/account.h"
#include "src/exporting/output_queue.h"
#include "src/exporting/rate_limited_log.h"
#include "src/exporting/udp_session.h"

namespace tapmeter::exporting {

// The sending thread of an output whose blocks are datagrams that need nothing before them: lines
// of JSON, messages of syslog.
//
// While the receiver is known to be away (refused by ICMP, no route), blocks wait in the queue and
// the oldest is tried once a second; it counts as sent only when no refusal comes back.
class DatagramSender {
public:
    struct Setup {
        std::string output;  // "json/main", for the log
        LogLine log;
    };

    // `queue` and `account` outlive it.
    DatagramSender(Setup setup, UdpSession session, OutputQueue& queue, Account& account);

    // The thread. Returns after queue.stop(), once nothing waits.
    void run();

private:
    void step();
    void send_waiting();
    bool try_oldest();
    void on_error(int error);
    void unreachable(int error);
    void settle(std::size_t count, bool sent);

    Setup setup_;
    UdpSession session_;
    OutputQueue& queue_;
    Account& account_;
    RateLimitedLog log_;
    bool reachable_ = false;      // until the first try, we do not know
    std::uint32_t attempts_ = 0;  // at the oldest block
};

}  // namespace tapmeter::exporting
