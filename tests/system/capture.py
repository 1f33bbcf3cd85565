"""Listens to what the gateway sends and has tshark, an independent dissector, judge every frame."""
import collections
import time

import netns

# Where the gateway's frames come out: the cable's other end, incoming.
PLACES = (("net", "gw"), ("client", "eth0"))
CHECKSUMS = ("ip", "tcp", "udp", "icmp", "icmpv6")
# Remarks that the traffic earns, not the frames: a refused connection, a ping that was too big, the direction that is
# not recorded.
EARNED = ("tcp.analysis.flags", "tcp.connection.rst", "tcp.options.sack.dsack", "icmp.resp_not_found",
          "icmpv6.resp_not_found")
# What Linux puts into TCP where RFC 1624 wants 0: both verify, and the gateway passes on what it need not change.
PASSED_ON = "tcp.checksum.ffff"
WARNING = 6291456  # PI_WARN
# What the ends say to each other is their affair: by port number, tshark would take it for all sorts of protocols.
PAYLOAD = [word for transport in ("tcp", "udp") for word in ("-d", f"{transport}.port==1-65535,data")]


def judgement():
    """A display filter that matches what must not be there."""
    bad_checksum = " or ".join(f"{name}.checksum.status == 0" for name in CHECKSUMS)
    return (f"_ws.malformed or (({bad_checksum}) and not {PASSED_ON}) or "
            f"(_ws.expert.severity >= {WARNING} and not ({' or '.join((*EARNED, PASSED_ON))}))")


class Capture:
    def __init__(self):
        self.files = {place: netns.STATE / f"sent-to-{place[0]}.pcap" for place in PLACES}
        self.processes = []

    def start(self):
        for (ns, device), path in self.files.items():
            self.processes.append(netns.start(ns, "tcpdump", "-i", device, "-Q", "in", "-U", "-s", "0", "-B", "16384",
                                              "-Z", "root", "-w", str(path), log="tcpdump.log"))
        deadline = time.monotonic() + 30
        while not all(path.exists() and path.stat().st_size for path in self.files.values()):
            if time.monotonic() > deadline:
                raise netns.CommandFailed("tcpdump does not start: " + (netns.STATE / "tcpdump.log").read_text())
            time.sleep(0.05)

    def stop(self):
        for process in self.processes:
            netns.stop(process)
        self.processes = []

    def judge(self, vxlan_port):
        """Returns (frames seen, complaints in words)."""
        seen, complaints = 0, collections.Counter()
        for place, path in self.files.items():
            text = netns.run("tshark", "-n", "-r", str(path), *PAYLOAD, "-d", f"udp.port=={vxlan_port},vxlan",
                             *(word for name in CHECKSUMS if not name.startswith("icmp")
                               for word in ("-o", f"{name}.check_checksum:TRUE")),
                             "-T", "fields", "-e", "_ws.expert.message", "-e", "_ws.col.Info", "-Y", judgement())
            for line in text.splitlines():
                complaints[f"to {place[0]}: {line.strip()[:120]}"] += 1
            seen += int(netns.run("capinfos", "-Mrc", str(path)).split()[-1])
        return seen, [f"{count} × {text}" for text, count in complaints.most_common(5)]
