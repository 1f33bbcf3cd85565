// Lines on stderr.
#include "bench/progress.h"

#include <unistd.h>

#include <cstdio>

namespace viaduct {
namespace {

constexpr const char* erase_line = "\r\033[K";

}  // namespace

Progress::Progress(std::size_t rows) : terminal_(isatty(STDERR_FILENO) == 1), rows_(rows) {}
Progress::~Progress() {
    if (terminal_) std::fputs(erase_line, stderr);
}

void Progress::begin(const Result& row) {
    text_ = std::to_string(++row_) + "/" + std::to_string(rows_) + " " + describe(row);
    std::fprintf(stderr, "%s%s%s", terminal_ ? erase_line : "", text_.c_str(), terminal_ ? "" : "\n");
}

void Progress::run(unsigned done, unsigned runs) {
    if (terminal_) std::fprintf(stderr, "%s%s: run %u of %u", erase_line, text_.c_str(), done, runs);
}

void Progress::skip(std::size_t rows, const std::string& what, const std::string& why) {
    row_ += rows;
    std::fprintf(stderr, "%s%s: left out, %s\n", terminal_ ? erase_line : "", what.c_str(), why.c_str());
}

}  // namespace viaduct
