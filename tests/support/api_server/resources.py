"""The resources that are served: where each lives in the API, and what an empty one looks like in a BOOKMARK."""
import dataclasses

NODE_INFO = ("machineID", "systemUUID", "bootID", "kernelVersion", "osImage", "containerRuntimeVersion", "kubeletVersion",
             "kubeProxyVersion", "operatingSystem", "architecture")


@dataclasses.dataclass(frozen=True)
class Resource:
    group: str
    version: str
    plural: str
    kind: str
    namespaced: bool
    has_status: bool
    empty: str

    @property
    def api_version(self):
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def prefix(self):
        """How a single object begins. In a list the items carry neither kind nor apiVersion."""
        return f'{{"kind":"{self.kind}","apiVersion":"{self.api_version}",'.encode()


EMPTY_NODE = '"spec":{},"status":{"daemonEndpoints":{"kubeletEndpoint":{"Port":0}},"nodeInfo":{' + \
             ",".join(f'"{name}":""' for name in NODE_INFO) + "}}"
RESOURCES = (
    Resource("", "v1", "namespaces", "Namespace", False, True, '"spec":{},"status":{}'),
    Resource("", "v1", "nodes", "Node", False, True, EMPTY_NODE),
    Resource("", "v1", "services", "Service", True, True, '"spec":{},"status":{"loadBalancer":{}}'),
    Resource("", "v1", "endpoints", "Endpoints", True, False, '"subsets":null'),
    Resource("", "v1", "configmaps", "ConfigMap", True, False, '"data":null'),
    Resource("", "v1", "events", "Event", True, False, '"involvedObject":{},"source":{}'),
    Resource("discovery.k8s.io", "v1", "endpointslices", "EndpointSlice", True, False,
             '"addressType":"","endpoints":null,"ports":null'),
    Resource("coordination.k8s.io", "v1", "leases", "Lease", True, False, '"spec":{}'),
    Resource("events.k8s.io", "v1", "events", "Event", True, False, '"eventTime":null'),
    Resource("crd.projectcalico.org", "v1", "ippools", "IPPool", False, False, '"spec":{}'),
    Resource("crd.projectcalico.org", "v1", "blockaffinities", "BlockAffinity", False, False, '"spec":{}'),
    Resource("crd.projectcalico.org", "v1", "ipamblocks", "IPAMBlock", False, False, '"spec":{}'),
    Resource("crd.projectcalico.org", "v1", "felixconfigurations", "FelixConfiguration", False, False, '"spec":{}'),
    Resource("cilium.io", "v2", "ciliumnodes", "CiliumNode", False, False, '"spec":{}'),
)
BY_PATH = {(each.group, each.version, each.plural): each for each in RESOURCES}
BY_KIND = {(each.api_version, each.kind): each for each in RESOURCES}
GROUPS = sorted({(each.group, each.version) for each in RESOURCES if each.group})
