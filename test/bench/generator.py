"""The programs of test/bench that make traffic and print their counts as JSON lines."""
import json
import time

from lib.bed import Failed, until
from lib.tandem import ROOT
from meter import GENERATOR, Window, pin

BENCH = ROOT / "build/rel"


class Generator:
    """A program of test/bench that prints its counts as JSON lines."""

    def __init__(self, bed, name, program, *words):
        self.child = bed.spawn([BENCH / f"bench_{program}", *words], name)
        pin(self.child.pid, GENERATOR)

    def counts(self):
        lines = [l for l in self.child.text().splitlines() if l.endswith("}")]
        return json.loads(lines[-1]) if lines else {"done": 0, "bad": 0}

    def reach(self, done, limit_s):
        until(f"{done} by {self.child.argv[0]}", lambda: self.counts()["done"] >= done or not self.child.alive(), limit_s)
        c = self.counts()
        if c["bad"] or c["done"] < done:
            raise Failed(f"{' '.join(self.child.argv[:4])}: {c}")
        return c

    def window(self, sut, first, window_s):
        """(Window, done at its begin, done at its end), opened after `first` were done; each end
        is at a line that has just come."""
        until(f"{first} by {self.child.argv[0]}", lambda: self.counts()["done"] >= first or not self.child.alive(), 60, 0.005)
        before = seen = self.counts()["done"]
        w = Window(sut, (self.child.pid,), time.monotonic)
        while time.monotonic() - w.began < window_s or seen == before:
            time.sleep(0.005)
            now = self.counts()["done"]
            if now != seen:
                seen = now
                w.mark()
            if not self.child.alive():
                raise Failed(f"{self.child.argv[0]} ended too soon: {self.counts()}")
        return w, before, seen
