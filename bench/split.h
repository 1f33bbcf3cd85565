// An option's value that is a list with commas.
#pragma once

#include <sstream>
#include <string>
#include <vector>

namespace viaduct {

[[nodiscard]] inline std::vector<std::string> split(const std::string& list) {
    std::vector<std::string> items;
    std::istringstream in(list);
    for (std::string item; std::getline(in, item, ',');) items.push_back(item);
    return items;
}

}  // namespace viaduct
