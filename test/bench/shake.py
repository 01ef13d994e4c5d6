"""T1: full TLS handshakes per second of CPU, beside a bare OpenSSL accept loop (floor_tls.c).

Fixed offered load, the same certificate and client, no resumption; RSA-2048 and ECDSA P-256.
"""
from lib.bed import Bed
from generator import BENCH, Generator
from meter import SUT, judged, pin, worst
from states import Identity, States

RATE = 150
KINDS = {"rsa2048": "RSA", "p256": "EC"}


class Hands:
    def __init__(self, bed, ports, pids):
        self.bed, self.ports, self.pids, self.n = bed, ports, pids, 0

    def drive(self, which, window_s):
        self.n += 1
        g = Generator(self.bed, f"{which}-{self.n}", "tls_client", "rate", self.ports[which], RATE, window_s + 2)
        w, before, seen = g.window(self.pids[which], RATE, window_s)
        g.child.wait_end(60)
        if g.counts()["bad"]:
            return None, f"some were refused: {g.counts()}"
        return (seen - before) / (w.cost_ns / 1e9), w.void()


def t1(args):
    got = {}
    for name, kind in KINDS.items():
        with Bed("bench-t1") as bed:
            identity = Identity(bed, kind)
            s, port = States(bed, identity), bed.port()
            floor = bed.spawn([BENCH / "bench_floor_tls", port, identity.cert, identity.key], "floor")
            floor.wait_line("ready")
            pin(floor.pid, SUT)
            print(f"  {name}", flush=True)
            hands = Hands(bed, {"ours": s.ports["open"], "baseline": port}, {"ours": s.pid, "baseline": floor.pid})
            got[f"T1-{name}"] = judged(args.pairs, lambda which: hands.drive(which, args.window / 2), "shakes/s", 0.85, higher=True)
    return worst(got, higher=True)
