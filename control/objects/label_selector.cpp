// Label selectors, as Kubernetes writes them on a line.
#include "control/objects/label_selector.h"

#include <algorithm>
#include <stdexcept>

namespace viaduct {

namespace {

std::string_view without_blanks(std::string_view text) {
    const std::size_t first = text.find_first_not_of(' '), last = text.find_last_not_of(' ');
    return first == std::string_view::npos ? std::string_view() : text.substr(first, last - first + 1);
}

/// What keys and values may consist of, "/" in keys included.
bool is_word(std::string_view text) {
    return std::ranges::all_of(text, [](const char c) {
        return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
               std::string_view("-_./").find(c) != std::string_view::npos;
    });
}

LabelRequirement parse_requirement(std::string_view text) {
    LabelRequirement one;
    if (text.starts_with('!')) one.negated = true, text.remove_prefix(1);
    if (const std::size_t at = text.find('='); at != std::string_view::npos) {
        std::string_view key = text.substr(0, at), value = text.substr(at + 1);
        if (value.starts_with('=')) value.remove_prefix(1);
        if (key.ends_with('!') && !one.negated) one.negated = true, key.remove_suffix(1);
        one.value = without_blanks(value);
        text = key;
    }
    one.key = without_blanks(text);
    if (one.key.empty() || !is_word(one.key) || !is_word(one.value.value_or("")))
        throw std::invalid_argument("must be label=value, label!=value, label or !label, separated by commas");
    return one;
}

}  // namespace

LabelSelector parse_label_selector(std::string_view text) {
    LabelSelector selector;
    for (bool more = true; more;) {
        const std::size_t comma = text.find(',');
        more = comma != std::string_view::npos;
        selector.push_back(parse_requirement(without_blanks(text.substr(0, comma))));
        text.remove_prefix(more ? comma + 1 : text.size());
    }
    return selector;
}

bool matches(const LabelSelector& selector, const Labels& labels) {
    return std::ranges::all_of(selector, [&](const LabelRequirement& one) {
        const auto label = labels.find(one.key);
        return (label != labels.end() && (!one.value || label->second == *one.value)) != one.negated;
    });
}

}  // namespace viaduct
