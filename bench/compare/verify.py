"""Whether a contender does the work: frames that it sent, looked at by scapy, which shares no code with anybody here."""
import collections
import dataclasses
import ipaddress

from scapy.layers.inet import IP, TCP, UDP
from scapy.layers.l2 import Ether
from scapy.layers.vxlan import VXLAN

import plan


class WrongOutput(Exception):
    """A contender sent something else than its configuration says."""


def require(right, what, packet):
    if not right:
        raise WrongOutput(f"wrong {what} in {packet!r}")


def checksums_hold(packet):
    """Scapy computes them anew, in every layer; a UDP checksum of 0 is none (RFC 768)."""
    layer = fresh = packet.copy()
    while layer:
        if getattr(layer, "chksum", 0):
            layer.delfieldval("chksum")
        layer = layer.payload
    return bytes(fresh) == bytes(packet)


@dataclasses.dataclass(frozen=True)
class Sent:
    """What a flow's packets look like behind the contender."""
    source: str
    source_port: int
    destination: str
    destination_port: int
    peer: plan.Peer | None  # in whose tunnel they are


def number(ip):
    """The flow's, as frames.packet wrote it."""
    return ip[TCP].seq if TCP in ip else int.from_bytes(bytes(ip[UDP].payload)[:4], "big")


class Checker:
    """Looks at frames of one workload: every flow must appear, and always in the same form."""

    def __init__(self, workload, family):
        self.workload, self.family = workload, family
        self.peers = {peer.underlay: peer for peer in plan.peers(workload)}
        self.seen, self.outer_ports = {}, collections.defaultdict(set)

    def look(self, frame):
        packet = Ether(frame)
        require(checksums_hold(packet), "checksum", packet)
        if self.workload.tunnelled:
            require(packet.dst == plan.ROUTER_MAC, "next hop", packet)
            self.look_inside(packet, None)
        else:
            self.look_inside(packet[VXLAN].payload, self.peer_of(packet, frame))

    def peer_of(self, outer, frame):
        ip, peer = outer[IP], self.peers.get(outer[IP].dst)
        require(peer is not None and outer.dst == peer.host_mac and ip.src == plan.VTEP, "ends of the tunnel", outer)
        require(ip.len == len(frame) - 14 and outer[UDP].len == ip.len - 20, "length", outer)
        require(outer[UDP].dport == plan.VXLAN_PORT and bytes(outer[VXLAN])[:8] == bytes([8, 0, 0, 0, 0, 0, plan.VNI, 0]),
                "VXLAN header", outer)
        inner = outer[VXLAN].payload
        require(inner.src == plan.VTEP_MAC and inner.dst == peer.vtep_mac, "inner MAC address", outer)
        self.outer_ports[peer].add(outer[UDP].sport)
        return peer

    def look_inside(self, ethernet, peer):
        ip = ethernet.payload
        require((ip.hlim if self.family == 6 else ip.ttl) == 63, "TTL", ethernet)
        sent = Sent(ip.src, ip.payload.sport, ip.dst, ip.payload.dport, peer)
        require(self.seen.setdefault(number(ip), sent) == sent, "way: its flow took another before", ethernet)

    def conclude(self, flows):
        """All of them went where they should; those in a tunnel with source ports of their own (RFC 7348, 5)."""
        for flow in flows:
            if flow.number not in self.seen:
                raise WrongOutput(f"nothing came of {flow}; {len(self.seen)} of {len(flows)} flows came out")
            if not self.right(flow, self.seen[flow.number]):
                raise WrongOutput(f"{flow} became {self.seen[flow.number]}")
        if len(set(self.seen.values())) != len(flows):
            raise WrongOutput("two flows became one")
        ports = sum(map(len, self.outer_ports.values()))
        if not self.workload.tunnelled and ports < len(flows) / 2:
            raise WrongOutput(f"{ports} different outer ports for {len(flows)} flows")

    def right(self, flow, sent):
        if self.workload.to_service:
            return self.translated(flow, sent)
        ends = sent.source, sent.destination, sent.source_port, sent.destination_port
        return ends == (flow.source, flow.destination, flow.source_port, flow.destination_port) and \
            (sent.peer is None or sent.peer.number == flow.peer)

    def translated(self, flow, sent):
        """To a pod of the Service, in its node's tunnel; from the client, or from a pod address of the gateway's."""
        service = [plan.service(self.family, i) for i in range(plan.SERVICE_COUNT)].index(flow.destination)
        same_client = (sent.source, sent.source_port) == (flow.source, flow.source_port)
        return sent.destination in plan.endpoints(self.workload, self.family, service) and \
            sent.destination_port == plan.TARGET_PORT and \
            ipaddress.ip_address(sent.destination) in sent.peer.subnet(self.family) and \
            (same_client or ipaddress.ip_address(sent.source) in plan.OWN_PODS[self.family])
