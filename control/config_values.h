// Values of configuration keys as people write them. Each function throws BadValue with what would have been right.
#pragma once

#include <charconv>
#include <chrono>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "control/config.h"
#include "encap/net_types.h"

namespace viaduct {

/// `what()` continues the sentence "KEY = VALUE: …".
class BadValue : public std::invalid_argument {
    using std::invalid_argument::invalid_argument;
};

template <class T>
[[nodiscard]] T parse_number(std::string_view text, std::uint64_t least, std::uint64_t most) {
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size() || value < least || value > most)
        throw BadValue("must be a whole number from " + std::to_string(least) + " to " + std::to_string(most));
    return static_cast<T>(value);
}

/// The value whose word `text` is.
template <class T>
[[nodiscard]] T parse_choice(std::string_view text, std::initializer_list<std::pair<std::string_view, T>> choices) {
    std::string words;
    for (const auto& [word, value] : choices) {
        if (text == word) return value;
        words += (words.empty() ? "" : ", ") + std::string(word);
    }
    throw BadValue("must be one of: " + words);
}

[[nodiscard]] bool parse_yes_no(std::string_view text);
/// "2-3,5"
[[nodiscard]] std::vector<unsigned> parse_cpus(std::string_view text);
template <Address A>
[[nodiscard]] A parse_address(std::string_view text);
template <Address A>
[[nodiscard]] Prefix<A> parse_subnet(std::string_view text);
[[nodiscard]] IpAddress parse_any_address(std::string_view text);
[[nodiscard]] std::vector<IpPrefix> parse_subnets(std::string_view text);
/// "203.0.113.0/28, 203.0.113.40-203.0.113.49, 2001:db8::7"
[[nodiscard]] std::vector<AddressRange> parse_ranges(std::string_view text);
/// "https://192.0.2.2:2379,https://192.0.2.3:2379"
[[nodiscard]] std::vector<std::string> parse_urls(std::string_view text);
/// "team=web,tier!=test"
[[nodiscard]] LabelSelector parse_selector(std::string_view text);
[[nodiscard]] Mac parse_unicast_mac(std::string_view text);
/// "node1,192.0.2.11,12:c6:65:89:b4:e3,10.244.1.0/24,fd00:1::/64"
[[nodiscard]] StaticPeer parse_static_peer(std::string_view text);

/// "viaduct/gateway"
[[nodiscard]] std::string parse_lease_name(std::string_view text);

/// The words of a comma-separated list, without the spaces around them.
[[nodiscard]] std::vector<std::string_view> split_list(std::string_view text);

}  // namespace viaduct
