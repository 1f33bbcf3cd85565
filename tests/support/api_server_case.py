"""What the tests of the stand-in API server share."""
import time
import unittest

from api_server_process import ApiServer

SERVICES, SLICES, NODES = "/api/v1/services", "/apis/discovery.k8s.io/v1/endpointslices", "/api/v1/nodes"
IN_SHOP = "/api/v1/namespaces/shop/services"
EVENTS = "/apis/events.k8s.io/v1/namespaces/shop/events"


def service(name, **labels):
    return {"kind": "Service", "apiVersion": "v1", "metadata": {"name": name, "namespace": "shop", "labels": labels},
            "spec": {"clusterIP": "fd00:96::1", "ports": [{"port": 80}]}}


def until(condition, seconds=30.0):
    deadline = time.monotonic() + seconds
    while not (result := condition()):
        if time.monotonic() > deadline:
            raise AssertionError("it does not come true")
        time.sleep(0.02)
    return result


class ServerTest(unittest.TestCase):
    """Each test has an empty shop with the Services a, b, c, d."""
    OPTIONS = ()

    @classmethod
    def setUpClass(cls):
        cls.server = ApiServer(*cls.OPTIONS)

    @classmethod
    def tearDownClass(cls):
        assert cls.server.stop() == 0

    def setUp(self):
        self.server.control(clear=True)
        for item in self.ask(SERVICES)[1]["items"]:
            self.ask(f"{IN_SHOP}/{item['metadata']['name']}", "DELETE")
        for name in "abcd":
            self.create(service(name))

    def ask(self, *arguments, **more):
        return self.server.ask(*arguments, **more)

    def create(self, content):
        answer, made = self.ask(IN_SHOP, "POST", content)
        self.assertEqual(answer.status, 201, made)
        return made

    def refused(self, code, reason, *arguments, **more):
        answer, status = self.ask(*arguments, **more)
        said = (answer.status, status["kind"], status["code"], status["reason"])
        self.assertEqual(said, (code, "Status", code, reason))
        return status

    def names(self, query):
        return "".join(item["metadata"]["name"] for item in self.ask(f"{SERVICES}?{query}")[1]["items"])

    def version(self):
        return self.server.control()["version"]

    def patch(self, name, content):
        return self.ask(f"{IN_SHOP}/{name}", "PATCH", content, content_type="application/merge-patch+json")
