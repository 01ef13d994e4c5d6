"""S5: the cost of a call while 50,000 transactions are pending, beside that while 500 are."""
import time

from calls import WARM_S, Line
from lib.bed import Bed, until
from meter import judged
from generator import Generator
from states import Identity, States

PENDING, RATE, WINDOW_S, BURST_S = 50000, 20, 6, 6
LIFE_S = 32


class Crowd:
    """Server transactions that do nothing but wait: OPTIONS that were answered, 32 s each (Timer J)."""

    def __init__(self, bed, s):
        self.bed, self.s, self.n, self.until = bed, s, 0, 0.0

    def gather(self):
        """Until the next runs are over, too; those that are there already serve."""
        if self.until - time.monotonic() > WINDOW_S + 3 * WARM_S:
            return
        self.disperse()
        self.n += 1
        began = time.monotonic()
        Generator(self.bed, f"crowd-{self.n}", "gen", "options", self.s.ports["near"],
                  PENDING / BURST_S, BURST_S).reach(PENDING, 60)
        self.until = began + LIFE_S

    def disperse(self):
        until("the crowd to go", lambda: self.s.status()["transactions"] < PENDING / 50, 60, 0.2)


def s5(args):
    with Bed("bench-s5") as bed:
        s = States(bed, Identity(bed, "EC"), name="scale")
        s.daemon.port = s.ports["near"]
        line, crowd, seen = Line(bed, s.far, {"many": s.daemon, "few": s.daemon}), Crowd(bed, s), {"many": [], "few": []}

        def one(which):
            crowd.gather() if which == "many" else crowd.disperse()
            seen[which].append(s.status()["transactions"])
            ms, why = line.drive(which, "4930100001", RATE, WINDOW_S)
            if which == "many" and not why and s.status()["transactions"] < PENDING:
                why = "some of the 50,000 were gone before the end"
            return ms, why
        return judged(args.pairs, one, "ms/call", 1.1, names=("many", "few"), detail={"pending_before": seen})
