"""Contenders take turns, A B C A B C …, each paused while another works, so that a noisy minute is everybody's."""
import contextlib
import dataclasses
import os
import time

import contender
import frames
import netns
import plan
import verify

NULL_SINK = "net_null0,no-rx=1"
WARM_SECONDS, TURN_SECONDS = 0.15, 0.6
# Of what was received. Two counters are read, one a millisecond after the other; what is really lost is more.
MOST_LOST = 0.02
MOST_LAPS, MOST_VETH_LAPS = 12, 100  # of captured frames, before every flow must have appeared


@dataclasses.dataclass
class Turn:
    """What one contender did in one turn."""
    packets: int
    cpu_ns: int  # of its worker

    @property
    def ns(self):
        """Of the worker's CPU time per packet: what other programs on this CPU take is not counted."""
        return self.cpu_ns / self.packets


@dataclasses.dataclass
class Row:
    """A workload's figures: turns by contender."""
    workload: plan.Workload
    family: int
    flows: int
    turns: dict
    on_veth: bool = False

    @property
    def reference(self):
        """With whom the others are compared: the first."""
        return next(iter(self.turns))

    def ns(self, name):
        return [turn.ns for turn in self.turns[name]]

    def ratios(self, name, reference):
        """How many times the reference's time: one for each round."""
        return [a / b for a, b in zip(self.ns(name), self.ns(reference))]


def place(name):
    path = netns.STATE / "compare"
    path.mkdir(exist_ok=True)
    return path / name


def fresh(name):
    path = place(name)
    path.unlink(missing_ok=True)
    return path


def check(one, workload, family, count):
    """One contender's frames, caught behind the same program in the same configuration but for the port they leave by."""
    flows = plan.flows(workload, family, count)
    frames.write(place("check.pcap"), workload, flows)
    capture = frames.Capture(fresh("sent"), MOST_LAPS * count)
    try:
        one.start(plan.Job(workload, family, count, one.source(place("check.pcap")), f"net_pcap1,tx_pcap={capture.path}"))
        contender.until(capture.done.is_set, 20, f"{one.name} sends {capture.count} frames, {len(capture.frames)} came")
    finally:
        one.stop()
    judge(capture.frames[-3 * count:], workload, family, flows)  # the first may be from before all was configured


def judge(sent, workload, family, flows):
    checker = verify.Checker(workload, family)
    for frame in sent:
        if frame[0] & 1 == 0:  # multicast is Linux's own: MLD, router solicitations
            checker.look(frame)
    checker.conclude(flows)


def check_on_veth(one, workload, family, count):
    """What arrives at the other end. Far more is sent than can arrive: flows appear by and by, and the same frame often."""
    flows = plan.flows(workload, family, count)
    frames.write(place("check.pcap"), workload, flows)
    try:
        one.start(plan.Job(workload, family, count, one.source(place("check.pcap")), NULL_SINK))
        sent = one.arriving(MOST_VETH_LAPS * count)
    finally:
        one.stop()
    judge(dict.fromkeys(sent), workload, family, flows)


def turn(one, seconds):
    one.resume()
    try:
        time.sleep(WARM_SECONDS)
        received, sent = one.counts()
        times = one.worker_times()
        time.sleep(seconds)
        received_then, sent_then = one.counts()
        times_then = one.worker_times()
    finally:
        one.pause()
    packets = sent_then - sent
    lost = received_then - received - packets
    if packets <= 0 or (lost > MOST_LOST * packets and not one.overloaded):
        raise contender.NotReady(f"{one.name} took {received_then - received} packets and sent {packets}")
    return Turn(packets, spent(times, times_then))


def spent(before, after):
    """By the busiest thread, which is the worker."""
    return max(time - before.get(thread, 0) for thread, time in after.items())


def steady(contenders, workload, family, count, rounds):
    """The same frames again and again."""
    frames.write(place("in.pcap"), workload, plan.flows(workload, family, count))
    row = Row(workload, family, count, {one.name: [] for one in contenders}, contenders[0].overloaded)
    with contextlib.ExitStack() as stack:
        for one in contenders:
            stack.callback(one.stop)
            one.start(plan.Job(workload, family, count, one.source(place("in.pcap")), NULL_SINK))
            one.pause()
        for _ in range(rounds):
            for one in contenders:
                row.turns[one.name].append(turn(one, TURN_SECONDS))
    return row


def once(contenders, workload, family, count, rounds):
    """Each frame a single time, by processes that have seen none before."""
    data = b"".join(frames.records(workload, plan.flows(workload, family, count)))
    row = Row(workload, family, count, {one.name: [] for one in contenders})
    for _ in range(rounds):
        for one in contenders:
            row.turns[one.name].append(rush(one, data, workload, family, count))
    return row


def rush(one, data, workload, family, count):
    stream = frames.Stream(fresh("stream"), data)
    try:
        one.start(plan.Job(workload, family, count, f"net_pcap0,rx_pcap={stream.path}", NULL_SINK))
        times = one.worker_times()
        stream.go.set()
        contender.until(lambda: one.counts()[0] >= count, 60, f"{one.name} takes all frames", pause=0.005)
        times_then = one.worker_times()
        received, sent = one.counts()
    finally:
        stream.close()
        one.stop()
    if sent < (1 - MOST_LOST) * count:
        raise contender.NotReady(f"{one.name} took {received} packets and sent {sent}")
    return Turn(sent, spent(times, times_then))


def measure(contenders, workload, family, count, rounds):
    return (once if workload.once else steady)(contenders, workload, family, count, rounds)


def stay_off_the_worker():
    os.sched_setaffinity(0, {contender.CONTROL_CPU})
