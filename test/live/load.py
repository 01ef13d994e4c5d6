"""A thousand split calls: every one is answered once, its loser is cancelled once, and what
they took is given back."""
import time

from lib import tap
from lib.bed import Bed, Failed, until
from lib.sipp import Sipp
from lib.tandem import Daemon, ROOT

SIPP = ROOT / "test" / "live" / "sipp"
CONFIG = """
store: t.db
runtime-dir: .
control-socket: control.sock
log-level: warn
max-calls: 2000
user-calls: 0
zones:
  - {{ name: pbx, kind: pbx }}
listeners:
  - {{ name: near, zone: pbx, transport: udp, bind: "127.0.0.1:{near}", media-bind: 127.0.0.3, media-ports: 10000-14999 }}
  - {{ name: away, zone: pbx, transport: udp, bind: "127.0.0.1:{away}", media-bind: 127.0.0.2, media-ports: 10000-18999 }}
trunks:
  - {{ name: near, profile: generic, listener: near, options: no, inbound-css: all, from: [ 127.0.0.0/8 ], hosts: [ "127.0.0.1:9" ] }}
  - {{ name: desk, profile: generic, listener: away, options: no, hosts: [ "127.0.0.1:{winner}" ] }}
  - {{ name: mobile, profile: generic, listener: away, options: no, hosts: [ "127.0.0.1:{loser}" ] }}
"""
SITE = """
partitions: [ all ]
spaces: [ { name: all, partitions: [ all ] } ]
lines:
  - { number: "5000", partition: all, endpoints: [ "7001@desk", "7002@mobile" ] }
"""
# What must be as it was, 40 s after the last call: 30 s of rest for ports, 32 s for transactions.
BACK = ("calls", "legs", "sessions", "transactions", "dialogs", "connections", "media_ends",
        "media_pairs_free", "records_waiting", "call_arena_bytes")
REST_S = 40
HEAP_MAY_GROW = 8 << 20         # tables that stay as large as they once had to be


class Split:
    """The daemon between a caller and two destinations: one answers, one is cancelled."""

    def __init__(self, bed):
        self.bed = bed
        ports = {n: bed.port() for n in ("near", "away", "winner", "loser")}
        self.near = ports["near"]
        self.daemon = Daemon(bed, CONFIG.format(**ports))
        self.daemon.apply(SITE)
        self.winner = Sipp(bed, "winner", SIPP / "winner.xml", port=ports["winner"])
        self.loser = Sipp(bed, "loser", SIPP / "loser.xml", port=ports["loser"],
                          extra=["-trace_logs"])

    def call(self, calls, rate, talk_ms=0):
        return Sipp(self.bed, f"caller-{calls}", SIPP / "caller.xml", f"127.0.0.1:{self.near}",
                    rate=rate, calls=calls, keys={"dial": "5000", "from": "4989987654"},
                    extra=["-d", str(talk_ms)])

    def counters(self):
        s = self.daemon.json("status")
        got = {k: s[k] for k in BACK}
        got["descriptors"] = self.daemon.descriptors()
        return got, s["heap_bytes"]


def records(d, most=100000):
    """All records, page by page."""
    out, after = [], []
    while len(out) < most:
        page = d.json("cdr", "--limit", "1000", *after)
        out += page["records"]
        if not page.get("next"):
            return out
        after = ["--next", page["next"]]
    return out


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
        before, heap = s.counters()
        uac = s.call(calls, rate)
        got = uac.wait(60)
        if got["failed"] or got["ok"] != calls:
            raise Failed(f"of {calls} calls: {got}\n{uac.errors()[-1500:]}")
        until("the losers to be cancelled", lambda: s.loser.counts().get("ok", 0) == calls and
              s.winner.counts().get("ok", 0) == calls, 10)
        if s.loser.counts()["failed"] or s.winner.counts()["failed"]:
            raise Failed(f"losers: {s.loser.counts()}, winners: {s.winner.counts()}")
        ended = time.monotonic()
        until("the records", lambda: s.daemon.json("status")["records_waiting"] == 0)
        check_records(s.daemon, calls)
        try:
            until("the counters", lambda: s.counters()[0] == before,
                  REST_S - (time.monotonic() - ended), 0.5)
        except Failed:
            raise Failed(f"{REST_S} s after the calls {s.counters()[0]}, before {before}") from None
        grown = s.counters()[1] - heap
        if grown > HEAP_MAY_GROW:
            raise Failed(f"the heap holds {grown} bytes more than before the calls")


if __name__ == "__main__":
    tap.main(globals())
