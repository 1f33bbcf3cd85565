// Explain's parameters in, explain's answer out.
#include "control/api/question.h"

#include <charconv>
#include <cstdint>

namespace viaduct {
namespace {

constexpr const char* endpoint_remedy = "write 192.0.2.1, 192.0.2.1:80, 2001:db8::1 or [2001:db8::1]:80";

struct Endpoint {
    IpAddress address;
    std::uint16_t port = 0;
    bool has_port = false;
};

/// `host:port` with IPv6 in brackets, or a bare address of either family.
Endpoint read_endpoint(const std::string& name, const std::string& text) {
    if (text.empty()) throw BadRequest("no '" + name + "' address was given", endpoint_remedy);
    std::string host = text, port;
    const auto colon = text.rfind(':');
    const bool bare_v6 = text.front() != '[' && text.find(':') != colon;
    if (colon != std::string::npos && !bare_v6 && text.back() != ']') {
        host = text.substr(0, colon);
        port = text.substr(colon + 1);
        if (port.empty()) throw BadRequest("'" + text + "' ends in a colon without a port", endpoint_remedy);
    }
    if (host.size() > 2 && host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
    const auto address = parse_ip(host);
    if (!address) throw BadRequest("'" + text + "' is not an address", endpoint_remedy);
    const auto value = static_cast<std::uint16_t>(number(name + " port", port, 0, 0xffff));
    return {*address, value, !port.empty()};
}

Protocol read_protocol(const std::string& text, bool v4) {
    if (text.empty() || text == "tcp") return Protocol::tcp;
    if (text == "udp") return Protocol::udp;
    if (text == "sctp") return Protocol::sctp;
    if (text == "icmp") return v4 ? Protocol::icmp : Protocol::icmpv6;
    throw BadRequest("'" + text + "' is not a protocol that explain knows", "use tcp, udp, sctp or icmp");
}

bool has_ports(Protocol protocol) { return protocol != Protocol::icmp && protocol != Protocol::icmpv6; }

}  // namespace

std::size_t number(const std::string& name, const std::string& text, std::size_t otherwise, std::size_t largest) {
    if (text.empty()) return otherwise;
    std::size_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size() || value > largest) {
        throw BadRequest("'" + text + "' is no " + name, "use a number from 0 to " + std::to_string(largest));
    }
    return value;
}

Question read_question(const Parameter& parameter) {
    const Endpoint from = read_endpoint("from", parameter("from"));
    const Endpoint to = read_endpoint("to", parameter("to"));
    if (from.address.is_v4() != to.address.is_v4()) {
        throw BadRequest("the two addresses are of different families", "use two IPv4 or two IPv6 addresses");
    }
    Question question;
    question.port = parameter("port");
    question.peer = parameter("peer");
    if (!question.port.empty() && !question.peer.empty()) {
        throw BadRequest("a packet cannot arrive both on a port and from a peer", "give either 'port' or 'peer'");
    }
    question.source = from.address;
    question.destination = to.address;
    question.protocol = read_protocol(parameter("proto"), to.address.is_v4());
    if (from.has_port) question.source_port = from.port;
    question.destination_port = to.port;
    if (has_ports(question.protocol) && !to.has_port) {
        throw BadRequest("'to' has no port", "write the destination as address:port, or use icmp");
    }
    question.length = static_cast<std::uint16_t>(number("length", parameter("length"), 0, 0xffff));
    question.ttl = static_cast<std::uint8_t>(number("ttl", parameter("ttl"), question.ttl, 0xff));
    return question;
}

Json explanation_json(const Explanation& explanation) {
    Json steps = Json::array();
    for (const auto& step : explanation.steps) steps.push_back({{"stage", step.stage}, {"text", step.text}});
    return {{"steps", std::move(steps)},      {"verdict", explanation.verdict}, {"drop", explanation.drop},
            {"service", explanation.service}, {"backend", explanation.backend}, {"peer", explanation.peer},
            {"port", explanation.port},       {"mtu", explanation.mtu}};
}

}  // namespace viaduct
