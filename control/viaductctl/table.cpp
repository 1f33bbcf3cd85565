// Column widths come from the widest cell.
#include "control/viaductctl/table.h"

#include <algorithm>
#include <ostream>
#include <sstream>

namespace viaduct {
namespace {

constexpr std::size_t gap = 2;  // spaces between columns

std::vector<std::string> lines_of(const std::string& cell) {
    std::vector<std::string> lines;
    std::istringstream in(cell);
    for (std::string line; std::getline(in, line);) lines.push_back(line);
    if (lines.empty()) lines.emplace_back("-");
    return lines;
}

}  // namespace

void Table::add(std::vector<std::string> cells) {
    std::vector<std::vector<std::string>> split;
    std::size_t height = 1;
    for (const std::string& cell : cells) {
        split.push_back(lines_of(cell));
        height = std::max(height, split.back().size());
    }
    for (std::size_t i = 0; i < height; ++i) {
        std::vector<std::string>& line = lines_.emplace_back();
        for (const auto& cell : split) line.push_back(i < cell.size() ? cell[i] : "");
    }
}

void Table::print(std::ostream& out) const {
    std::vector<std::string> titles;
    std::vector<std::size_t> widths;
    for (std::size_t i = 0; i < columns_.size(); ++i) {
        titles.push_back(columns_[i].title);
        widths.push_back(columns_[i].title.size());
        for (const auto& line : lines_) widths[i] = std::max(widths[i], line[i].size());
    }
    print_line(out, titles, widths);
    for (const auto& line : lines_) print_line(out, line, widths);
}

void Table::print_line(std::ostream& out, const std::vector<std::string>& cells,
                       const std::vector<std::size_t>& widths) const {
    std::string text;
    for (std::size_t i = 0; i < cells.size(); ++i) {
        const std::string padding(widths[i] - cells[i].size(), ' ');
        text += columns_[i].align == Align::right ? padding + cells[i] : cells[i] + padding;
        text.append(gap, ' ');
    }
    text.erase(text.find_last_not_of(' ') + 1);
    out << text << '\n';
}

}  // namespace viaduct
