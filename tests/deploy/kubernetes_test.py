"""The manifests for a cluster: complete, and fitting together; role_test.py tries what they grant."""
import pathlib
import re
import unittest

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
FOLDER = ROOT / "deploy/kubernetes"
COMPONENTS = ("own-node", "namespaces", "calico", "cilium")
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


if __name__ == "__main__":
    unittest.main()
