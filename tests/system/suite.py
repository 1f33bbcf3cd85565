"""Every test under one name each: the house rule, builds, unit tests in two of them, instruction counts, the demo's rows."""
import argparse
import fnmatch
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import time

import calico
import cilium
import netns
import selfcheck
import session

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "bench"))
import instructions  # noqa: E402  bench/ keeps it beside what it counts

# name of a build: its directory, its meson options, its compiler, what is built of it; None: everything, and its unit tests
# are run. The sanitizers are clang's, which also see reads through std::bit_cast; optimising for them costs more than it saves,
# and eight sources compiled as one take the time of two or three.
BUILDS = {
    "release": ("build", (), None, None),
    "sanitizers": ("build-sanitizers", ("-Db_sanitize=address,undefined", "-Db_lundef=false", "-Dbuildtype=plain",
                                        "-Doptimization=0", "-Dunity=on", "-Dunity_size=8", "-Dcpp_args=-gline-tables-only"),
                   "clang++-14", None),
    "floors": ("build-floors", ("-Ddpdk=false", "-Dbuildtype=plain"), None,
               ("encap/libencap.a", "lb/liblb.a", "tables/libtables.a")),
}
# name of a variant: how many workers, how many receive queues on each port, whether an API server tells of the cluster,
# whether nodes on one link send plain packets, and which overlay's agents run on the nodes
VARIANTS = {"1 worker": (1, 1, False), "2 workers": (2, 1, False), "2 workers, 2 queues": (2, 2, False),
            "by the API": (1, 1, True), "DirectRouting": (1, 1, False, True),
            "Calico": (1, 1, True, False, calico), "Calico, CrossSubnet": (1, 1, False, True, calico),
            "Cilium": (1, 1, False, False, cilium)}
CASE = re.compile(r"^\[ +(OK|FAILED|SKIPPED) +\] (\S+?)(?:, where .*)? \((\d+) ms\)$", re.MULTILINE)


class Report:
    """Says each result once, at the moment it is known, and counts."""

    def __init__(self, pattern):
        self.pattern, self.counts, self.bad = pattern, {"passed": 0, "failed": 0, "skipped": 0}, []

    def wants(self, name):
        return not self.pattern or fnmatch.fnmatch(name, f"*{self.pattern}*")

    def add(self, name, result, seconds, detail="", output=""):
        """`result` is "passed", "failed" or "skipped". No skip is expected: each one is as bad as a failure."""
        self.counts[result] += 1
        if result != "passed":
            self.bad.append((f"{result:<8}{name}", (output or detail)[-2000:].splitlines()))
        print(f"{result:<8}{name}  [{seconds:.2f} s]{'  ' + detail if detail else ''}", flush=True)

    def outcome(self, name, outcome):
        self.add(name, "passed" if outcome.passed else "failed", outcome.seconds, outcome.detail)

    def finish(self):
        """Once more what failed, and the end of what it said: often only the end of a log is kept."""
        most = min(12, 200 // max(1, len(self.bad)))  # lines of each
        for name, said in self.bad:
            print(name, *said[max(0, len(said) - most):], sep="\n        ")
        skipped = f", {self.counts['skipped']} skipped" if self.counts["skipped"] else ""
        print(f"{self.counts['passed']} passed, {self.counts['failed']} failed{skipped}", flush=True)
        return 1 if self.bad or not self.counts["passed"] else 0


def output_of(*command, env=None):
    """Runs a long command in the sources and returns its output; raises with the end of it when it fails."""
    done = subprocess.run(command, cwd=ROOT, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode:
        raise netns.CommandFailed(f"{' '.join(command)}\n{done.stdout[-6000:]}")
    return done.stdout


# Builds and unit tests ------------------------------------------------------------------------------------------------
def configure(name):
    directory, options, compiler, _ = BUILDS[name]
    if not (ROOT / directory / "build.ninja").exists():
        env = {**os.environ, "CXX": compiler} if compiler else None
        output_of("meson", "setup", directory, *options, env=env)


def compile_build(name):
    directory, _, _, targets = BUILDS[name]
    configure(name)
    output_of("ninja", "-C", directory, *targets or ())


def unit_tests(name):
    """The names of the meson tests that run in a build."""
    directory, _, _, targets = BUILDS[name]
    if targets:
        return []
    configure(name)
    return [test["name"] for test in json.loads(output_of("meson", "introspect", "--tests", directory))]


def run_unit_tests(report, build, tests):
    """Builds what the tests need, should it not be there, and runs them side by side: many wait for servers of theirs."""
    if not tests:
        return
    directory = ROOT / BUILDS[build][0]
    log = directory / "meson-logs/testlog.json"
    log.unlink(missing_ok=True)
    command = ("meson", "test", "-C", str(directory), "--num-processes", "4", "--timeout-multiplier", "2", *tests)
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as running:
        output = [told_while_running(line) for line in running.stdout]
    entries = [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []
    for entry in entries:
        test = entry["name"].split(" / ")[-1]
        add_cases(report, f"unit/{build}/{test}", entry, entry.get("stdout", "") + entry.get("stderr", ""))
    if len(entries) != len(tests):
        report.outcome(f"unit/{build}", session.Outcome(False, "".join(output)[-6000:], 0))


def told_while_running(line):
    """Meson's line on a test that has ended is shown at once; what its cases say comes when all have ended."""
    if re.match(r" *\d+/\d+ ", line):
        print(f"        {line}", end="", flush=True)
    return line


def add_cases(report, name, entry, text):
    """One line for each GoogleTest case; a test of another kind, or one that died half-way, is one line itself."""
    cases = CASE.findall(text)
    for result, case, milliseconds in cases:
        report.add(f"{name}/{case}", {"OK": "passed", "FAILED": "failed", "SKIPPED": "skipped"}[result],
                   int(milliseconds) / 1000, output="" if result == "OK" else said_by_case(text, case))
    results = {"OK": "passed", "SKIP": "skipped", "EXPECTEDFAIL": "passed"}
    result = results.get(entry["result"], "failed")
    if not cases or (result == "failed" and not any(case[0] == "FAILED" for case in cases)):
        report.add(name, result, entry["duration"], output=f"{text}\n{entry['result']}")
    if result == "failed":
        print(told_by_failed(text, [case for outcome, case, _ in cases if outcome == "FAILED"]), flush=True)


def told_by_failed(text, failed):
    """What the failed cases printed, else the end of it all: other cases may have printed much after them."""
    return "\n".join(said_by_case(text, case)[:6000] for case in failed) or text[-8000:]


def said_by_case(text, case):
    """What a GoogleTest case printed before its result."""
    began = text.find(f"[ RUN      ] {case}\n")
    return re.split(r"^\[ +(?:FAILED|SKIPPED) +\]", text[began:], 1, re.MULTILINE)[0]


def run_house(report):
    if report.wants("house"):
        report.outcome("house", session.attempt(output_of, sys.executable, "tests/house.py"))


def run_builds(report):
    for build in BUILDS:
        tests = [test for test in unit_tests(build) if report.wants(f"unit/{build}/{test}")]
        if report.wants(f"build/{build}"):
            report.outcome(f"build/{build}", session.attempt(compile_build, build))
        run_unit_tests(report, build, tests)


# Instructions per packet ----------------------------------------------------------------------------------------------
def instruction_names():
    return [f"bench/instructions/{name}" for name in instructions.baseline()]


def run_instructions(report):
    """Counts all workloads at once; one that has no committed count is a result too."""
    if not any(map(report.wants, instruction_names())):
        return
    configure("release")
    try:
        output_of("ninja", "-C", BUILDS["release"][0], "bench/viaduct-bench")
        counts = instructions.count()
    except (netns.CommandFailed, instructions.Uncounted) as failure:
        return report.add("bench/instructions", "failed", 0, str(failure))
    for name in {**instructions.baseline(), **counts}:
        if report.wants(f"bench/instructions/{name}"):
            report.outcome(f"bench/instructions/{name}", session.attempt(instructions.judge, name, counts))


# System tests ---------------------------------------------------------------------------------------------------------
def row_names(variant):
    prefix, tried = f"system/{variant}/", session.Session(*VARIANTS[variant])
    return [f"{prefix}{row.name} (IPv{family})" for row in tried.rows() for family in tried.families] + \
           [f"{prefix}{row.name}" for row in tried.closing_rows()]


def run_topology(report):
    cluster = session.topology.Cluster()
    started = session.attempt(cluster.up)
    report.outcome("system/topology/start", started)
    for row in selfcheck.ROWS if started.passed else ():
        for family in session.FAMILIES:
            report.outcome(f"system/topology/{row.name} (IPv{family})", session.attempt(row.attempt, cluster, family))


def run_variant(report, variant):
    running = session.Session(*VARIANTS[variant])
    started = session.attempt(running.start)
    report.outcome(f"system/{variant}/start", started)
    if started.passed:
        run_rows(report, variant, running)
    if len(report.bad):
        print(running.gateway.log(30))
    running.stop()


def run_rows(report, variant, running):
    for row in running.rows():
        for family in running.families:
            if report.wants(name := f"system/{variant}/{row.name} (IPv{family})"):
                report.outcome(name, running.try_row(row, family))
    for row in running.closing_rows():
        if report.wants(name := f"system/{variant}/{row.name}"):
            report.outcome(name, session.attempt(row.attempt))


def run_system(report):
    if any(report.wants(f"system/topology/{row.name}") for row in selfcheck.ROWS):
        with netns.exclusive():
            run_topology(report)
    for variant in VARIANTS:
        if any(map(report.wants, row_names(variant))):
            with netns.exclusive():
                run_variant(report, variant)


def list_names():
    print("house")
    for build in BUILDS:
        print(f"build/{build}")
        for test in unit_tests(build):
            print(f"unit/{build}/{test}")
    print(*instruction_names(), sep="\n")
    for row in selfcheck.ROWS:
        print(*(f"system/topology/{row.name} (IPv{family})" for family in session.FAMILIES), sep="\n")
    for variant in VARIANTS:
        print(*row_names(variant), sep="\n")


def main():
    parser = argparse.ArgumentParser(prog="tests/run", description=__doc__)
    parser.add_argument("--list", action="store_true", help="name the tests and stop")
    parser.add_argument("--only", metavar="PATTERN", help="run the tests whose name contains this (* and ? match any)")
    chosen = parser.parse_args()
    if chosen.list:
        list_names()
        return 0
    for sign in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(sign, lambda *_: sys.exit(143))
    report, began = Report(chosen.only), time.monotonic()
    run_house(report)
    run_builds(report)
    run_instructions(report)
    run_system(report)
    print(f"{time.monotonic() - began:.0f} s")
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())
