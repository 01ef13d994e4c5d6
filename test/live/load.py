"""A thousand split calls: every one is answered once, its loser is cancelled once, and what
they took is given back."""
import time

from lib import tap
from lib.bed import Bed, Failed, until
from lib.split import Split, records

# What must be as it was, 40 s after the last call: 30 s of rest for ports, 32 s for transactions.
BACK = ("calls", "legs", "sessions", "transactions", "dialogs", "connections", "media_ends",
        "media_pairs_free", "records_waiting", "call_arena_bytes")
REST_S = 40
HEAP_MAY_GROW = 8 << 20         # tables that stay as large as they once had to be


def check_records(d, calls):
    got = records(d)
    if len(got) != calls or len({r["caller_call_id"] for r in got}) != calls:
        raise Failed(f"{calls} calls left {len(got)} records")
    for r in got:
        legs = sorted(leg["reason"] for leg in r["legs"])
        if len(legs) != 2 or "answered-elsewhere" not in legs:
            raise Failed(f"a record does not tell who lost: {r}")


def live_thousand_split_calls():
    """1,000 split calls at 100 a second: none fails, 40 s later everything is given back"""
    calls, rate = 1000, 100
    with Bed("load") as bed:
        s = Split(bed)
        until("the audit line to be stored", lambda: s.daemon.json("status")["records_waiting"] == 0)
        before, heap = s.counters(BACK)
        uac = s.call(calls, rate)
        got = uac.wait(60)
        if got["failed"] or got["ok"] != calls:
            raise Failed(f"of {calls} calls: {got}\n{uac.errors()[-1500:]}")
        until("the losers to be cancelled", lambda: s.loser.counts().get("ok", 0) == calls and
              s.winner.counts().get("ok", 0) == calls, 10)
        if s.loser.counts()["failed"] or s.winner.counts()["failed"]:
            raise Failed(f"losers: {s.loser.counts()}, winners: {s.winner.counts()}")
        ended = time.monotonic()
        s.daemon.recorded()
        check_records(s.daemon, calls)
        try:
            until("the counters", lambda: s.counters(BACK)[0] == before,
                  REST_S - (time.monotonic() - ended), 0.5)
        except Failed:
            raise Failed(f"{REST_S} s after the calls {s.counters(BACK)[0]}, before {before}") from None
        grown = s.counters(BACK)[1] - heap
        if grown > HEAP_MAY_GROW:
            raise Failed(f"the heap holds {grown} bytes more than before the calls")


if __name__ == "__main__":
    tap.main(globals())
