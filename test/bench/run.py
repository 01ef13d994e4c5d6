#!/usr/bin/env python3
"""The goals' figures beside their baselines, in one run; writes build/bench/report.json.

test/bench/run.py [--pairs N] [--rate CPS] [--window S] [S1] [S3]

S1  two-leg answered calls: SIPp -> system -> SIPp; CPU time of all the system's
    threads and processes (schedstat) per finished call. Baseline: Kamailio's
    stateful proxy (kamailio.cfg), which does less. Order A B B A; the system under
    test alone on one core, SIPp on the other; both systems stay up all the time.
S3  parse one 900-byte INVITE. Baseline: libre's sip_msg_decode().

Only ratios count, and only taken within one run. A pair with a failed call, a lost
datagram or a saturated generator is void and repeated, and said so.
"""
import argparse
import json
import os
import pathlib
import random
import statistics
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(ROOT / "test/live"))

from lib.bed import Bed, Failed, until          # noqa: E402
from lib.kamailio import Kamailio               # noqa: E402
from lib.sipp import Sipp                       # noqa: E402
from lib.tandem import Daemon                   # noqa: E402

CORES = sorted(os.sched_getaffinity(0))
SUT, GENERATOR = ({CORES[0]}, {CORES[1]}) if len(CORES) > 1 else (set(CORES), set(CORES))
VOIDS_AT_MOST = 5


# -- what the kernel counted ---------------------------------------------

def family(pid):
    """The process and everything in its session: a daemon's children stay in it."""
    for p in os.listdir("/proc"):
        if p.isdigit():
            try:
                if os.getsid(int(p)) == pid:
                    yield int(p)
            except ProcessLookupError:
                pass


def cpu_ns(pid):
    total = 0
    for p in family(pid):
        for task in pathlib.Path(f"/proc/{p}/task").glob("*/schedstat"):
            try:
                total += int(task.read_text().split()[0])
            except (OSError, IndexError):
                pass
    return total


def lost_datagrams():
    lines = [l.split() for l in open("/proc/net/snmp") if l.startswith("Udp:")]
    udp = dict(zip(lines[0][1:], map(int, lines[1][1:])))
    return udp["RcvbufErrors"] + udp["InErrors"]


def stolen():
    return int(open("/proc/stat").readline().split()[8])


# -- S1 --------------------------------------------------------------------

class Far:
    """The called side, always there."""

    def __init__(self, bed, port):
        self.port = port
        self.child = bed.spawn(["sipp", "-sf", HERE / "uas.xml", "-i", "127.0.0.1", "-p", port,
                                "-mi", "127.0.0.1", "-nostdin"], "far")


def pin(pid, cores):
    for p in family(pid):
        for t in os.listdir(f"/proc/{p}/task"):
            os.sched_setaffinity(int(t), cores)


def drive(bed, name, target, rate, window_s):
    """One SIPp run against target; CPU ns per call in the middle window, or why it is void."""
    uac = Sipp(bed, name, HERE / "uac.xml", f"127.0.0.1:{target.port}", rate=rate,
               keys={"dial": "4930123456", "from": "4989987654"}, extra=["-d", "0"],
               calls=int(rate * (window_s + 6)))
    pin(uac.child.pid, GENERATOR)
    until("calls", lambda: uac.counts().get("ok", 0) >= rate * 3 or not uac.child.alive(), 60)
    if not uac.child.alive():
        return None, f"SIPp gave up: {uac.child.text()[-300:]}"
    lost, steal, before = lost_datagrams(), stolen(), uac.counts()["ok"]
    sut, gen, start = cpu_ns(target.child.pid), cpu_ns(uac.child.pid), time.monotonic()
    seen = before
    while time.monotonic() - start < window_s or seen == before:
        time.sleep(0.05)
        now = uac.counts()["ok"]
        if now != seen:                 # SIPp writes once a second: stop on a fresh line
            seen, sut_end, gen_end, at = now, cpu_ns(target.child.pid), cpu_ns(uac.child.pid), \
                time.monotonic()
    calls, took = seen - before, at - start
    failed = uac.wait(90)["failed"]
    if failed:
        return None, f"{failed} calls failed"
    if lost_datagrams() != lost:
        return None, "datagrams were lost"
    if (gen_end - gen) / 1e9 / took > 0.85:
        return None, "the generator was saturated"
    if (stolen() - steal) / os.sysconf("SC_CLK_TCK") > 0.01 * took * len(CORES):
        return None, "the host took more than 1 % of the time"
    return (sut_end - sut) / calls / 1e6, None


def daemon(bed, far_port):
    """Tandem as the border between two trunks, UDP on both sides."""
    near = bed.port()
    values = {"near": near, "far": far_port, "away": bed.port()}
    fill = lambda name: (HERE / name).read_text().format(**values)
    d = Daemon(bed, fill("tandem.yaml"))
    d.apply(fill("site.yaml"))
    d.port = near
    return d


def compare(pairs, one):
    """Runs one(which) in the order A B B A ...; lists of the good pairs."""
    ours, base, voids = [], [], 0
    while len(ours) < pairs:
        order = ["ours", "baseline"] if len(ours) % 2 == 0 else ["baseline", "ours"]
        got = {}
        for which in order:
            got[which], why = one(which)
            if why:
                break
        if why:
            voids += 1
            print(f"  void ({which}): {why}", flush=True)
            if voids > VOIDS_AT_MOST:
                raise Failed("too many void runs")
            continue
        ours.append(got["ours"])
        base.append(got["baseline"])
        print(f"  pair {len(ours)}: ours {ours[-1]:.4f}  baseline {base[-1]:.4f}  "
              f"ratio {ours[-1] / base[-1]:.3f}", flush=True)
    return ours, base


def s1(args):
    with Bed("bench") as bed:
        far = Far(bed, bed.port())
        kam_cfg = bed.dir / "kamailio.cfg"
        kam_cfg.write_text((HERE / "kamailio.cfg").read_text()
                           .replace("FAR_END", f"127.0.0.1:{far.port}"))
        systems = {"baseline": Kamailio(bed, kam_cfg), "ours": daemon(bed, far.port)}
        pin(far.child.pid, GENERATOR)
        for s in systems.values():
            pin(s.child.pid, SUT)
        runs = iter(range(1000))
        return compare(args.pairs, lambda which: drive(
            bed, f"{which}-{next(runs)}", systems[which], args.rate, args.window))


# -- S3 --------------------------------------------------------------------

def s3(args):
    ours, base = [], []
    for _ in range(max(args.pairs, 7)):         # the program itself alternates, 41 times
        r = subprocess.run(["taskset", "-c", str(min(SUT)), ROOT / "build/rel/bench_parse"],
                           check=True, capture_output=True, text=True)
        one = json.loads(r.stdout)
        ours.append(one["ours_us"])
        base.append(one["libre_us"])
    return ours, base


# -- the report ------------------------------------------------------------

def interval(ratios):
    """95 % bootstrap interval of the median."""
    rng = random.Random(1)
    medians = sorted(statistics.median(rng.choices(ratios, k=len(ratios))) for _ in range(2000))
    return medians[50], medians[1949]


def entry(ours, base, unit):
    ratios = [a / b for a, b in zip(ours, base)]
    low, high = interval(ratios)
    return {"ours": round(statistics.median(ours), 4), "baseline": round(statistics.median(base), 4),
            "ratio": round(statistics.median(ratios), 4), "ratio_low": round(low, 4),
            "ratio_high": round(high, 4), "unit": unit, "runs": len(ours)}


BENCHES = {"S1": (s1, "ms/call"), "S3": (s3, "us/parse")}


def main():
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("--pairs", type=int, default=7)
    p.add_argument("--rate", type=int, default=100)   # ports rest for 30 s: 4,500 pairs a side
    p.add_argument("--window", type=int, default=12)
    p.add_argument("which", nargs="*", metavar="S1|S3")
    args = p.parse_args()
    os.environ.setdefault("TANDEM_BIN", str(ROOT / "build/rel/tandem"))
    report, bad = {}, 0
    for name in args.which or BENCHES:
        fn, unit = BENCHES[name]
        print(f"{name}: {unit}", flush=True)
        try:
            report[name] = entry(*fn(args), unit)
            e = report[name]
            print(f"{name}: ours {e['ours']} {unit}, baseline {e['baseline']}, ratio {e['ratio']} "
                  f"(95 %: {e['ratio_low']} to {e['ratio_high']})", flush=True)
        except (Failed, OSError, subprocess.SubprocessError) as e:
            print(f"{name}: not measured: {e}", file=sys.stderr)
            bad = 1
    out = ROOT / "build/bench/report.json"
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(report, indent=1) + "\n")
    print(f"wrote {out.relative_to(ROOT)}")
    sys.exit(bad)


if __name__ == "__main__":
    main()
