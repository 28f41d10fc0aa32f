#pragma once

#include <gtest/gtest.h>

#include <string>

#include "src/verbs/command_line.h"

namespace tapmeter::testing {

// What a verb said, and how it ended.
struct Said {
    verbs::ExitCode code = verbs::ExitCode::failed;
    std::string out;
    std::string err;
};

// Runs a verb in this process and keeps what it prints.
template <class Verb>
Said said_by(const Verb& verb) {
    ::testing::internal::CaptureStdout();
    ::testing::internal::CaptureStderr();
    Said said;
    said.code = verb();
    said.out = ::testing::internal::GetCapturedStdout();
    said.err = ::testing::internal::GetCapturedStderr();
    return said;
}

}  // namespace tapmeter::testing
