// Tells on stderr how far the measurement is: a line that overwrites itself on a terminal, else a line per row.
#pragma once

#include <cstddef>
#include <string>

#include "bench/result.h"

namespace viaduct {

class Progress {
public:
    explicit Progress(std::size_t rows);
    ~Progress();
    Progress(const Progress&) = delete;
    Progress& operator=(const Progress&) = delete;

    void begin(const Result& row);
    void run(unsigned done, unsigned runs);
    /// Rows that are left out, and why.
    void skip(std::size_t rows, const std::string& what, const std::string& why);

private:
    const bool terminal_;
    const std::size_t rows_;
    std::size_t row_ = 0;
    std::string text_;
};

}  // namespace viaduct
