"""A stand-in Kubernetes API server: enough of one for tests, the demo and the benchmark, and faulty on request."""
import argparse
import asyncio
import gc
import json
import os
import pathlib
import shutil
import signal
import sys
import tempfile

from api import Api
from control import Control
from faults import Faults
from http_server import Server, listen
from identity import Identity
from manifests import Manifests
from scale import Cluster
from store import Store

EXAMPLES = """\
On start one line of JSON on stdout says where everything is: url, ca, token_file, kubeconfig, control, …

  api_server --directory deploy/demo.d/cluster.d         serve a directory of YAML; edits become events
  api_server --generate nodes=5000,services=10000,endpoints=100000 --churn 20
  api_server --role deploy/kubernetes/rbac.yaml          allow only what the roles in it grant
  curl --cacert CA -H "Authorization: Bearer $(cat TOKEN_FILE)" URL/api/v1/services?limit=2
  curl -d '{"faults": [{"kind": "status", "verb": "list", "status": 429, "retry_after": 1}]}' CONTROL

Faults (kind, and the verb, resource and count that it is for; count 0 lasts until {"clear": true}):
  accept-hang accept-close          before any TLS
  status drop hang delay            instead of an answer, or before it     (status, message, retry_after; seconds)
  truncate stall                    after so many bytes of the body        (after; clean: ended as if complete)
  error end                         a watch gets an ERROR event, or ends   (status, message)
  garbage duplicate reorder no-bookmarks    the events of a watch
Also: compact, renew_token, write_token, renew_certificates, forbid, watch_list, bookmark_seconds, end_watches, churn, flip, roll.
GET CONTROL tells the state, GET CONTROL/requests every request so far.
"""


def options():
    parser = argparse.ArgumentParser(prog="api_server", description=__doc__, epilog=EXAMPLES,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--listen", default="127.0.0.1:0", metavar="ADDRESS:PORT", help="(127.0.0.1:0)")
    parser.add_argument("--plain", action="store_true", help="HTTP without TLS")
    parser.add_argument("--state", type=pathlib.Path, metavar="DIR",
                        help="certificates and token: used again, made when there are none (a temporary directory)")
    parser.add_argument("--directory", type=pathlib.Path, metavar="DIR", help="YAML or JSON: the cluster's objects")
    parser.add_argument("--generate", metavar="COUNTS", help="a big cluster: nodes=N,services=N,endpoints=N")
    parser.add_argument("--churn", type=float, default=0, metavar="N",
                        help="endpoint changes a second in a generated cluster")
    parser.add_argument("--seed", type=int, default=1, help="of the generated cluster and its changes (1)")
    parser.add_argument("--role", type=pathlib.Path, metavar="FILE", action="append", default=[],
                        help="YAML with roles that say what is allowed; without one, everything is")
    parser.add_argument("--watch-list", action="store_true", help="support sendInitialEvents, else 422")
    parser.add_argument("--bookmark-seconds", type=float, default=60, metavar="S", help="between bookmarks (60)")
    chosen = parser.parse_args()
    if chosen.directory and not chosen.directory.is_dir():
        parser.error(f"{chosen.directory} is no directory")
    return chosen


def cluster_of(store, chosen):
    counts = dict(each.split("=") for each in chosen.generate.split(",")) if chosen.generate else {}
    cluster = Cluster(store, *(int(counts.get(name, 0)) for name in ("nodes", "services", "endpoints")), chosen.seed)
    if counts:
        cluster.make()
        gc.freeze()  # or each full collection would walk the whole cluster, and stop the server for that
    if cluster.slices:
        cluster.rate = chosen.churn
    return cluster


async def serve(chosen, state):
    address, _, port = chosen.listen.rpartition(":")
    address = address.strip("[]")
    identity, store, faults = Identity(state, address), Store(), Faults()
    identity.take_up(secure=not chosen.plain)
    manifests = Manifests(chosen.directory, store) if chosen.directory else None
    if manifests:
        manifests.load()
    cluster = cluster_of(store, chosen)
    api = Api(store, faults, identity, chosen.bookmark_seconds, chosen.watch_list)
    for path in chosen.role:
        api.permissions.load(path)

    listener, where = listen(address, int(port))
    control_listener, control_where = listen(address, 0)
    url = f"{'http' if chosen.plain else 'https'}://{where}"
    identity.write_kubeconfig(url)
    api_server = Server(listener, None if chosen.plain else identity.tls(), api.handle, faults)
    control_server = Server(control_listener, None, Control(api, cluster).handle, Faults())
    tasks = [asyncio.create_task(each) for each in
             (api_server.run(), control_server.run(), cluster.churn(), *([manifests.follow()] if manifests else []))]

    files = {name: str(state / name) for name in ("kubeconfig", "client.crt", "client.key")}
    print(json.dumps({"url": url, "control": f"http://{control_where}/_control", "pid": os.getpid(),
                      "ca": str(state / "ca.crt"), "token_file": str(state / "token"),
                      "kubeconfig": files["kubeconfig"], "client_certificate": files["client.crt"], "client_key": files["client.key"]}), flush=True)
    stop = asyncio.Event()
    for sign in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(sign, stop.set)
    waiting = asyncio.create_task(stop.wait())
    await asyncio.wait([waiting, *tasks], return_when=asyncio.FIRST_COMPLETED)
    broken = [task.exception() for task in tasks if task.done()]
    for task in [waiting, *tasks, *api_server.connections, *control_server.connections]:
        task.cancel()
    if broken:
        raise broken[0]


def main():
    chosen = options()
    state = chosen.state or pathlib.Path(tempfile.mkdtemp(prefix="viaduct-api-"))
    state.mkdir(parents=True, exist_ok=True)
    try:
        asyncio.run(serve(chosen, state))
    finally:
        if not chosen.state:
            shutil.rmtree(state, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
