"""Figures for people, at once and as a page, and for programs."""
import html
import json
import os
import pathlib
import platform
import statistics
import subprocess

import plan

COLUMNS = "{:<12}{:>7}  {:<20}{:>9}{:>9}{:>9}{:>8}{:>8}{:>8}  {:<}"
EXPLANATION = """\
ns: of the worker's CPU time per packet, the median over rounds, then minimum and maximum. Mpps: what that makes a second.
ratio: how many times viaduct's time in the same round, the median, with minimum and maximum. +NAT: clients' addresses too.
On veth (linux, viaduct AF_XDP): wall time per packet that arrives at the other end, the source having the other CPU."""


def head():
    print("\n" + COLUMNS.format("workload", "flows", "contender", "ns", "min", "max", "Mpps", "TSC", "ratio", ""),
          flush=True)


def show(row):
    for line in lines(row):
        ratio, least, most = line["ratio"]
        print(COLUMNS.format(line["workload"], line["flows"], line["contender"], f"{line['ns'][0]:.1f}",
                             f"{line['ns'][1]:.1f}", f"{line['ns'][2]:.1f}", f"{line['mpps']:.2f}",
                             f"{line['tsc_cycles']:.0f}", f"{ratio:.2f}", f"{least:.2f}–{most:.2f}"), flush=True)


def lines(row):
    """One for each contender. The first is what the others are compared with."""
    reference = next(iter(row.turns))
    for name in row.turns:
        ns, ratios = row.ns(name), row.ratios(name, reference)
        yield {"workload": row.workload.name, "family": row.family, "flows": row.flows, "contender": name,
               "ns": summary(ns), "mpps": 1000 / statistics.median(ns),
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
            "rows": [line for row in rows for line in lines(row)]}


STYLE = """body{font:15px/1.5 system-ui,sans-serif;max-width:62em;margin:2em auto;padding:0 1em;color:#222}
table{border-collapse:collapse;width:100%}td,th{padding:.15em .6em;text-align:right;border-bottom:1px solid #ddd}
td:first-child,th:first-child{text-align:left}.bar{background:#cdd6e4;height:.9em;display:inline-block}
.viaduct .bar{background:#d9722e}td.chart{width:40%;text-align:left}pre{white-space:pre-wrap}"""


def page(result):
    """Everything on one page, with the data in it."""
    groups = {}
    for line in result["rows"]:
        key = line["workload"], line["flows"], "linux" in line["contender"] or "AF_XDP" in line["contender"]
        groups.setdefault(key, []).append(line)
    tables = "".join(table(result, *key, lines) for key, lines in groups.items())
    facts = ", ".join(f"{key} {value}" for key, value in result["machine"].items())
    return f"""<!DOCTYPE html><html lang="en"><meta charset="utf-8"><title>Viaduct side by side</title>
<style>{STYLE}</style><h1>Viaduct side by side</h1><p>{html.escape(facts)}; {result["rounds"]} rounds.</p>
<pre>{html.escape(EXPLANATION)}</pre>{tables}
<script type="application/json" id="data">{json.dumps(result)}</script></html>
"""


def table(result, workload, flows, on_veth, lines):
    most = max(line["ns"][0] for line in lines)
    rows = "".join(
        f"""<tr class="{'viaduct' if line['contender'].startswith('viaduct') else 'other'}"><td>{line['contender']}</td>
<td>{line['ns'][0]:.1f}</td><td>{line['ns'][1]:.1f}–{line['ns'][2]:.1f}</td><td>{line['mpps']:.2f}</td>
<td>{line['ratio'][0]:.2f}</td><td class="chart"><span class="bar" style="width:{95 * line['ns'][0] / most:.1f}%"></span></td></tr>""" for line in lines)
    return f"""<h2>{workload}, {flows} flows{', on veth' if on_veth else ''}</h2><p>{html.escape(result["workloads"][workload])}</p>
<table><tr><th>contender<th>ns/packet<th>min–max<th>Mpps<th>× viaduct<th></tr>{rows}</table>"""
