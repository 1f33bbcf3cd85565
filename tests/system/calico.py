"""What calico-node does on a node in VXLAN mode: other devices, and single addresses that nodes have borrowed."""
import hashlib
import ipaddress

import yaml

import flannel
import netns
from flannel import add_devices, add_peer  # noqa: F401  the same for every agent

VNI, PORT = 4096, 4789
NOTE = "projectcalico.org/"
POOLS = {4: "10.244.0.0/16", 6: "fd00:244::/48"}
FAMILIES = (4, 6)
# web2, which runs on node2, has an address out of node1's block.
BORROWED = {"web2": {4: "10.244.1.13", 6: "fd00:244:0:1::13"}}
FORMER = {4: "10.244.2.11", 6: "fd00:244:0:2::11"}
ROWS = ("client → VIP: TCP", "client → VIP: UDP, every", "client → VIP: ping", "client → pod: TCP", "client → pod: too big",
        "pod → client", "pod → pod", "pod → another node's host", "gateway's host → pod", "Service without", "live edit")


class Lease(flannel.Lease):
    @property
    def device(self):
        return "vxlan.calico" if self.family == 4 else "vxlan-v6.calico"


def own_mac(node, family):
    digest = hashlib.sha1((node if family == 4 else f"{node}-v6").encode()).digest()
    return ":".join(f"{byte:02x}" for byte in b"f" + digest[:5])


def suffix(family, name):
    return f"{NOTE}{name}{'V6' if family == 6 else ''}"


def custom(kind, name, spec):
    return {"apiVersion": "crd.projectcalico.org/v1", "kind": kind, "metadata": {"name": name.replace("/", "-").replace(".", "-").replace(":", "-").lower()},
            "spec": spec}


# Objects --------------------------------------------------------------------------------------------------------------
def prepare(directory, direct):
    """The demo's cluster as Calico tells of it. Kubernetes' own pod subnets mean nothing to it, and say so here."""
    path = directory / "nodes.yaml"
    nodes = list(yaml.safe_load_all(path.read_text()))
    (directory / "flannel.yaml").unlink()
    pool = {"vxlanMode": "CrossSubnet" if direct else "Always", "ipipMode": "Never", "natOutgoing": True}
    documents = [custom("IPPool", f"pool-ipv{family}", {"cidr": cidr, **pool})
                 for family, cidr in POOLS.items()] + [custom("FelixConfiguration", "default", {"vxlanVNI": VNI})]
    for number, node in enumerate(nodes):
        documents += objects_of(node["metadata"]["name"], number, flannel.leases(node))
    path.write_text(yaml.safe_dump_all(documents))
    for web in directory.glob("*.yaml"):
        text = web.read_text()
        for family in FAMILIES:
            text = text.replace(FORMER[family], BORROWED["web2"][family])
        web.write_text(text)


def objects_of(name, number, leases):
    notes, documents = {}, []
    for lease in leases:
        block = lease.subnet if lease.family == 4 else ipaddress.ip_network(f"{lease.subnet.network_address}/120")
        length = 24 if lease.family == 4 else 64
        notes[f"{NOTE}IPv{lease.family}Address"] = f"{lease.public_ip}/{length}"
        notes[f"{NOTE}IPv{lease.family}VXLANTunnelAddr"] = str(block[0])
        if name == "node3":  # one that announces another MAC than Calico would choose
            notes[suffix(lease.family, "VXLANTunnelMACAddr")] = lease.mac
        documents += [custom("BlockAffinity", f"{name}-{block}", {"cidr": str(block), "node": name, "state": "confirmed", "deleted": "false"}),
                      custom("IPAMBlock", str(block), allocated(name, block))]
    return [{"apiVersion": "v1", "kind": "Node", "metadata": {"name": name, "annotations": notes},
             "spec": {"podCIDRs": [f"172.30.{number}.0/24"]}}, *documents]


def allocated(name, block):
    """The gateway has all of its block; node1 has lent an address."""
    slots = [0 if name == "gw" else None] * block.num_addresses
    attributes = [{"handle_id": f"on-{name}", "secondary": {"node": name}}]
    lent = ipaddress.ip_address(BORROWED["web2"][block.version])
    if lent in block:
        slots[int(lent) - int(block[0])] = 1
        attributes.append({"handle_id": "k8s-pod-network.web2", "secondary": {"node": "node2", "pod": "web2"}})
    return {"cidr": str(block), "affinity": f"host:{name}", "allocations": slots, "attributes": attributes,
            "unallocated": [i for i, slot in enumerate(slots) if slot is None]}


def settings(text):
    return text.replace("type = flannel", "type = calico")


def leases_of(documents):
    nodes = {doc["metadata"]["name"]: doc["metadata"]["annotations"] for doc in documents if doc["kind"] == "Node"}
    result = {name: [] for name in nodes}
    for doc in documents:
        if doc["kind"] == "BlockAffinity":
            block, name = ipaddress.ip_network(doc["spec"]["cidr"]), doc["spec"]["node"]
            notes, family = nodes[name], block.version
            mac = notes.get(suffix(family, "VXLANTunnelMACAddr"), own_mac(name, family))
            result[name].append(Lease(family, VNI, mac, notes[f"{NOTE}IPv{family}Address"].partition("/")[0], block))
    return {name: sorted(leases, key=lambda lease: lease.family) for name, leases in result.items()}


def networks_of(_):
    return POOLS, PORT


# On a node ------------------------------------------------------------------------------------------------------------
def add_masquerade(ns, node, networks, unmasqueraded):
    """natOutgoing: what leaves all pools. `unmasqueraded` stands for pools that are disabled."""
    for own in node:
        ip, pods = ("ip" if own.family == 4 else "ip6"), networks[own.family]
        inside = ", ".join([pods, *(str(net) for net in unmasqueraded if net.version == own.family)])
        netns.run("nft", "-f", "-", ns=ns, stdin=f"""
            table {ip} calico {{ chain postrouting {{ type nat hook postrouting priority srcnat;
                {ip} saddr {pods} {ip} daddr != {{ {inside} }} masquerade fully-random
            }}
            }}""")
