#pragma once

#include <initializer_list>
#include <string>

namespace tapmeter::xdp {

// What an errno value means, in the C library's words and with its name; also the numbers that
// the C library does not know and kernels return all the same (ENOTSUPP 524).
std::string error_text(int error_number);

// Which of the given Linux capabilities (CAP_... of linux/capability.h) this thread lacks, as
// "CAP_NET_RAW and CAP_BPF"; empty when it has them all.
std::string missing_capabilities(std::initializer_list<int> wanted);

// "give CAP_BPF ...": what to do about missing capabilities; `otherwise` when none is missing.
std::string capability_cure(std::initializer_list<int> wanted, const std::string& otherwise);

// The same after a call that failed with this errno value, some of which tell the cure.
std::string cure_of(int error_number, std::initializer_list<int> wanted,
                    const std::string& otherwise);

// libbpf and libxdp print what went wrong to standard error. From the first call on their last
// lines are kept instead, for each thread its own; a call returns and forgets them.
std::string take_library_messages();

}  // namespace tapmeter::xdp
