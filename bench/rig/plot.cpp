// Geometry and text.
#include "bench/rig/plot.h"

#include <algorithm>
#include <cmath>
#include <cstdarg>
#include <cstdio>

namespace viaduct::rig {
namespace {

constexpr double width = 640, height = 300, left = 66, right = 30, top = 12, bottom = 46;
constexpr const char* colours[] = {"#0b6e99", "#d9730d", "#448361", "#9065b0",
                                   "#c14c8a", "#cb912f", "#787774", "#d44c47"};
constexpr std::size_t colour_count = std::size(colours);

[[gnu::format(printf, 1, 2)]] std::string print(const char* pattern, ...) {
    char text[256];
    va_list values;
    va_start(values, pattern);
    std::vsnprintf(text, sizeof text, pattern, values);
    va_end(values);
    return text;
}

std::string label(double value) {
    const double size = std::abs(value);
    if (size >= 1e6) return print("%gM", value / 1e6);
    if (size >= 1e3) return print("%gk", value / 1e3);
    return print("%g", value);
}

/// An axis with its range: from values to places between 0 and 1.
class Scale {
public:
    Scale(const Axis& axis, double least, double most) : axis_(axis), least_(least), most_(most) {
        if (axis.logarithmic)
            round_to_decades();
        else
            round_to_steps();
        if (!axis.ticks.empty()) ticks_ = axis.ticks;
    }
    [[nodiscard]] double place(double value) const {
        if (!axis_.logarithmic) return (value - least_) / (most_ - least_);
        return std::log(std::max(value, least_) / least_) / std::log(most_ / least_);
    }
    [[nodiscard]] const std::vector<std::pair<double, std::string>>& ticks() const { return ticks_; }

private:
    void round_to_decades() {
        const double from = std::floor(std::log10(least_)), to = std::max(from + 1, std::ceil(std::log10(most_)));
        least_ = std::pow(10, from);
        most_ = std::pow(10, to);
        for (double decade = from; decade <= to; ++decade)
            ticks_.emplace_back(std::pow(10, decade), label(std::pow(10, decade)));
    }
    void round_to_steps() {
        least_ = 0;
        const double rough = std::max(most_, 1e-9) / 5, decade = std::pow(10, std::floor(std::log10(rough)));
        double step = 10 * decade;
        for (const double factor : {5.0, 2.0, 1.0})
            if (factor * decade >= rough) step = factor * decade;
        most_ = step * std::ceil(most_ / step - 1e-9);
        if (most_ <= 0) most_ = 1;
        for (double tick = 0; tick <= most_ + step / 2; tick += step) ticks_.emplace_back(tick, label(tick));
    }
    const Axis& axis_;
    double least_, most_;
    std::vector<std::pair<double, std::string>> ticks_;
};

template <class Pick>
Scale scale_of(const Axis& axis, const std::vector<Line>& lines, Pick pick) {
    double least = INFINITY, most = 0;
    for (const Line& line : lines)
        for (const auto& point : line.points) {
            most = std::max(most, pick(point));
            if (pick(point) > 0) least = std::min(least, pick(point));
        }
    if (!(most > 0)) return {axis, 0.1, 1};
    return {axis, least, most};
}

double across(double place) { return left + place * (width - left - right); }
double down(double place) { return height - bottom - place * (height - top - bottom); }

std::string grid(const Axis& x, const Axis& y, const Scale& over, const Scale& up) {
    std::string svg;
    for (const auto& [value, text] : over.ticks()) {
        const double at = across(over.place(value));
        svg += print("<line class=\"grid\" x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\"/>", at, top, at,
                     height - bottom);
        svg += print("<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\">%s</text>", at, height - bottom + 15,
                     text.c_str());
    }
    for (const auto& [value, text] : up.ticks()) {
        const double at = down(up.place(value));
        svg += print("<line class=\"grid\" x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\"/>", left, at, width - right,
                     at);
        svg += print("<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"end\">%s</text>", left - 6, at + 4, text.c_str());
    }
    svg += print("<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\">%s</text>", (left + width - right) / 2, height - 8,
                 escaped(x.title).c_str());
    return svg + print("<text transform=\"translate(14 %.1f) rotate(-90)\" text-anchor=\"middle\">%s</text>",
                       (top + height - bottom) / 2, escaped(y.title).c_str());
}

std::string legend(const std::vector<std::string>& names) {
    std::string html = "<p class=\"legend\">";
    for (std::size_t i = 0; i < names.size(); ++i)
        html +=
            print("<span><i style=\"background:%s\"></i>", colours[i % colour_count]) + escaped(names[i]) + "</span> ";
    return html + "</p>\n";
}

std::string open_svg(double wide, double high) {
    return print("<svg viewBox=\"0 0 %.0f %.0f\" role=\"img\">", wide, high);
}

}  // namespace

std::string escaped(const std::string& text) {
    std::string safe;
    for (const char c : text) {
        if (c == '<')
            safe += "&lt;";
        else if (c == '>')
            safe += "&gt;";
        else if (c == '&')
            safe += "&amp;";
        else if (c == '"')
            safe += "&quot;";
        else
            safe += c;
    }
    return safe;
}

std::string line_plot(const Axis& x, const Axis& y, const std::vector<Line>& lines) {
    const Scale over = scale_of(x, lines, [](const auto& point) { return point.first; });
    const Scale up = scale_of(y, lines, [](const auto& point) { return point.second; });
    std::string svg = open_svg(width, height) + grid(x, y, over, up);
    std::vector<std::string> names;
    for (std::size_t i = 0; i < lines.size(); ++i) {
        const char* colour = colours[i % colour_count];
        std::string path, dots;
        for (const auto& [at, value] : lines[i].points) {
            const double h = across(over.place(at)), v = down(up.place(value));
            path += print("%.1f,%.1f ", h, v);
            dots += print("<circle cx=\"%.1f\" cy=\"%.1f\" r=\"3\" fill=\"%s\"><title>%s: %g, %g</title></circle>", h,
                          v, colour, escaped(lines[i].name).c_str(), at, value);
        }
        svg += "<polyline fill=\"none\" stroke-width=\"2\" stroke=\"" + std::string(colour) + "\" points=\"" + path +
               "\"/>" + dots;
        names.push_back(lines[i].name);
    }
    return svg + "</svg>\n" + legend(names);
}

std::string bar_plot(const std::string& unit, const std::vector<std::string>& parts, const std::vector<Bar>& bars) {
    constexpr double row = 30, name_width = 200, room = 330;
    double most = 1e-9;
    for (const Bar& bar : bars) {
        double sum = 0;
        for (const double part : bar.parts) sum += part;
        most = std::max(most, sum);
    }
    std::string svg = open_svg(width, row * static_cast<double>(bars.size()) + 6);
    for (std::size_t i = 0; i < bars.size(); ++i) {
        const double y = row * static_cast<double>(i) + 4;
        double at = name_width, sum = 0;
        svg += print("<text x=\"%.0f\" y=\"%.0f\" text-anchor=\"end\">", name_width - 8, y + 16) +
               escaped(bars[i].name) + "</text>";
        for (std::size_t part = 0; part < bars[i].parts.size(); ++part) {
            const double wide = bars[i].parts[part] / most * room;
            svg += print(
                "<rect x=\"%.1f\" y=\"%.0f\" width=\"%.1f\" height=\"22\" fill=\"%s\"><title>%s: %.1f</title></rect>",
                at, y, wide, colours[part % colour_count], part < parts.size() ? escaped(parts[part]).c_str() : "",
                bars[i].parts[part]);
            at += wide;
            sum += bars[i].parts[part];
        }
        svg += print("<text x=\"%.1f\" y=\"%.0f\">%.0f ", at + 8, y + 16, sum) + escaped(unit) + "</text>";
    }
    return svg + "</svg>\n" + legend(parts);
}

}  // namespace viaduct::rig
