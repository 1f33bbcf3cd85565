"""What goes wrong in the stand-in API server when it is told to, and what it makes clusters of."""
import contextlib
import http.client
import json
import pathlib
import tempfile
import time
import unittest

from api_server_case import IN_SHOP, NODES, SERVICES, SLICES, ServerTest, service, until
from api_server_process import ApiServer


class FaultTest(ServerTest):
    OPTIONS = ("--plain",)

    def watch(self, **query):
        return self.server.watch(SERVICES, resourceVersion=self.version(), timeoutSeconds=8, **query)

    def test_a_status(self):
        for code, reason in ((429, "TooManyRequests"), (500, "InternalError"), (503, "ServiceUnavailable"),
                             (410, "Expired")):
            self.server.fault("status", verb="list", status=code, retry_after=7)
            self.refused(code, reason, SERVICES)
        self.server.fault("status", status=429, retry_after=7)
        self.assertEqual(self.ask(SERVICES)[0].getheader("Retry-After"), "7")
        self.assertEqual(self.ask(SERVICES)[0].status, 200)

    def test_only_what_is_meant(self):
        self.server.fault("status", verb="list", resource="nodes", count=2)
        codes = [self.ask(path)[0].status for path in (SERVICES, NODES, NODES, NODES)]
        self.assertEqual(codes, [200, 500, 500, 200])
        self.assertEqual(self.server.control()["faults"], {"status": 2})

    def test_no_answer(self):
        self.server.fault("drop")
        with self.assertRaises((http.client.RemoteDisconnected, ConnectionError)):
            self.ask(SERVICES)
        for kind in ("hang", "accept-hang"):
            self.server.fault(kind)
            with self.subTest(kind), self.assertRaises(TimeoutError), \
                    contextlib.closing(self.server.connect(timeout=0.5)) as link:
                self.server.send(link, SERVICES)
        self.server.fault("accept-close")
        with self.assertRaises(OSError):
            self.ask(SERVICES)

    def test_a_late_answer(self):
        self.server.fault("delay", seconds=0.5)
        began = time.monotonic()
        self.ask(SERVICES)
        self.assertGreater(time.monotonic() - began, 0.5)

    def test_a_truncated_list(self):
        self.server.fault("truncate", verb="list", after=100)
        with self.assertRaises(http.client.IncompleteRead) as broken:
            self.ask(SERVICES)
        self.assertEqual(len(broken.exception.partial), 100)

    def test_a_truncated_watch(self):
        for clean in (True, False):
            with self.subTest(clean=clean), contextlib.closing(self.server.connect()) as link:
                self.server.fault("truncate", verb="watch", after=300, clean=clean)
                answer = self.server.send(link, f"{SERVICES}?watch=1")
                if clean:
                    self.assertEqual(len(answer.read()), 300)
                else:
                    self.assertRaises(http.client.IncompleteRead, answer.read)

    def test_a_stalled_watch(self):
        self.server.fault("stall", verb="watch", after=300)
        with contextlib.closing(self.server.connect(timeout=2)) as link:
            answer = self.server.send(link, f"{SERVICES}?watch=1")
            self.assertEqual(len(answer.read(300)), 300)
            self.assertRaises(TimeoutError, answer.read, 1)

    def test_errors_and_ends_of_open_watches(self):
        with self.watch() as events:
            self.server.fault("error", status=410)
            self.assertEqual([(event["type"], event["object"]["reason"]) for event in events], [("ERROR", "Expired")])
        for ending in ({"faults": [{"kind": "end"}]}, {"end_watches": "end"}):
            with self.watch() as events:
                until(lambda: self.server.control()["watches"] == {"services": 1})
                self.server.control(**ending)
                self.assertEqual(list(events), [])

    def test_the_server_dies_in_a_watch(self):
        with contextlib.closing(self.server.connect()) as link:
            answer = self.server.send(link, f"{SERVICES}?watch=1")
            answer.read1(1)
            self.server.control(end_watches="cut")
            self.assertRaises((OSError, http.client.IncompleteRead), answer.read)

    def test_events_twice_and_in_the_wrong_order(self):
        with self.watch() as events:
            self.server.fault("duplicate")
            self.create(service("e"))
            self.assertEqual(next(events), next(events))
            self.server.fault("reorder")
            self.create(service("f"))
            self.create(service("g"))
            self.assertEqual([next(events)["object"]["metadata"]["name"] for _ in range(2)], ["g", "f"])
            self.server.fault("garbage")
            self.create(service("h"))
            self.assertRaises(json.JSONDecodeError, next, events)

    def test_no_bookmarks(self):
        self.server.control(bookmark_seconds=0.1)
        self.server.fault("no-bookmarks", count=0)
        with self.watch(allowWatchBookmarks=1) as events:
            until(lambda: self.server.control()["faults"]["no-bookmarks"] > 2)
            self.create(service("e"))
            self.assertEqual(next(events)["type"], "ADDED")

    def test_nonsense_is_told(self):
        for actions in ({"faults": [{"kind": "nonsense"}]}, {"nonsense": True}, {"faults": [{"kind": "drop", "x": 1}]}):
            with self.assertRaises(OSError):
                self.server.control(**actions)


class DirectoryTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = pathlib.Path(folder.name)
        self.write("one.yaml", service("a"), service("b"))
        self.server = ApiServer("--listen", "[::1]:0", "--directory", folder.name)
        self.addCleanup(self.server.stop)

    def write(self, name, *documents):
        fresh = self.path / f".{name}"
        fresh.write_text("\n---\n".join(map(json.dumps, documents)))
        fresh.replace(self.path / name)

    def test_edits_are_events(self):
        version = self.server.ask(SERVICES)[1]["metadata"]["resourceVersion"]
        with self.server.watch(SERVICES, resourceVersion=version) as events:
            self.write("two.yaml", service("c"))
            self.assertEqual(self.seen(events), ("ADDED", "c"))
            self.write("one.yaml", service("a"), service("b", color="red"))
            self.assertEqual(self.seen(events), ("MODIFIED", "b"))
            (self.path / "broken.yaml").write_text("{")
            self.write("one.yaml", service("a"))
            self.assertEqual(self.seen(events), ("DELETED", "b"))
            (self.path / "two.yaml").unlink()
            self.assertEqual(self.seen(events), ("DELETED", "c"))

    @staticmethod
    def seen(events):
        event = next(events)
        return event["type"], event["object"]["metadata"]["name"]

    def test_a_status_outlives_an_edit(self):
        def balanced(**labels):
            return {**(it := service("a", **labels)), "spec": {**it.get("spec", {}), "type": "LoadBalancer"}}

        self.write("one.yaml", balanced())
        until(lambda: self.server.ask(f"{IN_SHOP}/a")[1]["spec"]["type"] == "LoadBalancer")
        status = {"status": {"loadBalancer": {"ingress": [{"ip": "203.0.113.1"}]}}}
        answer = self.server.ask(f"{IN_SHOP}/a/status", "PATCH", status, content_type="application/merge-patch+json")
        self.assertEqual(answer[0].status, 200)
        self.write("one.yaml", balanced(color="red"))
        found = until(lambda: (it := self.server.ask(f"{IN_SHOP}/a")[1])["metadata"].get("labels") and it)
        self.assertEqual(found["status"], status["status"])


class ScaleTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = ApiServer("--plain", "--generate", "nodes=20,services=30,endpoints=1400", "--churn", "50")

    @classmethod
    def tearDownClass(cls):
        cls.server.stop()

    def slices(self):
        return self.server.ask(SLICES)[1]["items"]

    def test_what_is_there(self):
        counts = self.server.control()["objects"]
        self.assertEqual((counts["nodes"], counts["services"]), (20, 30))
        addresses = [each["addresses"][0] for part in self.slices() for each in part["endpoints"]]
        self.assertEqual((len(addresses), len(set(addresses))), (1400, 1400))
        self.assertEqual({":" in each for each in addresses}, {True, False})

    def test_churn(self):
        self.server.control(churn=50)
        before = self.server.control()["changes"]
        until(lambda: self.server.control()["changes"] > before + 50)
        version = self.server.control()["version"]
        with self.server.watch(SLICES, resourceVersion=version) as events:
            changed = next(events)["object"]
        self.assertIn("endpoints.kubernetes.io/last-change-trigger-time", changed["metadata"]["annotations"])

    def test_a_bookmark_is_never_ahead_of_an_event(self):
        """Not even when the client is slow, and the server has to wait for it in the middle of its lines."""
        state = self.server.control(churn=1000, bookmark_seconds=0.001)
        marks, latest = 0, int(state["version"])
        with self.server.watch(SLICES, resourceVersion=latest, allowWatchBookmarks=1) as events:
            time.sleep(1)
            deadline = time.monotonic() + 60
            for number, event in enumerate(events):
                version, marked = int(event["object"]["metadata"]["resourceVersion"]), event["type"] == "BOOKMARK"
                self.assertGreaterEqual(version, latest if marked else latest + 1)
                marks, latest = marks + marked, version
                if (number > 1500 and marks > 5) or time.monotonic() > deadline:
                    break
        self.server.control(churn=0, bookmark_seconds=60)
        self.assertGreater(marks, 5)

    def test_one_change(self):
        self.server.control(churn=0)
        before, after = self.server.control(), self.server.control(flip=1)
        self.assertEqual(after["changes"], before["changes"] + 1)
        self.assertLess(abs(after["last_change"] - time.time()), 5)

    def test_a_rolling_restart(self):
        def pods():
            return {each["targetRef"]["uid"] for part in self.slices() for each in part["endpoints"]
                    if part["metadata"]["labels"]["kubernetes.io/service-name"] == "service-0"}
        before = pods()
        self.server.control(churn=0, roll={"service": 0, "seconds": 0.5})
        after = until(lambda: not (now := pods()) & before and now)
        self.assertEqual((len(before), len(after)), (1000, 1000))


if __name__ == "__main__":
    unittest.main()
