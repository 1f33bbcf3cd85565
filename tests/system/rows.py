"""What is tried through the gateway, each for IPv4 and IPv6: the rows of the demo's table, the names of system tests."""
import collections
import dataclasses
import re
import typing

import cluster as topology
import netns
import probe
from probe import Unexpected

HTTP, ECHO, NODE_PORT_HTTP, NODE_PORT_ECHO = 80, 7, 30080, 30007
VIP = {4: "203.0.113.", 6: "2001:db8:203::"}
CLUSTER_IP = {4: "10.96.0.", 6: "fd00:96::"}
WEB, ON_HOST, SHARED, LONELY, EMPTY = "10", "20", "21", "22", "23"


@dataclasses.dataclass(frozen=True)
class Row:
    name: str
    attempt: typing.Callable  # (cluster, family) → what happened, in a few words; raises if that is not what should
    needs_tunnel: bool = False  # it is about packets that DirectRouting does not put into one

ROWS = []


def row(name, needs_tunnel=False):
    def add(attempt):
        ROWS.append(Row(name, attempt, needs_tunnel))
        return attempt
    return add


def expect(found, wanted, what=""):
    if found != wanted:
        raise Unexpected(f"{what + ': ' if what else ''}{found}, not {wanted}")
    return found


def spread(ask, wanted):
    """Every wanted backend is hit, and nobody else. A flow's hash chooses for it, so that 24 flows may miss one: then more."""
    hits = collections.Counter()
    while sum(hits.values()) < (120 if set(wanted) - set(hits) else 24):
        hits[ask().backend] += 1
    expect(sorted(hits), sorted(wanted), "backends hit")
    return " ".join(f"{name}:{hits[name]}" for name in sorted(hits))


def tcp_spread(address, port, wanted):
    return spread(lambda: probe.get("client", address, port), wanted)


def udp_spread(address, port, wanted):
    return spread(lambda: probe.echo("client", address, port), wanted)


WEBS = ["web1", "web2", "web3"]


@row("client → VIP: TCP, every backend")
def vip_tcp(cluster, family):
    return tcp_spread(VIP[family] + WEB, HTTP, WEBS)


@row("client → VIP: TCP, 1 MB each way")
def vip_megabyte(cluster, family):
    hits = [probe.megabyte_each_way("client", VIP[family] + WEB, HTTP) for _ in range(6)]
    return f"{len(hits)} × 2 MB intact"


@row("client → VIP: UDP, every backend")
def vip_udp(cluster, family):
    return udp_spread(VIP[family] + WEB, ECHO, WEBS)


@row("client → VIP: UDP, 4000 bytes in fragments")
def vip_fragments(cluster, family):
    address, knowing = VIP[family] + WEB, set()

    def learn():
        """Only the sender may cut an IPv6 packet: its first ones teach both ends the path's MTU."""
        knowing.add(probe.echo("client", address, ECHO, size=4000, patience=0.5).backend)
        return len(knowing) == len(WEBS)
    probe.until(learn, 30.0, "every pair of ends exchanges 4000 bytes")
    for _ in range(6):
        probe.echo("client", address, ECHO, size=4000)
    return "6 × 4000 bytes intact"


@row("client → VIP: ping")
def vip_ping(cluster, family):
    return answered(probe.ping("client", VIP[family] + WEB))


def answered(result):
    answers, text = result
    if not answers:
        raise Unexpected(text.strip().replace("\n", " | "))
    return f"{answers} answers"


@row("client → ClusterIP: TCP and UDP")
def cluster_ip(cluster, family):
    tcp_spread(CLUSTER_IP[family] + WEB, HTTP, WEBS)
    return udp_spread(CLUSTER_IP[family] + WEB, ECHO, WEBS)


@row("client → NodePort: TCP and UDP")
def node_port(cluster, family):
    tcp_spread(topology.GATEWAY[family], NODE_PORT_HTTP, WEBS)
    return udp_spread(topology.GATEWAY[family], NODE_PORT_ECHO, WEBS)


@row("client → pod: TCP, 1 MB each way, UDP")
def client_to_pod(cluster, family):
    for pod in WEBS:
        address = cluster.address(pod, family)
        expect(probe.megabyte_each_way("client", address, 8080), pod)
        reply = probe.echo("client", address, 8080)
        expect(reply.backend, pod)
    return f"arrives as from {reply.client}"


@row("client → pod: ping")
def client_pings_pod(cluster, family):
    return answered(probe.ping("client", cluster.address("web2", family)))


@row("client → pod: too big is told the MTU")
def too_big(cluster, family):
    mtu = cluster.path_mtu(family)
    answers, text = probe.ping("client", cluster.address("web2", family), size=1440, fragment=False)
    told = re.search(r"mtu ?= ?(\d+)", text)
    expect(int(told.group(1)) if told else text.strip().replace("\n", " | "), mtu, "MTU")
    netns.run("ip", "route", "flush", "cache", ns="client")
    netns.run("ip", "-6", "route", "flush", "cache", ns="client")
    return f"mtu {mtu}"


@row("pod → client: TCP, 1 MB each way, UDP")
def pod_to_client(cluster, family):
    address = topology.CLIENT[family]
    for pod in WEBS:
        expect(probe.megabyte_each_way(pod, address, topology.CLIENT_PORT), "client")
        expect(probe.get(pod, address, topology.CLIENT_PORT).client, cluster.address(pod, family), "source")
        expect(probe.echo(pod, address, topology.CLIENT_PORT).client, cluster.address(pod, family), "source")
    return "as from the pod's own address"


@row("pod → pod on another node, through the gateway")
def pod_to_pod(cluster, family):
    for here, there in (("web1", "web3"), ("web3", "web1")):
        expect(probe.megabyte_each_way(here, cluster.address(there, family), 8080), there)
        expect(probe.get(here, cluster.address(there, family), 8080).client, cluster.address(here, family), "source")
        expect(probe.echo(here, cluster.address(there, family), 8080).backend, there)
        answered(probe.ping(here, cluster.address(there, family)))
    return "web1 ⇄ web3"


@row("pod → another node's host, and back", needs_tunnel=True)
def pod_to_host(cluster, family):
    expect(probe.megabyte_each_way("web1", cluster.overlay_address("node3", family), topology.HOST_PORT), "node3")
    expect(probe.megabyte_each_way("node3", cluster.address("web1", family), 8080), "web1")
    expect(probe.get("node3", cluster.address("web1", family), 8080).client,
           cluster.overlay_address("node3", family), "source")
    return "web1 ⇄ node3"


@row("pod → another node's underlay address", needs_tunnel=True)
def pod_to_underlay(cluster, family):
    with cluster.detour("node1", "node3", family):
        return expect(probe.megabyte_each_way("web1", cluster.node_address("node3", family), topology.HOST_PORT),
                      "node3")


@row("gateway's host → pod, and back")
def host_to_pod(cluster, family):
    for pod in WEBS:
        expect(probe.megabyte_each_way("gw", cluster.address(pod, family), 8080), pod)
        expect(probe.echo("gw", cluster.address(pod, family), 8080).backend, pod)
    expect(probe.get("gw", cluster.address("web1", family), 8080).client, cluster.overlay_address("gw", family))
    expect(probe.megabyte_each_way("web1", cluster.overlay_address("gw", family), topology.HOST_PORT), "gw")
    return f"as from {cluster.overlay_address('gw', family)}"


@row("docker bridge: pods on a Linux bridge")
def docker_bridge(cluster, family):
    return tcp_spread(VIP[family] + WEB, HTTP, WEBS)


@row("docker host: nodes' own addresses")
def docker_host(cluster, family):
    for _ in range(4):
        probe.megabyte_each_way("client", VIP[family] + ON_HOST, HTTP)
    tcp_spread(VIP[family] + ON_HOST, HTTP, ["node1", "node2"])
    return udp_spread(VIP[family] + ON_HOST, ECHO, ["node1", "node2"])


@row("docker container: two ports of one address")
def docker_container(cluster, family):
    tcp_spread(VIP[family] + SHARED, HTTP, ["shared-8081", "shared-8082"])
    return udp_spread(VIP[family] + SHARED, ECHO, ["shared-8081", "shared-8082"])


@row("docker none: unreachable, and says so")
def docker_none(cluster, family):
    expect(probe.tcp_ending("client", VIP[family] + LONELY, HTTP), "unreachable", "TCP")
    expect(probe.udp_ending("client", VIP[family] + LONELY, ECHO), "unreachable", "UDP")
    return "unreachable by ICMP from node3"


@row("haproxy behind a Service: TLS, paths, ACL, TCP")
def haproxy(cluster, family):
    vip, pod, trusted = topology.INGRESS_VIP[family], cluster.address("ingress", family), f"{topology.CERTIFICATE}.crt"
    for path, answer in (("/", (200, "web2")), ("/three", (200, "web3")), ("/private", (403, None))):
        expect(probe.https("client", vip, 443, path, trusted), answer, path)
    expect(probe.https("web2", pod, topology.INGRESS_PORTS[0], "/private", trusted), (200, "web2"), "/private from a pod")
    return tcp_spread(vip, topology.INGRESS_PORTS[1], ["web2", "web3"])


@row("Service without endpoints: refused")
def empty_service(cluster, family):
    expect(probe.tcp_ending("client", VIP[family] + EMPTY, HTTP), "refused", "TCP")
    expect(probe.udp_ending("client", VIP[family] + EMPTY, ECHO), "refused", "UDP")
    return "TCP reset, UDP port unreachable"


@row("live edit: 3 → 1 → 0 → 3 endpoints")
def live_edit(cluster, family):
    address = VIP[family] + WEB
    try:
        with probe.connection("client", address, HTTP) as established:
            old = established.get().backend
            other = next(pod for pod in WEBS if pod != old)
            cluster.scale("web", family, [other])
            probe.until(lambda: only(address, other), 20.0, f"{other} alone gets new connections")
            expect(established.get().backend, old, "the established connection")
        cluster.scale("web", family, [])
        probe.until(lambda: probe.tcp_ending("client", address, HTTP) == "refused", 20.0, "connections are refused")
    finally:
        cluster.scale("web", family, WEBS)
    probe.until(lambda: len({probe.get("client", address, HTTP).backend for _ in range(12)}) == 3, 20.0,
                "all three get connections")
    return "the established connection stayed"


def only(address, backend):
    return all(probe.get("client", address, HTTP).backend == backend for _ in range(8))
