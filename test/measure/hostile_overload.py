"""More calls than the machine can carry (G3)."""
import json
import os
import pathlib
import statistics
import subprocess
import time

from lib.bed import Bed, Failed
from lib.measure import Result, measure
from lib.tandem import ROOT, Daemon

# The core must run out of time before the ports run out: a pair rests for a second only.
PATIENCE_S = 5
STEP_S, OVER_S, SETTLE_S = 4, 20, 4
TIMES, ROUNDS, LEAST = 5, 5, 3
ALIKE = 0.85             # the capacities before and after a round, of each other: else something else took the core
REST_S = 3
CONFIG = """
store: t.db
runtime-dir: .
control-socket: control.sock
log-level: warn
max-calls: 4000
user-calls: 0
no-media: 0
media-rest: 1
zones: [ {{ name: pbx, kind: pbx }} ]
listeners:
  - {{ name: near, zone: pbx, transport: udp, bind: "127.0.0.1:{near}", media-bind: 127.0.0.3, media-ports: 10000-15999 }}
  - {{ name: away, zone: pbx, transport: udp, bind: "127.0.0.1:{away}", media-bind: 127.0.0.2, media-ports: 10000-21999 }}
trunks:
  - {{ name: near, profile: generic, listener: near, options: no, inbound-css: all, from: [ 127.0.0.0/8 ], hosts: [ "127.0.0.1:9" ] }}
  - {{ name: far, profile: generic, listener: away, options: no, hosts: [ "127.0.0.1:{far}" ] }}
"""
# What Tandem is for: one extension rings the desk phone and another place together.
SITE = """
partitions: [ all, remote ]
spaces: [ { name: all, partitions: [ all ] }, { name: reroute, partitions: [ remote ] } ]
users: [ { name: ann } ]
lines: [ { number: "5002", partition: all, user: ann, endpoints: [ "7001@far" ] } ]
patterns: [ { pattern: "70XX", partition: remote, trunks: [ far ] } ]
profiles: [ { name: ann, user: ann, reroute-css: reroute, lines: [ "5002" ] } ]
remotes: [ { name: teams, profile: ann, number: "7002", delay: 0, too-soon: 0, too-late: 0 } ]
"""
CORES = sorted(os.sched_getaffinity(0))
TOOL = ROOT / "build/rel/measure_overload"


class Border:
    """The daemon on one core, its load on the other if there is another."""

    def __init__(self, bed):
        self.bed, self.n = bed, 0
        self.near, self.far = bed.port(), bed.port()
        os.sched_setaffinity(0, {CORES[0]})
        self.daemon = Daemon(bed, CONFIG.format(near=self.near, away=bed.port(), far=self.far))
        self.daemon.apply(SITE)
        os.sched_setaffinity(0, {CORES[-1]})

    def cpu_s(self):
        return sum(int(f.read_text().split()[0]) for f in
                   pathlib.Path(f"/proc/{self.daemon.child.pid}/task").glob("*/schedstat")) / 1e9

    def offer(self, rate, seconds, linger_s=PATIENCE_S):
        """([a second], all): what measure_overload counted."""
        self.n += 1
        r = subprocess.run([TOOL, str(self.near), str(self.far), str(rate), str(seconds), str(linger_s)],
                           capture_output=True, text=True, timeout=seconds + linger_s + 30, check=False)
        if r.returncode:
            raise Failed(f"measure_overload ended with {r.returncode}: {r.stderr}")
        lines = [json.loads(l) for l in r.stdout.splitlines()]
        return lines[:-1], lines[-1]

    def cost_s(self):
        """CPU time of a call, unhurried."""
        before = self.cpu_s()
        _, got = self.offer(30, 4)
        if got["completed"] != got["offered"]:
            raise Failed(f"calls fail without any load: {got}")
        return (self.cpu_s() - before) / got["completed"]


def carries(b, rate, seconds, tried):
    _, got = b.offer(rate, seconds)
    share = got["completed"] / got["offered"]
    tried.append((rate, seconds, round(share, 3), got["p99_ms"]))
    return share >= 0.99


def sustained(b, rate, tried):
    """The highest rate from this one down that is carried for as long as the overload will last."""
    while rate and not carries(b, rate, OVER_S, tried) and not carries(b, rate, OVER_S, tried):
        rate -= max(1, rate // 24)
    return rate


def capacity(b, cost):
    """The highest rate at which 99 of 100 complete, in steps of a twelfth, and for as long as the overload will last;
    and what was tried. A rate that fails has a second try: what else runs on the machine may have been it.
    cost: of an unhurried call, s."""
    tried, best, rate = [], 0, round(0.7 / cost)
    while carries(b, rate, STEP_S, tried) or carries(b, rate, STEP_S, tried):
        best, rate = rate, rate + max(1, rate // 12)
    return sustained(b, best, tried), tried


def capacity_again(b, last):
    """The same, from where it was last."""
    tried, best = [], last
    while carries(b, best + best // 24, OVER_S, tried) or carries(b, best + best // 24, OVER_S, tried):
        best += best // 24
    return (best if best > last else sustained(b, best, tried)), tried


def over(b, rate):
    seconds, got = b.offer(rate, OVER_S)
    middle = [s["completed"] for s in seconds if SETTLE_S < s["at_s"] <= OVER_S + 0.5]
    return sum(middle) / max(1, len(middle)), seconds, got


def one_round(b, before):
    """An overload between two measurements of the capacity: a machine that shares its host is not the same for long."""
    time.sleep(REST_S)
    good, seconds, got = over(b, TIMES * before)
    time.sleep(REST_S)
    after, tried = capacity_again(b, before)
    return {"before": before, "after": after, "tried": tried, "goodput": good, "share": 2 * good / (before + after),
            "counts": min(before, after) >= ALIKE * max(before, after), "all": got, "seconds": seconds}


@measure("G3", f"a border with one core is offered {TIMES} times the calls it carries, each to an extension that rings two, for "
         f"{OVER_S} s over UDP with all repetitions, {ROUNDS} times; its capacity is measured before and after each, as the highest "
         f"rate at which 99 % complete as long, and each is held against the mean of the two",
         "over capacity: 503 with a Retry-After spread over 5 to 60 s; goodput at least 90 % of capacity, in the median of the rounds; "
         "no call that was answered is lost",
         "none published; RFC 7339 asks for it", limit_s=2400)
def five_times():
    if len(CORES) < 2:
        raise Failed("the border needs one core and its load another")
    with Bed("overload") as bed:
        b = Border(bed)
        cost = b.cost_s()
        most, tried = capacity(b, cost)
        rounds = []
        for _ in range(ROUNDS):
            if not most:
                raise Failed(f"no rate is carried: {tried}")
            rounds.append(one_round(b, most))
            most, tried = rounds[-1]["after"], rounds[-1]["tried"]
        return verdict(b, cost, rounds)


def verdict(b, cost, rounds):
    alls = [r["all"] for r in rounds]
    retry = [sum(x) for x in zip(*(a["retry"] for a in alls))]
    spread = all(retry[1:12]) and not any(a["retry_odd"] for a in alls)
    lost = sum(a["dropped"] for a in alls)
    shares = [r["share"] for r in rounds if r["counts"]]
    ok = len(shares) >= LEAST and statistics.median(shares) >= 0.9 and spread and not lost
    total = {k: sum(a[k] for a in alls) for k in ("offered", "completed", "refused", "other", "timed_out", "repeated")}
    text = "; ".join(f"{r['goodput']:.0f} a second completed of {TIMES * r['before']} offered, capacity {r['before']} before and {r['after']} after: "
                     f"{100 * r['share']:.0f} %" + ("" if r["counts"] else ", not counted") for r in rounds)
    if len(shares) < LEAST:
        text = "void, the capacity was not the same before and after: " + text
    else:
        text = f"{100 * statistics.median(shares):.0f} % (from {100 * min(shares):.0f} to {100 * max(shares):.0f}): " + text
    return Result(f"{text}; of {total['offered']} offered {total['completed']} completed, {total['refused']} got 503, {total['other']} another answer, "
                  f"{total['timed_out']} none within {PATIENCE_S} s; {total['repeated']} repetitions, set-up p99 {max(a['p99_ms'] for a in alls):.0f} ms; "
                  f"{lost} answered calls ended by us; Retry-After {'spread evenly' if spread else 'not spread'} over 5 to 60 s", ok,
                  {"cost_ms": 1000 * cost, "retry": retry, "rounds": rounds, "guard": b.daemon.json("show", "guard"),
                   "status": b.daemon.json("status")})
