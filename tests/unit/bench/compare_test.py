#!/usr/bin/python3
"""The comparison's own tools: its frames are right, and its checker notices when a contender's are not."""
import pathlib
import sys
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path[:0] = [str(ROOT / "bench/compare"), str(ROOT / "tests/system")]

import bounds  # noqa: E402
import frames  # noqa: E402
import page  # noqa: E402
import plan  # noqa: E402
import report  # noqa: E402
import rounds  # noqa: E402
import verify  # noqa: E402
from scapy.layers.l2 import Ether  # noqa: E402
from scapy.layers.vxlan import VXLAN  # noqa: E402

FLOWS = 64


def forwarded(flow, family):
    """What a gateway makes of a routed flow's frame: one hop less, in its peer's tunnel."""
    peer, ip = plan.Peer(flow.peer), Ether(frames.frame(plan.WORKLOADS["encap"], flow)).payload
    if family == 4:
        ip.ttl, ip.chksum = 63, None
    else:
        ip.hlim = 63
    inner = frames.ethernet(peer.vtep_mac, plan.VTEP_MAC, bytes(ip))
    back = plan.Flow(flow.destination, flow.source, 0, 0, flow.peer, flow.number)
    outer = Ether(frames.in_tunnel(back, inner))
    outer.dst, outer.src = peer.host_mac, plan.PORT_MAC
    outer.payload.src, outer.payload.dst, outer.payload.chksum = plan.VTEP, peer.underlay, None
    return bytes(outer)


class Frames(unittest.TestCase):
    def test_checksums_are_right_in_every_workload(self):
        for workload in plan.WORKLOADS.values():
            for family in (4, 6):
                for flow in plan.flows(workload, family, FLOWS):
                    packet = Ether(frames.frame(workload, flow))
                    self.assertTrue(verify.checksums_hold(packet), packet)
                    self.assertEqual(workload.tunnelled, VXLAN in packet)

    def test_no_two_flows_are_one(self):
        for workload in plan.WORKLOADS.values():
            ends = {(flow.source, flow.source_port, flow.destination, flow.destination_port)
                    for flow in plan.flows(workload, 4, 4096)}
            self.assertEqual(len(ends), 4096)


class Checker(unittest.TestCase):
    def conclude(self, sent, family=4):
        workload = plan.WORKLOADS["encap"]
        checker = verify.Checker(workload, family)
        for frame in sent:
            checker.look(frame)
        checker.conclude(plan.flows(workload, family, FLOWS))

    def sent(self, family=4):
        return [forwarded(flow, family) for flow in plan.flows(plan.WORKLOADS["encap"], family, FLOWS)]

    def refuses(self, sent, why):
        with self.assertRaisesRegex(verify.WrongOutput, why):
            self.conclude(sent)

    def test_accepts_what_is_right(self):
        for family in (4, 6):
            self.conclude(self.sent(family), family)

    def test_refuses_a_flow_that_did_not_come(self):
        self.refuses(self.sent()[1:], "nothing came of")

    def test_refuses_a_broken_checksum(self):
        sent = self.sent()
        sent[3] = sent[3][:-30] + b"\xff\xff" + sent[3][-28:]
        self.refuses(sent, "wrong checksum")

    def test_refuses_a_packet_that_was_not_routed(self):
        sent = self.sent()
        packet = Ether(sent[3])
        inner = packet[VXLAN].payload.payload
        inner.ttl, inner.chksum = 64, None
        self.refuses([*sent[:3], bytes(packet)], "wrong TTL")

    def test_refuses_another_peers_tunnel(self):
        sent = self.sent()
        packet = Ether(sent[3])
        packet.payload.dst, packet.payload.chksum = plan.Peer(3 - 1).underlay, None
        self.refuses([*sent[:3], bytes(packet)], "wrong ends of the tunnel")


def row(workload, on_veth=False, **ns):
    """By contenders, with ns per packet of each round."""
    turns = {name.replace("_", " ").replace("ovs ", "ovs-"): [rounds.Turn(1000, int(1000 * one)) for one in each]
             for name, each in ns.items()}
    return rounds.Row(plan.WORKLOADS[workload], 4, 1024, turns, on_veth)


class Bounds(unittest.TestCase):
    def test_the_pipeline_is_what_the_ports_leave(self):
        one = row("encap", viaduct=[40, 44], ovs_dpdk=[80, 88], testpmd_io=[12, 12], testpmd_macswap=[13, 11])
        self.assertEqual(bounds.without_ports(one, "viaduct"), (28 + 33) / 2)
        to_ovs, to_macswap = bounds.bounds(one)
        self.assertEqual((to_ovs["reached"], to_ovs["wanted"], to_ovs["on_veth"]), (2, 3, False))
        self.assertAlmostEqual(to_ovs["free_pipeline"], (80 / 12 + 88 / 11) / 2)
        self.assertAlmostEqual(to_ovs["pipeline_may_ns"], (80 / 3 - 12 + 88 / 3 - 11) / 2)
        self.assertIn("of 16.5 ns would be needed; it takes 30.5", bounds.verdict(to_ovs))
        self.assertAlmostEqual(to_macswap["reached"], (40 / 13 + 44 / 11) / 2)
        self.assertIn("would be needed", bounds.verdict(to_macswap))

    def test_what_is_reached_needs_no_excuse(self):
        one = row("decap", viaduct=[20], ovs_dpdk=[80], testpmd_io=[12], testpmd_macswap=[13])
        self.assertEqual([bounds.verdict(bound) for bound in bounds.bounds(one)], ["reached"])
        self.assertEqual(list(bounds.bounds(row("connect", viaduct=[20], testpmd_io=[12]))), [])

    def test_ports_alone_may_be_too_slow(self):
        one = row("decap", True, viaduct_AF_XDP=[500], linux=[1100], testpmd_io_AF_XDP=[450])
        (bound,) = bounds.bounds(one)
        self.assertAlmostEqual(bound["free_pipeline"], 1100 / 450)
        self.assertIn("out of reach", bounds.verdict(bound))

    def test_the_page_shows_them(self):
        one = row("encap", viaduct=[40], ovs_dpdk=[80], testpmd_io=[12], testpmd_macswap=[13])
        shown = page.page({"machine": {"cpu": "a <fast> one"}, "rounds": 1, "workloads": {"encap": "routed"},
                           "rows": list(report.lines(one)),
                           "bounds": [{**bound, "verdict": bounds.verdict(bound)} for bound in bounds.bounds(one)]})
        for part in ("a &lt;fast&gt; one", "<td>≥ 3<td>2.00<td>6.67", "it takes 28.0", "<h2>encap, 1,024 flows</h2>"):
            self.assertIn(part, shown)


if __name__ == "__main__":
    unittest.main()
