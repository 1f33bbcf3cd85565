#!/usr/bin/python3 -B
"""Instructions per packet of each of viaduct-bench's workloads, compared with bench/instructions.json.

A count is the same on a busy machine and on a quiet one, so it shows a change of a few per cent that times would hide.
Callgrind counts inside Pipeline::run and Pipeline::resume, during the one timed lap of each workload.
"""
import argparse
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[1]
BENCH = pathlib.Path(os.environ.get("VIADUCT_BUILD", ROOT / "build")) / "bench/viaduct-bench"
BASELINE = ROOT / "bench/instructions.json"
UPDATE = "bench/instructions.py --update"
FLOWS = 4096     # the shortest lap: each flow once
TOLERANCE = 0.03
PACKETS = {"lifecycle": 7}  # of a flow in a lap, where it is not one
# Huge pages mean terabytes of reserved addresses, which valgrind has not got.
WORK = ["--quick", "--runs", "1", "--workload", "all", "--ip", "both", "--burst", "32", "--flows", str(FLOWS),
        "--hugepages", "off"]
LAP = "viaduct::Scenario<*>::lap(unsigned int)"
LAPS_PER_ROW = 2  # one warms up, one is timed: what is dumped after a row's last lap is that lap alone


class Uncounted(Exception):
    """Callgrind or the benchmark did not do its work; the text is what they said."""


def count(bench=BENCH):
    """{"encap IPv4": 758.3, …}"""
    with tempfile.TemporaryDirectory(prefix="viaduct-instructions-") as place:
        out, rows = pathlib.Path(place, "out"), pathlib.Path(place, "rows.json")
        ran = subprocess.run(
            ["valgrind", "--tool=callgrind", f"--callgrind-out-file={out}", f"--dump-after={LAP}",
             "--toggle-collect=viaduct::Pipeline::run(*", "--toggle-collect=viaduct::Pipeline::resume(*",
             str(bench), *WORK, "--json", str(rows)], capture_output=True, text=True, timeout=300)
        if ran.returncode:
            raise Uncounted(f"callgrind or viaduct-bench failed:\n{ran.stdout}{ran.stderr}"[-4000:])
        results = json.loads(rows.read_text())["results"]
        dumps = len(list(out.parent.glob("out.*")))
        if dumps != LAPS_PER_ROW * len(results):
            raise Uncounted(f"{dumps} laps were counted, not {LAPS_PER_ROW} for each of {len(results)} workloads: is "
                            f"{LAP} still its name?")
        return {f"{row['workload']} IPv{row['ip']}": round(
                    total(f"{out}.{LAPS_PER_ROW * (i + 1)}") / FLOWS / PACKETS.get(row["workload"], 1), 1)
                for i, row in enumerate(results)}


def total(dump):
    return int(re.search(r"^totals: (\d+)", pathlib.Path(dump).read_text(), re.MULTILINE)[1])


def baseline():
    return json.loads(BASELINE.read_text())


def update(counts):
    BASELINE.write_text(json.dumps(counts, indent=2) + "\n")


def judge(name, counts):
    """What there is to say about a workload; raises when it takes more instructions than it may, or is not known."""
    known = baseline().get(name)
    if known is None or name not in counts:
        raise Uncounted(f"{name}: {'counted' if known is None else 'in bench/instructions.json'} only; {UPDATE}")
    change = counts[name] / known - 1
    text = f"{counts[name]:.1f} instructions per packet, {known:.1f} committed ({change:+.1%})"
    if change > TOLERANCE:
        raise Uncounted(f"{name}: {text}, at most {TOLERANCE:+.0%} allowed. Look: valgrind --tool=callgrind "
                        f"build/bench/viaduct-bench {' '.join(WORK)}; if it has to be: {UPDATE}")
    return text + (f"; to keep it: {UPDATE}" if change < -TOLERANCE else "")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--update", action="store_true", help="commit to what is counted now")
    chosen = parser.parse_args()
    counts = count()
    if chosen.update:
        update(counts)
    failed = 0
    for name in counts:
        try:
            print(f"{name:<18}{judge(name, counts)}")
        except Uncounted as problem:
            failed = 1
            print(problem)
    return failed


if __name__ == "__main__":
    sys.exit(main())
