// Plots as inline SVG: lines over a linear or logarithmic axis, and stacked bars.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace viaduct::rig {

struct Axis {
    std::string title;
    bool logarithmic = false;
    std::vector<std::pair<double, std::string>> ticks{};  // empty: chosen
};

struct Line {
    std::string name;
    std::vector<std::pair<double, double>> points;
};

/// Points that a logarithmic axis cannot show are put at its lower end.
[[nodiscard]] std::string line_plot(const Axis& x, const Axis& y, const std::vector<Line>& lines);

struct Bar {
    std::string name;
    std::vector<double> parts;
};
/// A horizontal bar for each, cut into parts of the given names.
[[nodiscard]] std::string bar_plot(const std::string& unit, const std::vector<std::string>& parts,
                                   const std::vector<Bar>& bars);

/// For text between tags and in attributes.
[[nodiscard]] std::string escaped(const std::string& text);

}  // namespace viaduct::rig
