// A YAML tree to JSON, by YAML 1.2's core schema.
#include "control/objects/yaml_json.h"

namespace viaduct {

namespace {

nlohmann::json scalar_of(const YAML::Node& node) {
    const std::string& text = node.Scalar();
    if (node.Tag() == "!") return text;  // quoted, or a block
    if (text == "true" || text == "True" || text == "TRUE") return true;
    if (text == "false" || text == "False" || text == "FALSE") return false;
    // What JSON takes for a number is one in YAML too.
    auto number = nlohmann::json::parse(text, nullptr, false);
    return number.is_number() ? number : nlohmann::json(text);
}

}  // namespace

nlohmann::json json_of(const YAML::Node& node) {
    if (node.IsScalar()) return scalar_of(node);
    nlohmann::json json;
    if (node.IsSequence()) {
        json = nlohmann::json::array();
        for (const YAML::Node& item : node) json.push_back(json_of(item));
    } else if (node.IsMap()) {
        json = nlohmann::json::object();
        for (const auto& member : node) json[member.first.Scalar()] = json_of(member.second);
    }
    return json;
}

}  // namespace viaduct
