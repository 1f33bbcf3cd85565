"""A big cluster out of nothing, and changes in it at a steady rate."""
import asyncio
import datetime
import ipaddress
import itertools
import random
import uuid

import full_size
from resources import BY_KIND

NODE, SERVICE = BY_KIND["v1", "Node"], BY_KIND["v1", "Service"]
SLICE = BY_KIND["discovery.k8s.io/v1", "EndpointSlice"]
NAMESPACE, CONFIG = BY_KIND["v1", "Namespace"], BY_KIND["v1", "ConfigMap"]
ENDPOINTS_PER_SLICE = 100
BIG_SERVICE = 1000  # endpoints of the first Service, for rolling restarts
TRIGGER = "endpoints.kubernetes.io/last-change-trigger-time"
CONTROLLER = "kube-controller-manager"
NET_CONF = '{"Network":"10.0.0.0/8","EnableIPv6":true,"IPv6Network":"fd00:244::/32","Backend":{"Type":"vxlan"}}'
NODES_V4, NODES_V6 = ipaddress.ip_address("192.168.0.0"), ipaddress.ip_address("fd00:77::")
PODS_V4, PODS_V6 = ipaddress.ip_address("10.0.0.0"), ipaddress.ip_address("fd00:244::")
SERVICES_V4, SERVICES_V6 = ipaddress.ip_address("172.16.0.0"), ipaddress.ip_address("fd00:96::")


def node(number):
    mac = f"0a:58:00:{number >> 16 & 255:02x}:{number >> 8 & 255:02x}:{number & 255:02x}"
    pods = [f"{PODS_V4 + (number << 8)}/24", f"{PODS_V6 + (number << 64)}/64"]
    data = f'{{"VNI":1,"VtepMAC":"{mac}"}}'
    prefix = "flannel.alpha.coreos.com/"
    annotations = {"kube-subnet-manager": "true", "backend-type": "vxlan", "backend-data": data, "backend-v6-data": data,
                   "public-ip": str(NODES_V4 + number), "public-ipv6": str(NODES_V6 + number)}
    return {"metadata": {"name": f"node-{number}", "labels": {
                "kubernetes.io/hostname": f"node-{number}", "topology.kubernetes.io/zone": f"zone-{'abc'[number % 3]}"},
                "annotations": {prefix + name: value for name, value in annotations.items()}},
            "spec": {"podCIDR": pods[0], "podCIDRs": pods},
            "status": {"addresses": [{"type": "InternalIP", "address": str(NODES_V4 + number)},
                                     {"type": "InternalIP", "address": str(NODES_V6 + number)},
                                     {"type": "Hostname", "address": f"node-{number}"}]}}


def service(number):
    """Every other one is an IPv6 Service."""
    address = str((SERVICES_V6 if number % 2 else SERVICES_V4) + number + 1)
    return {"metadata": {"name": f"service-{number}", "namespace": "scale"},
            "spec": {"clusterIP": address, "clusterIPs": [address], "selector": {"app": f"app-{number}"}, "ports": [
                {"name": "http", "port": 80, "targetPort": 8080}, {"name": "metrics", "port": 9090, "targetPort": 9090}]}}


class Pace:
    """Waits of a given length on average: one that was too long makes the next ones shorter."""

    def __init__(self):
        self.clock = asyncio.get_running_loop().time
        self.due = self.clock()

    async def wait(self, seconds):
        self.due += seconds
        await asyncio.sleep(max(0, self.due - self.clock()))


class Cluster:
    def __init__(self, store, nodes, services, endpoints, seed=1):
        self.store, self.nodes, self.services, self.endpoints = store, nodes, services, endpoints
        self.random, self.pods = random.Random(seed), itertools.count()
        self.slices, self.rate, self.changes, self.last_change = [], 0.0, 0, 0.0

    # Making it --------------------------------------------------------------------------------------------------------
    def make(self):
        self.add(NAMESPACE, {"metadata": {"name": "scale"}})
        self.add(CONFIG, {"metadata": {"name": "kube-flannel-cfg", "namespace": "kube-flannel"},
                          "data": {"net-conf.json": NET_CONF}})
        for number in range(1, self.nodes + 1):
            self.add(NODE, node(number))
        left = self.endpoints
        for number in range(self.services):
            self.add(SERVICE, service(number))
            share = min(left, BIG_SERVICE) if number == 0 else -(-left // (self.services - number))
            left -= share
            for first in range(0, share, ENDPOINTS_PER_SLICE):
                self.add(SLICE, self.slice(number, min(ENDPOINTS_PER_SLICE, share - first)))

    def add(self, resource, content):
        """Objects that were there before anybody watched: no changes."""
        content = full_size.complete(resource, content, None, CONTROLLER)
        key = full_size.key_of(content)
        self.store.version += 1
        self.store[resource].objects[key] = self.store.stored(key, content)
        self.store[resource].floor = self.store.version
        if resource is SLICE:
            self.slices.append(key)

    def slice(self, number, endpoints):
        name = f"service-{number}"
        return {"metadata": {"name": f"{name}-{len(self.slices):05d}", "generateName": f"{name}-", "namespace": "scale",
                             "labels": {"endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io",
                                        "kubernetes.io/service-name": name},
                             "annotations": {TRIGGER: full_size.now()}},
                "addressType": "IPv6" if number % 2 else "IPv4",
                "endpoints": [self.endpoint(number % 2) for _ in range(endpoints)],
                "ports": [{"name": "http", "protocol": "TCP", "port": 8080},
                          {"name": "metrics", "protocol": "TCP", "port": 9090}]}

    def endpoint(self, six):
        """The next pod: spread over all nodes but the first, which is a gateway's, each with its own address."""
        turn, index = divmod(next(self.pods), max(1, self.nodes - 1))
        number, host = index + 2, 2 + turn % (60_000 if six else 250)
        address = PODS_V6 + (number << 64) + host if six else PODS_V4 + (number << 8) + host
        return {"addresses": [str(address)], "conditions": {"ready": True, "serving": True, "terminating": False},
                "nodeName": f"node-{number}", "zone": f"zone-{'abc'[number % 3]}",
                "targetRef": {"kind": "Pod", "namespace": "scale", "name": f"pod-{turn}-{number}",
                              "uid": str(uuid.UUID(int=self.random.getrandbits(128)))}}

    # Changing it ------------------------------------------------------------------------------------------------------
    async def churn(self):
        """So many changes a second as `rate` says; one that comes late is made up for, none comes after the rate is 0."""
        pace = Pace()
        while True:
            if self.rate:
                await pace.wait(1 / self.rate)
                if self.rate:
                    self.flip()
            else:
                await asyncio.sleep(0.05)
                pace = Pace()

    def flip(self):
        """Some pod gets unready, or ready again."""
        def change(content):
            conditions = self.random.choice(content["endpoints"])["conditions"]
            conditions["ready"] = conditions["serving"] = not conditions["ready"]
        self.change(self.random.choice(self.slices), change)

    def change(self, key, edit):
        content = self.store.get(SLICE, key).content()
        edit(content)
        at = datetime.datetime.now(datetime.timezone.utc)
        content["metadata"]["annotations"][TRIGGER] = at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        content["metadata"]["generation"] += 1
        self.store.put(SLICE, key, content)
        self.changes, self.last_change = self.changes + 1, at.timestamp()

    async def roll(self, number, seconds):
        """Every endpoint of a Service is replaced by a new one within so many seconds."""
        keys = [key for key in self.slices if key[1].startswith(f"service-{number}-")]
        places = [(key, index) for key in keys
                  for index, _ in enumerate(self.store.get(SLICE, key).content()["endpoints"])]
        pace = Pace()
        for key, index in places:
            await pace.wait(seconds / len(places))
            fresh = self.endpoint(number % 2)
            self.change(key, lambda content, index=index, fresh=fresh: content["endpoints"].__setitem__(index, fresh))
