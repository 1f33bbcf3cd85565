"""What flanneld does on a node: its devices, what it programs for every other node's lease, and its NAT rules. Other
overlays' agents do much the same: calico.py and cilium.py tell what they do otherwise."""
import dataclasses
import ipaddress
import json

import netns

ANNOTATION = "flannel.alpha.coreos.com/"
ROWS = None  # all are tried
FAMILIES = (4, 6)
BORROWED = {}
OVERHEAD = {4: 50, 6: 70}


@dataclasses.dataclass(frozen=True)
class Lease:
    """One family of what a Node object says to its peers."""
    family: int
    vni: int
    mac: str
    public_ip: str
    subnet: ipaddress.IPv4Network | ipaddress.IPv6Network

    @property
    def gateway(self):
        """The address of the node on the overlay: its subnet's first, the one that ends in 0."""
        return str(self.subnet.network_address)

    @property
    def device(self):
        return f"flannel.{self.vni}" if self.family == 4 else f"flannel-v6.{self.vni}"


def leases(node):
    notes = {key.removeprefix(ANNOTATION): value for key, value in node["metadata"]["annotations"].items()}
    subnets = {net.version: net for net in map(ipaddress.ip_network, node["spec"]["podCIDRs"])}
    for family, data, address in ((4, "backend-data", "public-ip"), (6, "backend-v6-data", "public-ipv6")):
        backend = json.loads(notes[data])
        yield Lease(family, backend["VNI"], backend["VtepMAC"], notes[address], subnets[family])


def prepare(directory, direct):
    """The demo's objects are flannel's."""
    if direct:
        conf = directory / "flannel.yaml"
        conf.write_text(conf.read_text().replace('"Type": "vxlan"', '"Type": "vxlan", "DirectRouting": true'))


def settings(text):
    """The gateway's configuration, which is for flannel."""
    return text


def leases_of(documents):
    """Of every node, by its name."""
    return {doc["metadata"]["name"]: list(leases(doc)) for doc in documents if doc["kind"] == "Node"}


def networks_of(documents):
    """The pods' networks by family, and the UDP port."""
    conf = next(json.loads(doc["data"]["net-conf.json"]) for doc in documents if doc["kind"] == "ConfigMap")
    return {4: conf["Network"], 6: conf["IPv6Network"]}, conf["Backend"]["Port"]


def add_devices(ns, node, port, underlay_mtu):
    for own in node:
        netns.ip(ns,
                 f"link add {own.device} address {own.mac} mtu {underlay_mtu - OVERHEAD[own.family]} "
                 f"type vxlan id {own.vni} local {own.public_ip} dev eth0 dstport {port} nolearning",
                 f"addr add {own.gateway}/{own.subnet.max_prefixlen} dev {own.device}",
                 f"link set {own.device} up")


def add_peer(ns, peer, via=None, route_by=None):
    """Programs a peer's lease. With `via`, another node's, packets to the peer's pods take the way over that one."""
    for family, lease in enumerate(peer):
        hop = via[family] if via else lease
        if not via:
            netns.run("bridge", "fdb", "append", lease.mac, "dev", lease.device, "dst", lease.public_ip, "self",
                      "permanent", ns=ns)
            netns.ip(ns, f"neigh replace {lease.gateway} lladdr {lease.mac} dev {lease.device} nud permanent")
        (route_by or route)(ns, lease.subnet, hop)


def route(ns, subnet, hop):
    netns.ip(ns, f"route replace {subnet} via {hop.gateway} dev {hop.device} onlink")


def route_directly(ns, subnet, hop):
    """To a node on the same link: DirectRouting, CrossSubnet."""
    netns.ip(ns, f"route replace {subnet} via {hop.public_ip} dev eth0")


def add_masquerade(ns, node, networks, unmasqueraded):
    """The rules of --ip-masq. `unmasqueraded` are destinations that an operator excepted: the gateway's outside."""
    for own in node:
        ip, multicast = ("ip", "224.0.0.0/4") if own.family == 4 else ("ip6", "ff00::/8")
        pods, cluster = own.subnet, networks[own.family]
        excepted = "\n".join(f"{ip} saddr {cluster} {ip} daddr {net} return"
                             for net in unmasqueraded if net.version == own.family)
        netns.run("nft", "-f", "-", ns=ns, stdin=f"""
            table {ip} flannel {{ chain postrouting {{ type nat hook postrouting priority srcnat;
                {excepted}
                {ip} saddr {pods} {ip} daddr {cluster} return
                {ip} saddr {cluster} {ip} daddr {pods} return
                {ip} saddr != {cluster} {ip} daddr {pods} return
                {ip} saddr {cluster} {ip} daddr != {multicast} masquerade fully-random
                {ip} saddr != {cluster} {ip} daddr {cluster} masquerade fully-random
            }}
            }}""")
