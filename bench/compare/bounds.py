"""What stands between a wanted ratio and a reached one: the ports, which cost everybody the same, or the gateway's own work.

testpmd on the same ports is a gateway whose work is free. All figures are of one round each, then medians over rounds.
"""
import dataclasses
from statistics import median


@dataclasses.dataclass(frozen=True)
class Goal:
    """Viaduct's time against another's: that is to be so many times viaduct's, or `most`: viaduct's so many times that."""
    other: str
    wanted: float
    most: bool = False


ENCAPSULATION = Goal("ovs-dpdk", 3), Goal("testpmd macswap", 1.8, most=True)
GOALS = {"encap": ENCAPSULATION, "encap-1000": ENCAPSULATION, "decap": (Goal("ovs-dpdk", 4),),
         "service": (Goal("ovs-dpdk", 12), Goal("ovs-dpdk full NAT", 12))}
ON_VETH = Goal("linux", 3),


def floor_of(row):
    """By rounds, what the ports cost without any work: testpmd io, or macswap where that is faster, as it may be when it
    fetches packets early that another CPU has written."""
    floors = [row.ns(name) for name in row.turns if name.startswith("testpmd")]
    return [min(turns) for turns in zip(*floors)]


def without_ports(row, name):
    return median(ns - floor for ns, floor in zip(row.ns(name), floor_of(row)))


def bounds(row):
    """For each goal of a row: wanted and reached, what a free pipeline would reach, and the pipeline's time and its limit."""
    own, floor = row.ns(row.reference), floor_of(row)
    for goal in ON_VETH if row.on_veth else GOALS.get(row.workload.name, ()):
        other = row.ns(goal.other)
        one = [ours / theirs if goal.most else theirs / ours for ours, theirs in zip(own, other)]
        free = [ports / theirs if goal.most else theirs / ports for ports, theirs in zip(floor, other)]
        allowed = [theirs * goal.wanted if goal.most else theirs / goal.wanted for theirs in other]
        yield {"workload": row.workload.name, "flows": row.flows, "on_veth": row.on_veth, "other": goal.other,
               "wanted": goal.wanted, "at_most": goal.most, "reached": median(one), "free_pipeline": median(free),
               "pipeline_ns": without_ports(row, row.reference),
               "pipeline_may_ns": median(total - ports for total, ports in zip(allowed, floor))}


def verdict(bound):
    """In words: reached, or why not."""
    worse = (lambda a, b: a > b) if bound["at_most"] else (lambda a, b: a < b)
    if not worse(bound["reached"], bound["wanted"]):
        return "reached"
    if worse(bound["free_pipeline"], bound["wanted"]):
        return "out of reach on these ports, even for a gateway that does nothing"
    return f"a pipeline of {bound['pipeline_may_ns']:.1f} ns would be needed; it takes {bound['pipeline_ns']:.1f}"
