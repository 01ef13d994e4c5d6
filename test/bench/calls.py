"""S1 and S2: calls through the system, SIPp in front of it and a far end behind.

CPU time of all the system's threads and processes (schedstat) per finished call, media included.
The offered load is fixed; both systems stay up all the time, alone on one core when it is their
turn, the generators on the other.
"""
import json
import pathlib
import time

from lib.bed import Bed, Failed, until
from lib.kamailio import Kamailio
from lib.sipp import Sipp
from lib.tandem import ROOT, Daemon
from meter import GENERATOR, SUT, Window, compare, entry, pin, worst

HERE = pathlib.Path(__file__).resolve().parent
FORKS = {2: 60, 5: 30, 10: 20}      # destinations: calls a second (media ports rest for 30 s)
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

    def __init__(self, bed):
        self.port = bed.port()
        self.child = bed.spawn([ROOT / "build/rel/bench_far", self.port, ANSWER_MS], "far")
        self.child.wait_text("{")

    def counts(self):
        return json.loads(self.child.text().splitlines()[-1])

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
        pin(far.child.pid, GENERATOR)
        for s in systems.values():
            pin(s.child.pid, SUT)

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
        return w.cost_ns / (seen - before) / 1e6, w.void()


def s1(args):
    with Bed("bench-s1") as bed:
        far = SippFar(bed)
        line = Line(bed, far, {"baseline": kamailio(bed, far.port), "ours": daemon(bed, far.port, "site.yaml")})
        ours, base = compare(args.pairs, lambda which: line.drive(which, "4930123456", args.rate, args.window))
        return entry(ours, base, "ms/call", 1.0)


def s2(args):
    with Bed("bench-s2") as bed:
        far, got = Far(bed), {}
        line = Line(bed, far, {"baseline": kamailio(bed, far.port, "fork.cfg"), "ours": daemon(bed, far.port, "fork.yaml")})
        for n, rate in FORKS.items():
            print(f"  {n} destinations, {rate} calls/s", flush=True)
            since = far.counts()
            ours, base = compare(args.pairs, lambda which: line.drive(which, str(5000 + n), rate, args.window))
            far.all_rang(n, since)
            got[f"S2-{n}"] = entry(ours, base, "ms/call", 1.0)
        return worst(got)
