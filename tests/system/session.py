"""A running cluster with its gateway, its witnesses and what they saw: shared by the demo and the test suite."""
import contextlib
import dataclasses
import json
import time

import api
import capture
import cluster as topology
import flannel
import gateway
import netns
from rows import ROWS, Row, expect

FAMILIES = (4, 6)


@dataclasses.dataclass(frozen=True)
class Outcome:
    passed: bool
    detail: str
    seconds: float


def attempt(work, *arguments):
    """Tries one thing. Whatever goes wrong is its result, told in one line."""
    began = time.monotonic()
    try:
        passed, detail = True, work(*arguments) or ""
    except Exception as error:
        passed, detail = False, " | ".join(f"{type(error).__name__}: {error}".splitlines())
    return Outcome(passed, detail, time.monotonic() - began)


class Session:
    def __init__(self, workers=1, queues=1, by_api=False, direct=False, overlay=flannel):
        self.cluster = topology.Cluster(queues, direct, overlay)
        self.families = overlay.FAMILIES
        self.api = api.Api() if by_api else None
        self.gateway = gateway.Gateway(workers, queues, self.api, overlay.settings)
        self.capture = capture.Capture()

    def start(self):
        self.cluster.up()
        self.capture.start()
        if self.api:
            self.api.start()
        self.gateway.start()

    def stop(self):
        self.gateway.stop()
        self.capture.stop()

    def rows(self):
        wanted = self.cluster.overlay.ROWS
        return [row for row in ROWS if not (self.cluster.direct and row.needs_tunnel) and
                (wanted is None or row.name.startswith(wanted))]

    def try_row(self, row, family):
        """A row passes if it does what it should and no packet got lost uncounted on the way."""
        outcome = attempt(row.attempt, self.cluster, family)
        law = attempt(self.gateway.conserved)
        if outcome.passed and not law.passed:
            return dataclasses.replace(outcome, passed=False, detail=f"not conserved: {law.detail}")
        return outcome

    # Rows about the gateway itself: once, not for each family --------------------------------------------------------
    def closing_rows(self):
        if self.cluster.overlay is not flannel:
            return [Row("no finding is left", self.no_finding), *self.direct_rows(),
                    Row("tshark: no malformed frame, no bad checksum", self.dissect)]
        return [Row("every packet in has one outcome", self.gateway.conserved),
                Row("viaductctl answers", self.ctl_answers),
                Row("viaductctl show stages: where the time goes", self.stages),
                *self.api_rows(),
                *self.direct_rows(),
                Row("kill -9 and a second start", self.restart),
                Row("a clean end", self.clean_end),
                Row("tshark: no malformed frame, no bad checksum", self.dissect)]

    def api_rows(self):
        if self.api is None:
            return []
        return [Row("a patch in the API takes effect", lambda: self.api.patched(self.cluster)),
                Row("the API server dies, and comes back", lambda: self.api.gone_and_back(self.cluster))]

    def direct_rows(self):
        return [Row("no node got a packet through a tunnel", self.plain)] if self.cluster.direct else []

    def no_finding(self):
        """The cluster is complete, and the gateway agrees."""
        return f"{len(expect(json.loads(self.gateway.control('-j', 'show', 'sources'))['findings'], []))} findings"

    def plain(self):
        """Its tunnel devices have received nothing, and viaductctl tells the way."""
        for node in self.cluster.nodes:
            for lease in self.cluster.nodes[node] if node != "gw" else ():
                (link,) = json.loads(netns.run("ip", "-j", "-s", "link", "show", lease.device, ns=node))
                expect(link["stats64"]["rx"]["packets"], 0, f"{lease.device} of {node}")
        way = next(route for route in json.loads(self.gateway.control("-j", "show", "routes"))["routes"]
                   if route["prefix"] == str(self.cluster.lease("node2", 4).subnet))
        return f"{way['prefix']} via {expect(way['next'], self.cluster.node_address('node2', 4))}"

    def ctl_answers(self):
        words = ("ports", "networks", "peers", "routes", "services", "backends", "connections", "drops", "workers",
                 "stages", "sources")
        for word in words:
            json.loads(self.gateway.control("-j", "show", word))
            self.gateway.control("show", word)
        self.gateway.control("top", "--count", "1")
        return f"show {'|'.join(words[:3])}|…, top"

    def stages(self):
        """Each stage of each worker that timed bursts took time for them."""
        stages = json.loads(self.gateway.control("-j", "show", "stages"))["stages"]
        timed = [row for row in stages if row["timed_packets"]]
        if idle := [row["stage"] for row in timed if row["stage"] not in ("parse", "decapsulate") and not row["cycles"]]:
            raise netns.CommandFailed(f"nothing was measured for {', '.join(idle)}")
        expect({row["stage"] for row in timed}, {row["stage"] for row in stages}, "stages that were timed")
        return f"{len(timed)} rows"

    def restart(self):
        self.gateway.kill()
        self.gateway.start()
        for family in FAMILIES:
            ROWS[0].attempt(self.cluster, family)
        return "serves again"

    def clean_end(self):
        if status := self.gateway.stop():
            raise netns.CommandFailed(f"exit status {status}: {self.gateway.log()}")
        links = netns.run("ip", "-o", "link", "show", ns="gw")
        if "xdp" in links.replace("xdpgeneric", "xdp"):
            raise netns.CommandFailed(f"an XDP program stayed attached: {links}")
        return "exit status 0, no XDP program left"

    def dissect(self):
        self.capture.stop()
        seen, complaints = self.capture.judge(self.cluster.vxlan_port)
        if complaints:
            raise netns.CommandFailed("; ".join(complaints))
        return f"{seen} frames sent by the gateway"


@contextlib.contextmanager
def running(workers=1, queues=1, by_api=False, direct=False):
    session = Session(workers, queues, by_api, direct)
    try:
        session.start()
        yield session
    finally:
        session.stop()
