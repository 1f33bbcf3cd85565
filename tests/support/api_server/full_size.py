"""Makes of what a person writes what a real server sends: defaults, uid, times, and managedFields."""
import copy
import datetime
import json
import random
import string
import uuid

CONDITIONS = (("Ready", "True", "KubeletReady", "kubelet is posting ready status"),
              ("MemoryPressure", "False", "KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
              ("DiskPressure", "False", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
              ("PIDPressure", "False", "KubeletHasSufficientPID", "kubelet has sufficient PID available"))
CAPACITY = {"cpu": "8", "ephemeral-storage": "102624184Ki", "hugepages-2Mi": "0", "memory": "32782896Ki", "pods": "110"}
# In the order in which a server writes them.
METADATA = ("name", "generateName", "namespace", "uid", "resourceVersion", "generation", "creationTimestamp", "labels",
            "annotations", "ownerReferences", "finalizers", "managedFields")
# How the elements of a list are told apart, by what they have; all other lists are atomic.
KEYS = (({"type", "status"}, ("type",)), ({"type", "address"}, ("type",)),
        ({"port", "protocol", "targetPort"}, ("port", "protocol")))
WITH_GENERATION = {"EndpointSlice"}


def now():
    return datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def key_of(content):
    return content["metadata"].get("namespace", ""), content["metadata"]["name"]


def ordered(metadata):
    return {name: metadata[name] for name in METADATA if name in metadata}


def fields(value):
    """A tree in FieldsV1 form: the names of all fields that someone has set, and the keys of lists that have some."""
    if isinstance(value, dict):
        return {f"f:{name}": fields(each) for name, each in value.items()}
    result = {}
    for each in value if isinstance(value, list) else ():
        key = next(({name: each[name] for name in names} for has, names in KEYS if isinstance(each, dict) and
                    has <= each.keys()), None)
        if key:
            result["k:" + json.dumps(key, separators=(",", ":"))] = {".": {}, **fields(each)}
    return {".": {}, **result} if result else {}


def managed_fields(resource, content, manager):
    owned = {name: value for name, value in content.items() if name not in ("metadata", "status")}
    owned["metadata"] = {name: content["metadata"][name] for name in ("labels", "annotations")
                         if content["metadata"].get(name)}
    entry = {"manager": manager, "operation": "Update", "apiVersion": resource.api_version, "time": now(),
             "fieldsType": "FieldsV1", "fieldsV1": fields(owned)}
    entries = [entry]
    if content.get("status"):
        entries.append({**entry, "fieldsV1": fields({"status": content["status"]}), "subresource": "status"})
    return entries


def default_service(content):
    spec = content.setdefault("spec", {})
    spec.setdefault("type", "ClusterIP")
    spec.setdefault("sessionAffinity", "None")
    for port in spec.get("ports", []):
        port.setdefault("protocol", "TCP")
        port.setdefault("targetPort", port["port"])
    if spec["type"] != "ExternalName":
        spec.setdefault("internalTrafficPolicy", "Cluster")
        if "clusterIP" in spec or "clusterIPs" in spec:
            addresses = spec.setdefault("clusterIPs", [spec.get("clusterIP")])
            spec.setdefault("clusterIP", addresses[0])
            spec.setdefault("ipFamilies", ["IPv6" if ":" in each else "IPv4" for each in addresses if each != "None"])
        spec.setdefault("ipFamilyPolicy", "SingleStack")
    if spec["type"] in ("NodePort", "LoadBalancer"):
        spec.setdefault("externalTrafficPolicy", "Cluster")
    content.setdefault("status", {}).setdefault("loadBalancer", {})


def default_node(content):
    spec, at = content.setdefault("spec", {}), now()
    if "podCIDRs" in spec:
        spec.setdefault("podCIDR", spec["podCIDRs"][0])
    known = content.setdefault("status", {})
    known.setdefault("conditions", [
        {"type": name, "status": value, "lastHeartbeatTime": at, "lastTransitionTime": at, "reason": reason,
         "message": message} for name, value, reason, message in CONDITIONS])
    known.setdefault("daemonEndpoints", {"kubeletEndpoint": {"Port": 10250}})
    known.setdefault("capacity", dict(CAPACITY))
    known.setdefault("allocatable", dict(CAPACITY))
    known.setdefault("nodeInfo", {"kernelVersion": "6.1.0", "osImage": "Debian GNU/Linux 12 (bookworm)",
                                  "kubeletVersion": "v1.33.0", "operatingSystem": "linux", "architecture": "amd64"})


def default_endpoint_slice(content):
    for port in content.get("ports") or []:
        port.setdefault("protocol", "TCP")
    for endpoint in content.get("endpoints") or []:
        endpoint.setdefault("conditions", {})


DEFAULTS = {"Service": default_service, "Node": default_node, "EndpointSlice": default_endpoint_slice}


def complete(resource, given, namespace, manager, before=None):
    """A whole object out of a given one; `before` is what it replaces."""
    content = {name: copy.deepcopy(value) for name, value in given.items() if name not in ("kind", "apiVersion")}
    metadata = content.setdefault("metadata", {})
    if "name" not in metadata and "generateName" in metadata:
        metadata["name"] = metadata["generateName"] + "".join(random.choices(string.ascii_lowercase + string.digits, k=5))
    if resource.namespaced:
        metadata.setdefault("namespace", namespace or "default")
    DEFAULTS.get(resource.kind, lambda _: None)(content)
    identify(resource, content, before["metadata"] if before else None)
    metadata = content["metadata"]
    if before is None or without_history(before) != without_history(content):
        metadata["managedFields"] = managed_fields(resource, content, manager)
        if resource.kind in WITH_GENERATION:
            metadata["generation"] = metadata.get("generation", 0) + 1
    else:
        metadata["managedFields"] = before["metadata"].get("managedFields", [])
    return {"metadata": content.pop("metadata"), **content}


def identify(resource, content, before):
    """Sets what only the server may set."""
    metadata = content["metadata"]
    metadata["uid"] = before["uid"] if before else str(uuid.uuid4())
    metadata["creationTimestamp"] = before["creationTimestamp"] if before else now()
    metadata.pop("generation", None)
    if before and "generation" in before:
        metadata["generation"] = before["generation"]


def without_history(content):
    """What counts when two states are compared."""
    metadata = {name: value for name, value in content["metadata"].items()
                if name not in ("managedFields", "resourceVersion", "generation")}
    return {**content, "metadata": metadata}
