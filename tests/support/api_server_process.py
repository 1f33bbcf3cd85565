"""Runs the stand-in API server beside a test or a benchmark, and talks to it."""
import contextlib
import http.client
import json
import pathlib
import ssl
import subprocess
import sys
import threading
import urllib.parse
import urllib.request

PROGRAM = pathlib.Path(__file__).resolve().parent / "api_server"
START_SECONDS = 60


class ApiServer:
    """The running server. `info` is what it printed on start."""

    def __init__(self, *arguments):
        self.process = subprocess.Popen([sys.executable, "-B", PROGRAM, *map(str, arguments)], stdout=subprocess.PIPE,
                                        text=True)
        watchdog = threading.Timer(START_SECONDS, self.process.kill)
        watchdog.start()
        line = self.process.stdout.readline()
        watchdog.cancel()
        if not line:
            raise RuntimeError(f"the API server did not start: exit status {self.process.wait()}")
        self.info = json.loads(line)

    def stop(self):
        """Ends it by SIGTERM. Returns the exit status."""
        self.process.terminate()
        try:
            return self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait()
        finally:
            self.process.stdout.close()

    def control(self, **actions):
        """Carries out actions, if there are any, and returns the server's state."""
        body = json.dumps(actions).encode() if actions else None
        with urllib.request.urlopen(self.info["control"], body, timeout=30) as answer:
            return json.load(answer)

    def fault(self, kind, **more):
        return self.control(faults=[{"kind": kind, **more}])

    def requests(self):
        with urllib.request.urlopen(self.info["control"] + "/requests", timeout=30) as answer:
            return json.load(answer)

    def token(self):
        return pathlib.Path(self.info["token_file"]).read_text()

    def connect(self, certificate=False, timeout=10):
        address = urllib.parse.urlsplit(self.info["url"])
        if address.scheme == "http":
            return http.client.HTTPConnection(address.hostname, address.port, timeout=timeout)
        trust = ssl.create_default_context(cafile=self.info["ca"])
        if certificate:
            trust.load_cert_chain(self.info["client_certificate"], self.info["client_key"])
        return http.client.HTTPSConnection(address.hostname, address.port, timeout=timeout, context=trust)

    def ask(self, path, method="GET", content=None, certificate=False, token=None, content_type="application/json"):
        """One request: the status and what came with it, as JSON where it is that."""
        with contextlib.closing(self.connect(certificate)) as link:
            answer = self.send(link, path, method, content, certificate, token, content_type)
            body = answer.read()
        with contextlib.suppress(ValueError):
            body = json.loads(body)
        return answer, body

    def send(self, link, path, method="GET", content=None, certificate=False, token=None,
             content_type="application/json"):
        headers = {"Content-Type": content_type} if content is not None else {}
        if not certificate:
            headers["Authorization"] = f"Bearer {self.token() if token is None else token}"
        link.request(method, path, None if content is None else json.dumps(content), headers)
        return link.getresponse()

    @contextlib.contextmanager
    def watch(self, path, timeout=10, **query):
        """The lines of a watch, each an event; ends when the server ends it."""
        with contextlib.closing(self.connect(timeout=timeout)) as link:
            answer = self.send(link, f"{path}?{urllib.parse.urlencode({'watch': 1, **query})}")
            yield (json.loads(line) for line in answer)
