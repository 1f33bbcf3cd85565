"""What every contender is: processes in a namespace of their own that can be paused, with a worker on one CPU."""
import json
import pathlib
import signal
import socket
import time

import netns

CONTROL_CPU, WORKER_CPU = 0, 1


class NotReady(Exception):
    """A contender did not come to do its work; the text says what it said."""


def until(wanted, seconds, what, pause=0.02):
    """The first true answer of `wanted`, asked again and again for a bounded time. `what` is told, or asked, if none comes."""
    deadline = time.monotonic() + seconds
    while not (answer := wanted()):
        if time.monotonic() > deadline:
            raise NotReady(f"not within {seconds} s: {what() if callable(what) else what}")
        time.sleep(pause)
    return answer


def move_in(namespace):
    """Into a namespace in which nobody has been before."""
    if netns.PREFIX + namespace in netns.ours():
        netns.run("ip", "netns", "del", netns.PREFIX + namespace)
    netns.add(namespace)


def time_of(task):
    """Nanoseconds on a CPU so far."""
    return int(pathlib.Path(f"/proc/{task}/schedstat").read_text().split()[0])


def times_of(process):
    """… of each of its threads."""
    return {task.name: time_of(f"{process}/task/{task.name}") for task in pathlib.Path(f"/proc/{process}/task").iterdir()}


class Contender:
    name = ""
    namespace = ""
    overloaded = False  # whether more is sent to it than it can take, and losses say nothing

    def source(self, path):
        """The port that a file's frames come in by, from memory, as fast as they are taken."""
        return f"net_pcap0,rx_pcap={path},infinite_rx=1"

    def start(self, job):
        """Up to the point where frames flow, or would if there were any."""
        raise NotImplementedError

    def counts(self):
        """(received at the one port, sent by the other), in packets."""
        raise NotImplementedError

    def __init__(self):
        self.processes = []  # the one whose worker is measured comes first

    def move_in(self):
        move_in(self.namespace)

    def launch(self, *command, log, **options):
        return netns.start(self.namespace, "taskset", "-c", f"{CONTROL_CPU},{WORKER_CPU}", *command, log=log, **options)

    def pause(self):
        for process in self.processes:
            process.send_signal(signal.SIGSTOP)

    def resume(self):
        for process in self.processes:
            process.send_signal(signal.SIGCONT)

    def stop(self):
        """At once: a worker may be stuck in a pipe."""
        for process in self.processes:
            process.kill()
            process.wait()
        self.processes.clear()

    def log(self, name, lines=15):
        return "\n".join((netns.STATE / name).read_text(errors="replace").splitlines()[-lines:])

    def worker_times(self):
        """Nanoseconds on a CPU so far, by thread."""
        return times_of(self.processes[0].pid)


class Telemetry:
    """A DPDK process's counters, as its telemetry socket tells them."""

    def __init__(self, prefix, source, sink):
        """`source` and `sink` are DPDK's numbers of the ports that frames come in and leave by."""
        self.source, self.sink = source, sink
        self.path = f"/var/run/dpdk/{prefix}/dpdk_telemetry.v2"
        self.link = None

    def connect(self):
        link = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        link.settimeout(5)
        try:
            link.connect(self.path)
            link.recv(4096)  # its greeting
        except OSError:
            return False
        self.link = link
        return True

    def ask(self, command):
        self.link.send(command.encode())
        return json.loads(self.link.recv(65536))

    def stats(self, port):
        return self.ask(f"/ethdev/stats,{port}")["/ethdev/stats"] or {}

    def counts(self):
        return self.stats(self.source).get("ipackets", 0), self.stats(self.sink).get("opackets", 0)
