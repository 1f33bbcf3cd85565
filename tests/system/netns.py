"""Network namespaces and the processes in them: made, entered, recorded, and removed without a trace."""
import contextlib
import ctypes
import fcntl
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import time

PREFIX = "vd-"
STATE = pathlib.Path("/run/viaduct-demo")
CLONE_NEWNET = 0x40000000
PR_SET_PDEATHSIG = 1
libc = ctypes.CDLL(None, use_errno=True)


class CommandFailed(Exception):
    """A command exited non-zero; the text says which and what it printed."""


def run(*command, ns=None, stdin=None, check=True):
    """Runs a command to its end, in a namespace if one is named, and returns what it printed."""
    argv = ["ip", "netns", "exec", PREFIX + ns, *command] if ns else list(command)
    done = subprocess.run(argv, input=stdin, capture_output=True, text=True, timeout=120)
    if check and done.returncode:
        raise CommandFailed(f"{' '.join(argv)}\n{(done.stderr + done.stdout).strip()}\n{stdin or ''}".strip())
    return done.stdout


def ip(ns, *lines):
    """Configures a namespace with iproute2's batch mode: one process for all lines."""
    run("ip", "-n", PREFIX + ns, "-batch", "-", stdin="\n".join(lines) + "\n")


def setns(fd):
    if libc.setns(fd, CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "setns")


@contextlib.contextmanager
def inside(ns):
    """The calling thread lives in the namespace: sockets that it opens stay there also after it came back."""
    with open("/proc/thread-self/ns/net") as home, open(f"/run/netns/{PREFIX}{ns}") as away:
        setns(away.fileno())
        try:
            yield
        finally:
            setns(home.fileno())


def birth(pid):
    """When a process started, in clock ticks since boot: with the pid it names one process for ever. None: no such."""
    try:
        stat = pathlib.Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    fields = stat.rpartition(")")[2].split()
    return None if fields[0] == "Z" else fields[19]


def die_with_parent():
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def start(ns, *command, log, **options):
    """Starts a process that a later run can find and end, should this one be killed. Its output goes to STATE/log."""
    argv = ["ip", "netns", "exec", PREFIX + ns, *command]
    with open(STATE / log, "ab") as output:
        child = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
                                 preexec_fn=die_with_parent, **options)
    with open(STATE / "processes", "a") as record:
        record.write(f"{child.pid} {birth(child.pid)}\n")
    return child


def stop(child, patience=30.0):
    """Ends one of our processes, politely first. Returns its exit status."""
    if child.poll() is None:
        child.send_signal(signal.SIGTERM)
    try:
        return child.wait(patience)
    except subprocess.TimeoutExpired:
        child.kill()
        return child.wait()


def add(*names):
    for name in names:
        run("ip", "netns", "add", PREFIX + name)
        # No duplicate address detection: an address works from the moment that it is set.
        run("sysctl", "-qw", "net.ipv6.conf.default.accept_dad=0", "net.ipv6.conf.all.accept_dad=0",
            "net.ipv6.conf.default.accept_ra=0", "net.ipv4.conf.all.send_redirects=0",
            "net.ipv4.conf.default.send_redirects=0", ns=name)
        ip(name, "link set lo up")


def ours():
    return [line.split()[0] for line in run("ip", "netns", "list").splitlines() if line.startswith(PREFIX)]


def recorded_processes():
    try:
        lines = (STATE / "processes").read_text().splitlines()
    except OSError:
        return []
    pairs = (line.split() for line in lines)
    return [int(pid) for pid, started in pairs if birth(pid) == started]


def inhabitants():
    """Processes in our namespaces, whoever started them there: nobody else has a reason to be in one."""
    return [int(pid) for name in ours() for pid in run("ip", "netns", "pids", name, check=False).split()]


def end(pids, patience=3.0):
    for sign in (signal.SIGTERM, signal.SIGKILL):
        deadline = time.monotonic() + patience
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, sign)
        while (pids := [pid for pid in pids if birth(pid)]) and time.monotonic() < deadline:
            time.sleep(0.02)


def clean_up():
    """Removes whatever a run made, this one or one that was killed."""
    end(set(recorded_processes() + inhabitants()) - {os.getpid()})
    for name in ours():
        run("ip", "netns", "del", name)
    for entry in STATE.iterdir():
        if entry.name != "lock":
            shutil.rmtree(entry) if entry.is_dir() else entry.unlink()


@contextlib.contextmanager
def exclusive():
    """One cluster per machine: its names and its state directory are fixed, so that leftovers can be found."""
    STATE.mkdir(mode=0o755, parents=True, exist_ok=True)
    with open(STATE / "lock", "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            sys.exit("Another demo or test run is using the cluster on this machine; end that one first.")
        clean_up()
        try:
            yield
        finally:
            for sign in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                signal.signal(sign, signal.SIG_IGN)
            clean_up()
            (STATE / "lock").unlink()
            STATE.rmdir()
