"""A directory of Kubernetes YAML as the cluster's content: what is edited there happens in the API."""
import asyncio
import sys

import yaml

import full_size
from resources import BY_KIND

POLL_SECONDS = 0.2
MANAGER = "kubectl"
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def objects_in(path):
    """Resource and content of each object in a file; a List stands for its items."""
    for document in yaml.load_all(path.read_text(encoding="utf-8"), Loader=LOADER):
        if not document:
            continue
        for each in document["items"] if document.get("kind", "").endswith("List") else [document]:
            resource = BY_KIND.get((each.get("apiVersion"), each.get("kind")))
            if resource:
                yield resource, each


class Manifests:
    def __init__(self, directory, store):
        self.directory, self.store = directory, store
        self.seen, self.said = {}, {}  # by path: when and how big; what it says

    async def follow(self):
        while True:
            await asyncio.sleep(POLL_SECONDS)
            self.load()

    def load(self):
        """Brings the store up to the directory. A broken file goes on saying what it said before."""
        paths = {path: self.stamp(path) for pattern in ("*.yaml", "*.yml", "*.json") for path in
                 self.directory.glob(pattern) if not path.name.startswith(".")}
        if paths == self.seen:
            return
        before = self.wanted()
        for path in sorted(paths):
            if paths[path] != self.seen.get(path):
                self.read(path)
        self.seen = paths
        self.said = {path: said for path, said in self.said.items() if path in paths}
        self.apply(before, self.wanted())

    @staticmethod
    def stamp(path):
        try:
            found = path.stat()
            return found.st_mtime_ns, found.st_size, found.st_ino
        except OSError:
            return None

    def read(self, path):
        try:
            self.said[path] = list(objects_in(path))
        except (OSError, yaml.YAMLError, AttributeError, KeyError, TypeError) as error:
            print(f"{path}: {error}", file=sys.stderr, flush=True)

    def wanted(self):
        result = {}
        for _, said in sorted(self.said.items()):
            for resource, content in said:
                namespace = content["metadata"].get("namespace", "default") if resource.namespaced else ""
                result[resource, (namespace, content["metadata"]["name"])] = content
        return result

    def apply(self, before, now):
        for resource, key in before.keys() - now.keys():
            if key in self.store[resource].objects:
                self.store.delete(resource, key)
        for (resource, key), content in now.items():
            if content == before.get((resource, key)):
                continue
            known = self.store[resource].objects.get(key)
            if known is None:
                self.store.create(resource, full_size.complete(resource, content, key[0], MANAGER))
            else:
                content = {"status": known.content().get("status"), **content} if resource.has_status else content
                self.store.update(resource, key,
                                  full_size.complete(resource, content, key[0], MANAGER, known.content()))
