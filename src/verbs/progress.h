#pragma once

#include <string>

#include "src/capture_files/file_capture.h"

namespace tapmeter::verbs {

// A line on standard error that tells how far a capture file is read; for terminals only.
class Progress {
public:
    explicit Progress(bool wanted) noexcept : wanted_(wanted) {}
    ~Progress() { clear(); }
    Progress(const Progress&) = delete;
    Progress& operator=(const Progress&) = delete;

    void show(const capture_files::Progress& progress);
    void clear();

private:
    bool wanted_;
    bool shown_ = false;
};

}  // namespace tapmeter::verbs
