"""dpdk-testpmd between the same ports: the floor, what receiving and sending cost without any work in between."""
import contender
import netns


class Testpmd(contender.Contender):
    def __init__(self, mode, ports=""):
        """`ports` is part of its name."""
        super().__init__()
        self.name = f"testpmd {mode} {ports}".strip()
        self.mode = mode
        self.namespace = self.name.replace(" ", "-").lower()
        self.prefix = netns.PREFIX + self.namespace
        self.telemetry = contender.Telemetry(self.prefix, source=0, sink=1)

    def start(self, job):
        self.move_in()
        self.processes = [self.run(job.source, job.sink)]

    def run(self, source, sink):
        process = self.launch(
            "dpdk-testpmd", f"--lcores=0@{contender.CONTROL_CPU},1@{contender.WORKER_CPU}", "--in-memory", "--no-pci",
            f"--file-prefix={self.prefix}", f"--vdev={source}", f"--vdev={sink}", "--",
            f"--forward-mode={self.mode}",
            "--burst=64",              # what viaduct asks for, and faster than the default of 32
            "--total-num-mbufs=40000", # the replayed frames stay in buffers of this pool
            "--no-flush-rx",           # the first frames count
            "--no-lsc-interrupt",
            "--stats-period=3600",     # keeps it running without a terminal
            log=f"{self.prefix}.log")
        contender.until(self.telemetry.connect, 20, lambda: f"testpmd starts: {self.log(f'{self.prefix}.log')}")
        return process

    def counts(self):
        return self.telemetry.counts()


def make():
    return [Testpmd("io"), Testpmd("macswap")]
