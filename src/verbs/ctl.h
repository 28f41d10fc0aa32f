#pragma once

#include <iosfwd>
#include <string>
#include <vector>

namespace tapmeter::verbs {

// One use of the verb ctl, as taken from the command line.
struct CtlRequest {
    std::string command = {};  // status books stats reload stop prefilter recall
    // Of prefilter: show, or one of add remove deny allow sample and its values.
    // Of recall: show; host, an address; filter and its words; or flow, its protocol, address and
    // port of either end.
    std::vector<std::string> arguments = {};
    std::string socket = "/run/tapmeter/control.sock";
    std::string url = {};         // "http://127.0.0.1:14739", instead of the socket
    std::string output = "text";  // text json csv
    std::string interface = {};   // prefilter: change this capture only; empty: all that have one
};

// Asks a running instance and prints its answer: data to `out`, everything else to `err`.
// returns  0  done
//          1  the instance answered that it could not, or the socket may not be used
//          2  bad usage, or the instance refused the configuration or values given
//          3  books: they do not balance; status: the instance is not in good health
//          4  no running instance behind the socket or URL
int ctl(const CtlRequest& request, std::ostream& out, std::ostream& err);

// The same on standard output and standard error.
int ctl(const CtlRequest& request);

}  // namespace tapmeter::verbs
