"""Figures for people, at once and as a page, and for programs."""
import os
import pathlib
import platform
import statistics
import subprocess

import bounds
import plan

COLUMNS = "{:<12}{:>7}  {:<24}{:>9}{:>9}{:>9}{:>8}{:>8}{:>9}{:>8}  {:<}"
BOUNDS = "{:<12}{:>7}  {:<24}{:>9}{:>9}{:>9}  {}"
EXPLANATION = """\
ns: of the worker's CPU time per packet, the median over rounds, then minimum and maximum. Mpps: what that makes a second.
ratio: how many times viaduct's time in the same round, the median, with minimum and maximum. no ports: ns without
those of the ports, which are testpmd's (the faster of io and macswap) in the same round. full NAT: clients' addresses too.
On veth (linux, AF_XDP): wall time per packet that arrives at the other end, the source having the other CPU."""
FREE = "free: the ratio that a gateway would reach on the same ports if its own work took no time: testpmd's in its place."


def head():
    print("\n" + COLUMNS.format("workload", "flows", "contender", "ns", "min", "max", "Mpps", "TSC", "no ports", "ratio", ""),
          flush=True)


def show(row):
    for line in lines(row):
        ratio, least, most = line["ratio"]
        print(COLUMNS.format(line["workload"], line["flows"], line["contender"], f"{line['ns'][0]:.1f}",
                             f"{line['ns'][1]:.1f}", f"{line['ns'][2]:.1f}", f"{line['mpps']:.2f}",
                             f"{line['tsc_cycles']:.0f}", f"{line['without_ports_ns']:.1f}", f"{ratio:.2f}", f"{least:.2f}–{most:.2f}"),
              flush=True)


def show_bounds(rows):
    print("\n" + BOUNDS.format("workload", "flows", "against", "wanted", "reached", "free", ""))
    for bound in (bound for row in rows for bound in bounds.bounds(row)):
        print(BOUNDS.format(bound["workload"], bound["flows"], bound["other"], wanted(bound), f"{bound['reached']:.2f}",
                            f"{bound['free_pipeline']:.2f}", bounds.verdict(bound)))


def wanted(bound):
    return f"{'≤' if bound['at_most'] else '≥'} {bound['wanted']:g}"


def lines(row):
    """One for each contender. The first is what the others are compared with."""
    for name in row.turns:
        ns, ratios = row.ns(name), row.ratios(name, row.reference)
        yield {"workload": row.workload.name, "family": row.family, "flows": row.flows, "contender": name,
               "on_veth": row.on_veth, "ns": summary(ns), "without_ports_ns": bounds.without_ports(row, name),
               "mpps": 1000 / statistics.median(ns),
               "tsc_cycles": statistics.median(ns) * tsc_hz() / 1e9, "ratio": summary(ratios),
               "packets": sum(turn.packets for turn in row.turns[name])}


def summary(samples):
    return [statistics.median(samples), min(samples), max(samples)]


def tsc_hz():
    """As the kernel found it; DPDK's, whose figures are cycles, is the same."""
    mhz = [line.split(":")[1] for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines() if "cpu MHz" in line]
    return float(mhz[0]) * 1e6


def version(*command):
    return subprocess.run(command, capture_output=True, text=True).stdout.splitlines()[0]


def machine():
    cpu = next(line.split(":")[1].strip() for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines()
               if line.startswith("model name"))
    return {"cpu": cpu, "cpus": os.cpu_count(), "tsc_mhz": tsc_hz() / 1e6, "kernel": platform.release(),
            "ovs": version("/usr/lib/openvswitch-switch-dpdk/ovs-vswitchd-dpdk", "--version"),
            "dpdk": version("dpkg-query", "-W", "-f", "${Version}\n", "dpdk-dev"),
            "commit": version("git", "-C", str(pathlib.Path(__file__).parent), "describe", "--always", "--dirty")}


def result(rows, rounds):
    return {"machine": machine(), "rounds": rounds, "frames": "60 bytes and FCS, IPv6 66 (UDP) or 74 (TCP)",
            "workloads": {name: workload.meaning for name, workload in plan.WORKLOADS.items()},
            "rows": [line for row in rows for line in lines(row)],
            "bounds": [{**bound, "verdict": bounds.verdict(bound)} for row in rows for bound in bounds.bounds(row)]}
