// What the API's JSON is made of: an ordered object type and lists that are cut into pages.
#pragma once

#include <cstddef>
#include <nlohmann/json.hpp>
#include <string>

#include "encap/net_text.h"

namespace viaduct {

/// Keeps keys in the order of insertion, which people read.
using Json = nlohmann::ordered_json;

struct Page {
    static constexpr std::size_t largest = 10'000;
    std::size_t offset = 0;
    std::size_t limit = 1'000;
};

/// Collects the items of one page and counts them all. Items outside of the page are never made.
class Listing {
public:
    explicit Listing(Page page) : page_(page) {}
    template <class Make>
    void add(Make make) {
        if (total_ >= page_.offset && items_.size() < page_.limit) items_.push_back(make());
        ++total_;
    }
    /// {"<name>": […], "total": …, "offset": …}
    [[nodiscard]] Json take(const std::string& name) {
        return {{name, std::move(items_)}, {"total", total_}, {"offset", page_.offset}};
    }

private:
    Page page_;
    std::size_t total_ = 0;
    Json items_ = Json::array();
};

/// Every element by its `to_string`.
template <class Range>
[[nodiscard]] Json texts(const Range& range) {
    Json list = Json::array();
    for (const auto& element : range) list.push_back(to_string(element));
    return list;
}

/// "10.0.0.1:80" or "[2001:db8::1]:80".
[[nodiscard]] inline std::string endpoint_text(const IpAddress& address, std::uint16_t port) {
    std::string text = to_string(address);
    if (!address.is_v4()) text.insert(0, 1, '[').push_back(']');
    return text.append(":").append(std::to_string(port));
}

}  // namespace viaduct
