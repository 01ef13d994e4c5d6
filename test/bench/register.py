"""R1: one refresh of a registration with digest: REGISTER, 401, REGISTER, 200.

Baseline: Kamailio's usrloc in memory alone (db_mode 0). Ours is durable: each refresh reaches the
disk within 100 ms. Both hash with MD5 and challenge each time; 10,000 phones refresh in turn, so
that none is new in the window.
"""
from calls import HERE
from lib.bed import Bed
from lib.kamailio import Kamailio
from generator import Generator
from meter import SUT, judged, pin
from states import Identity, States

PHONES, RATE = 10000, 2000


class Phones:
    def __init__(self, bed, ports, pids):
        self.bed, self.ports, self.pids, self.n = bed, ports, pids, 0

    def drive(self, which, window_s):
        self.n += 1
        g = Generator(self.bed, f"{which}-{self.n}", "gen", "register", self.ports[which], RATE, window_s + 4, PHONES)
        w, before, seen = g.window(self.pids[which], 2 * RATE, window_s)
        g.child.wait_end(60)
        c = g.counts()
        if c["bad"] or c["done"] != c["sent"]:
            return None, f"not all were answered: {c}"
        return w.cost_ns / (seen - before) / 1e3, w.void()


def r1(args):
    with Bed("bench-r1") as bed:
        s = States(bed, Identity(bed, "EC"), phones=PHONES)
        k = Kamailio(bed, HERE / "kamailio-reg.cfg")
        pin(k.child.pid, SUT)
        ports = {"ours": s.ports["phones"], "baseline": k.port}
        for which, port in ports.items():       # the first time, which is no refresh
            Generator(bed, f"first-{which}", "gen", "register", port, 1000, PHONES / 1000, PHONES).reach(PHONES, 60)
        phones = Phones(bed, ports, {"ours": s.pid, "baseline": k.child.pid})
        return judged(args.pairs, lambda which: phones.drive(which, args.window), "us/refresh", 0.8)
