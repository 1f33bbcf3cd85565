"""The roles grant what the gateway asks for, and nothing that it never asks for: by the log of a server that it ran beside."""
import concurrent.futures
import dataclasses
import pathlib
import subprocess
import sys
import tempfile
import time
import unittest

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests/support"), str(ROOT / "tests/support/api_server")]
from api import named_in, target_of  # noqa: E402
from api_server_process import ApiServer  # noqa: E402
from permissions import Permissions, USER  # noqa: E402

FOLDER = ROOT / "deploy/kubernetes"
PATIENCE = 60  # seconds; in a second or two it is done
SETTINGS = """\
workers = 1
hugepages = off
memory-mb = 128
connections-v4 = 1024
connections-v6 = 1024
default-load-balancer = yes
socket = {folder}/viaduct.sock
[port.outside]
device = net_null0,no-rx=1
twin = off
[network.cluster]
type = {type}
node-name = gw
vtep-v4 = 192.0.2.9
host-interface = none
{network}
[pool.public]
ranges = 203.0.113.0/28
{pool}
[source.api]
type = kubernetes
kubeconfig = {kubeconfig}
lease = viaduct/gateway
"""
# One Service gets an address of the pool; what the other one wants there is not, which takes an Event.
SERVICES = """\
{apiVersion: v1, kind: Service, metadata: {name: served, namespace: shop}, spec: {type: LoadBalancer, ports: [{port: 80}]}}
---
{apiVersion: v1, kind: Service, metadata: {name: refused, namespace: shop},
 spec: {type: LoadBalancer, loadBalancerIP: 192.0.2.99, ports: [{port: 80}]}}
---
{apiVersion: v1, kind: Namespace, metadata: {name: shop, labels: {team: web}}}
"""
NODE = "{apiVersion: v1, kind: Node, metadata: {name: gw}, spec: {podCIDR: 10.244.9.0/24, podCIDRs: [10.244.9.0/24]}}"
SUBNET = "pod-subnet-v4 = 10.244.9.0/24"
LEASES = "/apis/coordination.k8s.io/v1/namespaces"


@dataclasses.dataclass(frozen=True)
class Case:
    roles: str  # which are judged; those of all gateways are granted besides
    objects: str = NODE
    type: str = "flannel"
    network: str = SUBNET
    pool: str = ""


CASES = {
    "all": Case("rbac*.yaml", network="join = annotate"),
    "own node": Case("own-node/rbac*.yaml", objects="", network=f"join = node\n{SUBNET}"),
    "namespaces": Case("namespaces/rbac*.yaml", pool="namespace-selector = team=web"),
    "calico": Case("calico/rbac*.yaml", (ROOT / "tests/data/calico-3.29/cluster.yaml").read_text(), "calico", ""),
    "cilium": Case("cilium/rbac*.yaml", (ROOT / "tests/data/cilium-1.17/cluster.yaml").read_text(), "cilium"),
}


def single_grants(paths):
    """Each verb on each resource, by each name where names are told: (namespace, rule)."""
    for path in paths:
        for role in yaml.safe_load_all(path.read_text(encoding="utf-8")):
            for rule in role.get("rules", ()):
                for verb in rule["verbs"]:
                    for resource in rule["resources"]:
                        for name in rule.get("resourceNames", [None]):
                            one = {"apiGroups": rule["apiGroups"], "resources": [resource], "verbs": [verb]}
                            yield role["metadata"].get("namespace"), one | ({"resourceNames": [name]} if name else {})


def named(request):
    return target_of(request["path"]).name or named_in(request["query"].get("fieldSelector", ""))


def named_by(grant):
    """Whether names are told, or cannot be: they are the gateways' own, or those of any Service."""
    inside, rule = grant
    return "resourceNames" in rule or inside == "kube-node-lease" or \
        rule["resources"][0] in ("nodes", "nodes/status", "services/status")


def allowed(grants, request):
    target, rules = target_of(request["path"]), Permissions()
    rules.granted = grants
    return rules.allow(request["verb"], target.resource, target.subresource, target.namespace, named(request))


def asked(case):
    """A gateway's requests, from its start until it has left."""
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        (folder / "objects").mkdir()
        (folder / "objects/all.yaml").write_text(f"{SERVICES}---\n{case.objects}")
        roles = sorted({*FOLDER.glob("rbac*.yaml"), *FOLDER.glob(case.roles)})
        server = ApiServer("--directory", folder / "objects", *(word for path in roles for word in ("--role", path)))
        try:
            conf = folder / "viaduct.conf"
            conf.write_text(SETTINGS.format(folder=folder, kubeconfig=server.info["kubeconfig"], type=case.type,
                                            network=case.network, pool=case.pool))
            run_gateway(server, case, conf, folder / "log")
            subprocess.run([GATEWAY, "leave", "--config", conf], check=True, stdout=subprocess.DEVNULL, timeout=PATIENCE)
            return requests_of(server)
        finally:
            server.stop()


def requests_of(server):
    return [each for each in server.requests() if not each["certified"] and target_of(each["path"])]


def run_gateway(server, case, conf, log):
    """Until it has done all that it does once."""
    with open(log, "wb") as output:
        gateway = subprocess.Popen([GATEWAY, "--config", conf], stdout=output, stderr=output)
    try:
        deadline = time.monotonic() + PATIENCE
        while missing := [what for what, is_done in done(server, case).items() if not is_done]:
            if gateway.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(f"not seen: {', '.join(missing)}; the gateway's log:\n{log.read_text()[-3000:]}")
            time.sleep(0.1)
    finally:
        gateway.terminate()
        gateway.wait(PATIENCE)


def done(server, case):
    """Watches of all that it lists, and what it writes."""
    def get(path):
        return server.ask(path, certificate=True)[1]
    requests = requests_of(server)
    listed, watched = ({each["path"] for each in requests if each["verb"] == verb} for verb in ("list", "watch"))
    annotations = get("/api/v1/nodes/gw").get("metadata", {}).get("annotations", {})
    return {"watches": listed and listed <= watched,
            "an address": get("/api/v1/namespaces/shop/services/served")["status"].get("loadBalancer"),
            "an Event": get("/apis/events.k8s.io/v1/events")["items"],
            "the gateways' Lease": get(f"{LEASES}/viaduct/leases")["items"],
            "flannel's annotations": "join" not in case.network or "flannel.alpha.coreos.com/public-ip" in annotations,
            "the Node's heartbeat": "join = node" not in case.network or
                                    any(each["verb"] == "patch" and "kube-node-lease" in each["path"] for each in requests)}


class RoleTest(unittest.TestCase):
    """What is asked is told by gateways that do all that they can with an API server, side by side."""

    @classmethod
    def setUpClass(cls):
        cls.threads = concurrent.futures.ThreadPoolExecutor()
        cls.asked = {name: cls.threads.submit(asked, case) for name, case in CASES.items()}

    @classmethod
    def tearDownClass(cls):
        cls.threads.shutdown()

    def check(self, name):
        """All that is asked is granted; all that the roles of this case grant is asked, and no more widely."""
        requests, grants = self.asked[name].result(), list(single_grants(sorted(FOLDER.glob(CASES[name].roles))))
        self.assertEqual([f"{each['verb']} {each['path']}" for each in requests if each["status"] == 403], [])
        self.assertTrue(grants)
        for grant in grants:
            with self.subTest(grant):
                names = {named(each) for each in requests if allowed([grant], each)}
                self.assertTrue(names, "granted and never asked for")
                self.assertTrue(named_by(grant) or "" in names, f"granted of all names, and only {names} are asked for")

    def test_of_all_gateways(self):
        self.check("all")

    def test_with_a_node_of_its_own(self):
        self.check("own node")

    def test_by_labels_of_namespaces(self):
        self.check("namespaces")

    def test_calico(self):
        self.check("calico")

    def test_cilium(self):
        self.check("cilium")


class ForbiddenTest(unittest.TestCase):
    """Whatever the gateway may come to ask for, with all roles together this is not for it."""
    CASES = (("GET", "/api/v1/namespaces/kube-system/configmaps?fieldSelector=metadata.name%3Dother"),
             ("GET", "/api/v1/configmaps"), ("GET", "/api/v1/events"), ("GET", "/apis/coordination.k8s.io/v1/leases"),
             ("PATCH", "/api/v1/namespaces/shop/services/web"), ("PATCH", "/api/v1/nodes/gw"),
             ("PUT", "/api/v1/nodes/gw/status"), ("PUT", f"{LEASES}/viaduct/leases/other"),
             ("POST", f"{LEASES}/kube-system/leases"),
             ("DELETE", f"{LEASES}/viaduct/leases/gateway"),
             ("GET", "/apis/crd.projectcalico.org/v1/felixconfigurations"),
             ("DELETE", "/apis/cilium.io/v2/ciliumnodes/gw"))

    def test_stays_forbidden(self):
        words = [word for path in sorted(FOLDER.glob("**/rbac*.yaml")) for word in ("--role", path)]
        server = ApiServer("--plain", *words)
        try:
            for method, path in self.CASES:
                with self.subTest(path):
                    content = {"metadata": {"name": "gw"}} if method in ("POST", "PUT", "PATCH") else None
                    answer, body = server.ask(path, method, content)
                    self.assertEqual(answer.status, 403)
                    self.assertIn(USER, body["message"])
        finally:
            server.stop()


if __name__ == "__main__":
    GATEWAY = sys.argv.pop(1)
    unittest.main()
