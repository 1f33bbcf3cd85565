"""A backend that says its name: `backend.py NAME PORT` serves HTTP and echoes UDP on PORT, for IPv4 and IPv6.

GET /        the name
GET /body    BODY_SIZE bytes, their SHA-256 in the header X-Sha256
POST /       the SHA-256 of what was sent
The header X-Client tells from which address the request came, X-Backend who answers. A datagram is answered by the
name, a space, the client's address, a space and the datagram itself.
"""
import hashlib
import http.server
import random
import socket
import socketserver
import sys
import threading

BODY_SIZE = 1 << 20
IP_PKTINFO = 8  # Linux's; Python 3.11 does not name it
BODY = random.Random(2).randbytes(BODY_SIZE)


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 30

    def do_GET(self):
        if self.path == "/body":
            self.answer(BODY, hashlib.sha256(BODY).hexdigest())
        else:
            self.answer(self.server.label.encode() + b"\n")

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.answer(hashlib.sha256(body).hexdigest().encode() + b"\n")

    def answer(self, body, digest=None):
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("X-Backend", self.server.label)
        self.send_header("X-Client", plain(self.client_address[0]))
        if digest:
            self.send_header("X-Sha256", digest)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        pass


class Server(http.server.ThreadingHTTPServer):
    address_family = socket.AF_INET6
    daemon_threads = True
    request_queue_size = 128

    def server_bind(self):
        self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        socketserver.TCPServer.server_bind(self)  # HTTPServer's would ask DNS for our name

    def handle_error(self, request, client_address):
        pass  # a client that went away


def plain(address):
    return address.removeprefix("::ffff:")


def echo(label, port):
    for family, level, option in ((socket.AF_INET, socket.IPPROTO_IP, IP_PKTINFO),
                                  (socket.AF_INET6, socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO)):
        udp = socket.socket(family, socket.SOCK_DGRAM)
        if family == socket.AF_INET6:
            udp.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        udp.setsockopt(level, option, 1)
        udp.bind(("", port))
        threading.Thread(target=echo_for_ever, args=(udp, label), daemon=True).start()


def echo_for_ever(udp, label):
    """Answers from the address that was asked, also on a node, where the route back would prefer flannel's."""
    while True:
        data, asked, _, client = udp.recvmsg(65535, 64)
        if udp.family == socket.AF_INET:  # struct in_pktinfo: interface, source to use, destination that was used
            asked = [(level, kind, bytes(4) + info[8:12] + bytes(4)) for level, kind, info in asked]
        else:                             # struct in6_pktinfo: address, interface
            asked = [(level, kind, info[:16] + bytes(4)) for level, kind, info in asked]
        udp.sendmsg([f"{label} {client[0]} ".encode(), data], asked, 0, client)


def main():
    label, port = sys.argv[1], int(sys.argv[2])
    echo(label, port)
    server = Server(("::", port), Handler)
    server.label = label
    server.serve_forever()


if __name__ == "__main__":
    main()
