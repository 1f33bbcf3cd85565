"""frame-source sends each frame of a file, unchanged, again and again, into a veth. Takes root."""
import argparse
import pathlib
import socket
import subprocess
import sys
import time
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path[:0] = [str(ROOT / "bench/compare"), str(ROOT / "tests/system")]

import frames  # noqa: E402
import netns  # noqa: E402
import plan  # noqa: E402

BUILD = None
FLOWS, PATIENCE = 64, 60  # seconds: the machine may be busy
ETH_P_ALL = 3


class FrameSource(unittest.TestCase):
    def setUp(self):
        self.enterContext(netns.exclusive())
        for end in ("from", "to"):
            netns.add(end)
        netns.ip("from", f"link add veth type veth peer name veth netns {netns.PREFIX}to", "link set veth up")
        netns.ip("to", "link set veth up")
        netns.run("ethtool", "-K", "veth", "gro", "on", ns="to")
        self.file = netns.STATE / "frames.pcap"

    def start(self, *arguments):
        source = subprocess.Popen(["ip", "netns", "exec", netns.PREFIX + "from", BUILD / "bench/frame-source", *arguments],
                                  stderr=subprocess.PIPE, text=True)
        self.addCleanup(source.stderr.close)
        self.addCleanup(source.wait)
        self.addCleanup(source.kill)
        return source

    def test_every_frame_arrives_as_it_is(self):
        for name in ("encap", "decap"):
            workload = plan.WORKLOADS[name]
            flows = plan.flows(workload, 6, FLOWS)
            frames.write(self.file, workload, flows)
            wanted = {frames.frame(workload, flow) for flow in flows}
            with netns.inside("to"):
                end = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
            end.bind(("veth", ETH_P_ALL))
            end.settimeout(PATIENCE)
            source = self.start("veth", self.file)
            with end:
                came, deadline = set(), time.monotonic() + PATIENCE
                while not wanted <= came and time.monotonic() < deadline:
                    came.add(end.recv(2048))
            source.kill()
            source.wait()  # or the next one's frames come after its
            self.assertEqual(len(wanted - came), 0)
            self.assertTrue(all(frame.startswith(b"\x33\x33") for frame in came - wanted), "only Linux's own besides")

    def test_says_what_is_wrong(self):
        self.file.write_bytes(b"")
        for arguments, why in ((("veth",), "expected INTERFACE FILE"), (("veth", self.file), "has no frames"),
                               (("veth", "/nonexistent"), "cannot be read")):
            source = self.start(*arguments)
            self.assertEqual(source.wait(PATIENCE), 1)
            self.assertIn(why, source.stderr.read())


if __name__ == "__main__":
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--build", type=pathlib.Path, required=True)
    known, rest = options.parse_known_args()
    BUILD = known.build
    unittest.main(argv=[__file__, *rest])
