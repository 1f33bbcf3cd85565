"""HTTP/1.1 on asyncio: reads requests, sends answers whole or in chunks, and cuts them short where a fault says so."""
import asyncio
import http
import socket
import urllib.parse

from faults import AT_ACCEPT, IN_ANSWER, Cut

HEAD_LIMIT = 1 << 16
BODY_LIMIT = 1 << 24


def listen(address, port):
    # By its protocol asyncio tells TCP, and only then sends at once: else an event waits for the last one's late ACK.
    listener = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, proto=socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((address, port))
    listener.listen(128)
    listener.setblocking(False)
    host = f"[{address}]" if ":" in address else address
    return listener, f"{host}:{listener.getsockname()[1]}"


class Request:
    def __init__(self, method, target, headers, body, certified):
        split = urllib.parse.urlsplit(target)
        self.method, self.path, self.headers, self.body = method, split.path, headers, body
        self.query = dict(urllib.parse.parse_qsl(split.query, keep_blank_values=True))
        self.certified = certified  # the client showed a certificate of ours

    def flag(self, name):
        return self.query.get(name, "").lower() in ("1", "true")


async def read_request(reader, writer):
    """The next request of a connection, or None when there is none."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except (asyncio.IncompleteReadError, asyncio.LimitOverrunError):
        return None
    first, *rest = head.decode("latin-1").split("\r\n")
    method, target, _ = first.split(" ", 2)
    headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in rest if line)}
    length = int(headers.get("content-length", 0))
    if length > BODY_LIMIT:
        return None
    if headers.get("expect", "").lower() == "100-continue":
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    body = await reader.readexactly(length)
    return Request(method, target, headers, body, bool(writer.get_extra_info("peercert")))


class Answer:
    """One answer on its way to the client."""

    def __init__(self, reader, writer, faults):
        self.reader, self.writer, self.faults = reader, writer, faults
        self.verb = self.resource = ""  # what faults go by
        self.fault, self.left, self.chunked, self.record = None, 0, False, None

    def head(self, code, content_type, *more):
        lines = [f"HTTP/1.1 {code} {http.HTTPStatus(code).phrase}", f"Content-Type: {content_type}", *more]
        self.writer.write("\r\n".join([*lines, "Cache-Control: no-cache, private", "", ""]).encode())

    async def whole(self, code, body, content_type="application/json", headers=None):
        more = [f"{name}: {value}" for name, value in (headers or {}).items()]
        self.head(code, content_type, f"Content-Length: {len(body)}", *more)
        await self.send(body)

    def begin(self):
        """From here on the body comes in chunks, each as soon as it is there."""
        self.chunked = True
        self.head(200, "application/json", "Transfer-Encoding: chunked")

    async def send(self, data):
        if self.fault is None:
            self.fault = self.faults.take(IN_ANSWER, self.verb, self.resource)
            self.left = self.fault.after if self.fault else 0
        if self.fault is None or len(data) <= self.left:
            self.left -= len(data)
            return await self.write(data)
        if self.left:
            await self.write(data[:self.left])
        if self.fault.kind == "stall":
            await asyncio.Event().wait()
        elif self.fault.clean:
            await self.end()
        raise Cut

    async def write(self, data):
        if self.chunked:
            data = b"%x\r\n%b\r\n" % (len(data), data)
        self.writer.write(data)
        await self.writer.drain()

    async def end(self):
        self.writer.write(b"0\r\n\r\n")
        await self.writer.drain()


class Server:
    """Accepts connections and gives each request to `handle(request, answer)`."""

    def __init__(self, listener, tls, handle, faults):
        self.listener, self.tls, self.handle, self.faults = listener, tls, handle, faults
        self.kept, self.connections = [], set()

    async def run(self):
        loop = asyncio.get_running_loop()
        while True:
            link, _ = await loop.sock_accept(self.listener)
            fault = self.faults.take(AT_ACCEPT)
            if fault is None:
                task = asyncio.create_task(self.connect(link))
                self.connections.add(task)
                task.add_done_callback(self.connections.discard)
            elif fault.kind == "accept-hang":
                self.kept.append(link)
            else:
                link.close()

    async def connect(self, link):
        loop = asyncio.get_running_loop()
        reader = asyncio.StreamReader(HEAD_LIMIT)
        protocol = asyncio.StreamReaderProtocol(reader)
        try:
            transport, _ = await loop.connect_accepted_socket(lambda: protocol, link, ssl=self.tls)
        except OSError:
            return link.close()
        writer = asyncio.StreamWriter(transport, protocol, reader, loop)
        try:
            while request := await read_request(reader, writer):
                await self.handle(request, Answer(reader, writer, self.faults))
                await writer.drain()
                if request.headers.get("connection", "").lower() == "close":
                    break
        except (OSError, ValueError, asyncio.IncompleteReadError, Cut):
            pass
        finally:
            writer.close()
