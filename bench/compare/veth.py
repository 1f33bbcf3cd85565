"""The same work on veth ports: the Linux kernel by itself, and viaduct on them with AF_XDP, and testpmd as the floor.

    vd-X-src: frame-source ── outside ▶ vd-X: a router with its VXLAN tunnel ── underlay ▶ vd-X-end: dropped

The source has the one CPU, the router the other: Linux by a thread that takes what comes from the veth (threaded NAPI)
and forwards it, viaduct by its worker. What is compared is how many packets come to the other end, of the many more that
the source sends. XDP programs run where packets are sent, on the source's CPU, as on every veth. The price of a veth,
a socket buffer for each packet that leaves, is in all, and so are the router's packets dropped at the other end.
"""
import contextlib
import pathlib
import socket
import time

import contender
import gateway
import netns
import plan
import testpmd
import viaduct

ETH_P_ALL = 3
SOURCE = gateway.BUILD / "bench/frame-source"


class OnVeth(contender.Contender):
    """The namespaces around a router, and the source of its frames."""
    overloaded = True

    def source(self, path):
        return str(path)

    def build(self, job):
        self.move_in()
        source, sink = ("underlay", "outside") if job.workload.tunnelled else ("outside", "underlay")
        self.source_end, self.sink_end = f"{self.namespace}-src", f"{self.namespace}-end"
        for end, port in ((self.source_end, source), (self.sink_end, sink)):
            contender.move_in(end)
            netns.ip(end, f"link add {port} type veth peer name {port} netns {netns.PREFIX}{self.namespace}",
                     f"link set {port} up")
            netns.run("ethtool", "-K", port, "tx", "off", ns=end)
        netns.ip(self.namespace, f"link set {source} address {plan.PORT_MAC}", "link set lo up",
                 f"link set {source} up", f"link set {sink} up")
        # The cheapest end that there is: the same for both.
        netns.run("nft", f"table netdev end {{ chain away {{ type filter hook ingress device {sink} priority 0; "
                  "policy drop; }; }", ns=self.sink_end)
        self.source_port, self.sink_port = source, sink

    def start_source(self, job):
        """Sends the job's frames into the veth; pausing it pauses everything."""
        self.processes = [netns.start(
            self.source_end, "taskset", "-c", str(contender.CONTROL_CPU), str(SOURCE), self.source_port, job.source,
            log=f"{self.namespace}-source.log")]
        contender.until(lambda: self.counts()[1] > 1000, 20,
                        lambda: f"{self.name} forwards:\n{self.log(f'{self.namespace}-source.log')}")

    def counts(self):
        """What the router took from the source, and what came to the other end."""
        return self.counter(self.namespace, self.source_port, "rx_packets"), self.counter(self.sink_end, self.sink_port, "rx_packets")

    def arriving(self, count):
        """Frames at the other end, where a packet socket sees them before they are dropped."""
        with netns.inside(self.sink_end):
            end = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
        end.bind((self.sink_port, ETH_P_ALL))
        end.settimeout(5)
        with end:
            return [end.recv(2048) for _ in range(count)]

    @staticmethod
    def counter(namespace, port, name):
        return int(netns.run("cat", f"/sys/class/net/{port}/statistics/{name}", ns=namespace))

    def worker_times(self):
        """All the time that there is: the router is never without packets."""
        return {"all": time.monotonic_ns()}


class Kernel(OnVeth):
    name = "linux"
    namespace = "linux"

    def start(self, job):
        self.build(job)
        netns.run("sysctl", "-qw", "net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1",
                  "net.ipv4.conf.all.rp_filter=0", "net.ipv4.conf.default.rp_filter=0", ns=self.namespace)
        viaduct.configure_kernel(self.namespace, job)
        self.add_tunnel(job)
        if job.workload.to_service:
            netns.run("nft", "-f", "-", ns=self.namespace, stdin=rules(job))
        self.thread_receiving()
        self.start_source(job)

    def thread_receiving(self):
        """Off the source's CPU. A veth has NAPI when it has GRO, which passes UDP and SYNs on as they are."""
        netns.run("ethtool", "-K", self.source_port, "gro", "on", ns=self.namespace)
        netns.run("sh", "-c", f"echo 1 > /sys/class/net/{self.source_port}/threaded", ns=self.namespace)
        thread = contender.until(self.napi_thread, 5, f"a NAPI thread for {self.source_port}")
        netns.run("taskset", "-cp", str(contender.WORKER_CPU), thread)

    def napi_thread(self):
        """Namespaces give interfaces the same name, so it is the youngest thread of this name."""
        threads = []
        for comm in pathlib.Path("/proc").glob("[0-9]*/comm"):
            with contextlib.suppress(OSError):
                if comm.read_text().startswith(f"napi/{self.source_port}-"):
                    threads.append(comm.parent.name)
        return max(threads, key=lambda pid: int(netns.birth(pid)), default=None)

    def add_tunnel(self, job):
        """As flanneld does it for every node: one device, and a neighbour, an FDB entry and a route for each peer."""
        own = plan.OWN_PODS[job.family]
        netns.ip(self.namespace,
                 f"link add vxlan type vxlan id {plan.VNI} local {plan.VTEP} dev underlay dstport {plan.VXLAN_PORT} "
                 "nolearning noudpcsum",
                 f"link set vxlan address {plan.VTEP_MAC} up", f"addr add {own[0]}/{own.max_prefixlen} dev vxlan")
        hops = {peer: peer.subnet(job.family)[0] for peer in plan.peers(job.workload)}
        netns.ip(self.namespace,
                 *(f"neigh replace {hop} lladdr {peer.vtep_mac} dev vxlan nud permanent" for peer, hop in hops.items()),
                 *(f"route add {peer.subnet(job.family)} via {hop} dev vxlan onlink" for peer, hop in hops.items()))
        netns.run("bridge", "-batch", "-", ns=self.namespace, stdin="".join(
            f"fdb append {peer.vtep_mac} dev vxlan dst {peer.underlay} self permanent\n" for peer in hops))


def rules(job):
    """As kube-proxy writes them in its nftables mode, without what only other traffic needs."""
    ip = {4: "ip", 6: "ip6"}[job.family]
    transport = job.workload.protocol.lower()
    chains, map_ = [], []
    for number in range(plan.SERVICE_COUNT):
        pods = plan.endpoints(job.workload, job.family, number)
        map_.append(f"{plan.service(job.family, number)} . {transport} . {plan.SERVICE_PORT} : goto service-{number}")
        choice = ", ".join(f"{i} : goto endpoint-{number}-{i}" for i in range(len(pods)))
        chains += [f"chain endpoint-{number}-{i} {{ meta l4proto {transport} dnat to "
                   f"{f'[{pod}]' if job.family == 6 else pod}:{plan.TARGET_PORT}; }}" for i, pod in enumerate(pods)]
        chains.append(f"chain service-{number} {{ meta mark set meta mark or 0x4000; "
                      f"numgen random mod {len(pods)} vmap {{ {choice} }}; }}")
    kind = {4: "ipv4_addr", 6: "ipv6_addr"}[job.family]
    return f"table {ip} services {{\n" + "\n".join(chains) + f"""
        map services {{ type {kind} . inet_proto . inet_service : verdict; elements = {{ {", ".join(map_)} }}; }}
        chain prerouting {{ type nat hook prerouting priority dstnat; {ip} daddr . meta l4proto . th dport vmap @services; }}
        chain postrouting {{ type nat hook postrouting priority srcnat; meta mark & 0x4000 == 0x4000 masquerade fully-random; }}
    }}\n"""


class ViaductOnVeth(OnVeth, viaduct.Viaduct):
    """The gateway with AF_XDP ports. Linux keeps the interfaces, and their addresses, routes and neighbours."""
    name = "viaduct AF_XDP"
    namespace = "afxdp"

    def start(self, job):
        self.build(job)
        viaduct.configure_kernel(self.namespace, job)
        gateway = self.run_gateway(job)
        contender.until(lambda: self.resolved(job), 20, lambda: f"viaduct knows all neighbours:\n{self.log('viaduct.log')}")
        self.start_source(job)
        self.processes.append(gateway)

    @staticmethod
    def twin(port):
        return "auto"

    def devices(self, job):
        return "af_xdp:" + self.source_port, "af_xdp:" + self.sink_port


class TestpmdOnVeth(OnVeth, testpmd.Testpmd):
    """What AF_XDP ports cost without any work in between: no gateway over them can be faster."""

    def start(self, job):
        self.build(job)
        forwarder = self.run(self.port(0, self.source_port), self.port(1, self.sink_port))
        self.start_source(job)
        self.processes.append(forwarder)

    @staticmethod
    def port(number, interface):
        """Without busy polling, as viaduct has it on veth: with it, testpmd was slower by 5 %."""
        return f"net_af_xdp{number},iface={interface},busy_budget=0"


def routers():
    return [ViaductOnVeth(), Kernel()]


def make():
    return [*routers(), TestpmdOnVeth("io", "AF_XDP"), TestpmdOnVeth("macswap", "AF_XDP")]
