"""What the cluster holds: objects in JSON as they are sent, a version for each, and the changes that led to them."""
import asyncio
import json
import time
from typing import NamedTuple

import full_size
import status
from resources import RESOURCES

CHANGES_KEPT = 100_000
SNAPSHOTS_KEPT = 32


class Stored(NamedTuple):
    key: tuple  # namespace, name
    version: int
    labels: dict
    body: bytes  # compact JSON without kind and apiVersion, as it stands in a list

    def content(self):
        return json.loads(self.body)


class Change(NamedTuple):
    version: int
    before: Stored | None
    after: Stored | None
    gone: Stored | None  # the last state under the new version, for those who no longer see the object


def compact(content):
    return json.dumps(content, separators=(",", ":")).encode()


class Collection:
    """All objects of one resource. Changes are numbered from 0 on; the first `forgotten` of them are no longer known."""

    def __init__(self, resource, version):
        self.resource, self.objects = resource, {}
        self.changes, self.forgotten, self.floor = [], 0, version
        self.waiting, self.last_sent = set(), 0.0

    @property
    def end(self):
        return self.forgotten + len(self.changes)

    def position(self, version):
        """The first change after a version. None if what lies between was forgotten."""
        if version < self.floor:
            return None
        low, high = 0, len(self.changes)
        while low < high:
            middle = (low + high) // 2
            low, high = (middle + 1, high) if self.changes[middle].version <= version else (low, middle)
        return self.forgotten + low

    def since(self, position):
        return self.changes[position - self.forgotten:]

    def forget(self, count):
        if count:
            self.floor = self.changes[count - 1].version
            self.forgotten += count
            del self.changes[:count]

    def wake(self):
        for event in self.waiting:
            event.set()

    async def wait(self, event, seconds):
        """Sleeps until something is there to be seen, or for so long."""
        try:
            await asyncio.wait_for(event.wait(), max(seconds, 0))
        except TimeoutError:
            pass
        event.clear()


class Store:
    def __init__(self):
        # Grows from one start to the next, so that what a client remembers is old, never from the future.
        self.version = int(time.time() * 1000)
        self.collections = {each: Collection(each, self.version) for each in RESOURCES}
        self.snapshots = {}

    def __getitem__(self, resource):
        return self.collections[resource]

    # Reading ----------------------------------------------------------------------------------------------------------
    def get(self, resource, key):
        try:
            return self[resource].objects[key]
        except KeyError:
            raise status.not_found(resource, key[1]) from None

    def ordered(self, resource):
        return sorted(self[resource].objects.values())

    def keep_snapshot(self, resource, version, ordered):
        """The rest of a chunked list comes from the state that its first chunk showed."""
        self.snapshots[resource, version] = ordered
        while len(self.snapshots) > SNAPSHOTS_KEPT:
            del self.snapshots[next(iter(self.snapshots))]

    # Writing ----------------------------------------------------------------------------------------------------------
    def create(self, resource, content):
        key = full_size.key_of(content)
        if key in self[resource].objects:
            raise status.already_exists(resource, key[1])
        return self.put(resource, key, content)

    def update(self, resource, key, content):
        """Replaces an object. One that stays the same keeps its version and is no change."""
        before = self.get(resource, key)
        wanted = content["metadata"].pop("resourceVersion", None)
        if wanted not in (None, "", str(before.version)):
            raise status.conflict(resource, key[1])
        same = before.content()
        del same["metadata"]["resourceVersion"]
        return before if same == content else self.put(resource, key, content)

    def put(self, resource, key, content):
        self.version += 1
        after = self.stored(key, content)
        collection = self[resource]
        before = collection.objects.get(key)
        gone = self.last_state(before) if before and before.labels != after.labels else None
        collection.objects[key] = after
        self.record(collection, Change(self.version, before, after, gone))
        return after

    def delete(self, resource, key):
        before = self.get(resource, key)
        self.version += 1
        del self[resource].objects[key]
        self.record(self[resource], Change(self.version, before, None, self.last_state(before)))

    def stored(self, key, content):
        content["metadata"]["resourceVersion"] = str(self.version)
        content["metadata"] = full_size.ordered(content["metadata"])
        return Stored(key, self.version, content["metadata"].get("labels") or {}, compact(content))

    def last_state(self, stored):
        return self.stored(stored.key, stored.content())

    def record(self, collection, change):
        collection.changes.append(change)
        if len(collection.changes) > CHANGES_KEPT:
            collection.forget(CHANGES_KEPT // 2)
        collection.wake()

    def compact(self):
        """Forgets every change so far: who is behind has to list again."""
        self.snapshots.clear()
        for collection in self.collections.values():
            collection.forget(len(collection.changes))
            collection.floor = self.version
