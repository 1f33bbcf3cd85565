// Label selectors, as Kubernetes writes them on a line.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace viaduct {

using Labels = std::map<std::string, std::string>;

/// One requirement: a label with this value, or any; or, negated, none like that.
struct LabelRequirement {
    std::string key;
    std::optional<std::string> value;
    bool negated = false;
    bool operator==(const LabelRequirement&) const = default;
};
using LabelSelector = std::vector<LabelRequirement>;

/// "team=web,tier!=test,public,!internal": all of them. Throws std::invalid_argument, with what would have been right.
[[nodiscard]] LabelSelector parse_label_selector(std::string_view text);
/// As in Kubernetes, `key!=value` is true of objects without that label too.
[[nodiscard]] bool matches(const LabelSelector& selector, const Labels& labels);

}  // namespace viaduct
