"""The rig beside a gateway that somebody else has started, as `rig --prepare` tells: every test, over memif. Takes root."""
import argparse
import json
import pathlib
import subprocess
import tempfile
import time
import unittest

BUILD = None
PATIENCE = 60  # seconds: the machine may be busy


def bench(*arguments):
    return subprocess.run([BUILD / "bench/viaduct-bench", "rig", "--quick", *map(str, arguments)], text=True,
                          capture_output=True, timeout=8 * PATIENCE)


class Attached(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.scratch = tempfile.TemporaryDirectory(prefix="viaduct-rig-test-")
        cls.addClassCleanup(cls.scratch.cleanup)
        cls.directory = pathlib.Path(cls.scratch.name) / "gw"
        made = bench("--prepare", cls.directory, *(f"--gateway-{side}={cls.device(side, 'server')}" for side in ("outside", "underlay")))
        assert made.returncode == 0, made.stderr
        cls.told = made.stdout
        log = open(cls.directory / "viaduct.log", "w", encoding="utf-8")
        cls.addClassCleanup(log.close)
        cls.gateway = subprocess.Popen(["unshare", "--net", BUILD / "dataplane/viaduct", "--config", cls.directory / "viaduct.conf"],
                                       stdout=log, stderr=log)
        cls.addClassCleanup(cls.end)
        cls.wait()
        subprocess.run(["nsenter", f"--net=/proc/{cls.gateway.pid}/ns/net", "ip", "-batch", cls.directory / "kernel.ip"], check=True)

    @classmethod
    def device(cls, side, role):
        number = ("outside", "underlay").index(side)
        socket = pathlib.Path(cls.scratch.name) / f"{side}.memif"
        return f"net_memif{number},role={role},socket={socket},socket-abstract=no"

    @classmethod
    def wait(cls):
        deadline = time.monotonic() + PATIENCE
        while not (cls.directory / "viaduct.sock").exists():
            log = (cls.directory / "viaduct.log").read_text(encoding="utf-8")
            assert cls.gateway.poll() is None and time.monotonic() < deadline, log
            time.sleep(0.05)
        subprocess.run([BUILD / "control/viaductctl/viaductctl", "--socket", cls.directory / "viaduct.sock", "wait", "--timeout", str(PATIENCE)],
                       check=True, stdout=subprocess.DEVNULL)

    @classmethod
    def end(cls):
        cls.gateway.terminate()
        cls.gateway.wait(PATIENCE)

    def run_rig(self, *arguments):
        """The JSON report, and where the others are."""
        files = {kind: pathlib.Path(self.scratch.name) / f"report.{kind}" for kind in ("json", "csv", "html")}
        done = bench("--attach", self.directory / "viaduct.sock", "--objects", self.directory / "cluster.d",
                     *(f"--{side}={self.device(side, 'client')}" for side in ("outside", "underlay")),
                     *(f"--{kind}={file}" for kind, file in files.items()), *arguments)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return json.loads(files["json"].read_text(encoding="utf-8")), files

    def test_prepare_tells_what_to_do(self):
        for step in (f"viaduct --config {self.directory}/viaduct.conf", f"ip -batch {self.directory}/kernel.ip", "--attach"):
            self.assertIn(step, self.told)

    def test_every_test_of_an_exchange(self):
        report, files = self.run_rig("--workload", "exchange", "--size", "imix", "--zipf", "1.1", "--tests", "all")
        self.assertEqual(report["setup"]["workers"], 1)
        (case,) = report["cases"]
        self.assertEqual([goal["goal"] for goal in case["throughput"]], ["NDR", "PDR"])
        self.assertEqual([run["percent_of_pdr"] for run in case["latency"]], [10, 50, 90])
        for run in case["latency"]:
            times = list(run["microseconds_by_percentile"].values())
            self.assertGreater(times[0], 0)
            self.assertEqual(times, sorted(times))
        self.assertGreater(len(case["frame_loss"]), 3)
        for point in case["frame_loss"]:
            self.assertTrue(0 <= point["least"] <= point["loss_ratio"] <= point["most"] <= 1, point)
        self.assertIn("frames", case["back_to_back"])
        self.assertGreater(case["reconfiguration"]["changes"], 0)
        self.assertEqual(case["reconfiguration"]["broken_share"], 0)
        windows = case["reconfiguration"]["windows"]
        kinds = [windows[kind] for kind in ("with_change", "held_up_with_change", "without_change", "held_up_without_change")]
        self.assertEqual(sum(kind["offered"] for kind in kinds), case["reconfiguration"]["offered"])
        self.assertEqual(sum(kind["lost"] for kind in kinds), case["reconfiguration"]["lost"])
        self.assertEqual(kinds[0]["windows"] + kinds[1]["windows"], case["reconfiguration"]["changes"])
        self.assertGreaterEqual(case["soak"]["seconds"], 0.19)
        self.assertGreater(case["soak"]["offered"], 0)
        self.assertEqual([cost["flows"] for cost in case["by_flows"]], [1, 256])
        self.assertGreater(case["cycles_by_stage"]["translate"], 0)
        self.assertIsNotNone(case["overload"]["gateway_busy"])
        self.assertEqual(case["zipf"], 1.1)
        self.assertGreater(case["frames_checked"], 1000)
        self.assertEqual(len(files["csv"].read_text(encoding="utf-8").splitlines()), 3)
        page = files["html"].read_text(encoding="utf-8")
        for plot in ("Frame loss by load", "Latency", "Cycles by stage", "Cost by number of flows"):
            self.assertIn(f"<h3>{plot}", page)
        self.assertNotIn("http", page)

    def test_flows_come_and_go(self):
        report, _ = self.run_rig("--workload", "service,decap", "--size", "1518", "--new-flows", "20000", "--tests", "search,soak")
        self.assertEqual([(case["workload"], case["size"]) for case in report["cases"]],
                         [("service", "1518"), ("decap", "1518")])
        for case in report["cases"]:
            self.assertEqual(case["new_flows_per_second"], 20000)
            self.assertGreater(case["soak"]["new_flows"], 0)

    def test_a_gateway_that_cannot_be_asked(self):
        ports = json.loads(subprocess.run([BUILD / "control/viaductctl/viaductctl", "--socket", self.directory / "viaduct.sock", "-j", "show", "ports"],
                                          check=True, capture_output=True, text=True).stdout)["ports"]
        macs = {port["name"]: port["mac"] for port in ports}
        devices = [f"--{side}={self.device(side, 'client')}" for side in ("outside", "underlay")]
        done = bench("--attach", "-", *devices, f"--outside-mac={macs['outside']}", f"--underlay-mac={macs['underlay']}",
                     "--workload", "encap", "--tests", "search")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn("Under overload", done.stdout)
        wrong = bench("--attach", "-", *devices, "--outside-mac=02:00:00:00:ff:01", f"--underlay-mac={macs['underlay']}",
                      "--workload", "decap", "--tests", "search")
        self.assertEqual(wrong.returncode, 1)
        self.assertIn("a wrong source MAC address", wrong.stderr)

    def test_a_gateway_that_is_not_there(self):
        done = bench("--attach", "/nonexistent.sock", "--outside=net_memif0", "--underlay=net_memif1")
        self.assertEqual(done.returncode, 1)
        self.assertIn("cannot reach the gateway at /nonexistent.sock: there is no such socket", done.stderr)


if __name__ == "__main__":
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--build", type=pathlib.Path, required=True)
    known, rest = options.parse_known_args()
    BUILD = known.build
    unittest.main(argv=[__file__, *rest])
