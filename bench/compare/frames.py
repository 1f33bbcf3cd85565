"""Frames with their checksums, as files that DPDK's pcap port replays, or as a stream for one that reads them once."""
import ipaddress
import os
import pathlib
import struct
import threading
import zlib

import plan

SHORTEST = 60  # bytes: 64 on the wire, with the FCS
SYN = 2
PCAP_HEADER = struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, 1)


def mac(text):
    return bytes.fromhex(text.replace(":", ""))


def checksum(data):
    data += bytes(len(data) % 2)
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return total ^ 0xffff


def udp(pseudo, source, destination, payload):
    length = 8 + len(payload)
    header = struct.pack("!HHH", source, destination, length)
    sum_ = checksum(pseudo + struct.pack("!HH", 17, length) + header + b"\0\0" + payload)
    return header + struct.pack("!H", sum_ or 0xffff) + payload


def syn(pseudo, source, destination, number):
    header = struct.pack("!HHIIBBH", source, destination, number, 0, 5 << 4, SYN, 65535)
    return header + struct.pack("!HH", checksum(pseudo + struct.pack("!HH", 6, 20) + header + bytes(4)), 0)


def ip(source, destination, protocol, payload):
    if len(source) == 16:
        return struct.pack("!IHBB", 0x60000000, len(payload), protocol, 64) + source + destination + payload
    header = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(payload), 0, 0x4000, 64, protocol, 0) + source + destination
    return header[:10] + struct.pack("!H", checksum(header)) + header[12:] + payload


def ethernet(destination, source, packet):
    kind = b"\x86\xdd" if packet[0] >> 4 == 6 else b"\x08\x00"
    return (mac(destination) + mac(source) + kind + packet).ljust(SHORTEST, b"\0")


def packet(flow, protocol):
    source, destination = (ipaddress.ip_address(end).packed for end in (flow.source, flow.destination))
    ports = flow.source_port, flow.destination_port
    if protocol == "TCP":
        return ip(source, destination, 6, syn(source + destination, *ports, flow.number))
    number = struct.pack("!I", flow.number)
    room = SHORTEST - 14 - 8 - (40 if len(source) == 16 else 20)
    return ip(source, destination, 17, udp(source + destination, *ports, number.ljust(room, b"\0")))


def in_tunnel(flow, frame):
    """Received from the flow's peer. The UDP source port is the sender's hash of the flow (RFC 7348)."""
    peer = plan.Peer(flow.peer)
    ends = [ipaddress.ip_address(end).packed for end in (peer.underlay, plan.VTEP)]
    port = 49152 + zlib.crc32(frame[14:]) % 16384
    header = struct.pack("!HHHH", port, plan.VXLAN_PORT, 16 + len(frame), 0)
    vxlan = struct.pack("!II", 0x08000000, plan.VNI << 8)
    return ethernet(plan.PORT_MAC, peer.host_mac, ip(*ends, 17, header + vxlan + frame))


def frame(workload, flow, port_mac=plan.PORT_MAC):
    plain = packet(flow, workload.protocol)
    if workload.tunnelled:
        return in_tunnel(flow, ethernet(plan.VTEP_MAC, plan.Peer(flow.peer).vtep_mac, plain))
    return ethernet(port_mac, plan.ROUTER_MAC, plain)


def records(workload, flows, port_mac=plan.PORT_MAC):
    """As in a pcap file."""
    for flow in flows:
        data = frame(workload, flow, port_mac)
        yield struct.pack("<IIII", 0, 0, len(data), len(data)) + data


def write(path, workload, flows, port_mac=plan.PORT_MAC):
    pathlib.Path(path).write_bytes(PCAP_HEADER + b"".join(records(workload, flows, port_mac)))


class Stream:
    """A pipe that a pcap port reads frames from, each once, when it is told to go."""

    def __init__(self, path, data):
        self.path, self.data, self.go, self.end = path, data, threading.Event(), threading.Event()
        os.mkfifo(path)
        threading.Thread(target=self.feed, daemon=True).start()

    def feed(self):
        try:
            with open(self.path, "wb", buffering=0) as pipe:
                pipe.write(PCAP_HEADER)
                self.go.wait()
                view = memoryview(self.data)
                while view:
                    view = view[pipe.write(view):]
                self.end.wait()  # a closed pipe would make the port spin
        except BrokenPipeError:
            pass  # its reader has ended

    def close(self):
        self.go.set()
        self.end.set()


class Capture:
    """A pipe that a pcap port writes what it is given to: the first `count` frames are kept, then its writer is stuck."""

    def __init__(self, path, count):
        self.path, self.count, self.frames, self.done = path, count, [], threading.Event()
        os.mkfifo(path)
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        with open(self.path, "rb") as pipe:
            pipe.read(len(PCAP_HEADER))
            while len(self.frames) < self.count and (head := pipe.read(16)):
                self.frames.append(pipe.read(struct.unpack("<IIII", head)[2]))
            self.done.set()
            threading.Event().wait()
