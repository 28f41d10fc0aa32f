#pragma once

namespace tapmeter::verbs {

// What the shell learns. The manual page tapmeter(1) says the same.
inline constexpr int exit_done = 0;          // also after Ctrl-C or SIGTERM
inline constexpr int exit_failed = 1;        // while running
inline constexpr int exit_usage = 2;         // command line or configuration; nothing started
inline constexpr int exit_answer_is_no = 3;  // ran, and what was asked does not hold
inline constexpr int exit_nobody_there = 4;  // no running instance behind the socket or URL

}  // namespace tapmeter::verbs
