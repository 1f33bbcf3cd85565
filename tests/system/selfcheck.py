"""Does the cluster work by itself? What the kernel alone can do works, and what needs the gateway does not."""
import cluster as topology
import probe
from rows import HTTP, VIP, WEB, Row, expect


def direct(cluster, family):
    expect(probe.megabyte_each_way("web1", cluster.address("web2", family), 8080), "web2")
    expect(probe.get("web2", cluster.address("web3", family), 8080).client, cluster.address("web2", family), "source")
    return "web1 ⇄ web2 ⇄ web3"


def host(cluster, family):
    reply = probe.get("node3", cluster.address("web2", family), 8080)
    return f"as from {expect(reply.client, cluster.overlay_address('node3', family))}"


def without_gateway(cluster, family):
    for ns, address, port in (("web1", cluster.address("web3", family), 8080), ("client", VIP[family] + WEB, HTTP),
                              ("client", cluster.address("web1", family), 8080),
                              ("web1", topology.CLIENT[family], topology.CLIENT_PORT)):
        expect(probe.tcp_ending(ns, address, port, patience=0.7), "timed out", f"{ns} → {address}")
    return "nothing leaks around it"


def neighbour(cluster, family):
    for ns, address in (("client", topology.GATEWAY[family]), ("node1", cluster.node_address("gw", family))):
        if not probe.ping(ns, address, count=1)[0]:
            raise probe.Unexpected(f"{ns} does not reach {address}")
    return "its kernel answers"


ROWS = [
    Row("pod → pod over kernel VXLAN", direct),
    Row("node's host → pod over kernel VXLAN", host),
    Row("the gateway's own addresses", neighbour),
    Row("no way past the absent gateway", without_gateway),
]
