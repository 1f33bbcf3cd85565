"""A Kubernetes cluster's network out of namespaces: three nodes with pods, an outside client, and a gateway's place.

                                       vd-net: one Linux bridge, 192.168.77.0/24 fd00:77::/64
    vd-client ── outside ─ vd-gw ─ underlay ──┬─────────────────┬─────────────────┐
    198.51.100.2           198.51.100.1       vd-node1          vd-node2          vd-node3
    2001:db8:100::2        2001:db8:100::1    web1 plain1       web2 shared       web3 lonely
                                              ingress
                                              (10.244.1.0/24)   (10.244.2.0/24)   (10.244.3.0/24)

Nodes and pod subnets come from the Node objects that the gateway reads as well. Between node1 and node3 there is no
direct route: they reach each other's pods and hosts by way of the gateway, and the client too.
"""
import contextlib
import dataclasses
import ipaddress
import json
import pathlib
import shutil
import time

import yaml

import flannel
import netns

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
OBJECTS = ROOT / "deploy/demo.d/cluster.d"
UNDERLAY_MTU = 1500
UNDERLAY = {4: "192.168.77.0/24", 6: "fd00:77::/64"}
CLIENT = {4: "198.51.100.2", 6: "2001:db8:100::2"}
GATEWAY = {4: "198.51.100.1", 6: "2001:db8:100::1"}
OUTSIDE = [ipaddress.ip_network(net) for net in ("198.51.100.0/24", "2001:db8:100::/64")]
WITHOUT_DIRECT_ROUTE = {("node1", "node3"), ("node3", "node1")}


@dataclasses.dataclass(frozen=True)
class Pod:
    name: str
    node: str
    host: int                     # the last part of both its addresses
    ports: tuple[int, ...] = (8080,)  # of HTTP servers, and of a UDP echo server each
    linked: bool = True           # False: only a loopback, like docker's --network none


PODS = [
    Pod("web1", "node1", 11), Pod("web2", "node2", 11), Pod("web3", "node3", 11),
    Pod("plain1", "node1", 12),
    Pod("ingress", "node1", 13, ports=()),  # haproxy's, where it runs
    Pod("shared", "node2", 12, ports=(8081, 8082)),
    Pod("lonely", "node3", 12, linked=False),
]
HOST_PORT = 8090    # of every node's own server: a backend in docker's host mode
CLIENT_PORT = 8070  # of the outside client's
INGRESS_VIP = {4: "203.0.113.24", 6: "2001:db8:203::24"}
INGRESS_PORTS = (8443, 8444)  # haproxy's: TLS, and TCP that is passed through
CERTIFICATE = netns.STATE / "ingress.pem"


class Cluster:
    def __init__(self, queues=1, direct=False, overlay=flannel):
        self.queues = queues  # of the gateway's two interfaces
        self.overlay = overlay  # whose agents run on the nodes: a module
        self.route = flannel.route_directly if direct else flannel.route
        self.direct = direct  # flannel's DirectRouting, Calico's CrossSubnet: nodes on one link need no tunnel
        self.objects = netns.STATE / "cluster.d"
        self.nodes, self.networks, self.vxlan_port = {}, {}, 0  # nodes: each one's leases

    def up(self):
        shutil.copytree(OBJECTS, self.objects)
        self.overlay.prepare(self.objects, self.direct)
        self.read_objects()
        netns.add("net", "client", *self.nodes, *(pod.name for pod in PODS))
        self.add_underlay()
        self.add_outside()
        for name in self.nodes:
            if name != "gw":
                self.add_node(name)
        for pod in PODS:
            self.add_pod(pod)
        self.start_servers()

    def read_objects(self):
        documents = [doc for path in sorted(self.objects.glob("*.yaml")) for doc in yaml.safe_load_all(path.read_text())]
        self.nodes = self.overlay.leases_of(documents)
        self.networks, self.vxlan_port = self.overlay.networks_of(documents)

    def lease(self, node, family):
        return next(lease for lease in self.nodes[node] if lease.family == family)

    def address(self, pod_name, family):
        if pod_name in self.overlay.BORROWED:
            return self.overlay.BORROWED[pod_name][family]
        pod = next(pod for pod in PODS if pod.name == pod_name)
        return str(self.lease(pod.node, family).subnet[pod.host if family == 4 else int(str(pod.host), 16)])

    def path_mtu(self, family):
        """What is told to who sends too much: by the gateway for its tunnel, or by the node for its bridge of pods."""
        return UNDERLAY_MTU - flannel.OVERHEAD[4 if self.direct else family]

    def node_address(self, node, family):
        return self.lease(node, family).public_ip

    def overlay_address(self, node, family):
        return self.lease(node, family).gateway

    # Underlay and outside ---------------------------------------------------------------------------------------------
    def add_underlay(self):
        netns.ip("net", f"link add name underlay mtu {UNDERLAY_MTU} type bridge mcast_snooping 0", "link set underlay up")
        for name in self.nodes:
            inner = "underlay" if name == "gw" else "eth0"
            self.join(name, inner, "net", name, queues=self.queues if name == "gw" else 1)
            netns.ip("net", f"link set {name} master underlay")
            for lease in self.nodes[name]:
                length = UNDERLAY[lease.family].partition("/")[2]
                netns.ip(name, f"addr add {lease.public_ip}/{length} dev {inner}")

    def add_outside(self):
        self.join("gw", "outside", "client", "eth0", queues=self.queues)
        for ns, device, addresses in (("gw", "outside", GATEWAY), ("client", "eth0", CLIENT)):
            netns.ip(ns, f"addr add {addresses[4]}/24 dev {device}", f"addr add {addresses[6]}/64 dev {device}")
        netns.ip("client", f"route add default via {GATEWAY[4]}", f"route add default via {GATEWAY[6]}")

    def join(self, ns, device, other_ns, other, queues=1):
        """A cable. The far end computes every checksum and cuts every segment itself: an AF_XDP socket is handed
        frames as they are, and one with a checksum left to the hardware that is not there would be broken."""
        count = f"numtxqueues {queues} numrxqueues {queues}"
        netns.ip(ns, f"link add name {device} {count} type veth "
                     f"peer name {other} netns {netns.PREFIX}{other_ns} {count}", f"link set {device} up")
        netns.ip(other_ns, f"link set {other} up")
        for where, end in ((ns, device), (other_ns, other)):
            netns.run("ethtool", "-K", end, "tx", "off", "tso", "off", "gso", "off", "gro", "off", ns=where)

    # Nodes and pods ---------------------------------------------------------------------------------------------------
    def add_node(self, name):
        netns.run("sysctl", "-qw", "net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1", ns=name)
        self.overlay.add_devices(name, self.nodes[name], self.vxlan_port, UNDERLAY_MTU)
        netns.ip(name, f"link add name cni0 mtu {UNDERLAY_MTU - flannel.OVERHEAD[4]} type bridge", "link set cni0 up",
                 *(f"addr add {lease.subnet[1]}/{lease.subnet.prefixlen} dev cni0"
                   for lease in self.nodes[name]))
        # A pod that is not there is known to be absent in half a second instead of three.
        netns.run("sysctl", "-qw", *(f"net.ipv{version}.neigh.cni0.retrans_time_ms=150" for version in (4, 6)), ns=name)
        self.program_peers(name)
        self.overlay.add_masquerade(name, self.nodes[name], self.networks, OUTSIDE)

    def program_peers(self, name):
        gateway = self.nodes["gw"]
        flannel.add_peer(name, gateway, route_by=self.route)
        for peer in self.nodes:
            if peer not in (name, "gw"):
                flannel.add_peer(name, self.nodes[peer], via=gateway if (name, peer) in WITHOUT_DIRECT_ROUTE else None,
                                 route_by=self.route)
        for net in OUTSIDE:
            # What is no pod's goes through the tunnel to the gateway in any case: its kernel routes nothing.
            for hop in gateway:
                if hop.family == net.version:
                    netns.ip(name, f"route replace {hop.gateway} dev {hop.device}")
                    flannel.route(name, net, hop)
        for pod in self.overlay.BORROWED:
            self.route_borrowed(name, pod)

    def route_borrowed(self, name, pod):
        """A pod with an address out of another node's subnet: to its node, or to its own bridge."""
        home = next(one.node for one in PODS if one.name == pod)
        for family, address in self.overlay.BORROWED[pod].items():
            if name == home:
                netns.ip(name, f"route replace {address} dev cni0")
            else:
                self.route(name, address, self.lease(home, family))

    def add_pod(self, pod):
        if not pod.linked:
            return
        mtu = UNDERLAY_MTU - flannel.OVERHEAD[4]
        netns.ip(pod.node, f"link add name {pod.name} mtu {mtu} type veth "
                           f"peer name eth0 netns {netns.PREFIX}{pod.name} mtu {mtu}",
                 f"link set {pod.name} master cni0 up")
        netns.ip(pod.name, "link set eth0 up")
        for lease in self.nodes[pod.node]:
            length = lease.subnet.max_prefixlen if pod.name in self.overlay.BORROWED else lease.subnet.prefixlen
            netns.ip(pod.name, f"addr add {self.address(pod.name, lease.family)}/{length} dev eth0",
                     f"route replace {lease.subnet} dev eth0", f"route add default via {lease.subnet[1]}")

    def start_servers(self):
        places = [(pod.name, pod.name, port) for pod in PODS for port in pod.ports]
        places += [(name, name, HOST_PORT) for name in self.nodes] + [("client", "client", CLIENT_PORT)]
        for ns, name, port in places:
            label = name if (name, port) not in (("shared", 8081), ("shared", 8082)) else f"{name}-{port}"
            netns.start(ns, "/usr/bin/python3", str(HERE / "backend.py"), label, str(port), log=f"backend-{label}.log")
        for ns, _, port in places:
            self.await_listener(ns, port)
        if self.overlay is flannel:
            self.start_ingress()

    def start_ingress(self):
        """haproxy with a certificate of its own for all addresses of its pod and its Service."""
        names = [f"IP:{name}" for family, vip in INGRESS_VIP.items() for name in (vip, self.address("ingress", family))]
        netns.run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days",
                  "2", "-subj", "/CN=ingress", "-addext", f"subjectAltName={','.join(names)}", "-keyout", str(CERTIFICATE),
                  "-out", f"{CERTIFICATE}.crt")
        CERTIFICATE.write_text(CERTIFICATE.read_text() + pathlib.Path(f"{CERTIFICATE}.crt").read_text())
        netns.start("ingress", "/usr/sbin/haproxy", "-db", "-f", str(OBJECTS.parent / "haproxy.cfg"), log="haproxy.log",
                    env={"CERTIFICATE": str(CERTIFICATE)})
        for port in INGRESS_PORTS:
            self.await_listener("ingress", port)

    # While it runs ----------------------------------------------------------------------------------------------------
    def scale(self, service, family, pods):
        """Edits the endpoints of a Service the way that `kubectl apply` or an editor would."""
        path = self.objects / f"{service}.yaml"
        documents = list(yaml.safe_load_all(path.read_text()))
        for doc in documents:
            if doc["kind"] == "EndpointSlice" and doc["addressType"] == f"IPv{family}":
                doc["endpoints"] = [{"addresses": [self.address(pod, family)]} for pod in pods]
        draft = path.with_suffix(".draft")
        draft.write_text(yaml.safe_dump_all(documents, sort_keys=False))
        draft.rename(path)

    @contextlib.contextmanager
    def detour(self, node, to, family):
        """Pods of `node` reach the underlay address of another node by way of the gateway, under their own names."""
        gateway, target = self.lease("gw", family), self.node_address(to, family)
        netns.ip(node, f"route add {target} via {gateway.gateway} dev {gateway.device} onlink table 100")
        netns.run("ip", f"-{family}", "rule", "add", "iif", "cni0", "lookup", "100", ns=node)
        try:
            yield
        finally:
            netns.run("ip", f"-{family}", "rule", "del", "iif", "cni0", "lookup", "100", ns=node)
            netns.ip(node, f"route del {target} dev {gateway.device} table 100")

    @staticmethod
    def await_listener(ns, port, patience=60.0):
        deadline = time.monotonic() + patience
        while not netns.run("ss", "-Hltn", "sport", "=", f":{port}", ns=ns):
            if time.monotonic() > deadline:
                raise netns.CommandFailed(f"the server in {ns} does not listen on port {port} (see {netns.STATE})")
            time.sleep(0.05)
