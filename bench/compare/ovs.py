"""Open vSwitch on DPDK: two bridges, as its documentation has them for tunnels in userspace (howto/userspace-tunneling)."""
import ipaddress
import json
import os
import socket

import contender
import netns
import plan

DAEMON = "/usr/lib/openvswitch-switch-dpdk/ovs-vswitchd-dpdk"
SCHEMA = "/usr/share/openvswitch/vswitch.ovsschema"
EMC_ENTRIES = 8192
# Tables: what comes in, what conntrack found, clients' addresses, what conntrack found there, where it goes.
FIRST, TRACKED, CLIENT, CLIENT_TRACKED, ROUTED = range(5)


class Ovs(contender.Contender):
    def __init__(self, full_nat=False):
        """It translates the destination; or clients' addresses too, which takes a second zone, as OVN does it."""
        super().__init__()
        self.full_nat = full_nat
        self.name = "ovs-dpdk full NAT" if full_nat else "ovs-dpdk"
        self.namespace = "ovs-full" if full_nat else "ovs"
        self.prefix = netns.PREFIX + self.namespace
        self.directory = netns.STATE / self.namespace
        self.telemetry = contender.Telemetry(self.prefix, source=1, sink=0)

    def start(self, job):
        self.move_in()
        self.directory.mkdir(exist_ok=True)
        for old in self.directory.iterdir():
            old.unlink()
        self.environment = {**os.environ, **{f"OVS_{name}DIR": str(self.directory) for name in ("RUN", "LOG", "DB", "SYSCONF")}}
        database, self.remote = self.directory / "conf.db", f"unix:{self.directory}/db.sock"
        netns.run("ovsdb-tool", "create", str(database), SCHEMA)
        server = self.run_daemon("ovsdb-server", str(database), f"--remote=p{self.remote}", log="ovsdb.log")
        self.processes = [server]
        contender.until(lambda: (self.directory / "db.sock").exists(), 10, "ovsdb-server starts")
        self.vsctl("--no-wait", "init", "--", "set", "Open_vSwitch", ".", *self.options(job))
        self.processes.insert(0, self.run_daemon(DAEMON, self.remote, log="ovs.log"))
        contender.until((self.directory / "switchd.ctl").exists, 20, "ovs-vswitchd starts")
        self.add_bridges()
        self.configure(job)
        self.add_ports(job)
        contender.until(self.telemetry.connect, 20, "DPDK starts in ovs-vswitchd")
        contender.until(lambda: self.telemetry.stats(1), 20, lambda: f"Open vSwitch opens its ports:\n{self.log('ovs.log', 30)}")

    def run_daemon(self, *command, log):
        control = "switchd.ctl" if command[0] == DAEMON else "server.ctl"
        return self.launch(*command, f"--unixctl={self.directory}/{control}", "--no-chdir", "-vsyslog:off",
                           "-vconsole:warn", log=log, env=self.environment)

    def vsctl(self, *words):
        return netns.run("ovs-vsctl", f"--db={self.remote}", "--timeout=20", *words)

    def options(self, job):
        """Of the whole switch."""
        options = {
            "dpdk-init": "true",
            "dpdk-extra": f'"--in-memory --no-pci --file-prefix={self.prefix}"',
            # One worker, alone on its CPU; everything else on the other one.
            "pmd-cpu-mask": hex(1 << contender.WORKER_CPU), "dpdk-lcore-mask": hex(1 << contender.CONTROL_CPU),
            # The contenders take turns: flows must outlive the pauses.
            "max-idle": "600000",
            # It is what it was before 3.1 by default: no time is spent on measuring itself.
            "pmd-perf-metrics": "false",
        }
        if job.workload.once:
            options["emc-insert-inv-prob"] = "0"  # no flow comes a second time: none deserves a cache entry
        elif job.flows <= EMC_ENTRIES // 2:
            options["emc-insert-inv-prob"] = "1"  # every flow gets into the exact-match cache at once, and stays there
        else:
            # More flows than the exact-match cache holds: intro/pmd says to use the signature-match cache instead.
            options |= {"emc-insert-inv-prob": "0", "smc-enable": "true"}
        return [f"other_config:{key}={value}" for key, value in options.items()]

    def add_bridges(self):
        self.vsctl("add-br", "inside", "--", "set", "Bridge", "inside", "datapath_type=netdev", "fail-mode=secure",
                   "--", "add-br", "phy", "--", "set", "Bridge", "phy", "datapath_type=netdev", "fail-mode=secure",
                   f"other-config:hwaddr=\"{plan.PORT_MAC}\"",
                   "--", "add-port", "inside", "tunnel", "--", "set", "Interface", "tunnel", "type=vxlan",
                   "ofport_request=9", "options:remote_ip=flow", f"options:key={plan.VNI}",
                   f"options:dst_port={plan.VXLAN_PORT}")  # UDP checksum off and TTL 64 are its defaults

    def add_ports(self, job):
        """When all else is done, and the one that frames come in by at the very end: it begins at once."""
        bridges = ("inside", "phy") if job.workload.tunnelled else ("phy", "inside")
        for name, bridge, device in zip(("sink", "source"), bridges, (job.sink, job.source)):
            self.vsctl("--no-wait", "add-port", bridge, name, "--", "set", "Interface", name, "type=dpdk",
                       "ofport_request=1", f"options:dpdk-devargs=\"{device}\"")

    def configure(self, job):
        netns.ip(self.namespace, "link set phy up", f"addr add {plan.VTEP}/{plan.UNDERLAY.prefixlen} dev phy")
        control = Control(self.directory / "switchd.ctl")
        contender.until(lambda: str(plan.UNDERLAY) in control.call("ovs/route/show"), 10, "Open vSwitch sees its address")
        for peer in plan.peers(job.workload):
            control.call("tnl/arp/set", "phy", peer.underlay, peer.host_mac)
        # Its authors' advice where sequence numbers need no watching: less work for each TCP packet.
        control.call("dpctl/ct-disable-tcp-seq-chk")
        self.add_flows("phy", ["in_port=1,actions=LOCAL", "in_port=LOCAL,actions=1"])  # cheaper than NORMAL's learning
        self.add_groups(job)
        self.add_flows("inside", flows(job, self.full_nat))

    def add_flows(self, bridge, lines):
        netns.run("ovs-ofctl", "-O", "OpenFlow15", "add-flows", str(self.directory / f"{bridge}.mgmt"), "-",
                  stdin="\n".join(lines) + "\n")

    def add_groups(self, job):
        for number in range(plan.SERVICE_COUNT if job.workload.to_service else 0):
            netns.run("ovs-ofctl", "-O", "OpenFlow15", "add-group", str(self.directory / "inside.mgmt"), group(job, number, self.full_nat))

    def counts(self):
        return self.telemetry.counts()


def flows(job, full_nat):
    """Only what the workload needs: a table that a packet does not pass costs nothing."""
    ip, source, destination = {4: ("ip", "nw_src", "nw_dst"), 6: ("ipv6", "ipv6_src", "ipv6_dst")}[job.family]
    if job.workload.tunnelled:
        return [f"table={FIRST},in_port=9,{ip},actions=dec_ttl,set_field:{plan.PORT_MAC}->eth_src,"
                f"set_field:{plan.ROUTER_MAC}->eth_dst,output:1"]
    routes = [f"table={ROUTED},{ip},{destination}={peer.subnet(job.family)},actions=dec_ttl,"
              f"set_field:{plan.VTEP_MAC}->eth_src,set_field:{peer.vtep_mac}->eth_dst,"
              f"set_field:{peer.underlay}->tun_dst,output:9" for peer in plan.peers(job.workload)]
    if not job.workload.to_service:
        return [f"table={FIRST},in_port=1,actions=resubmit(,{ROUTED})", *routes]
    return [*service_flows(job, ip, destination, after_services(full_nat)), *client_flows(job.family, ip, source), *routes]


def after_services(full_nat):
    return CLIENT if full_nat else ROUTED


def service_flows(job, ip, destination, after):
    transport = job.workload.protocol.lower() + {4: "", 6: "6"}[job.family]
    yield f"table={FIRST},in_port=1,{ip},actions=ct(table={TRACKED},zone=1,nat)"
    # A known connection is translated already. Conntrack calls UDP "new" until there is a reply, and none comes here.
    yield f"table={TRACKED},priority=3,{ip},{destination}={plan.PODS[job.family]},actions=resubmit(,{after})"
    for number in range(plan.SERVICE_COUNT):
        yield f"table={TRACKED},priority=2,ct_state=+trk+new,{transport},{destination}={plan.service(job.family, number)}," \
              f"tp_dst={plan.SERVICE_PORT},actions=group:{number + 1}"


def client_flows(family, ip, source):
    own = plan.OWN_PODS[family]
    first, last = (f"[{own[i]}]" if family == 6 else str(own[i]) for i in (2, 254))
    yield f"table={CLIENT},{ip},actions=ct(table={CLIENT_TRACKED},zone=2,nat)"
    yield f"table={CLIENT_TRACKED},priority=3,{ip},{source}={own},actions=resubmit(,{ROUTED})"
    yield f"table={CLIENT_TRACKED},priority=2,ct_state=+trk+new,{ip}," \
          f"actions=ct(commit,table={ROUTED},zone=2,nat(src={first}-{last}))"


def group(job, number, full_nat):
    """As OVN makes them for its load balancers: the datapath's hash selects, conntrack remembers."""
    pods = [ipaddress.ip_address(pod) for pod in plan.endpoints(job.workload, job.family, number)]
    places = [f"[{pod}]" if pod.version == 6 else str(pod) for pod in pods]
    return f"group_id={number + 1},type=select,selection_method=dp_hash," + ",".join(
        f"bucket=bucket_id:{i},weight:100,actions=ct(commit,table={after_services(full_nat)},zone=1,"
        f"nat(dst={place}:{plan.TARGET_PORT}))" for i, place in enumerate(places))


class Control:
    """What ovs-appctl speaks, without a process for each of a thousand peers."""

    def __init__(self, path):
        self.link = socket.socket(socket.AF_UNIX)
        self.link.settimeout(20)
        self.link.connect(str(path))

    def call(self, method, *parameters):
        self.link.send(json.dumps({"method": method, "params": parameters, "id": 0}).encode())
        decoder, text = json.JSONDecoder(), ""
        while True:
            text += self.link.recv(65536).decode()
            try:
                answer, _ = decoder.raw_decode(text)
            except json.JSONDecodeError:
                continue
            if answer["error"]:
                raise contender.NotReady(f"{method} {' '.join(parameters)}: {answer['error']}")
            return answer["result"]
