"""The manifests for a cluster: complete, and granting what the gateway asks for and no more."""
import pathlib
import re
import sys
import unittest

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/support"))
from api_server_process import ApiServer  # noqa: E402

FOLDER = ROOT / "deploy/kubernetes"
PROXIED = "labelSelector=!service.kubernetes.io/service-proxy-name,!service.kubernetes.io/headless"
CONFIG_MAPS = "/api/v1/namespaces/{}/configmaps?fieldSelector=metadata.name%3D{}"
ASKED = ("/api/v1/nodes?", f"/api/v1/services?{PROXIED}", f"/apis/discovery.k8s.io/v1/endpointslices?{PROXIED}",
         CONFIG_MAPS.format("kube-flannel", "kube-flannel-cfg"), CONFIG_MAPS.format("kube-system", "kube-flannel-cfg"))
NOT_ASKED = (CONFIG_MAPS.format("kube-system", "other"), "/api/v1/configmaps?", "/api/v1/endpoints?", "/api/v1/events?",
             "/api/v1/namespaces?", "/apis/coordination.k8s.io/v1/leases?")
EVENTS = "/apis/events.k8s.io/v1/namespaces/{}/events"
LEASES = "/apis/coordination.k8s.io/v1/namespaces/{}/leases"
# Method and path of what the gateway writes, and of what it writes where it makes a Node of its own.
WRITTEN = (("PATCH", "/api/v1/namespaces/shop/services/web/status"), ("PATCH", "/api/v1/nodes/gw/status"),
           ("GET", "/api/v1/nodes/gw"), ("POST", EVENTS.format("shop")), ("POST", EVENTS.format("default")),
           ("POST", LEASES.format("viaduct")), ("GET", LEASES.format("viaduct") + "/gateway"),
           ("PUT", LEASES.format("viaduct") + "/gateway"))
WRITTEN_OF_OWN_NODE = (("POST", "/api/v1/nodes"), ("DELETE", "/api/v1/nodes/gw"), ("POST", LEASES.format("kube-node-lease")),
                       ("PATCH", LEASES.format("kube-node-lease") + "/gw"),
                       ("DELETE", LEASES.format("kube-node-lease") + "/gw"))
NOT_WRITTEN = (("PATCH", "/api/v1/namespaces/shop/services/web"), ("PATCH", "/api/v1/nodes/gw"),
               ("PUT", "/api/v1/nodes/gw/status"), ("GET", EVENTS.format("shop") + "/x"),
               ("DELETE", EVENTS.format("shop") + "/x"), ("PUT", LEASES.format("viaduct") + "/other"),
               ("PUT", LEASES.format("kube-system") + "/gateway"), ("POST", LEASES.format("kube-system")),
               ("GET", "/api/v1/namespaces/shop/services/web"))
COMPONENTS = ("own-node", "namespaces", "calico", "cilium")
CALICO = "/apis/crd.projectcalico.org/v1/"
CALICO_ASKED = (f"{CALICO}ippools?", f"{CALICO}blockaffinities?", f"{CALICO}ipamblocks?",
                f"{CALICO}felixconfigurations?fieldSelector=metadata.name%3Ddefault")
CILIUM_ASKED = ("/apis/cilium.io/v2/ciliumnodes?", CONFIG_MAPS.format("kube-system", "cilium-config"))
NOT_IN_A_NAMESPACE = {"Namespace", "ClusterRole", "ClusterRoleBinding"}


def documents(name):
    return list(yaml.safe_load_all((FOLDER / name).read_text(encoding="utf-8")))


def kustomization():
    return documents("kustomization.yaml")[0]


def component(name):
    return documents(f"{name}/kustomization.yaml")[0]


def objects():
    parts = [f"{name}/{file}" for name in COMPONENTS for file in component(name)["resources"]]
    return [each for name in (*kustomization()["resources"], *parts) for each in documents(name)]


class ManifestTest(unittest.TestCase):
    def test_every_file_has_its_place(self):
        told = kustomization()
        used = {"kustomization.yaml", *told["resources"], *told["configMapGenerator"][0]["files"]}
        self.assertEqual(used, {path.name for path in FOLDER.iterdir() if path.is_file()})
        self.assertEqual(set(COMPONENTS), {path.name for path in FOLDER.iterdir() if path.is_dir()})
        for name in COMPONENTS:
            self.assertEqual({"kustomization.yaml", *component(name)["resources"]},
                             {path.name for path in (FOLDER / name).iterdir()})

    def test_every_object_says_where_it_lives(self):
        for each in objects():
            with self.subTest(each["kind"]):
                self.assertEqual("namespace" in each["metadata"], each["kind"] not in NOT_IN_A_NAMESPACE)

    def test_names_fit_together(self):
        account = next(each for each in objects() if each["kind"] == "ServiceAccount")["metadata"]
        pod = next(each for each in objects() if each["kind"] == "DaemonSet")["spec"]["template"]["spec"]
        self.assertEqual(pod["serviceAccountName"], account["name"])
        self.assertEqual(pod["volumes"][0]["configMap"]["name"], kustomization()["configMapGenerator"][0]["name"])
        for each in objects():
            for subject in each.get("subjects", []):
                self.assertEqual((subject["name"], subject["namespace"]), (account["name"], account["namespace"]))

    def test_cpus_are_whole_and_huge_pages_are_asked_for(self):
        needs = next(each for each in objects() if each["kind"] == "DaemonSet")
        needs = needs["spec"]["template"]["spec"]["containers"][0]["resources"]
        self.assertEqual(needs["requests"], needs["limits"])
        self.assertTrue(needs["limits"]["cpu"].isdigit())
        self.assertIn("hugepages-2Mi", needs["limits"])


class ConfigurationTest(unittest.TestCase):
    def keys(self, path):
        """Section kinds and keys of a configuration file, also those that are commented out."""
        kind, found = "", set()
        for line in path.read_text(encoding="utf-8").splitlines():
            if section := re.match(r"(?:# )?\[(\w+)\.", line):
                kind = section[1]
            elif key := re.match(r"(?:# )?([\w-]+) = ", line):
                found.add((kind, key[1]))
        return found

    def test_every_key_is_one_of_the_gateway(self):
        told = self.keys(FOLDER / "viaduct.conf")
        self.assertTrue(told)
        self.assertEqual(told - self.keys(ROOT / "deploy/viaduct.conf.example"), set())

    def test_the_gateway_reads_the_api(self):
        self.assertIn("type = kubernetes", (FOLDER / "viaduct.conf").read_text())


class RoleTest(unittest.TestCase):
    """A server that grants what some of the roles grant."""
    ROLES = ""

    @classmethod
    def setUpClass(cls):
        roles = [word for path in sorted(FOLDER.glob(cls.ROLES)) for word in ("--role", path)]
        cls.server = ApiServer("--plain", *roles)

    @classmethod
    def tearDownClass(cls):
        cls.server.stop()

    def status(self, path, method="GET", content=None):
        return self.server.ask(path, method, content)[0].status

    def allowed(self, writes):
        """Which of them get beyond the question whether they may: mostly, nothing that they are about exists."""
        return tuple(each for each in writes if self.status(each[1], each[0], {"metadata": {"name": "gw"}}) != 403)


class PermissionTest(RoleTest):
    ROLES = "rbac*.yaml"

    def test_what_the_gateway_asks_for_is_granted(self):
        for path in ASKED:
            with self.subTest(path):
                self.assertEqual(self.status(path), 200)
                self.assertEqual(self.status(f"{path}&watch=1&timeoutSeconds=0.01"), 200)

    def test_nothing_else_is(self):
        for path in NOT_ASKED:
            with self.subTest(path):
                self.assertEqual(self.status(path), 403)
        for path in ASKED:
            with self.subTest(path):
                collection = path.partition("?")[0]
                self.assertEqual(self.status(collection, "POST", {"metadata": {"name": "x"}}), 403)
                self.assertEqual(self.status(f"{collection}/x"), 404 if collection.endswith("/nodes") else 403)
                self.assertEqual(self.status(f"{collection}/x", "DELETE"), 403)

    def test_what_it_writes_is_granted_and_nothing_else(self):
        self.assertEqual(self.allowed(WRITTEN), WRITTEN)
        self.assertEqual(self.allowed(WRITTEN_OF_OWN_NODE + NOT_WRITTEN), ())


class OwnNodeTest(RoleTest):
    """The component alone."""
    ROLES = "own-node/rbac*.yaml"

    def test_a_node_of_its_own_is_granted_and_nothing_else(self):
        self.assertEqual(self.allowed(WRITTEN_OF_OWN_NODE), WRITTEN_OF_OWN_NODE)
        self.assertEqual(self.allowed(WRITTEN + NOT_WRITTEN), ())


class OverlayTest(RoleTest):
    """A component alone: its objects are read, and nothing is written."""

    def check_alone(self, asked, others):
        for path in asked:
            with self.subTest(path):
                self.assertEqual(self.status(path), 200)
                self.assertEqual(self.status(f"{path}&watch=1&timeoutSeconds=0.01"), 200)
                self.assertEqual(self.status(path.partition("?")[0], "POST", {"metadata": {"name": "x"}}), 403)
                self.assertEqual(self.status(path.partition("?")[0] + "/x", "DELETE"), 403)
        for path in others:
            with self.subTest(path):
                self.assertEqual(self.status(path), 403)


class CalicoTest(OverlayTest):
    ROLES = "calico/rbac*.yaml"

    def test_its_objects_are_read_and_nothing_else(self):
        self.check_alone(CALICO_ASKED, (*ASKED, *CILIUM_ASKED, f"{CALICO}felixconfigurations?"))


class NamespacesTest(OverlayTest):
    ROLES = "namespaces/rbac*.yaml"

    def test_their_labels_are_read_and_nothing_else(self):
        self.check_alone(("/api/v1/namespaces?",), (*ASKED, *CALICO_ASKED, *CILIUM_ASKED))


class CiliumTest(OverlayTest):
    ROLES = "cilium/rbac*.yaml"

    def test_its_objects_are_read_and_nothing_else(self):
        self.check_alone(CILIUM_ASKED, (*ASKED, *CALICO_ASKED, *NOT_ASKED))


if __name__ == "__main__":
    unittest.main()
