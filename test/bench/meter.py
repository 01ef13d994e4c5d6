"""What the kernel counted, pairs in the order A B B A, and how a row of the report is made of them."""
import contextlib
import os
import pathlib
import random
import statistics
import subprocess

from lib.bed import Failed

CORES = sorted(os.sched_getaffinity(0))
SUT, GENERATOR = ({CORES[0]}, {CORES[1]}) if len(CORES) > 1 else (set(CORES), set(CORES))
VOIDS_AT_MOST = 5       # in a round
ROUNDS_AT_MOST = 3
GENERATOR_AT_MOST = 0.85
# A shared machine gives no better than a rough figure: BENCH_STEAL=1 lets it pass all the same.
STEAL_AT_MOST = float(os.environ.get("BENCH_STEAL", "0.01"))


def family(pid):
    """The process and everything in its session: a daemon's children stay in it."""
    for p in os.listdir("/proc"):
        if p.isdigit():
            try:
                if os.getsid(int(p)) == pid:
                    yield int(p)
            except ProcessLookupError:
                pass


def parts_ns(pid):
    """CPU time of its first thread, of its other threads, and of the other processes of its session."""
    got = {"first_thread": 0, "other_threads": 0, "other_processes": 0}
    for p in family(pid):
        for task in pathlib.Path(f"/proc/{p}/task").glob("*/schedstat"):
            part = "other_processes" if p != pid else "first_thread" if task.parent.name == str(pid) else "other_threads"
            try:
                got[part] += int(task.read_text().split()[0])
            except (OSError, IndexError):
                pass
    return got


def cpu_ns(*pids):
    return sum(sum(parts_ns(pid).values()) for pid in pids)


def switches(pid):
    """Context switches of all threads of its session."""
    total = 0
    for p in family(pid):
        for task in pathlib.Path(f"/proc/{p}/task").glob("*/status"):
            try:
                total += sum(int(l.split()[1]) for l in task.read_text().splitlines()
                             if "ctxt_switches" in l)
            except OSError:
                pass
    return total


def lost_datagrams():
    lines = [l.split() for l in open("/proc/net/snmp") if l.startswith("Udp:")]
    udp = dict(zip(lines[0][1:], map(int, lines[1][1:])))
    return udp["RcvbufErrors"] + udp["InErrors"]


def stolen():
    return int(open("/proc/stat").readline().split()[8])


def pin(pid, cores):
    for p in family(pid):
        for t in os.listdir(f"/proc/{p}/task"):
            os.sched_setaffinity(int(t), cores)


@contextlib.contextmanager
def awake(wanted):
    """No core sleeps meanwhile: a loop of the lowest priority runs on each. What it costs a virtual machine
    to be woken changes from minute to minute and may be half of a figure."""
    argv = ["chrt", "-i", "0", "sh", "-c", "while :; do :; done"]
    loops = [subprocess.Popen(["taskset", "-c", str(core), *argv]) for core in CORES if wanted]
    try:
        yield
    finally:
        for p in loops:
            p.kill()
            p.wait()


class Window:
    """From here to end(): what makes a run void, and what it cost."""

    def __init__(self, sut, generators, clock):
        self.sut, self.generators, self.clock = sut, generators, clock
        self.lost, self.steal = lost_datagrams(), stolen()
        self.sut_parts, self.gen_ns, self.began = parts_ns(sut), cpu_ns(*generators), clock()
        self.switches = switches(sut)

    def mark(self):
        """The end, which may be marked anew; the verdict is end()'s."""
        self.took = self.clock() - self.began
        self.parts = {k: v - self.sut_parts[k] for k, v in parts_ns(self.sut).items()}
        self.cost_ns = sum(self.parts.values())
        self.gen_cost_ns = cpu_ns(*self.generators) - self.gen_ns
        self.switched = switches(self.sut) - self.switches

    def void(self):
        """Why this run does not count, or None."""
        if lost_datagrams() != self.lost:
            return "datagrams were lost"
        if self.gen_cost_ns / 1e9 / self.took > GENERATOR_AT_MOST:
            return "the generator was saturated"
        if (stolen() - self.steal) / os.sysconf("SC_CLK_TCK") > STEAL_AT_MOST * self.took * len(CORES):
            return f"the host took more than {STEAL_AT_MOST:.0%} of the time"
        return None


def more_pairs(a, b, pairs, one, names):
    """Runs one(which) -> (figure, why void) in the order A B B A ...; adds so many good pairs to the lists."""
    voids, wanted = 0, len(a) + pairs
    while len(a) < wanted:
        got = {}
        for which in names if len(a) % 2 == 0 else names[::-1]:
            got[which], why = one(which)
            if why:
                break
        if why:
            voids += 1
            print(f"  void ({which}): {why}", flush=True)
            if voids > VOIDS_AT_MOST:
                raise Failed("too many void runs")
            continue
        a.append(got[names[0]])
        b.append(got[names[1]])
        print(f"  pair {len(a)}: {names[0]} {a[-1]:.4f}  {names[1]} {b[-1]:.4f}  "
              f"ratio {a[-1] / b[-1]:.3f}", flush=True)


def interval(ratios):
    """95 % bootstrap interval of the median."""
    rng = random.Random(1)
    medians = sorted(statistics.median(rng.choices(ratios, k=len(ratios))) for _ in range(2000))
    return medians[50], medians[1949]


def entry(ours, base, unit, goal, higher=False, **more):
    """One row: medians, the ratio's median and interval; ok: the worse end of it reaches the goal."""
    ratios = [a / b for a, b in zip(ours, base)]
    low, high = interval(ratios)
    return {"ours": round(statistics.median(ours), 4), "baseline": round(statistics.median(base), 4),
            "ratio": round(statistics.median(ratios), 4), "ratio_low": round(low, 4),
            "ratio_high": round(high, 4), "goal": f"{'>=' if higher else '<='} {goal} x",
            "ok": low >= goal if higher else high <= goal, "unit": unit, "runs": len(ours), **more}


def judged(pairs, one, unit, goal, higher=False, names=("ours", "baseline"), **more):
    """The entry of a figure whose pairs are run by one(). A noisy machine may leave the goal within the
    interval, which is no verdict: another round of as many pairs follows then, three rounds in all."""
    ours, base = [], []
    for _ in range(ROUNDS_AT_MOST):
        more_pairs(ours, base, pairs, one, names)
        e = entry(ours, base, unit, goal, higher, **more)
        if not e["ratio_low"] < goal < e["ratio_high"]:
            break
    return e


def worst(entries, higher=False):
    """Of several rows under one id: the one nearest to missing its goal speaks for all."""
    w = max(entries.values(), key=lambda e: (not e["ok"], -e["ratio_low"] if higher else e["ratio_high"]))
    return {**w, "ok": all(e["ok"] for e in entries.values()), "detail": entries}
