// A table for people: aligned columns, numbers to the right.
#pragma once

#include <cstdint>
#include <iosfwd>
#include <string>
#include <vector>

namespace viaduct {

enum class Align : std::uint8_t { left, right };

class Table {
public:
    struct Column {
        std::string title;
        Align align = Align::left;
    };
    explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}

    /// One cell per column. Lines within a cell continue below; an empty cell of a first line is printed as "-".
    void add(std::vector<std::string> cells);
    void print(std::ostream& out) const;

private:
    void print_line(std::ostream& out, const std::vector<std::string>& cells,
                    const std::vector<std::size_t>& widths) const;
    std::vector<Column> columns_;
    std::vector<std::vector<std::string>> lines_;
};

}  // namespace viaduct
