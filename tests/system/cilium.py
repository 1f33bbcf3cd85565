"""What Cilium does on a node in VXLAN mode, as far as the kernel's devices can do it.

A node says who sends: its packets carry an identity as VNI. What comes from an external tunnel endpoint carries the
world's. So each node has a device that sends, to all, and takes what nodes send, and another one that takes what comes
from the gateway. Cilium's programs look at no inner MAC address; here each device has the one that the gateway derives
from the node's address. For the gateway's subnet they write vtep-mac. IPv6 is left out, as in the VTEP integration.
"""
import ipaddress

import yaml

import flannel
import netns
from calico import add_masquerade  # noqa: F401  as Calico: by the pods' network alone
from flannel import add_peer  # noqa: F401

IDENTITY, WORLD, PORT = 40_321, 2, 8472
FAMILIES = (4,)
BORROWED = {}
POOLS = {4: "10.244.0.0/16"}
ROWS = ("client → VIP: TCP", "client → VIP: UDP, every", "client → VIP: ping", "client → pod: TCP", "client → pod: too big",
        "pod → client", "pod → pod", "gateway's host → pod", "Service without", "live edit")


class Lease(flannel.Lease):
    @property
    def device(self):
        return "cilium_vxlan"


def mac_of(address):
    return ":".join(["0a", "0a", *(f"{int(byte):02x}" for byte in address.split("."))])


# Objects --------------------------------------------------------------------------------------------------------------
def prepare(directory, _):
    path = directory / "nodes.yaml"
    leases = {node["metadata"]["name"]: next(flannel.leases(node)) for node in yaml.safe_load_all(path.read_text())}
    (directory / "flannel.yaml").unlink()
    path.write_text(yaml.safe_dump_all([*(cilium_node(name, lease) for name, lease in leases.items() if name != "gw"),
                                        cilium_config(leases["gw"])]))


def cilium_node(name, lease):
    return {"apiVersion": "cilium.io/v2", "kind": "CiliumNode", "metadata": {"name": name},
            "spec": {"addresses": [{"type": "CiliumInternalIP", "ip": lease.gateway}, {"type": "InternalIP", "ip": lease.public_ip}],
                     "ipam": {"podCIDRs": [str(lease.subnet)]}}}


def cilium_config(gateway):
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "cilium-config", "namespace": "kube-system"},
            "data": {"routing-mode": "tunnel", "tunnel-protocol": "vxlan", "cluster-pool-ipv4-cidr": POOLS[4],
                     "enable-vtep": "true", "vtep-endpoint": gateway.public_ip, "vtep-cidr": str(gateway.subnet),
                     "vtep-mask": str(gateway.subnet.netmask), "vtep-mac": mac_of(gateway.public_ip)}}


def settings(text):
    return text.replace("type = flannel\nnode-name = gw",
                        "type = cilium\nvtep-v4 = 192.168.77.10\npod-subnet-v4 = 10.244.10.0/24")


def leases_of(documents):
    nodes = {doc["metadata"]["name"]: doc["spec"] for doc in documents if doc["kind"] == "CiliumNode"}
    places = {name: (spec["addresses"][1]["ip"], spec["ipam"]["podCIDRs"][0]) for name, spec in nodes.items()}
    conf = next(doc["data"] for doc in documents if doc["kind"] == "ConfigMap")
    places["gw"] = conf["vtep-endpoint"], conf["vtep-cidr"]
    return {name: [Lease(4, IDENTITY, mac_of(address), address, ipaddress.ip_network(subnet))]
            for name, (address, subnet) in places.items()}


def networks_of(_):
    return POOLS, PORT


# On a node ------------------------------------------------------------------------------------------------------------
def add_devices(ns, node, port, underlay_mtu):
    flannel.add_devices(ns, node, port, underlay_mtu)
    (own,) = node
    netns.ip(ns, f"link add from_world address {own.mac} mtu {underlay_mtu - flannel.OVERHEAD[4]} "
                 f"type vxlan id {WORLD} local {own.public_ip} dev eth0 dstport {port} nolearning", "link set from_world up")
    netns.run("sysctl", "-qw", "net.ipv4.conf.all.rp_filter=0", "net.ipv4.conf.from_world.rp_filter=0", ns=ns)
