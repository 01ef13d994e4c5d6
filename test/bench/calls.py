"""S1 and S2: calls through the system, SIPp in front of it and a far end behind.

CPU time of all the system's threads and processes (schedstat) per finished call, media included.
The offered load is fixed; both systems stay up all the time, alone on one core when it is their
turn, the generators on the other.
"""
import json
import pathlib
import signal
import statistics
import time

from lib.bed import Bed, Failed, until
from lib.kamailio import Kamailio
from lib.sipp import Sipp
from lib.tandem import Daemon
from generator import BENCH, Generator
from meter import GENERATOR, SUT, Window, family, judged, pin, worst

HERE = pathlib.Path(__file__).resolve().parent
FORKS = {2: 500, 5: 250, 10: 150}   # destinations: calls a second
ANSWER_MS = 100                     # all have rung when the first one answers
WARM_S = 3


class SippFar:
    """The called side of S1, always there."""

    def __init__(self, bed):
        self.port = bed.port()
        self.child = bed.spawn(["sipp", "-sf", HERE / "uas.xml", "-i", "127.0.0.1", "-p", self.port,
                                "-mi", "127.0.0.1", "-nostdin"], "far")

    def repeated(self):
        return 0


class Far:
    """The called side of S2: the first destination answers, the others ring (far.c)."""

    def __init__(self, bed, name="far"):
        self.port = bed.port()
        self.child = bed.spawn([BENCH / "bench_far", self.port, ANSWER_MS], name)
        self.child.wait_text("{")

    def counts(self):
        return json.loads(self.child.text().splitlines()[-1])

    def settled(self):
        """The counts, once all is quiet."""
        last = None
        while last != (now := self.counts()):
            last = now
            time.sleep(0.5)
        return now

    def repeated(self):
        c = self.counts()
        return c["repeated"] + c["odd"]

    def all_rang(self, n, since):
        """Each call rang n destinations, and all but one were cancelled and acknowledged."""
        def look():
            c = {k: v - since[k] for k, v in self.counts().items()}
            return c["invite"] == c["ack"] == n * c["bye"] and c["cancel"] == (n - 1) * c["bye"]
        until(f"{n} branches of every call", look, 5)


def fill(name, **values):
    return (HERE / name).read_text().format(**values)


def daemon(bed, far_port, site):
    """Tandem as the border between two trunks, UDP on both sides."""
    near = bed.port()
    d = Daemon(bed, fill("tandem.yaml", near=near, far=far_port, away=bed.port()))
    d.apply(fill(site))
    d.port = near
    return d


def kamailio(bed, far_port, config="kamailio.cfg"):
    cfg = bed.dir / config
    cfg.write_text((HERE / config).read_text().replace("FAR_END", f"127.0.0.1:{far_port}"))
    return Kamailio(bed, cfg)


class Line:
    """Two systems between one caller and one far end."""

    def __init__(self, bed, far, systems):
        self.bed, self.far, self.systems, self.n = bed, far, systems, 0
        self.forget()
        pin(far.child.pid, GENERATOR)
        for s in systems.values():
            pin(s.child.pid, SUT)

    def forget(self):
        """What explains the next figure is gathered anew."""
        self.switched = {w: [] for w in self.systems}
        self.parts = {w: [] for w in self.systems}

    def drive(self, which, dial, rate, window_s):
        """One SIPp run; CPU ms per call in the middle window, or why it is void."""
        target, far_before = self.systems[which], self.far.repeated()
        self.n += 1
        uac = Sipp(self.bed, f"{which}-{self.n}", HERE / "uac.xml", f"127.0.0.1:{target.port}", rate=rate,
                   keys={"dial": dial, "from": "4989987654"}, extra=["-d", "0", "-nr"],
                   calls=int(rate * (window_s + 2 * WARM_S)))
        pin(uac.child.pid, GENERATOR)
        until("calls", lambda: uac.counts().get("ok", 0) >= rate * WARM_S or not uac.child.alive(), 60)
        if not uac.child.alive():
            return None, f"SIPp gave up: {uac.child.text()[-300:]}"
        before = seen = uac.counts()["ok"]
        w = Window(target.child.pid, (uac.child.pid, self.far.child.pid), time.monotonic)
        while time.monotonic() - w.began < window_s or seen == before:
            time.sleep(0.05)
            now = uac.counts()["ok"]
            if now != seen:                 # SIPp writes once a second: stop on a fresh line
                seen = now
                w.mark()
        try:
            failed = uac.wait(90)["failed"]
        except Failed as e:
            return None, str(e)[-300:]
        if failed:
            return None, f"{failed} calls failed"
        if self.far.repeated() != far_before:
            return None, "something was sent twice"
        self.switched[which].append(w.switched / (seen - before))
        self.parts[which].append({k: v / (seen - before) / 1e6 for k, v in w.parts.items()})
        return w.cost_ns / (seen - before) / 1e6, w.void()

    def syscalls(self, which, dial, rate):
        """System calls a call, by strace in a run of its own: it slows everything down."""
        target, path, calls = self.systems[which], self.bed.dir / f"strace-{which}-{dial}", 6 * rate
        pids = [w for p in family(target.child.pid) for w in ("-p", str(p))]
        tracer = self.bed.spawn(["strace", "-f", "-c", "-o", path, *pids], f"strace-{which}-{dial}")
        tracer.wait_text("attached")
        Sipp(self.bed, f"traced-{which}-{dial}", HERE / "uac.xml", f"127.0.0.1:{target.port}", rate=rate, calls=calls,
             keys={"dial": dial, "from": "4989987654"}, extra=["-d", "0"]).wait(60)
        tracer.stop(signal.SIGINT)
        total = next(l.split() for l in path.read_text().splitlines() if l.endswith("total"))
        return round(int(total[3]) / calls, 1)

    def beside(self, dial, rate):
        """What explains a figure and is not judged."""
        return {"syscalls": {w: self.syscalls(w, dial, rate) for w in self.systems},
                "context_switches": {w: round(statistics.median(v), 1) for w, v in self.switched.items() if v},
                "parts_ms": {w: {k: round(statistics.median(p[k] for p in v), 3) for k in v[0]}
                             for w, v in self.parts.items() if v}}


def floor(bed, n, rate, window_s):
    """ms of the bare datagrams of such a call: the median of three windows."""
    near, away, far = bed.port(), bed.port(), bed.port()
    system = bed.spawn([BENCH / "bench_floor_udp", "serve", near, away, far], f"floor-{n}")
    system.wait_line("ready")
    pin(system.pid, SUT)
    got = []
    for i in range(3):
        g = Generator(bed, f"floor-drive-{n}-{i}", "floor_udp", "drive", near, away, far, rate, window_s + 2, n)
        w, before, seen = g.window(system.pid, rate, window_s)
        g.child.wait_end(60)
        if g.counts()["bad"]:
            raise Failed(f"the floor lost datagrams: {g.counts()}")
        got.append(w.cost_ns / (seen - before) / 1e6)
    system.stop()
    return statistics.median(got)


def explained(args, line, e, dial, rate, n):
    """The entry with eta = floor / ours, system calls and context switches."""
    bare = floor(line.bed, n, rate, args.window / 2)
    detail = {"floor_ms": round(bare, 4), "rate": rate, **line.beside(dial, min(rate, 20))}
    return {**e, "eta": round(bare / e["ours"], 3), "detail": detail}


def s1(args):
    with Bed("bench-s1") as bed:
        far = SippFar(bed)
        line = Line(bed, far, {"baseline": kamailio(bed, far.port), "ours": daemon(bed, far.port, "site.yaml")})
        e = judged(args.pairs, lambda which: line.drive(which, "4930123456", args.rate, args.window), "ms/call", 1.0)
        return explained(args, line, e, "4930123456", args.rate, 1)


def s2(args):
    with Bed("bench-s2") as bed:
        far, got = Far(bed), {}
        line = Line(bed, far, {"baseline": kamailio(bed, far.port, "fork.cfg"), "ours": daemon(bed, far.port, "fork.yaml")})
        for n, rate in FORKS.items():
            print(f"  {n} destinations, {rate} calls/s", flush=True)
            since = far.settled()
            e = judged(args.pairs, lambda which: line.drive(which, str(5000 + n), rate, args.window), "ms/call", 1.0)
            far.all_rang(n, since)
            got[f"S2-{n}"] = explained(args, line, e, str(5000 + n), rate, n)
            line.forget()
        return worst(got)
