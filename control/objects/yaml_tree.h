// yaml-cpp's documents as a Tree. JSON comes this way too: it is YAML.
#pragma once

#include <yaml-cpp/yaml.h>

#include "control/objects/field.h"

namespace viaduct {

class YamlTree {
public:
    explicit YamlTree(YAML::Node node) : node_(std::move(node)) {}

    [[nodiscard]] YamlTree member(const std::string& key) const {
        // A const Node does not insert what it does not find.
        const YAML::Node& map = node_;
        return YamlTree(present() ? map[key] : YAML::Node(YAML::NodeType::Undefined));
    }
    [[nodiscard]] bool present() const { return node_.IsDefined() && !node_.IsNull(); }
    [[nodiscard]] std::optional<std::string> scalar() const {
        return node_.IsScalar() ? std::optional(node_.Scalar()) : std::nullopt;
    }
    [[nodiscard]] bool is_list() const { return node_.IsSequence(); }
    [[nodiscard]] bool is_map() const { return node_.IsMap(); }
    [[nodiscard]] std::vector<YamlTree> items() const {
        std::vector<YamlTree> items;
        for (const YAML::Node& item : node_) items.emplace_back(item);
        return items;
    }
    [[nodiscard]] std::vector<std::string> keys() const {
        std::vector<std::string> keys;
        if (is_map())
            for (const auto& member : node_)
                if (member.first.IsScalar()) keys.push_back(member.first.Scalar());
        return keys;
    }
    [[nodiscard]] const YAML::Node& node() const { return node_; }
    [[nodiscard]] unsigned line() const { return static_cast<unsigned>(node_.Mark().line + 1); }

private:
    YAML::Node node_;
};
static_assert(Tree<YamlTree>);

}  // namespace viaduct
