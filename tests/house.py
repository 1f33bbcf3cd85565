#!/usr/bin/env python3
"""The house rule: which floor may include which. Fails the build on an upward include; draws the graph with --dot."""
import argparse
import pathlib
import re
import sys

MAY_INCLUDE = {
    "encap": {"encap"},
    "lb": {"lb", "encap"},
    "tables": {"tables", "lb", "encap"},
    "control": {"control", "tables", "lb", "encap"},
    "dataplane": {"dataplane", "tables", "lb", "encap"},
}
NO_EAL = {"encap", "lb", "tables", "control"}
# The one place where the two upper floors meet.
MEETING_POINT = "dataplane/main.cpp"
INCLUDE = re.compile(r'^\s*#\s*include\s*(["<])([^">]+)[">]')


def includes(path):
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        match = INCLUDE.match(line)
        if match:
            yield number, match.group(1) == '"', match.group(2)


def main():
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--source", type=pathlib.Path, default=pathlib.Path(__file__).resolve().parent.parent)
    options.add_argument("--stamp", type=pathlib.Path)
    options.add_argument("--dot", action="store_true", help="print the graph of floors for Graphviz")
    arguments = options.parse_args()

    errors, edges = [], set()
    for floor, allowed in MAY_INCLUDE.items():
        for path in sorted((arguments.source / floor).rglob("*")):
            if path.suffix not in {".h", ".cpp"}:
                continue
            where = path.relative_to(arguments.source).as_posix()
            for number, own, target in includes(path):
                head = target.split("/")[0]
                if own and head in MAY_INCLUDE:
                    edges.add((floor, head))
                    if head not in allowed and where != MEETING_POINT:
                        errors.append(f"{where}:{number}: {floor}/ may not include {target}")
                if not own and floor in NO_EAL and target.startswith("rte_"):
                    errors.append(f"{where}:{number}: {floor}/ must build without DPDK, but includes {target}")

    if arguments.dot:
        print("digraph house {", *(f"  {a} -> {b};" for a, b in sorted(edges) if a != b), "}", sep="\n")
    for error in errors:
        print(error, file=sys.stderr)
    if not errors and arguments.stamp:
        arguments.stamp.write_text("")
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main())
