"""The API itself: finds out what a request is for, whether it is allowed, and answers it."""
import asyncio
import base64
import bisect
import dataclasses
import itertools
import json
import random
import time

import full_size
import status
import validation
from permissions import USER, Permissions
from resources import BY_PATH, GROUPS, RESOURCES
from selection import selector
from watch import Watch

MERGES = ("application/merge-patch+json", "application/strategic-merge-patch+json")
VERSION = {"major": "1", "minor": "33", "gitVersion": "v1.33.0", "platform": "linux/amd64"}
REQUESTS_KEPT = 10_000
VERBS = {"POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}


@dataclasses.dataclass(frozen=True)
class Target:
    """What a path names."""
    resource: object
    namespace: str
    name: str
    subresource: str


@dataclasses.dataclass
class WatchOptions:
    version: str
    bookmarks: bool
    bookmark_seconds: float
    initial_events: bool
    seconds: float


def target_of(path):
    """None if the path is no resource of ours."""
    parts = path.strip("/").split("/")
    group, version, rest = ("", parts[1], parts[2:]) if parts[0] == "api" and len(parts) > 2 else \
        (parts[1], parts[2], parts[3:]) if parts[0] == "apis" and len(parts) > 3 else ("", "", [])
    namespace = ""
    if len(rest) > 2 and rest[0] == "namespaces" and (group, version, rest[2]) in BY_PATH:
        namespace, rest = rest[1], rest[2:]
    resource = BY_PATH.get((group, version, rest[0])) if rest else None
    if resource is None or len(rest) > 3:
        return None
    return Target(resource, namespace, *[*rest[1:], "", ""][:2])


def named_in(field_selector):
    """A list or watch of one name counts as a request for that object when permissions are looked up."""
    return field_selector.removeprefix("metadata.name=") if field_selector.startswith("metadata.name=") else ""


def merge(old, patch):
    """RFC 7396. A strategic merge is treated the same, so lists are replaced whole."""
    if not isinstance(patch, dict):
        return patch
    result = dict(old) if isinstance(old, dict) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = merge(result.get(name), value)
    return result


def token_of(version, key):
    text = json.dumps({"v": "meta.k8s.io/v1", "rv": version, "start": "/".join(key) + "\0"}, separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def read_token(token):
    try:
        content = json.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
        return content["rv"], tuple(content["start"].rstrip("\0").split("/", 1))
    except (ValueError, KeyError, TypeError):
        raise status.bad_request("continue key is not valid") from None


def json_of(request):
    try:
        content = json.loads(request.body)
    except ValueError as error:
        raise status.bad_request(f"the object provided is unrecognized: {error}") from None
    if not isinstance(content, dict):
        raise status.bad_request("the object provided is no object")
    return content


class Api:
    def __init__(self, store, faults, identity, bookmark_seconds=60.0, watch_list=False):
        self.store, self.faults, self.identity = store, faults, identity
        self.permissions = Permissions()
        self.bookmark_seconds, self.watch_list = bookmark_seconds, watch_list
        self.watches, self.requests = set(), []

    # One request ------------------------------------------------------------------------------------------------------
    async def handle(self, request, answer):
        try:
            await self.answer(request, answer)
        except status.Refused as refused:
            answer.record["status"] = refused.code
            if answer.chunked:
                raise
            await answer.whole(refused.code, refused.body, headers=refused.headers)

    async def answer(self, request, answer):
        target = target_of(request.path)
        verb = self.verb_of(request, target)
        answer.verb, answer.resource = verb, target.resource.plural if target else request.path
        answer.record = {"verb": verb, "resource": answer.resource, "path": request.path, "query": request.query,
                         "certified": request.certified, "status": 200, "at": time.time()}
        self.requests.append(answer.record)
        del self.requests[:-REQUESTS_KEPT]
        await self.faults.at_request(answer.verb, answer.resource)
        if request.path in ("/version", "/readyz", "/livez", "/healthz"):
            return await answer.whole(200, json.dumps(VERSION).encode() if request.path == "/version" else b"ok")
        if not self.identity.knows(request):
            raise status.unauthorized()
        if target is None:
            return await self.discover(request, answer)
        name = target.name or named_in(request.query.get("fieldSelector", ""))
        if not request.certified and not self.permissions.allow(verb, target.resource, target.subresource, target.namespace, name):
            raise status.forbidden(USER, verb, target.resource, target.subresource, target.namespace, name)
        await self.do(verb, target, request, answer)

    @staticmethod
    def verb_of(request, target):
        if request.method != "GET":
            return VERBS.get(request.method, request.method.lower())
        if target is None or target.name:
            return "get"
        return "watch" if request.flag("watch") else "list"

    async def do(self, verb, target, request, answer):
        if verb == "watch":
            await self.watch(target, request, answer)
        elif verb == "list":
            await answer.whole(200, self.list(target, request))
        elif verb == "get":
            stored = self.store.get(target.resource, (target.namespace, target.name))
            await answer.whole(200, target.resource.prefix + stored.body[1:])
        elif verb == "delete" and target.name:
            self.delete(target, request)
            await answer.whole(200, b'{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Success"}')
        else:
            stored = self.write(verb, target, request)
            await answer.whole(201 if verb == "create" else 200, target.resource.prefix + stored.body[1:])

    async def discover(self, request, answer):
        lists = {"/api": {"kind": "APIVersions", "versions": ["v1"]}, "/apis": {
            "kind": "APIGroupList", "apiVersion": "v1", "groups": [self.group(*each) for each in GROUPS]}}
        for group, version in [("", "v1"), *GROUPS]:
            path = f"/apis/{group}/{version}" if group else "/api/v1"
            lists[path] = {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": path.split("/", 2)[2],
                           "resources": [self.described(each) for each in RESOURCES if each.group == group]}
            if group:
                lists[f"/apis/{group}"] = {"apiVersion": "v1", **self.group(group, version)}
        found = lists.get(request.path.rstrip("/"))
        if found is None:
            answer.record["status"] = 404
            return await answer.whole(404, b"404 page not found\n", "text/plain; charset=utf-8")
        await answer.whole(200, json.dumps(found).encode())

    @staticmethod
    def group(group, version):
        served = {"groupVersion": f"{group}/{version}", "version": version}
        return {"kind": "APIGroup", "name": group, "versions": [served], "preferredVersion": served}

    @staticmethod
    def described(resource):
        return {"name": resource.plural, "singularName": resource.kind.lower(), "namespaced": resource.namespaced,
                "kind": resource.kind, "verbs": ["create", "delete", "get", "list", "patch", "update", "watch"]}

    # Reading ----------------------------------------------------------------------------------------------------------
    def meant(self, target, request):
        meant = selector(request.query.get("labelSelector", ""), request.query.get("fieldSelector", ""))
        if not target.namespace:
            return meant
        return lambda stored: stored.key[0] == target.namespace and (meant is None or meant(stored))

    def list(self, target, request):
        limit = int(request.query.get("limit") or 0)
        version, whole, start = self.listed(target.resource, request)
        objects = whole[start:]
        if request.query.get("resourceVersion") == "0" and "continue" not in request.query:
            limit = 0  # such a list is served from a cache, which does not cut it
        meant = self.meant(target, request)
        matching = objects if meant is None else (each for each in objects if meant(each))
        found = list(itertools.islice(matching, limit + 1)) if limit > 0 else list(matching)
        metadata = {"resourceVersion": str(version)}
        if 0 < limit < len(found):
            del found[limit:]
            metadata["continue"] = token_of(version, found[-1].key)
            if meant is None:
                metadata["remainingItemCount"] = len(objects) - limit
            self.store.keep_snapshot(target.resource, version, whole)
        head = f'{{"kind":"{target.resource.kind}List","apiVersion":"{target.resource.api_version}",' \
               f'"metadata":{json.dumps(metadata, separators=(",", ":"))},"items":['
        return head.encode() + b",".join([each.body for each in found]) + b"]}\n"

    def listed(self, resource, request):
        """The version that a list shows, all objects of it, and the first of them where it goes on."""
        if token := request.query.get("continue"):
            version, start = read_token(token)
            if version != -1 and (resource, version) not in self.store.snapshots:
                raise status.list_expired(token_of(-1, start))
            objects = self.store.ordered(resource) if version == -1 else self.store.snapshots[resource, version]
            return self.store.version if version == -1 else version, objects, \
                bisect.bisect_right(objects, start, key=lambda each: each.key)
        wanted = request.query.get("resourceVersion", "")
        if wanted and not wanted.isdigit():
            raise status.bad_request(f'resourceVersion: Invalid value: "{wanted}"')
        if request.query.get("resourceVersionMatch") == "Exact" and int(wanted) < self.store.version:
            raise status.list_expired()
        if wanted and int(wanted) > self.store.version:
            raise status.Refused(504, "Timeout", f"Too large resource version: {wanted}, current: {self.store.version}",
                                 {"causes": [{"reason": "ResourceVersionTooLarge",
                                              "message": "Too large resource version"}], "retryAfterSeconds": 1})
        return self.store.version, self.store.ordered(resource), 0

    async def watch(self, target, request, answer):
        version, initial = request.query.get("resourceVersion", ""), request.flag("sendInitialEvents")
        if version and not version.isdigit():
            raise status.bad_request(f'resourceVersion: Invalid value: "{version}"')
        if "sendInitialEvents" in request.query and not self.watch_list:
            raise status.watch_list_off()
        if initial and request.query.get("resourceVersionMatch") != "NotOlderThan":
            raise status.invalid("ListOptions.meta.k8s.io", "sendInitialEvents requires setting resourceVersionMatch "
                                 "to NotOlderThan", "resourceVersionMatch")
        seconds = float(request.query.get("timeoutSeconds") or random.uniform(1800, 3600))
        options = WatchOptions("" if initial else version, request.flag("allowWatchBookmarks"), self.bookmark_seconds,
                               initial and request.flag("allowWatchBookmarks"), seconds)
        watch = Watch(self.store, self.faults, target.resource, self.meant(target, request), options)
        gone = asyncio.create_task(answer.reader.read(1))
        running = asyncio.create_task(watch.run(answer))
        self.watches.add(watch)
        try:
            await asyncio.wait({gone, running}, return_when=asyncio.FIRST_COMPLETED)
            if running.done():
                await running
        finally:
            self.watches.discard(watch)
            for task in (gone, running):
                task.cancel()
            await asyncio.gather(gone, running, return_exceptions=True)

    # Writing ----------------------------------------------------------------------------------------------------------
    def write(self, verb, target, request):
        resource, key, manager = target.resource, (target.namespace, target.name), \
            request.headers.get("user-agent", "unknown").split("/")[0]
        if verb not in ("create", "update", "patch") or (verb == "create") == bool(target.name):
            raise status.method_not_allowed()
        if verb == "create":
            given = self.given(target, request)
            made = full_size.complete(resource, given, target.namespace, manager)
            validation.check(resource, made)
            return self.store.create(resource, made)
        before = self.store.get(resource, key).content()
        if verb == "update":
            after = self.given(target, request)
            if resource.plural == "leases" and not after.get("metadata", {}).get("resourceVersion"):
                raise status.invalid(resource.kind, "must be specified for an update", "metadata.resourceVersion")
        else:
            if request.headers.get("content-type", "").split(";")[0] not in MERGES:
                raise status.unsupported(f"the body of the request is none of {', '.join(MERGES)}")
            after = merge(before, json_of(request))
        settled = self.settled(target, before, after, manager)
        validation.check(resource, settled, before)
        return self.store.update(resource, key, settled)

    @staticmethod
    def given(target, request):
        """The object that a body holds, in JSON as it says itself."""
        kind = request.headers.get("content-type", "").split(";")[0]
        if kind != "application/json":
            raise status.unsupported(f'the body of the request was in an unknown format: "{kind}"')
        content = json_of(request)
        validation.check_body(target.resource, target.namespace, content)
        return content

    def delete(self, target, request):
        """DeleteOptions may say which object of that name is meant."""
        key = target.namespace, target.name
        metadata = self.store.get(target.resource, key).content()["metadata"]
        meant = json_of(request).get("preconditions", {}) if request.body else {}
        if any(metadata.get(name) != value for name, value in meant.items()):
            raise status.conflict(target.resource, target.name)
        self.store.delete(target.resource, key)

    @staticmethod
    def settled(target, before, after, manager):
        """The whole new object: /status changes status and annotations, everything else leaves status alone."""
        if target.subresource == "status":
            after = {**before, "metadata": after.get("metadata", before["metadata"]), "status": after.get("status", {})}
        elif target.resource.has_status and "status" in before:
            after = {**after, "status": before["status"]}
        metadata = {**after.get("metadata", {}), "name": target.name}
        return full_size.complete(target.resource, {**after, "metadata": metadata}, target.namespace, manager, before)
