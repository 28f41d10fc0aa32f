#pragma once

#include <cstdint>
#include <string>

#include "pipeline/base/result.h"
#include "xdp/file_descriptor.h"
#include "xdp/link.h"
#include "xdp/prefilter.h"

namespace tapmeter::xdp {

// Where the program runs: in the driver (native) or behind it, once the kernel has built its own
// packet (generic: works with every driver, costs several times as much).
enum class Mode : std::uint8_t { automatic, native, generic };

// A program on an interface. It is held by a bpf_link: it leaves the interface when this object
// goes, and also when the process dies in any way.
class Attachment {
public:
    struct Wish {
        Mode mode = Mode::automatic;    // automatic: native, and generic where that is refused
        bool frames_in_pieces = false;  // the MTU allows frames larger than a buffer
    };
    // Attaches the prefilter, never in the place of another program.
    // errors   io: a program is attached already (named, with its id), or what each mode was
    //          refused for, and the cure
    static Result<Attachment> attach(const Link& link, const Prefilter& prefilter, Wish wish);

    bool is_native() const noexcept { return native_; }
    // True where the program takes frames of several pieces.
    bool takes_pieces() const noexcept { return takes_pieces_; }
    // Why native mode was refused where it was wished or tried; else empty.
    const std::string& refusal() const noexcept { return refusal_; }

    // Takes the program off the interface now: when this returns it sees no more frames.
    void detach() noexcept;

    // One attempt: where to run, and which of the two programs.
    struct Step {
        bool native = true;
        bool pieces = false;
    };

private:
    Attachment(FileDescriptor link, Step step, std::string refusal) noexcept
        : link_(std::move(link)),
          native_(step.native),
          takes_pieces_(step.pieces),
          refusal_(std::move(refusal)) {}

    FileDescriptor link_;
    bool native_;
    bool takes_pieces_;
    std::string refusal_;
};

}  // namespace tapmeter::xdp
