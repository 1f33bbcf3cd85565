"""What a real API server refuses of what clients write, as far as a gateway could write it."""
import ipaddress
import re

import status

SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")  # RFC 1123
QUALIFIED = re.compile(r"([a-z0-9.-]{1,253}/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?")
MICRO_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}(Z|[+-]\d\d:\d\d)")  # six digits: no more, no less
ANNOTATIONS_LIMIT = 256 * 1024
WORD_LIMIT, NOTE_LIMIT = 128, 1024  # bytes


def require(condition, kind, field, message):
    if not condition:
        raise status.invalid(kind, message, field)


def check_body(resource, namespace, content):
    """Before anything else: is it what the path is for?"""
    for field, wanted in (("kind", resource.kind), ("apiVersion", resource.api_version)):
        if content.get(field, wanted) != wanted:
            raise status.bad_request(f'{field}: "{content[field]}" does not match the request\'s {wanted}')
    if (content.get("metadata") or {}).get("namespace", namespace) != namespace:
        raise status.bad_request("the namespace of the provided object does not match the namespace sent on the request")


def check(resource, after, before=None):
    """The whole object as it would be stored; `before` is None for a new one."""
    check_metadata(resource, after, before)
    if rule := RULES.get((resource.group, resource.kind)):
        rule(after, before)


def check_metadata(resource, after, before):
    metadata, kind = after["metadata"], resource.kind
    name = metadata.get("name", "")
    require(SUBDOMAIN.fullmatch(name) and len(name) <= 253, kind, "metadata.name",
            f'Invalid value: "{name}": a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters')
    if before is None and metadata.get("resourceVersion"):
        require(False, kind, "metadata.resourceVersion", "should not be set on objects to be created")
    annotations = metadata.get("annotations") or {}
    for field, words in (("annotations", annotations), ("labels", metadata.get("labels") or {})):
        for key, value in words.items():
            require(QUALIFIED.fullmatch(key), kind, f"metadata.{field}", f'Invalid value: "{key}"')
            require(isinstance(value, str), kind, f"metadata.{field}", f'Invalid value of "{key}": must be a string')
    require(sum(len(key) + len(value) for key, value in annotations.items()) <= ANNOTATIONS_LIMIT, kind,
            "metadata.annotations", "Too long")


def check_event(event, _):
    time = event.get("eventTime") or ""
    if not MICRO_TIME.fullmatch(time):
        raise status.bad_request(f'parsing time "{time}" as "2006-01-02T15:04:05.000000Z07:00"')
    for field in ("reportingController", "reportingInstance", "action", "reason"):
        value = event.get(field, "")
        require(0 < len(value.encode()) <= WORD_LIMIT, "Event", field, f"can have at most {WORD_LIMIT} bytes, and must have some")
    require(QUALIFIED.fullmatch(event["reportingController"]), "Event", "reportingController", "must be a qualified name")
    require(len(event.get("note", "").encode()) <= NOTE_LIMIT, "Event", "note", f"can have at most {NOTE_LIMIT} bytes")
    require(event.get("type") in ("Normal", "Warning"), "Event", "type", "has invalid value")
    for field in ("deprecatedCount", "deprecatedFirstTimestamp", "deprecatedLastTimestamp", "deprecatedSource"):
        require(not event.get(field), "Event", field, "needs to be unset")
    regarding = event.get("regarding") or {}
    allowed = [regarding["namespace"]] if regarding.get("namespace") else ["default", "kube-system"]
    require(event["metadata"].get("namespace") in allowed, "Event", "regarding.namespace", "does not match event.namespace")


def check_lease(lease, _):
    spec = lease.get("spec") or {}
    for field in ("acquireTime", "renewTime"):
        if spec.get(field) and not MICRO_TIME.fullmatch(spec[field]):
            raise status.bad_request(f'parsing time "{spec[field]}" as "2006-01-02T15:04:05.000000Z07:00"')
    require(spec.get("leaseDurationSeconds", 1) > 0, "Lease", "spec.leaseDurationSeconds", "must be greater than 0")
    require(spec.get("leaseTransitions", 0) >= 0, "Lease", "spec.leaseTransitions", "must be greater than or equal to 0")


def check_node(node, before):
    spec = node.get("spec") or {}
    cidrs = spec.get("podCIDRs") or []
    require(spec.get("podCIDR", "") == (cidrs[0] if cidrs else spec.get("podCIDR", "")), "Node", "spec.podCIDRs",
            "Invalid value: podCIDRs[0] does not match podCIDR")
    families = {ipaddress.ip_network(each).version for each in cidrs}
    require(len(families) == len(cidrs), "Node", "spec.podCIDRs", "may specify no more than one CIDR for each IP family")
    former = ((before or {}).get("spec") or {}).get("podCIDRs") or []
    require(not former or former == cidrs, "Node", "spec.podCIDRs", "Forbidden: node updates may not change podCIDR")
    for taint in spec.get("taints") or []:
        require(QUALIFIED.fullmatch(taint.get("key", "")), "Node", "spec.taints.key", "Invalid value")
        require(taint.get("effect") in ("NoSchedule", "PreferNoSchedule", "NoExecute"), "Node", "spec.taints.effect",
                "Unsupported value")


def check_service(service, _):
    ingress = ((service.get("status") or {}).get("loadBalancer") or {}).get("ingress") or []
    require(not ingress or service["spec"].get("type") == "LoadBalancer", "Service", "status.loadBalancer.ingress",
            "Forbidden: may only be used when `spec.type` is LoadBalancer")
    for each in ingress:
        if "ip" in each:
            try:
                ipaddress.ip_address(each["ip"])
            except ValueError:
                require(False, "Service", "status.loadBalancer.ingress.ip", "must be a valid IP address")
        require("ipMode" not in each or "ip" in each, "Service", "status.loadBalancer.ingress.ipMode",
                "Forbidden: may not be specified when `ip` is not set")
        require(each.get("ipMode", "VIP") in ("VIP", "Proxy"), "Service", "status.loadBalancer.ingress.ipMode",
                "Unsupported value")


RULES = {("events.k8s.io", "Event"): check_event, ("coordination.k8s.io", "Lease"): check_lease, ("", "Node"): check_node,
         ("", "Service"): check_service}
