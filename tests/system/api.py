"""A Kubernetes API server for the cluster: it serves the objects of its directory, and the gateway follows it."""
import json
import pathlib
import re
import time

import netns
import probe
from rows import HTTP, VIP, WEB, WEBS, expect, only, tcp_spread

ROOT = pathlib.Path(__file__).resolve().parents[2]
SERVER = ROOT / "tests/support/api_server"
ROLES = sorted([*ROOT.glob("deploy/kubernetes/rbac*.yaml"), *ROOT.glob("deploy/kubernetes/*/rbac-c*.yaml")])
STATE = netns.STATE / "api"
START_SECONDS = 60
FAMILIES = (4, 6)
SLICE = "/apis/discovery.k8s.io/v1/namespaces/demo/endpointslices/web-ipv{}"


class Api:
    def __init__(self):
        self.process, self.info = None, {}

    def start(self):
        """On the gateway's loopback, granting what a cluster would. Started again, it is the same server: certificates,
        token and port stay."""
        log = netns.STATE / "api.log"
        log.unlink(missing_ok=True)
        roles = [word for path in ROLES for word in ("--role", str(path))]
        self.process = netns.start("gw", "/usr/bin/python3", "-B", str(SERVER), "--listen", "127.0.0.1:6443", "--state",
                                   str(STATE), "--directory", str(netns.STATE / "cluster.d"), *roles, log=log.name)
        deadline = time.monotonic() + START_SECONDS
        while not (text := log.read_text()).startswith("{") or not text.endswith("\n"):
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise netns.CommandFailed(f"the API server does not start:\n{text}")
            time.sleep(0.05)
        self.info = json.loads(text.splitlines()[0])

    def kill(self):
        self.process.kill()
        self.process.wait()

    def patch(self, path, content):
        """What `kubectl patch` does, as an administrator."""
        netns.run("curl", "-sS", "--fail-with-body", "--cacert", self.info["ca"], "--cert",
                  self.info["client_certificate"], "--key", self.info["client_key"], "-H", "Content-Type: application/merge-patch+json", "-X", "PATCH", "-d", json.dumps(content),
                  self.info["url"] + path, ns="gw")

    def instead_of_directory(self, settings):
        """The gateway's configuration with the API as its source."""
        source = f"type = kubernetes\nkubeconfig = {self.info['kubeconfig']}"
        return re.sub(r"type = directory\npath = .*", source, settings)

    # What is tried with it --------------------------------------------------------------------------------------------
    def patched(self, cluster):
        """Endpoints go and come back in the API alone; the files do not change."""
        for pods, alone in ((["web2"], "web2"), (WEBS, None)):
            for family in FAMILIES:
                addresses = [{"addresses": [cluster.address(pod, family)]} for pod in pods]
                self.patch(SLICE.format(family), {"endpoints": addresses})
                await_backends(family, alone)
        return "3 → 1 → 3 endpoints"

    def gone_and_back(self, cluster):
        """With its API server dead the gateway forwards by what it knows; then it catches up."""
        self.kill()
        for family in FAMILIES:
            tcp_spread(VIP[family] + WEB, HTTP, WEBS)
            cluster.scale("web", family, ["web2"])
            tcp_spread(VIP[family] + WEB, HTTP, WEBS)
        self.start()
        for pods, alone in ((["web2"], "web2"), (WEBS, None)):
            for family in FAMILIES:
                cluster.scale("web", family, pods)
                await_backends(family, alone)
        return "dead: all 3 served; back: 1, then 3"


def await_backends(family, alone):
    """New connections go to one backend alone, or to all three."""
    address = VIP[family] + WEB
    if alone:
        return probe.until(lambda: only(address, alone), 20.0, f"{alone} alone gets new connections")
    return probe.until(lambda: len({probe.get("client", address, HTTP).backend for _ in range(12)}) == 3, 20.0,
                       "all three get connections")
