"""The demo: a cluster, the gateway, and either a look at live traffic or every row of the table (--check)."""
import argparse
import os
import signal
import sys
import threading
import time

import api
import gateway
import netns
import probe
import selfcheck
import session
from rows import HTTP, ROWS, VIP, WEB
from table import Table

EXPLANATION = """\
  client ── outside ──▶ viaduct ── VXLAN ──▶ node1 node2 node3      (network namespaces vd-client, vd-gw, vd-node1 …)

  The gateway runs on two AF_XDP ports. The nodes are plain kernel VXLAN devices, programmed as flanneld does it.
  In another terminal:
    sudo deploy/demo --shell client     then: curl http://203.0.113.10/      curl http://[2001:db8:203::10]/
    sudo deploy/demo --shell gw         then: viaductctl show services       curl http://10.244.2.11:8080/
  The cluster's objects are in /run/viaduct-demo/cluster.d: edit web.yaml and watch.
"""
BY_API = """\
  An API server in the gateway's namespace serves them, and the gateway lists and watches it. Or change them there:
    sudo deploy/demo --shell gw         then:
    api GET /api/v1/namespaces/demo/services/web
    api PATCH /apis/discovery.k8s.io/v1/namespaces/demo/endpointslices/web-ipv4 \\
      '{"endpoints": [{"addresses": ["10.244.1.11"]}]}'       and the client's next requests all go to that pod
  Its kubeconfig is /run/viaduct-demo/api/kubeconfig, for a kubectl in that shell.
"""

# What kubectl does with get, patch, create and delete, as an administrator: METHOD PATH [JSON]
API_FUNCTION = """() {{ curl -sS --cacert {state}/ca.crt --cert {state}/client.crt --key {state}/client.key -X "$1" \\
 ${{3:+-d "$3" -H "Content-Type: application/$([ "$1" = PATCH ] && echo merge-patch+)json"}} "https://127.0.0.1:6443$2" |
 /usr/bin/python3 -m json.tool --indent 2; }}"""


def options():
    parser = argparse.ArgumentParser(prog="deploy/demo", description=__doc__, epilog="Ctrl-C ends it; nothing stays.")
    parser.add_argument("--check", action="store_true", help="try every row unattended; exit non-zero if one fails")
    parser.add_argument("--topology", action="store_true", help="try the cluster alone, without the gateway")
    parser.add_argument("--shell", metavar="NAME", help="a shell in a namespace of the running demo: client, gw, node1, web1, …")
    parser.add_argument("--keep", action="store_true", help="with --check: leave everything running until Ctrl-C")
    parser.add_argument("--api", action="store_true", help="a Kubernetes API server tells the gateway of the cluster")
    parser.add_argument("--workers", type=int, default=1, help="the gateway's workers (1)")
    parser.add_argument("--queues", type=int, default=1, help="receive queues of each of its ports (1)")
    return parser.parse_args()


def table_of(rows, attempt):
    """Tries rows for both families and prints each as it is done. True if all passed."""
    table, passed = Table([row.name for row in rows]), True
    table.head()
    for row in rows:
        outcomes = [attempt(row, family) for family in session.FAMILIES]
        failed = [outcome for outcome in outcomes if not outcome.passed]
        table.result(row.name, *(outcome.passed for outcome in outcomes), (failed or outcomes)[0].detail)
        passed = passed and not failed
    return passed


def check_topology():
    cluster = session.topology.Cluster()
    cluster.up()
    return table_of(selfcheck.ROWS, lambda row, family: session.attempt(row.attempt, cluster, family))


def check(running, keep):
    passed = table_of(ROWS, running.try_row)
    if keep:
        print("Everything stays until Ctrl-C.", flush=True)
        wait_for_interrupt()
    table = Table([row.name for row in ROWS])
    for row in running.closing_rows():
        outcome = session.attempt(row.attempt)
        table.result(row.name, outcome.passed, outcome.passed, outcome.detail)
        passed = passed and outcome.passed
    return passed


def wait_for_interrupt():
    try:
        signal.pause()
    except KeyboardInterrupt:
        pass


def show(running):
    print(EXPLANATION + (BY_API if running.api else ""))
    for family in session.FAMILIES:
        url = f"http://{VIP[family] + WEB}/" if family == 4 else f"http://[{VIP[family] + WEB}]/"
        for _ in range(4):
            print(f"  client$ curl {url}    ", netns.run("curl", "-sS", "-m", "5", url, ns="client").strip(), flush=True)
    print("\n  One megabyte after the other through both addresses, and what the gateway says about it:\n", flush=True)
    time.sleep(2)
    threading.Thread(target=load, daemon=True).start()
    top = [str(gateway.CTL), "--socket", str(gateway.SOCKET), "top"]
    try:
        os.spawnv(os.P_WAIT, top[0], top)
    except KeyboardInterrupt:
        pass
    print("\nStopping.")


def load():
    while True:
        for family in session.FAMILIES:
            session.attempt(probe.megabyte_each_way, "client", VIP[family] + WEB, HTTP)
            session.attempt(probe.echo, "client", VIP[family] + WEB, 7)
            time.sleep(0.02)


def shell(name):
    if netns.PREFIX + name not in netns.ours():
        sys.exit(f"There is no namespace {name}. Running: "
                 f"{' '.join(each.removeprefix(netns.PREFIX) for each in netns.ours()) or 'no demo'}")
    os.environ["BASH_FUNC_viaductctl%%"] = f'() {{ {gateway.CTL} --socket {gateway.SOCKET} "$@"; }}'  # a function
    os.environ["BASH_FUNC_api%%"] = API_FUNCTION.format(state=api.STATE)
    os.environ["PS1"] = f"{name}$ "
    os.execvp("ip", ["ip", "netns", "exec", netns.PREFIX + name, "bash", "--norc"])


def main():
    chosen = options()
    if chosen.shell:
        shell(chosen.shell)
    for sign in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(sign, lambda *_: sys.exit(143))
    try:
        with netns.exclusive():
            if chosen.topology:
                return 0 if check_topology() else 1
            print("Starting the cluster and the gateway …", flush=True)
            with session.running(chosen.workers, chosen.queues, chosen.api) as running:
                print(running.gateway.headline(), flush=True)
                if not chosen.check:
                    return show(running)
                return 0 if check(running, chosen.keep) else 1
    except KeyboardInterrupt:
        return 130
    except netns.CommandFailed as failure:
        sys.exit(f"The demo could not go on: {failure}")


if __name__ == "__main__":
    sys.exit(main())
