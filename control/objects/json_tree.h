// simdjson's documents as a Tree: for what comes from an API server, in bulk.
#pragma once

#include <simdjson.h>

#include "control/objects/field.h"

namespace viaduct {

/// A view into a simdjson parser's document: not for longer than that. What nobody asks for, `managedFields` above all,
/// is stepped over and costs nothing more.
class JsonTree {
public:
    JsonTree() = default;
    explicit JsonTree(simdjson::dom::element element) : element_(element), present_(!element.is_null()) {}

    [[nodiscard]] JsonTree member(const std::string& key) const {
        simdjson::dom::element found;
        return present_ && element_[key].get(found) == simdjson::SUCCESS ? JsonTree(found) : JsonTree();
    }
    [[nodiscard]] bool present() const { return present_; }
    [[nodiscard]] std::optional<std::string> scalar() const {
        std::string_view text;
        bool flag = false;
        std::int64_t number = 0;
        if (!present_ || is_list() || is_map()) return {};
        if (element_.get(text) == simdjson::SUCCESS) return std::string(text);
        if (element_.get(flag) == simdjson::SUCCESS) return flag ? "true" : "false";
        if (element_.get(number) == simdjson::SUCCESS) return std::to_string(number);
        return simdjson::minify(element_);
    }
    [[nodiscard]] bool is_list() const { return present_ && element_.is_array(); }
    [[nodiscard]] bool is_map() const { return present_ && element_.is_object(); }
    [[nodiscard]] std::vector<JsonTree> items() const {
        std::vector<JsonTree> items;
        if (is_list())
            for (const simdjson::dom::element item : simdjson::dom::array(element_)) items.emplace_back(item);
        return items;
    }
    [[nodiscard]] std::vector<std::string> keys() const {
        std::vector<std::string> keys;
        if (is_map())
            for (const auto& field : simdjson::dom::object(element_)) keys.emplace_back(field.key);
        return keys;
    }
    [[nodiscard]] unsigned line() const { return 0; }

private:
    simdjson::dom::element element_;
    bool present_ = false;
};
static_assert(Tree<JsonTree>);

}  // namespace viaduct
