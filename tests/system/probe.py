"""What a client does: HTTP requests, datagrams and pings from inside a namespace, and what came back."""
import contextlib
import dataclasses
import errno
import hashlib
import http.client
import os
import re
import socket
import ssl
import time

import netns
from backend import BODY, BODY_SIZE

# Linux's socket options that Python does not name: level, option.
IP_RECVERR, IPV6_RECVERR = (socket.IPPROTO_IP, 11), (socket.IPPROTO_IPV6, 25)
DIGEST = hashlib.sha256(BODY).hexdigest()


class Unexpected(Exception):
    """What came back is not what should have."""


@dataclasses.dataclass(frozen=True)
class Reply:
    backend: str  # who answered
    client: str   # from which address the request came, as the backend saw it
    rest: bytes = b""


class Connection:
    """One TCP connection that carries any number of requests."""

    def __init__(self, ns, address, port, patience=5.0):
        self.http = http.client.HTTPConnection(address, port, timeout=patience)
        with netns.inside(ns):
            self.http.connect()

    def request(self, method="GET", path="/", body=None):
        self.http.request(method, path, body)
        response = self.http.getresponse()
        return response, response.read()

    def get(self):
        response, body = self.request()
        return Reply(response.headers["X-Backend"], response.headers["X-Client"], body)

    def megabyte_each_way(self):
        _, body = self.request("GET", "/body")
        if hashlib.sha256(body).hexdigest() != DIGEST:
            raise Unexpected(f"the download differs from what was sent ({len(body)} of {BODY_SIZE} bytes)")
        response, digest = self.request("POST", "/", BODY)
        if digest.decode().strip() != DIGEST:
            raise Unexpected("the upload arrived damaged")
        return response.headers["X-Backend"]

    def close(self):
        self.http.close()


@contextlib.contextmanager
def connection(ns, address, port, patience=5.0):
    opened = Connection(ns, address, port, patience)
    try:
        yield opened
    finally:
        opened.close()


def https(ns, address, port, path, certificate, patience=5.0):
    """One request over TLS to who has that certificate: (status, who answered)."""
    link = http.client.HTTPSConnection(address, port, timeout=patience,
                                       context=ssl.create_default_context(cafile=certificate))
    with contextlib.closing(link):
        with netns.inside(ns):
            link.connect()
        link.request("GET", path)
        response = link.getresponse()
        return response.status, response.headers["X-Backend"]


def get(ns, address, port, patience=5.0):
    with connection(ns, address, port, patience) as opened:
        return opened.get()


def megabyte_each_way(ns, address, port):
    with connection(ns, address, port, patience=30.0) as opened:
        return opened.megabyte_each_way()


def echo(ns, address, port, size=64, patience=5.0, hear_errors=False):
    """Sends a datagram from a port of its own and returns the echo. With `hear_errors`, an ICMP error of any kind ends
    the wait; otherwise Linux tells a UDP sender only of refused ports."""
    with netns.inside(ns):
        udp = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM)
    with udp:
        if hear_errors:
            udp.setsockopt(*(IPV6_RECVERR if ":" in address else IP_RECVERR), 1)
        udp.connect((address, port))
        udp.settimeout(patience)
        payload = os.urandom(size)
        udp.send(payload)
        backend, client, rest = udp.recv(65535).split(b" ", 2)
    if rest != payload:
        raise Unexpected(f"a datagram of {size} bytes came back damaged")
    return Reply(backend.decode(), client.decode(), rest)


def ping(ns, address, size=56, count=2, fragment=True):
    """Returns (answers, what ping printed)."""
    text = netns.run("ping", "-n", "-c", str(count), "-i", "0.2", "-W", "3", "-s", str(size),
                     "-M", "dont" if fragment else "do", address, ns=ns, check=False)
    answers = re.search(r"(\d+) received", text)
    return int(answers.group(1)) if answers else 0, text


def until(condition, patience, what, pause=0.05):
    """Waits until the condition holds. Errors of the network count as "not yet"."""
    deadline = time.monotonic() + patience
    while True:
        with contextlib.suppress(OSError, http.client.HTTPException):
            if result := condition():
                return result
        if time.monotonic() > deadline:
            raise Unexpected(f"after {patience:g} s still not: {what}")
        time.sleep(pause)


def ending(attempt, *arguments, **options):
    """How an attempt to reach somebody ends, in a word."""
    try:
        attempt(*arguments, **options)
    except ConnectionRefusedError:
        return "refused"
    except TimeoutError:
        return "timed out"
    except OSError as error:
        return "unreachable" if error.errno == errno.EHOSTUNREACH else os.strerror(error.errno)
    return "answered"


def tcp_ending(ns, address, port, patience=4.0):
    return ending(get, ns, address, port, patience)


def udp_ending(ns, address, port, patience=4.0):
    return ending(echo, ns, address, port, patience=patience, hear_errors=True)
