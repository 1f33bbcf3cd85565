"""The gateway under test: started on the cluster's two AF_XDP ports, asked over its socket, stopped."""
import http.client
import json
import os
import pathlib
import socket
import time

import netns
import probe

BUILD = pathlib.Path(os.environ.get("VIADUCT_BUILD", pathlib.Path(__file__).resolve().parents[2] / "build"))
DAEMON = BUILD / "dataplane/viaduct"
CTL = BUILD / "control/viaductctl/viaductctl"
SETTINGS = pathlib.Path(__file__).resolve().parents[2] / "deploy/demo.d/viaduct.conf"
SOCKET = netns.STATE / "viaduct.sock"


class OverUnixSocket(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("viaduct", timeout=30)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self.path))


def ask(path, unix_socket=SOCKET):
    link = OverUnixSocket(unix_socket)
    try:
        link.request("GET", path)
        return json.loads(link.getresponse().read())
    finally:
        link.close()


class Gateway:
    def __init__(self, workers=1, queues=1, api=None, settings=lambda text: text):
        self.workers, self.queues, self.api, self.process = workers, queues, api, None
        self.settings = settings  # changes the demo's configuration

    def start(self):
        settings = netns.STATE / "viaduct.conf"
        text = self.settings(SETTINGS.read_text()).replace("queues = 1", f"queues = {self.queues}")
        settings.write_text(self.api.instead_of_directory(text) if self.api else text)
        self.process = netns.start("gw", str(DAEMON), "--config", str(settings), "--workers", str(self.workers),
                                   log="viaduct.log")
        deadline = time.monotonic() + 60
        while not self.ready():
            if not self.alive or time.monotonic() > deadline:
                raise netns.CommandFailed(f"the gateway does not become ready:\n{self.log(20)}")

    def ready(self):
        try:
            self.control("wait", "--timeout", "1")
        except netns.CommandFailed:
            return False
        return True

    def stop(self):
        """Returns the exit status."""
        return netns.stop(self.process) if self.process else 0

    def kill(self):
        self.process.kill()
        self.process.wait()

    @property
    def alive(self):
        return self.process is not None and self.process.poll() is None

    @staticmethod
    def log(lines=5):
        return "\n".join((netns.STATE / "viaduct.log").read_text(errors="replace").splitlines()[-lines:])

    def headline(self):
        """The line in which the gateway says what it does."""
        return next((line for line in self.log(50).splitlines() if "info: forwarding" in line), "")

    @staticmethod
    def control(*words):
        return netns.run(str(CTL), "--socket", str(SOCKET), *words)

    @staticmethod
    def ask(path):
        return ask(path)

    def conserved(self):
        """Every packet taken in has exactly one outcome, once none is under way. Returns the totals in words."""
        totals = probe.until(lambda: self.settled(), 20.0, "the totals add up", pause=0.1)
        return f"{totals['rx']} in = {totals['tx']} out + {totals['punt']} to the kernel + " \
               f"{sum(totals['drops'].values())} dropped + {totals['held']} waiting"

    def settled(self):
        totals = self.ask("/v1/totals")
        added = totals["tx"] + totals["punt"] + totals["held"] + sum(totals["drops"].values())
        return totals if totals["conserved"] and added == totals["rx"] else None
