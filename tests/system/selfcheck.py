"""Does the cluster work without the gateway? Pods over the nodes' own VXLAN devices: what the kernel alone can do."""
import netns
import probe
from rows import FAMILIES, expect


def check(cluster):
    for family in FAMILIES:
        expect(probe.get("web1", cluster.address("web2", family), 8080).backend, "web2")
        expect(probe.get("node3", cluster.address("web2", family), 8080).client, cluster.overlay_address("node3", family))
        expect(probe.get("client", cluster.address("web1", family), 8080, patience=1.0).error, "timed out")
