// Steps and verdict as aligned text.
#include "control/viaductctl/explain.h"

#include <algorithm>
#include <ostream>

namespace viaduct {
namespace {

std::size_t longest_stage(const Json& steps) {
    std::size_t longest = std::string("verdict").size();
    for (const Json& step : steps) longest = std::max(longest, step["stage"].get<std::string>().size());
    return longest;
}

std::string verdict_text(const Json& answer) {
    std::string text = answer["verdict"].get<std::string>();
    const auto add = [&](const char* label, const char* field) {
        const std::string value = answer.value(field, "");
        if (!value.empty()) text.append(", ").append(label).append(value);
    };
    add("", "drop");
    add("service ", "service");
    add("backend ", "backend");
    add("peer ", "peer");
    add("port ", "port");
    const unsigned mtu = answer.value("mtu", 0U);
    if (mtu != 0) text.append(", MTU ").append(std::to_string(mtu));
    return text;
}

}  // namespace

void explain(const Client::Parameters& question, bool json, const Client& client, std::ostream& out) {
    const Json answer = client.get("/v1/explain", question);
    if (json) {
        out << answer.dump(2) << '\n';
        return;
    }
    const std::size_t width = longest_stage(answer["steps"]);
    const auto line = [&](std::string stage, const std::string& text) {
        stage.resize(width, ' ');
        out << stage << "  " << text << '\n';
    };
    for (const Json& step : answer["steps"]) line(step["stage"].get<std::string>(), step["text"].get<std::string>());
    line("verdict", verdict_text(answer));
}

}  // namespace viaduct
