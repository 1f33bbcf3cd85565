// The XDP program of an AF_XDP port: takes what the gateway forwards, and leaves everything else with Linux.
//
// Theory of operation. Whatever is not recognised is passed: ARP, ND, SSH, ICMP to the gateway itself, routing
// protocols, VLANs. Taken are: all packets to an address that is a Service's alone, all packets to a pod subnet, and
// packets to one (address, protocol, port) of the gateway's own: a tunnel endpoint or a NodePort. IPv4 addresses are
// looked up IPv4-mapped (RFC 4291 §2.5.5.2), so both families share the maps, which the control thread fills
// (steering.cpp).
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

struct address {
    __u8 bytes[16];
};

struct port_key {
    struct address address;
    __be16 port;
    __u8 protocol;
    __u8 zero;
};

struct subnet_key {
    __u32 length;  // bits, of the mapped address
    struct address address;
};

// By this name the driver finds where to put its sockets, one per receive queue.
struct {
    __uint(type, BPF_MAP_TYPE_XSKMAP);
    __uint(max_entries, 64);
    __type(key, __u32);
    __type(value, __u32);
} xsks_map SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, 131072);
    __uint(map_flags, BPF_F_NO_PREALLOC);
    __type(key, struct address);
    __type(value, __u8);
} addresses SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, 131072);
    __uint(map_flags, BPF_F_NO_PREALLOC);
    __type(key, struct port_key);
    __type(value, __u8);
} ports SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_LPM_TRIE);
    __uint(max_entries, 65536);
    __uint(map_flags, BPF_F_NO_PREALLOC);
    __type(key, struct subnet_key);
    __type(value, __u8);
} subnets SEC(".maps");

struct fragment_header {  // RFC 8200 §4.5
    __u8 next_header;
    __u8 reserved;
    __be16 offset_more;
    __be32 id;
};

static __always_inline int take(struct xdp_md* context) {
    // A queue without a socket, as while the gateway starts, is left to Linux.
    return (int)bpf_redirect_map(&xsks_map, context->rx_queue_index, XDP_PASS);
}

static __always_inline int forwarded(const struct address* destination) {
    if (bpf_map_lookup_elem(&addresses, destination)) return 1;
    struct subnet_key key = {.length = 128, .address = *destination};
    return bpf_map_lookup_elem(&subnets, &key) != 0;
}

// TCP, UDP and SCTP all begin with the source and the destination port.
static __always_inline int own_port(const struct address* destination, __u8 protocol, const void* transport,
                                    const void* end) {
    const __be16* port_pair = transport;
    if (protocol != IPPROTO_TCP && protocol != IPPROTO_UDP && protocol != IPPROTO_SCTP) return 0;
    if ((const void*)(port_pair + 2) > end) return 0;
    struct port_key key = {.address = *destination, .port = port_pair[1], .protocol = protocol};
    return bpf_map_lookup_elem(&ports, &key) != 0;
}

static __always_inline int steer_v4(struct xdp_md* context, const struct iphdr* ip, const void* end) {
    if ((const void*)(ip + 1) > end) return XDP_PASS;
    struct address destination = {};
    destination.bytes[10] = destination.bytes[11] = 0xff;
    __builtin_memcpy(destination.bytes + 12, &ip->daddr, 4);
    if (forwarded(&destination)) return take(context);
    // A later fragment carries no ports, and its first one is not remembered here.
    if (ip->frag_off & bpf_htons(0x1fff)) return XDP_PASS;
    const void* transport = (const void*)ip + ip->ihl * 4;
    return own_port(&destination, ip->protocol, transport, end) ? take(context) : XDP_PASS;
}

static __always_inline int steer_v6(struct xdp_md* context, const struct ipv6hdr* ip, const void* end) {
    if ((const void*)(ip + 1) > end) return XDP_PASS;
    struct address destination;
    __builtin_memcpy(destination.bytes, &ip->daddr, 16);
    if (forwarded(&destination)) return take(context);
    const struct fragment_header* fragment = (const void*)(ip + 1);
    if (ip->nexthdr != IPPROTO_FRAGMENT)
        return own_port(&destination, ip->nexthdr, fragment, end) ? take(context) : XDP_PASS;
    if ((const void*)(fragment + 1) > end || fragment->offset_more & bpf_htons(0xfff8)) return XDP_PASS;
    return own_port(&destination, fragment->next_header, fragment + 1, end) ? take(context) : XDP_PASS;
}

SEC("xdp")
int viaduct_steer(struct xdp_md* context) {
    const void* end = (const void*)(long)context->data_end;
    const struct ethhdr* ethernet = (const void*)(long)context->data;
    if ((const void*)(ethernet + 1) > end) return XDP_PASS;
    if (ethernet->h_dest[0] & 1) return XDP_PASS;  // broadcast and multicast
    if (ethernet->h_proto == bpf_htons(ETH_P_IP)) return steer_v4(context, (const void*)(ethernet + 1), end);
    if (ethernet->h_proto == bpf_htons(ETH_P_IPV6)) return steer_v6(context, (const void*)(ethernet + 1), end);
    return XDP_PASS;
}

// None of the kernel functions called here asks for the GPL.
char _license[] SEC("license") = "Apache-2.0";
