"""What clients rely on in the stand-in API server: lists, watches, writes, and who may do what."""
import asyncio
import base64
import contextlib
import http.client
import pathlib
import socket
import ssl
import sys
import tempfile
import time
import unittest

from api_server_case import EVENTS, IN_SHOP, NODES, SERVICES, ServerTest, service, until
from api_server_process import PROGRAM, ApiServer

sys.path.insert(0, str(PROGRAM))
import faults  # noqa: E402
import http_server  # noqa: E402

ROLES = """\
kind: ClusterRole
metadata: {name: r}
rules:
- {apiGroups: [""], resources: [services], verbs: [list, watch]}
- {apiGroups: [""], resources: [nodes/status], verbs: [patch], resourceNames: [gw]}
---
kind: Role
metadata: {name: r, namespace: shop}
rules:
- {apiGroups: [""], resources: [configmaps], verbs: [list], resourceNames: [mine]}
"""


class ListTest(ServerTest):
    OPTIONS = ("--plain",)

    def test_chunks_show_one_state(self):
        first = self.ask(f"{SERVICES}?limit=3")[1]
        self.create(service("e"))
        second = self.ask(f"{SERVICES}?limit=3&continue={first['metadata']['continue']}")[1]
        self.assertEqual([item["metadata"]["name"] for item in first["items"] + second["items"]], list("abcd"))
        self.assertEqual(first["metadata"]["remainingItemCount"], 1)
        self.assertEqual(first["metadata"]["resourceVersion"], second["metadata"]["resourceVersion"])
        self.assertNotIn("continue", second["metadata"])

    def test_items_carry_neither_kind_nor_version(self):
        found = self.ask(SERVICES)[1]
        self.assertEqual((found["kind"], found["apiVersion"]), ("ServiceList", "v1"))
        self.assertNotIn("kind", found["items"][0])
        self.assertEqual(next(iter(found["items"][0])), "metadata")

    def test_a_continue_token_expires(self):
        token = self.ask(f"{SERVICES}?limit=1")[1]["metadata"]["continue"]
        self.server.control(compact=True)
        fresh = self.refused(410, "Expired", f"{SERVICES}?limit=1&continue={token}")["metadata"]["continue"]
        self.assertEqual(self.names(f"limit=9&continue={fresh}"), "bcd")
        self.refused(400, "BadRequest", f"{SERVICES}?continue=nonsense")

    def test_versions(self):
        old = self.version()
        self.create(service("e"))
        self.refused(410, "Expired", f"{SERVICES}?resourceVersion={old}&resourceVersionMatch=Exact")
        self.refused(504, "Timeout", f"{SERVICES}?resourceVersion={int(self.version()) + 5}")
        self.assertEqual(self.names(f"resourceVersion={old}"), "abcde")
        self.assertEqual(self.names("resourceVersion=0&limit=2"), "abcde")

    def test_selectors(self):
        self.create(service("x", color="red", side="left"))
        self.create(service("y", color="blue"))
        for query, expected in (("labelSelector=color", "xy"), ("labelSelector=!color", "abcd"),
                                ("labelSelector=color%3Dred", "x"), ("labelSelector=color%3D%3Dblue", "y"),
                                ("labelSelector=color!%3Dred", "abcdy"), ("labelSelector=color,!side", "y"),
                                ("labelSelector=color+in+(red,green)", "x"), ("labelSelector=color+notin+(red)", "abcdy"),
                                ("fieldSelector=metadata.name%3Db", "b"), ("fieldSelector=metadata.name!%3Db", "acdxy")):
            with self.subTest(query):
                self.assertEqual(self.names(query), expected)
        self.refused(400, "BadRequest", f"{SERVICES}?labelSelector=(")
        self.refused(400, "BadRequest", f"{SERVICES}?fieldSelector=spec.type%3DNodePort")

    def test_namespaces(self):
        self.assertEqual(len(self.ask(IN_SHOP)[1]["items"]), 4)
        self.assertEqual(self.ask("/api/v1/namespaces/other/services")[1]["items"], [])

    def test_discovery(self):
        self.assertEqual(self.ask("/version", token="")[1]["minor"], "33")
        self.assertEqual(self.ask("/apis/discovery.k8s.io")[1]["preferredVersion"]["version"], "v1")
        self.assertIn("services", [each["name"] for each in self.ask("/api/v1")[1]["resources"]])
        self.assertEqual(self.ask("/apis/no.such.group/v1/things")[1], b"404 page not found\n")


class WatchTest(ServerTest):
    OPTIONS = ("--plain",)

    def watch(self, **query):
        return self.server.watch(SERVICES, timeoutSeconds=8, **query)

    def test_changes(self):
        with self.watch(resourceVersion=self.version()) as events:
            self.create(service("e"))
            self.patch("e", {"spec": {"type": "NodePort"}})
            self.ask(f"{IN_SHOP}/e", "DELETE")
            seen = [next(events) for _ in range(3)]
        self.assertEqual([event["type"] for event in seen], ["ADDED", "MODIFIED", "DELETED"])
        versions = [int(event["object"]["metadata"]["resourceVersion"]) for event in seen]
        self.assertEqual(versions, sorted(set(versions)))
        self.assertEqual(seen[2]["object"]["spec"]["type"], "NodePort")
        self.assertEqual(seen[0]["object"]["kind"], "Service")

    def test_resumes_after_a_version(self):
        old = self.version()
        self.create(service("e"))
        with self.watch(resourceVersion=old) as events:
            self.assertEqual(next(events)["object"]["metadata"]["name"], "e")

    def test_begins_with_the_present_state(self):
        with self.watch() as events:
            self.assertEqual([next(events)["object"]["metadata"]["name"] for _ in range(4)], list("abcd"))

    def test_an_object_leaves_the_selection(self):
        self.create(service("e", shown="yes"))
        with self.watch(resourceVersion=self.version(), labelSelector="shown") as events:
            self.patch("a", {"metadata": {"annotations": {"k": "v"}}})
            self.patch("e", {"metadata": {"labels": None}})
            self.patch("a", {"metadata": {"labels": {"shown": ""}}})
            gone, came = next(events), next(events)
        self.assertEqual((gone["type"], gone["object"]["metadata"]["name"]), ("DELETED", "e"))
        self.assertEqual(gone["object"]["metadata"]["labels"], {"shown": "yes"})
        self.assertEqual((came["type"], came["object"]["metadata"]["name"]), ("ADDED", "a"))

    def test_bookmarks(self):
        self.server.control(bookmark_seconds=0.1)
        with self.watch(resourceVersion=self.version(), allowWatchBookmarks="true") as events:
            self.ask("/api/v1/namespaces/shop/configmaps", "POST", {"metadata": {"generateName": "c"}})
            versions = (event["object"]["metadata"]["resourceVersion"] for event in events)
            until(lambda: next(versions) == self.version())
            mark = next(events)
        self.assertEqual(mark["type"], "BOOKMARK")
        self.assertEqual(mark["object"]["spec"], {})

    def test_ends_in_time(self):
        began = time.monotonic()
        with self.server.watch(SERVICES, timeoutSeconds=1, resourceVersion=self.version()) as events:
            self.assertEqual(list(events), [])
        self.assertTrue(1 <= time.monotonic() - began < 5)

    def test_too_old(self):
        old = self.version()
        self.create(service("e"))
        self.server.control(compact=True)
        with self.watch(resourceVersion=old) as events:
            seen = list(events)
        self.assertEqual([(event["type"], event["object"]["code"]) for event in seen], [("ERROR", 410)])

    def test_watch_list(self):
        query = {"sendInitialEvents": "true", "resourceVersionMatch": "NotOlderThan", "allowWatchBookmarks": "true"}
        self.refused(422, "Invalid", f"{SERVICES}?watch=1&sendInitialEvents=true")
        self.server.control(watch_list=True)
        self.refused(422, "Invalid", f"{SERVICES}?watch=1&sendInitialEvents=true")
        with self.watch(**query) as events:
            seen = [next(events) for _ in range(5)]
        self.server.control(watch_list=False)
        self.assertEqual([event["type"] for event in seen], ["ADDED"] * 4 + ["BOOKMARK"])
        self.assertEqual(seen[4]["object"]["metadata"]["annotations"], {"k8s.io/initial-events-end": "true"})


class WriteTest(ServerTest):
    OPTIONS = ("--plain",)

    def test_defaults(self):
        made = self.create(service("e"))
        self.assertEqual(made["spec"]["ports"], [{"port": 80, "protocol": "TCP", "targetPort": 80}])
        self.assertEqual(made["spec"]["ipFamilies"], ["IPv6"])
        self.assertTrue(made["metadata"]["uid"] and made["metadata"]["managedFields"][0]["fieldsV1"])

    def test_conflicts(self):
        self.refused(409, "AlreadyExists", IN_SHOP, "POST", service("a"))
        stale = self.ask(f"{IN_SHOP}/a")[1]
        self.patch("a", {"spec": {"type": "NodePort"}})
        self.refused(409, "Conflict", f"{IN_SHOP}/a", "PUT", stale)
        del stale["metadata"]["resourceVersion"]
        self.assertEqual(self.ask(f"{IN_SHOP}/a", "PUT", stale)[1]["spec"]["type"], "ClusterIP")
        self.refused(404, "NotFound", f"{IN_SHOP}/nobody", "PUT", stale)

    def test_a_change_of_nothing_is_none(self):
        before = self.ask(f"{IN_SHOP}/a")[1]
        self.assertEqual(self.patch("a", {"spec": {"type": "ClusterIP"}})[1], before)

    def test_status_is_apart(self):
        ingress = {"loadBalancer": {"ingress": [{"ip": "203.0.113.1", "ipMode": "VIP"}]}}
        self.patch("a", {"spec": {"type": "LoadBalancer"}})
        both = {"spec": {"type": "NodePort"}, "status": ingress}
        for patch_type in ("merge-patch", "strategic-merge-patch"):
            self.ask(f"{IN_SHOP}/a/status", "PATCH", both, content_type=f"application/{patch_type}+json")
        found = self.ask(f"{IN_SHOP}/a")[1]
        self.assertEqual((found["spec"]["type"], found["status"]), ("LoadBalancer", ingress))
        found = self.patch("a", {"spec": {"externalName": "x"}, "status": None})[1]
        self.assertEqual(found["status"], ingress)

    def test_flannel_annotates_a_node_by_its_status(self):
        self.ask(NODES, "POST", {"metadata": {"name": "n1"}, "spec": {"podCIDR": "10.244.1.0/24"}})
        patch = {"metadata": {"annotations": {"flannel.alpha.coreos.com/public-ip": "192.0.2.1"}}}
        found = self.ask(f"{NODES}/n1/status", "PATCH", patch, content_type="application/strategic-merge-patch+json")[1]
        self.assertEqual(found["metadata"]["annotations"], patch["metadata"]["annotations"])
        self.assertEqual(found["spec"]["podCIDR"], "10.244.1.0/24")

    def test_patches_of_another_type(self):
        self.refused(415, "UnsupportedMediaType", f"{IN_SHOP}/a", "PATCH", {}, content_type="application/json-patch+json")
        self.refused(400, "BadRequest", IN_SHOP, "POST", "no object")

    def test_leases_are_never_overwritten_blindly(self):
        path = "/apis/coordination.k8s.io/v1/namespaces/shop/leases"
        made = self.ask(path, "POST", {"metadata": {"name": "l"}, "spec": {"holderIdentity": "one"}})[1]
        made["spec"]["holderIdentity"] = "two"
        self.assertEqual(self.ask(f"{path}/l", "PUT", made)[0].status, 200)
        self.refused(409, "Conflict", f"{path}/l", "PUT", made)
        del made["metadata"]["resourceVersion"]
        self.refused(422, "Invalid", f"{path}/l", "PUT", made)

    EVENT = {"metadata": {"generateName": "a."}, "eventTime": "2026-01-02T03:04:05.000006Z", "action": "Forward",
             "reason": "NoAddress", "reportingController": "viaduct.dev/gateway", "reportingInstance": "gw", "type": "Normal",
             "regarding": {"kind": "Service", "namespace": "shop", "name": "a"}}

    def test_events(self):
        for path in ("/api/v1/namespaces/shop/events", EVENTS):
            made = self.ask(path, "POST", self.EVENT)[1]
            self.assertRegex(made["metadata"]["name"], r"^a\.\w{5}$")

    def test_events_that_a_server_refuses(self):
        for code, reason, wrong in ((400, "BadRequest", {"eventTime": "2026-01-02T03:04:05Z"}),
                                    (422, "Invalid", {"action": ""}), (422, "Invalid", {"type": "Error"}),
                                    (422, "Invalid", {"reportingInstance": "g" * 129}),
                                    (422, "Invalid", {"note": "n" * 1025}),
                                    (422, "Invalid", {"regarding": {"kind": "Node", "name": "n"}}),
                                    (422, "Invalid", {"metadata": {"name": "A_b"}}), (400, "BadRequest", {"kind": "Lease"})):
            self.refused(code, reason, EVENTS, "POST", {**self.EVENT, **wrong})

    def test_writes_that_a_server_refuses(self):
        leases = "/apis/coordination.k8s.io/v1/namespaces/shop/leases"
        for path, wrong in (
                (leases, {"metadata": {"name": "l"}, "spec": {"leaseDurationSeconds": 0}}),
                (NODES, {"metadata": {"name": "n"}, "spec": {"podCIDR": "10.1.0.0/24", "podCIDRs": ["10.2.0.0/24"]}}),
                (NODES, {"metadata": {"name": "n"}, "spec": {"podCIDRs": ["10.1.0.0/24", "10.2.0.0/24"]}}),
                (NODES, {"metadata": {"name": "n"}, "spec": {"taints": [{"key": "a", "effect": "No"}]}})):
            self.refused(422, "Invalid", path, "POST", wrong)
        self.refused(400, "BadRequest", leases, "POST", {"metadata": {"name": "l"}, "spec": {"renewTime": "2026-01-02T03:04:05.1Z"}})
        self.refused(400, "BadRequest", leases, "POST", {"metadata": {"name": "l", "namespace": "elsewhere"}})
        self.refused(415, "UnsupportedMediaType", leases, "POST", {"metadata": {"name": "l"}}, content_type="text/plain")
        for ingress in ({"ip": "x"}, {"hostname": "h", "ipMode": "VIP"}, {"ip": "192.0.2.1", "ipMode": "vip"}):
            self.patch("b", {"spec": {"type": "LoadBalancer"}})
            self.refused(422, "Invalid", f"{IN_SHOP}/b/status", "PATCH", {"status": {"loadBalancer": {"ingress": [ingress]}}},
                         content_type="application/merge-patch+json")

    def test_delete_only_who_is_meant(self):
        self.refused(409, "Conflict", f"{IN_SHOP}/a", "DELETE", {"preconditions": {"uid": "another"}})
        meant = {"preconditions": {"uid": self.ask(f"{IN_SHOP}/a")[1]["metadata"]["uid"]}}
        self.assertEqual(self.ask(f"{IN_SHOP}/a", "DELETE", meant)[1]["status"], "Success")

    def test_delete(self):
        self.assertEqual(self.ask(f"{IN_SHOP}/a", "DELETE")[1]["status"], "Success")
        self.refused(404, "NotFound", f"{IN_SHOP}/a")
        self.refused(405, "MethodNotAllowed", IN_SHOP, "DELETE")


class AccessTest(ServerTest):
    def test_tokens_and_certificates(self):
        self.refused(401, "Unauthorized", SERVICES, token="wrong")
        self.assertEqual(self.ask(SERVICES, certificate=True)[0].status, 200)

    def test_a_renewed_token(self):
        old = self.server.token()
        with self.server.watch(SERVICES, resourceVersion=self.version()) as events:
            self.server.control(renew_token={"write": False})
            self.refused(401, "Unauthorized", SERVICES)
            self.assertEqual(self.server.token(), old)
            self.server.control(write_token=True)
            self.assertNotEqual(self.server.token(), old)
            self.create(service("e"))
            self.assertEqual(next(events)["type"], "ADDED")

    def test_renewed_certificates(self):
        old = ssl.create_default_context(cadata=pathlib.Path(self.server.info["ca"]).read_text())
        self.server.control(renew_certificates=True)
        port = int(self.server.info["url"].rpartition(":")[2])
        with self.assertRaises(ssl.SSLError), \
                contextlib.closing(http.client.HTTPSConnection("127.0.0.1", port, context=old)) as link:
            link.connect()
        self.assertEqual(self.ask(SERVICES, certificate=True)[0].status, 200)

    def test_forbidden(self):
        self.server.control(forbid=[["list", "services"]])
        said = self.refused(403, "Forbidden", SERVICES)["message"]
        self.assertEqual(said, 'services is forbidden: User "system:serviceaccount:viaduct:viaduct" cannot list resource '
                               '"services" in API group "" at the cluster scope')
        self.assertEqual(self.ask(f"{IN_SHOP}/a")[0].status, 200)
        self.assertEqual(self.ask(SERVICES, certificate=True)[0].status, 200)

    def test_kubeconfig(self):
        said = pathlib.Path(self.server.info["kubeconfig"]).read_text()
        self.assertIn(self.server.info["url"], said)
        self.assertIn(base64.b64encode(pathlib.Path(self.server.info["ca"]).read_bytes()).decode()[:60], said)


class SendingTest(unittest.TestCase):
    def test_an_event_waits_for_no_acknowledgement(self):
        asyncio.run(asyncio.wait_for(self.serve_one(), 30))

    async def serve_one(self):
        async def handle(_, answer):
            at_once = answer.writer.get_extra_info("socket").getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
            await answer.whole(200, str(at_once).encode())
        listener, where = http_server.listen("::1", 0)
        running = asyncio.create_task(http_server.Server(listener, None, handle, faults.Faults()).run())
        reader, writer = await asyncio.open_connection("::1", int(where.rpartition(":")[2]))
        writer.write(b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n")
        self.assertTrue((await reader.read()).endswith(b"\r\n\r\n1"))
        writer.close()
        running.cancel()
        listener.close()


class RestartTest(unittest.TestCase):
    def test_it_stays_who_it_was(self):
        with tempfile.TemporaryDirectory() as folder:
            first = ApiServer("--state", folder)
            kept = [pathlib.Path(folder, name).read_bytes() for name in ("ca.crt", "token")]
            version = first.ask(SERVICES)[1]["metadata"]["resourceVersion"]
            first.stop()
            second = ApiServer("--state", folder)
            self.addCleanup(second.stop)
            self.assertEqual([pathlib.Path(folder, name).read_bytes() for name in ("ca.crt", "token")], kept)
            with second.watch(SERVICES, resourceVersion=version) as events:
                self.assertEqual(next(events)["object"]["code"], 410)


class RoleTest(unittest.TestCase):
    def test_only_what_is_granted(self):
        with tempfile.TemporaryDirectory() as folder:
            roles = pathlib.Path(folder, "roles.yaml")
            roles.write_text(ROLES)
            server = ApiServer("--plain", "--role", roles)
            self.addCleanup(server.stop)
        patch = {"content": {}, "content_type": "application/merge-patch+json"}
        maps, named = "/api/v1/namespaces/{}/configmaps".format, "?fieldSelector=metadata.name%3Dmine"
        for expected, *request in ((200, SERVICES), (200, f"{SERVICES}?limit=2"), (403, f"{IN_SHOP}/a"), (403, NODES),
                                   (200, maps("shop") + named), (403, maps("shop")), (403, maps("other") + named),
                                   (404, f"{NODES}/gw/status", "PATCH"), (403, f"{NODES}/node1/status", "PATCH")):
            with self.subTest(request):
                self.assertEqual(server.ask(*request, **(patch if len(request) == 2 else {}))[0].status, expected)


if __name__ == "__main__":
    unittest.main()
