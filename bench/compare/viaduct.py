"""The gateway: the program as it is installed, its ports' kernel twins in a namespace, objects from a directory."""
import json

import contender
import gateway
import netns
import plan

# Everything that is not the default, and why.
SETTINGS = """\
socket = {socket}
workers = 1
cpus = {cpu}
hugepages = on
# Not to sleep between bursts: what is measured is a worker that always has something to do.
idle = spin
{tables}{ports}
[network.compare]
type = static
vni = {vni}
udp-port = {udp}
vtep-v4 = {vtep}
vtep-mac = {mac}
# Routed clients keep their addresses, as with the others. (Those of a Service's clients are always translated.)
masquerade = no
# As Open vSwitch and Linux have it by default.
outer-udp-checksum = zero
host-interface = none
pod-subnet-v4 = {own[4]}
pod-subnet-v6 = {own[6]}
{peers}
[source.files]
type = directory
path = {objects}
"""
PORT = """
[port.{name}]
device = {device}
twin = {twin}
"""


class Viaduct(contender.Contender):
    name = "viaduct"
    namespace = "viaduct"

    def __init__(self):
        super().__init__()
        self.directory = netns.STATE / self.namespace
        self.socket = self.directory / "viaduct.sock"

    def start(self, job):
        self.move_in()
        self.processes = [self.run_gateway(job)]
        configure_kernel(self.namespace, job)
        contender.until(lambda: self.resolved(job), 20, lambda: f"viaduct knows all neighbours:\n{self.log('viaduct.log')}")

    def run_gateway(self, job):
        self.directory.mkdir(exist_ok=True)
        self.socket.unlink(missing_ok=True)
        write_objects(self.directory, job)
        settings = self.directory / "viaduct.conf"
        settings.write_text(self.settings(job))
        process = self.launch(str(gateway.DAEMON), "--config", str(settings), log="viaduct.log")
        contender.until(self.socket.exists, 20, f"viaduct starts; {netns.STATE}/viaduct.log", pause=0.05)
        return process

    @staticmethod
    def twin(port):
        """Its kernel interface: where it has its addresses and neighbours."""
        return port

    def devices(self, job):
        return job.source, job.sink

    def settings(self, job):
        source, sink = ("underlay", "outside") if job.workload.tunnelled else ("outside", "underlay")
        ports = "".join(PORT.format(name=name, device=device, twin=self.twin(name))
                        for name, device in zip((source, sink), self.devices(job)))
        peers = "\n".join(f"peer = node{peer.number},{peer.underlay},{peer.vtep_mac},{peer.subnet(4)},{peer.subnet(6)}"
                          for peer in plan.peers(job.workload))
        # Room for what comes; with less, new flows would be forwarded and not remembered.
        tables = f"connections-v{job.family} = {2 * job.flows}\n" if job.workload.once else ""
        return SETTINGS.format(tables=tables, socket=self.socket, cpu=contender.WORKER_CPU, ports=ports, peers=peers,
                               vni=plan.VNI, udp=plan.VXLAN_PORT, vtep=plan.VTEP, own=plan.OWN_PODS, mac=plan.VTEP_MAC,
                               objects=self.directory / "cluster.d")

    def ask(self, path):
        return gateway.ask(path, self.socket)

    def resolved(self, job):
        reachable = [peer["reachable"] for peer in self.ask("/v1/peers?limit=10000")["peers"]]
        return len(reachable) == job.workload.peers and all(reachable)

    def counts(self):
        totals = self.ask("/v1/totals")
        return totals["rx"], totals["tx"]


def configure_kernel(namespace, job):
    """Neighbours, addresses and routes, as on any Linux router. There is nobody here to answer ARP, and Linux takes a fixed
    neighbour for another one as soon as somebody asks for it: so the neighbours come before what makes the gateway ask."""
    address, router = plan.OUTSIDE[job.family]
    netns.ip(namespace, *(f"link set {port} up" for port in ("outside", "underlay")),
             f"neigh replace {router} lladdr {plan.ROUTER_MAC} dev outside nud permanent",
             *(f"neigh replace {peer.underlay} lladdr {peer.host_mac} dev underlay nud permanent"
               for peer in plan.peers(job.workload)),
             f"addr add {plan.VTEP}/{plan.UNDERLAY.prefixlen} dev underlay", f"addr add {address} dev outside",
             f"route add {plan.CLIENTS[job.family]} via {router}")


def write_objects(directory, job):
    objects = directory / "cluster.d"
    objects.mkdir(exist_ok=True)
    for number in range(plan.SERVICE_COUNT if job.workload.to_service else 0):
        for kind, content in (("service", service(job, number)), ("slice", endpoint_slice(job, number))):
            (objects / f"{kind}-{number}.json").write_text(json.dumps(content))


def service(job, number):
    address = plan.service(job.family, number)
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": f"web{number}", "namespace": "compare"},
            "spec": {"type": "LoadBalancer", "clusterIPs": [{4: "10.96.0.", 6: "fd00:96::"}[job.family] + str(10 + number)],
                     "ipFamilies": [f"IPv{job.family}"],
                     "ports": [{"name": "web", "protocol": job.workload.protocol, "port": plan.SERVICE_PORT,
                                "targetPort": plan.TARGET_PORT}]},
            "status": {"loadBalancer": {"ingress": [{"ip": address, "ipMode": "VIP"}]}}}


def endpoint_slice(job, number):
    return {"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": f"IPv{job.family}",
            "metadata": {"name": f"web{number}", "namespace": "compare",
                         "labels": {"kubernetes.io/service-name": f"web{number}"}},
            "ports": [{"name": "web", "protocol": job.workload.protocol, "port": plan.TARGET_PORT}],
            "endpoints": [{"addresses": [pod]} for pod in plan.endpoints(job.workload, job.family, number)]}
