// How far a run is: a line on stderr that overwrites itself on a terminal, else a line for each test.
#pragma once

#include <unistd.h>

#include <cstdio>
#include <string>

namespace viaduct::rig {

class LiveLine {
public:
    LiveLine() = default;
    ~LiveLine() {
        if (terminal_) std::fputs("\r\033[K", stderr);
    }
    LiveLine(const LiveLine&) = delete;
    LiveLine& operator=(const LiveLine&) = delete;

    void begin(const std::string& test) {
        test_ = test;
        std::fprintf(stderr, terminal_ ? "\r\033[K%s" : "%s\n", test.c_str());
    }
    void update(const std::string& state) const {
        if (terminal_) std::fprintf(stderr, "\r\033[K%s: %s", test_.c_str(), state.c_str());
    }

private:
    const bool terminal_ = isatty(STDERR_FILENO) == 1;
    std::string test_;
};

}  // namespace viaduct::rig
