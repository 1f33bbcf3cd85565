"""The world that every contender is set up for: the gateway's addresses, its peers, Services, clients and workloads."""
import dataclasses
import ipaddress

VNI, VXLAN_PORT = 1, 8472
# Of DPDK's first pcap device, which is always the port that the frames come in by.
PORT_MAC = "02:70:63:61:70:00"
VTEP_MAC = "02:00:00:00:00:10"
ROUTER_MAC = "02:00:00:00:00:fe"  # the way to the clients
VTEP, UNDERLAY = "192.168.0.1", ipaddress.ip_network("192.168.0.0/16")
OUTSIDE = {4: ("198.51.100.1/24", "198.51.100.254"), 6: ("2001:db8:100::1/64", "2001:db8:100::fe")}
CLIENTS = {4: ipaddress.ip_network("198.18.0.0/15"), 6: ipaddress.ip_network("2001:db8:18::/48")}
SERVICES = {4: ipaddress.ip_network("203.0.113.0/24"), 6: ipaddress.ip_network("2001:db8:203::/64")}
PODS = {4: ipaddress.ip_network("10.64.0.0/10"), 6: ipaddress.ip_network("fd00:64::/48")}
OWN_PODS = {4: ipaddress.ip_network("10.127.0.0/24"), 6: ipaddress.ip_network("fd00:64:0:ffff::/64")}  # the gateway's
SERVICE_COUNT, ENDPOINTS = 16, 8  # Services, and endpoints of each
SERVICE_PORT, TARGET_PORT = 80, 8080
PORTS_PER_CLIENT = 64


@dataclasses.dataclass(frozen=True)
class Workload:
    name: str
    meaning: str
    peers: int = 4
    tunnelled: bool = False   # what comes in is
    to_service: bool = False
    protocol: str = "UDP"
    once: bool = False        # each frame is sent once: all of them begin connections


WORKLOADS = {workload.name: workload for workload in (
    Workload("encap", "client to pod, routed, 4 peers: plain in, VXLAN out"),
    Workload("encap-1000", "the same with 1,000 peers", peers=1000),
    Workload("decap", "pod to client, routed, 4 peers: VXLAN in, plain out", tunnelled=True),
    Workload("service", "client to Service, known connections: translated, VXLAN out", to_service=True),
    Workload("connect", "client to Service, each packet a new connection: balanced, translated, VXLAN out",
             to_service=True, protocol="TCP", once=True),
)}


@dataclasses.dataclass(frozen=True)
class Job:
    """What a contender is started for."""
    workload: Workload
    family: int
    flows: int
    source: str  # devargs of the port that frames come in by; on veth the file of the frames
    sink: str    # … and of the one that they leave by


@dataclasses.dataclass(frozen=True)
class Peer:
    number: int

    @property
    def underlay(self):
        return str(UNDERLAY[256 * (1 + self.number // 250) + 1 + self.number % 250])

    @property
    def host_mac(self):
        return f"02:01:00:00:{self.number >> 8:02x}:{self.number & 255:02x}"

    @property
    def vtep_mac(self):
        return f"02:02:00:00:{self.number >> 8:02x}:{self.number & 255:02x}"

    def subnet(self, family):
        length = {4: 24, 6: 64}[family]
        size = PODS[family].max_prefixlen - length
        return ipaddress.ip_network((int(PODS[family][0]) + (self.number << size), length))

    def pod(self, family, number):
        return str(self.subnet(family)[2 + number])


def peers(workload):
    return [Peer(number) for number in range(workload.peers)]


def service(family, number):
    return str(SERVICES[family][10 + number])


def endpoints(workload, family, number):
    """Of a Service: its pods, spread over the peers."""
    first = number * ENDPOINTS
    return [Peer((first + i) % workload.peers).pod(family, (first + i) // workload.peers) for i in range(ENDPOINTS)]


@dataclasses.dataclass(frozen=True)
class Flow:
    source: str
    destination: str
    source_port: int
    destination_port: int
    peer: int    # in whose tunnel its packets are; -1 when only the Service decides
    number: int  # which its packets carry, so that they are known again when their addresses are translated


def flows(workload, family, count):
    """In the order in which their packets come: neighbours have different peers or Services."""
    return [flow(workload, family, number) for number in range(count)]


def flow(workload, family, number):
    client = str(CLIENTS[family][256 + number // PORTS_PER_CLIENT])
    port = 32768 + number % PORTS_PER_CLIENT
    if workload.to_service:
        return Flow(client, service(family, number * 7 % SERVICE_COUNT), port, SERVICE_PORT, -1, number)
    peer = number * 7 % workload.peers
    pod = Peer(peer).pod(family, number // workload.peers % 200)
    if workload.tunnelled:
        return Flow(pod, client, TARGET_PORT, port, peer, number)
    return Flow(client, pod, port, TARGET_PORT, peer, number)
