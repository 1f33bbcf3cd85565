"""The control endpoint: tests say there what is to go wrong, and ask what has happened."""
import asyncio
import collections
import json


class Control:
    """POST /_control takes one JSON object, whose keys are the methods below; GET tells the state."""

    def __init__(self, api, cluster):
        self.api, self.store, self.faults, self.cluster = api, api.store, api.faults, cluster
        self.later = set()

    async def handle(self, request, answer):
        if request.path == "/_control/requests":
            return await answer.whole(200, json.dumps(self.api.requests).encode())
        if request.path != "/_control":
            return await answer.whole(404, b"404 page not found\n", "text/plain")
        if request.method == "POST":
            try:
                for name, value in json.loads(request.body).items():
                    self.actions()[name](value)
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                return await answer.whole(400, f"{type(error).__name__}: {error}\n".encode(), "text/plain")
        await answer.whole(200, json.dumps(self.state()).encode())

    def actions(self):
        return {"faults": self.add_faults, "clear": self.clear, "compact": lambda _: self.store.compact(),
                "renew_token": self.renew_token, "write_token": lambda _: self.api.identity.write_token(),
                "renew_certificates": lambda _: self.api.identity.renew_certificates(),
                "forbid": self.forbid, "watch_list": self.watch_list, "bookmark_seconds": self.bookmark_seconds,
                "end_watches": self.end_watches, "churn": self.churn,
                "flip": lambda _: self.cluster.flip(), "roll": self.roll}

    def add_faults(self, descriptions):
        for each in descriptions:
            self.faults.add(each)
        self.wake()

    def clear(self, _):
        self.faults.known.clear()
        self.api.permissions.forbidden.clear()

    def renew_token(self, value):
        """The old token is refused at once. `{"write": false}`: the file gets the new one by write_token."""
        self.api.identity.renew_token()
        if value.get("write", True):
            self.api.identity.write_token()

    def forbid(self, pairs):
        """Verb and resource of what is answered by 403 from now on, * for all."""
        self.api.permissions.forbidden += [(verb, resource) for verb, resource in pairs]

    def watch_list(self, on):
        self.api.watch_list = bool(on)

    def bookmark_seconds(self, seconds):
        """Of the watches that begin from now on."""
        self.api.bookmark_seconds = float(seconds)

    def end_watches(self, how):
        """"end" as if their time were over, "cut" as if the server had died."""
        for watch in self.api.watches:
            watch.ending = how
        self.wake()

    def churn(self, rate):
        self.cluster.rate = float(rate)

    def roll(self, how):
        task = asyncio.create_task(self.cluster.roll(how["service"], how["seconds"]))
        self.later.add(task)
        task.add_done_callback(self.later.discard)

    def wake(self):
        for collection in self.store.collections.values():
            collection.wake()

    def state(self):
        counts = collections.Counter(f"{each['verb']} {each['resource']} {each['status']}" for each in self.api.requests)
        return {"version": str(self.store.version), "requests": counts,
                "watches": collections.Counter(each.resource.plural for each in self.api.watches),
                "objects": {each.resource.plural: len(each.objects) for each in self.store.collections.values()
                            if each.objects},
                "faults": {fault.kind: fault.happened for fault in self.faults.known}, "changes": self.cluster.changes,
                "last_change": self.cluster.last_change,
                "last_sent": max(each.last_sent for each in self.store.collections.values())}
