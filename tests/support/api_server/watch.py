"""One watch: the changes of a collection as lines of JSON, until the client goes, time is over, or it fell behind."""
import asyncio
import time

import status
from faults import Disturbance, refusal

ALWAYS_BEFORE_THE_END = 2.0  # seconds before its end, a watch gets a last bookmark


def event(kind, resource, body):
    return b'{"type":"%b","object":%b%b}\n' % (kind, resource.prefix, body[1:])


def error(refused):
    return b'{"type":"ERROR","object":%b}\n' % refused.body


def bookmark(resource, version, initial_end=False):
    mark = ',"annotations":{"k8s.io/initial-events-end":"true"}' if initial_end else ""
    return event(b"BOOKMARK", resource, f'{{"metadata":{{"resourceVersion":"{version}","creationTimestamp":null{mark}}},'
                                        f'{resource.empty}}}'.encode())


def line_of(change, resource, meant):
    """What a change looks like to a watch that sees only some objects. None: like nothing."""
    was = change.before and (meant is None or meant(change.before))
    now = change.after and (meant is None or meant(change.after))
    if now:
        return event(b"MODIFIED" if was else b"ADDED", resource, change.after.body)
    return event(b"DELETED", resource, change.gone.body) if was else None


class Watch:
    def __init__(self, store, faults, resource, meant, options):
        self.store, self.faults, self.resource, self.meant = store, faults, resource, meant
        self.collection, self.options = store[resource], options
        self.disturb = Disturbance(faults, resource.plural)
        self.changed = asyncio.Event()
        self.ending = None  # how it is to be ended from outside: "end" or "cut"

    async def run(self, answer):
        answer.begin()
        began = time.monotonic()
        if not await self.start(answer):
            return await answer.end()
        self.collection.waiting.add(self.changed)
        try:
            await self.follow(answer, began)
        finally:
            self.collection.waiting.discard(self.changed)
        await answer.end()

    async def start(self, answer):
        """Sends what the client has to know first. False if its version is too old."""
        version = self.options.version
        if version in ("", "0"):
            self.position = self.collection.end
            lines = [event(b"ADDED", self.resource, each.body) for each in self.store.ordered(self.resource)
                     if self.meant is None or self.meant(each)]
            if self.options.initial_events and not self.no_bookmarks():
                lines.append(bookmark(self.resource, self.store.version, initial_end=True))
            if lines:
                await answer.send(b"".join(lines))
            return True
        self.position = self.collection.position(int(version))
        if self.position is None:
            await answer.send(error(self.expired()))
        return self.position is not None

    def expired(self):
        floor = self.collection.floor
        return status.Refused(410, "Expired", f"too old resource version: {self.options.version or floor} ({floor})")

    def no_bookmarks(self):
        return self.faults.take({"no-bookmarks"}, "watch", self.resource.plural)

    async def follow(self, answer, began):
        ends = began + self.options.seconds
        marks = [ends - ALWAYS_BEFORE_THE_END] if self.options.seconds > 2 * ALWAYS_BEFORE_THE_END else []
        next_mark = began + self.options.bookmark_seconds
        while (now := time.monotonic()) < ends and self.ending is None:
            if await self.send_changes(answer):
                return
            if self.options.bookmarks and (now >= next_mark or (marks and now >= marks[0])):
                next_mark = now + self.options.bookmark_seconds
                marks = [mark for mark in marks if mark > now]
                if self.up_to_date() and not self.no_bookmarks():
                    await answer.send(bookmark(self.resource, self.store.version))
            wake = min([ends, *marks, next_mark if self.options.bookmarks else ends])
            await self.collection.wait(self.changed, wake - time.monotonic())
        if self.ending == "cut":
            answer.writer.transport.abort()

    def up_to_date(self):
        """Nothing came up while the last lines were being sent. Else a bookmark would hide it, and there is none."""
        return self.position == self.collection.end and self.disturb.held is None

    async def send_changes(self, answer):
        """Sends what is new. True if that was the last."""
        if fault := self.faults.take({"error", "end"}, "watch", self.resource.plural):
            if fault.kind == "error":
                await answer.send(error(refusal(fault)))
            return True
        if self.position < self.collection.forgotten:
            await answer.send(error(self.expired()))
            return True
        changes, self.position = self.collection.since(self.position), self.collection.end
        lines = self.disturb([line for each in changes if (line := line_of(each, self.resource, self.meant))])
        if lines:
            self.collection.last_sent = time.time()
            await answer.send(b"".join(lines))
        return False
