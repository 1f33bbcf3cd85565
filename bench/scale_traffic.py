"""A worker under full load while a big cluster changes: frames to many of its Services come in as fast as they are taken,
replayed from memory, and everything that leaves is counted. In a network namespace of its own, with the kernel's routes."""
import ctypes
import ipaddress
import os
import pathlib
import struct
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE / "compare"), str(HERE.parent / "tests/support/api_server")]
import frames  # noqa: E402
import plan  # noqa: E402
import scale  # noqa: E402

PORTS = """\
[port.outside]
device = net_pcap0,rx_pcap={file},infinite_rx=1
twin = outside

[port.underlay]
device = net_null1,no-rx=1
twin = underlay
"""
# All nodes are behind one router: nobody is there to answer ARP.
KERNEL = f"""\
link set lo up
link set outside up
link set underlay up
addr add 192.0.2.1/30 dev underlay
addr add 2001:db8:9::1/64 dev underlay nodad
neigh replace 192.0.2.2 lladdr {plan.ROUTER_MAC} dev underlay nud permanent
neigh replace 2001:db8:9::2 lladdr {plan.ROUTER_MAC} dev underlay nud permanent
route add 192.168.0.0/16 via 192.0.2.2
route add fd00:77::/64 via 2001:db8:9::2
addr add {scale.NODES_V4 + 1}/32 dev underlay
addr add {scale.NODES_V6 + 1}/128 dev underlay nodad
"""
CLONE_NEWNET = 0x40000000
FLOWS = 4096
SETTLING_SECONDS = 30


def enter_namespace():
    """From now on this process and those that it starts have a network of their own."""
    if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNET) != 0:
        sys.exit(f"cannot make a network namespace: {os.strerror(ctypes.get_errno())}; run as root")
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)


def service_address(number):
    return ipaddress.ip_address(scale.service(number)["spec"]["clusterIP"])


def frame(number, services):
    """The beginning of a connection: every other one to the biggest Service, which is restarted."""
    service = 0 if number % 2 == 0 else number // 2 % services
    destination = service_address(service)
    clients = plan.CLIENTS[destination.version]
    source, port = clients[1 + number // plan.PORTS_PER_CLIENT], 1024 + number % plan.PORTS_PER_CLIENT
    ends = source.packed, destination.packed
    packet = frames.ip(*ends, 6, frames.syn(b"".join(ends), port, 80, number))
    return frames.ethernet(plan.PORT_MAC, plan.ROUTER_MAC, packet)


def write_frames(path, services):
    data = [frame(number, services) for number in range(FLOWS)]
    path.write_bytes(frames.PCAP_HEADER + b"".join(struct.pack("<IIII", 0, 0, len(one), len(one)) + one for one in data))


def configure_kernel():
    """Once the gateway has made its ports' interfaces."""
    subprocess.run(["ip", "-batch", "-"], input=KERNEL, text=True, check=True)


def balanced(totals):
    """The counters at a moment between two bursts, when every packet that came in is accounted for."""
    deadline = time.monotonic() + SETTLING_SECONDS
    while not (now := totals())["conserved"]:
        if time.monotonic() > deadline:
            sys.exit(f"packets are missing: {now}")
    return now


def settle(totals):
    """Until the gateway forwards everything: at first it knows neither Services nor routes."""
    deadline = time.monotonic() + SETTLING_SECONDS
    before = balanced(totals)
    while True:
        time.sleep(0.5)
        now = balanced(totals)
        if now["dropped"] == before["dropped"] and now["punt"] == before["punt"] and now["tx"] > before["tx"]:
            return
        if time.monotonic() > deadline:
            sys.exit(f"the gateway does not forward all: {now}")
        before = now


def during(change, totals):
    """How many packets came in while `change()` ran. Each must have gone out."""
    before = balanced(totals)
    change()
    after = balanced(totals)
    if any(after[way] != before[way] for way in ("dropped", "punt", "held")):
        sys.exit(f"packets were lost meanwhile: before {before}, after {after}")
    return after["rx"] - before["rx"]
