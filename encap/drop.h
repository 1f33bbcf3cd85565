// Why a packet was not forwarded: one list that stages, counters, CLI, metrics and docs share.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace viaduct {

enum class Drop : std::uint8_t {
    // parse: RFC 1812 §5.2.2, RFC 8200 §3
    truncated,
    bad_ip_version,
    bad_header_length,
    bad_total_length,
    bad_header_checksum,
    martian_source,
    martian_destination,
    ip_options,
    bad_extension_header,
    bad_transport_header,
    tiny_fragment,
    wrong_mac,
    vlan,
    // decapsulate: RFC 7348 §5, RFC 6040 §4.2
    outer_fragment,
    bad_udp_length,
    bad_udp_checksum,
    vxlan_no_vni_flag,
    unknown_vni,
    unknown_vtep,
    wrong_inner_mac,
    inner_not_ip,
    ecn_congested,
    // track, balance, translate
    no_snapshot,
    no_connection,
    connection_table_full,
    snat_exhausted,
    no_endpoints,
    no_local_endpoints,
    no_such_service_port,
    source_range,
    wrong_network,
    fragment_unknown,
    fragment_table_full,
    icmp_unsupported,
    protocol_unsupported,
    // route
    no_route,
    ttl_exceeded,
    packet_too_big,
    split_horizon,
    neighbour_unresolved,
    neighbour_queue_full,
    // encapsulate, transmit, hand-over
    no_headroom,
    no_mbuf,
    no_kernel_port,
    transmit_refused,
    handover_full,
    count_
};
inline constexpr std::size_t drop_count = static_cast<std::size_t>(Drop::count_);

struct DropText {
    std::string_view name;     // the counter's name, everywhere
    std::string_view meaning;  // what an operator should understand by it
};

// In the order of the enum.
inline constexpr std::array<DropText, drop_count> drop_texts{{
    {"truncated", "the frame ends before its headers do"},
    {"bad_ip_version", "the version field does not match the EtherType"},
    {"bad_header_length", "the IPv4 header length is below 20 bytes or beyond the packet"},
    {"bad_total_length", "the IP length field exceeds the frame or undercuts the header"},
    {"bad_header_checksum", "the IPv4 header checksum is wrong"},
    {"martian_source", "the source address may not appear on a wire"},
    {"martian_destination", "the destination address may not be forwarded to"},
    {"ip_options", "the packet carries IPv4 options that the gateway does not forward"},
    {"bad_extension_header", "the IPv6 extension headers are malformed or too many"},
    {"bad_transport_header", "the TCP, UDP, SCTP or ICMP header is malformed"},
    {"tiny_fragment", "a fragment that hides or overwrites the TCP header (RFC 1858, RFC 3128)"},
    {"wrong_mac", "the frame is addressed to somebody else's MAC address"},
    {"vlan", "the frame carries a VLAN tag that is not configured"},
    {"outer_fragment", "a fragment of a tunnel packet; VTEPs do not fragment (RFC 7348 §4.3)"},
    {"bad_udp_length", "the outer UDP length contradicts the IP length"},
    {"bad_udp_checksum", "the outer UDP checksum is wrong, or absent over IPv6"},
    {"vxlan_no_vni_flag", "the VXLAN header's I flag is not set"},
    {"unknown_vni", "no network has this VNI"},
    {"unknown_vtep", "the tunnel packet comes from an address that is no peer's"},
    {"wrong_inner_mac", "the inner frame is addressed to another VTEP's MAC address"},
    {"inner_not_ip", "the inner frame is neither IPv4 nor IPv6"},
    {"ecn_congested", "congestion was marked on a tunnel packet whose inner one cannot carry the mark (RFC 6040)"},
    {"no_snapshot", "the control thread has not published any state yet"},
    {"no_connection", "a reply to a connection that the gateway does not know"},
    {"connection_table_full", "a new connection found no room; established ones go on"},
    {"snat_exhausted", "every source port towards this backend is in use"},
    {"no_endpoints", "the Service has no ready endpoint; the client was told"},
    {"no_local_endpoints", "externalTrafficPolicy or internalTrafficPolicy Local, and no local endpoint"},
    {"no_such_service_port", "the address is a Service's, the port is not; the client was told"},
    {"source_range", "the client is outside the Service's loadBalancerSourceRanges"},
    {"wrong_network", "the packet comes from one network and addresses another's Service"},
    {"fragment_unknown", "a fragment whose first fragment was not seen in time"},
    {"fragment_table_full", "too many fragmented datagrams at once"},
    {"icmp_unsupported", "an ICMP message that is neither echo nor an error about a known connection"},
    {"protocol_unsupported", "a transport protocol that cannot be translated"},
    {"no_route", "no route to the destination; the sender was told"},
    {"ttl_exceeded", "TTL or hop limit ran out; the sender was told"},
    {"packet_too_big", "larger than the path's MTU and not to be fragmented; the sender was told"},
    {"split_horizon", "a tunnel packet would go back to the VTEP that sent it"},
    {"neighbour_unresolved", "the next hop did not answer ARP or ND in time"},
    {"neighbour_queue_full", "too many packets wait for the next hop's MAC address"},
    {"no_headroom", "no room in front of the packet for the tunnel headers"},
    {"no_mbuf", "the packet buffer pool is empty"},
    {"no_kernel_port", "a packet for the kernel on a port without a way there"},
    {"transmit_refused", "the transmit queue was full"},
    {"handover_full", "the ring to the worker that owns the connection was full"},
}};

[[nodiscard]] constexpr std::string_view name(Drop drop) { return drop_texts[static_cast<std::size_t>(drop)].name; }

static_assert([] {
    for (const DropText& text : drop_texts)
        if (text.name.empty() || text.meaning.empty()) return false;
    return true;
}());

}  // namespace viaduct
