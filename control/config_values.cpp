// Values of configuration keys as people write them.
#include "control/config_values.h"

#include "encap/net_text.h"
#include "encap/prefixes.h"

namespace viaduct {

namespace {

std::string_view trimmed(std::string_view text) {
    const std::size_t first = text.find_first_not_of(" \t");
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

AddressRange parse_range(std::string_view text) {
    const std::size_t dash = text.find('-');
    const auto first = parse_ip(trimmed(text.substr(0, dash)));
    const auto last = dash == std::string_view::npos ? first : parse_ip(trimmed(text.substr(dash + 1)));
    if (first && last && first->is_v4() == last->is_v4() && *first <= *last) return {*first, *last};
    const auto prefix = parse_prefix(text);
    if (!prefix) throw BadValue("'" + std::string(text) + "' must be a prefix, an address, or FIRST-LAST");
    return {prefix->address, last_address(*prefix)};
}

template <Address A>
constexpr const char* family_name = std::same_as<A, Ipv4> ? "IPv4" : "IPv6";

template <Address A>
A member(const IpAddress& address) {
    if constexpr (std::same_as<A, Ipv4>)
        return address.v4();
    else
        return address.v6();
}

}  // namespace

std::vector<std::string_view> split_list(std::string_view text) {
    std::vector<std::string_view> words;
    while (true) {
        const std::size_t comma = text.find(',');
        words.push_back(trimmed(text.substr(0, comma)));
        if (comma == std::string_view::npos) return words;
        text.remove_prefix(comma + 1);
    }
}

bool parse_yes_no(std::string_view text) { return parse_choice<bool>(text, {{"yes", true}, {"no", false}}); }

std::vector<unsigned> parse_cpus(std::string_view text) {
    constexpr unsigned last_cpu = 1023;  // CPU_SETSIZE − 1
    std::vector<unsigned> cpus;
    for (const std::string_view word : split_list(text)) {
        const std::size_t dash = word.find('-');
        const auto first = parse_number<unsigned>(word.substr(0, dash), 0, last_cpu);
        const unsigned last =
            dash == std::string_view::npos ? first : parse_number<unsigned>(word.substr(dash + 1), first, last_cpu);
        for (unsigned cpu = first; cpu <= last; ++cpu) cpus.push_back(cpu);
    }
    return cpus;
}

IpAddress parse_any_address(std::string_view text) {
    const auto address = parse_ip(text);
    if (!address || address->is_unspecified()) throw BadValue(std::string("must be ") + wanted_ip);
    return *address;
}

template <Address A>
A parse_address(std::string_view text) {
    const auto address = parse_ip(text);
    if (!address || address->is_unspecified() || address->is_v4() != std::same_as<A, Ipv4>)
        throw BadValue(std::string("must be an ") + family_name<A> + " address");
    return member<A>(*address);
}
template Ipv4 parse_address<Ipv4>(std::string_view);
template Ipv6 parse_address<Ipv6>(std::string_view);

template <Address A>
Prefix<A> parse_subnet(std::string_view text) {
    const auto prefix = parse_prefix(text);
    if (!prefix || prefix->is_v4() != std::same_as<A, Ipv4>)
        throw BadValue(std::string("must be an ") + family_name<A> + " prefix, as in " +
                       (std::same_as<A, Ipv4> ? "10.244.9.0/24" : "fd00:244:0:9::/64"));
    return {member<A>(prefix->address), prefix->length};
}
template Prefix<Ipv4> parse_subnet<Ipv4>(std::string_view);
template Prefix<Ipv6> parse_subnet<Ipv6>(std::string_view);

std::vector<IpPrefix> parse_subnets(std::string_view text) {
    std::vector<IpPrefix> prefixes;
    for (const std::string_view word : split_list(text)) {
        const auto prefix = parse_prefix(word);
        if (!prefix) throw BadValue("'" + std::string(word) + "' must be a prefix, as in 10.244.0.0/16");
        prefixes.push_back(*prefix);
    }
    return prefixes;
}

LabelSelector parse_selector(std::string_view text) try {
    return parse_label_selector(text);
} catch (const std::invalid_argument& wrong) {
    throw BadValue(wrong.what());
}

std::vector<AddressRange> parse_ranges(std::string_view text) {
    std::vector<AddressRange> ranges;
    for (const std::string_view word : split_list(text)) ranges.push_back(parse_range(word));
    return ranges;
}

std::vector<std::string> parse_urls(std::string_view text) {
    std::vector<std::string> urls;
    for (std::string_view word : split_list(text)) {
        if (!word.starts_with("https://") && !word.starts_with("http://"))
            throw BadValue("'" + std::string(word) + "' must be a URL, as in https://192.0.2.2:2379");
        while (word.ends_with('/')) word.remove_suffix(1);
        urls.emplace_back(word);
    }
    return urls;
}

Mac parse_unicast_mac(std::string_view text) {
    const auto mac = parse_mac(text);
    if (!mac || mac->is_multicast() || mac->is_zero())
        throw BadValue("must be a unicast MAC address, as in 12:c6:65:89:b4:e3");
    return *mac;
}

std::string parse_lease_name(std::string_view text) {
    const std::size_t slash = text.find('/');
    const bool two = slash != 0 && slash + 1 < text.size() && text.find('/', slash + 1) == std::string_view::npos;
    const std::string_view allowed = "abcdefghijklmnopqrstuvwxyz0123456789-./";
    if (!two || text.find_first_not_of(allowed) != std::string_view::npos)
        throw BadValue("must be NAMESPACE/NAME, as in viaduct/gateway");
    return std::string(text);
}

StaticPeer parse_static_peer(std::string_view text) {
    const std::vector<std::string_view> words = split_list(text);
    if (words.size() < 4 || words[0].empty()) throw BadValue("must be NAME,UNDERLAY-ADDRESS,MAC,PREFIX[,PREFIX…]");
    StaticPeer peer{std::string(words[0]), parse_any_address(words[1]), parse_unicast_mac(words[2]), {}};
    for (std::size_t i = 3; i < words.size(); ++i) peer.pod_subnets.push_back(parse_subnets(words[i]).front());
    return peer;
}

}  // namespace viaduct
