"""Viaduct, Open vSwitch on DPDK, the Linux kernel and testpmd: the same frames, the same ports, one after the other.

Every contender's output is looked at before it is timed. bench/compare/README.md tells what is measured and why so.
"""
import argparse
import contextlib
import json
import pathlib
import signal
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests/system")]

import netns  # noqa: E402  it is where the namespaces are made for tests, too
import ovs  # noqa: E402
import page  # noqa: E402
import plan  # noqa: E402
import report  # noqa: E402
import rounds  # noqa: E402
import testpmd  # noqa: E402
import verify  # noqa: E402
import veth  # noqa: E402
import viaduct  # noqa: E402
from contender import NotReady  # noqa: E402

HUGEPAGES = pathlib.Path("/proc/sys/vm/nr_hugepages")
ENOUGH_HUGEPAGES = 1024  # of 2 MB, for all contenders at once
VETH_WORKLOADS = ("encap", "decap", "service")
# (workload, flows): as many as all caches hold, and more than Open vSwitch's exact-match cache does.
ROWS = (("encap", 1024), ("encap", 16384), ("encap-1000", 1024), ("decap", 1024), ("service", 1024),
        ("service", 16384), ("connect", 262144))
CHECKED_FLOWS = 1024


def options():
    parser = argparse.ArgumentParser(prog="bench/compare/run", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="turns of each contender per row (5)")
    parser.add_argument("--only", metavar="WORKLOAD", help=f"one of {', '.join(plan.WORKLOADS)}")
    parser.add_argument("--ip", type=int, choices=(4, 6), default=4, help="the packets' family (4)")
    parser.add_argument("--without", choices=("checks", "veth"), action="append", default=[], help="leave out a part")
    parser.add_argument("--output", metavar="DIRECTORY", type=pathlib.Path,
                        help="write comparison.json and comparison.html there")
    return parser.parse_args()


def contenders(workload):
    switches = [ovs.Ovs(), ovs.Ovs(full_nat=True)] if workload.to_service else [ovs.Ovs()]
    return [viaduct.Viaduct(), *switches, *testpmd.make()]


def check(workloads, family):
    for workload in workloads:
        for one in contenders(workload):
            if not one.name.startswith("testpmd"):
                rounds.check(one, workload, family, CHECKED_FLOWS)
                print(f"checked: {workload.name} by {one.name}, every flow and checksum right", flush=True)


def check_on_veth(workloads, family):
    for workload in workloads:
        for one in veth.routers():
            rounds.check_on_veth(one, workload, family, CHECKED_FLOWS)
            print(f"checked: {workload.name} by {one.name} on veth", flush=True)


def measure(chosen):
    family, rows = chosen.ip, []
    wanted = [(plan.WORKLOADS[name], flows) for name, flows in ROWS if chosen.only in (None, name)]
    on_veth = [plan.WORKLOADS[name] for name in VETH_WORKLOADS if chosen.only in (None, name)]
    if "veth" in chosen.without:
        on_veth = []
    if "checks" not in chosen.without:
        check(dict.fromkeys(workload for workload, _ in wanted), family)
        check_on_veth(on_veth, family)
    report.head()
    for workload, flows in wanted:
        rows.append(rounds.measure(contenders(workload), workload, family, flows, chosen.rounds))
        report.show(rows[-1])
    for workload in on_veth:
        rows.append(rounds.measure(veth.make(), workload, family, CHECKED_FLOWS, chosen.rounds))
        report.show(rows[-1])
    report.show_bounds(rows)
    return rows


@contextlib.contextmanager
def hugepages():
    """Enough for everybody meanwhile; as many as before afterwards."""
    before = int(HUGEPAGES.read_text())
    HUGEPAGES.write_text(str(max(before, ENOUGH_HUGEPAGES)))
    try:
        yield
    finally:
        HUGEPAGES.write_text(str(before))


def main():
    chosen = options()
    for sign in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(sign, lambda *_: sys.exit(143))
    rounds.stay_off_the_worker()
    began = time.monotonic()
    try:
        with netns.exclusive(), hugepages():
            rows = measure(chosen)
    except KeyboardInterrupt:
        return 130
    except (NotReady, verify.WrongOutput, netns.CommandFailed) as failure:
        sys.exit(f"The comparison could not go on: {failure}")
    print(f"{time.monotonic() - began:.0f} s")
    if chosen.output:
        chosen.output.mkdir(parents=True, exist_ok=True)
        result = report.result(rows, chosen.rounds)
        (chosen.output / "comparison.json").write_text(json.dumps(result, indent=1) + "\n")
        (chosen.output / "comparison.html").write_text(page.page(result))
    return 0


if __name__ == "__main__":
    sys.exit(main())
