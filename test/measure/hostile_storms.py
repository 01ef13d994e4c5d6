"""Everybody at once: phones after a power cut (G1)."""
import threading
import time

from guardbed import PUBLIC, Honest
from lib.bed import Bed, Failed
from lib.kamailio import Kamailio
from lib.measure import Result, measure
from mixbed import percentile
from pathlib import Path
from stormbed import COUNT, FIRST, StormBed, result_of, storm_of

HERE = Path(__file__).resolve().parent
RATE = 5000             # first REGISTERs a second, as the anchor was measured
PAIRS = 4


def anchor():
    """The same storm against Kamailio's usrloc in memory, which keeps nothing."""
    with Bed("anchor") as bed:
        k = Kamailio(bed, HERE / "kamailio-usrloc.cfg", host=PUBLIC, port=5065, children=2)
        return result_of(storm_of(f"{PUBLIC}:{k.port}", RATE, "MD5"))


def pairs(g):
    """Phones that call each other ten times a second each, from now on."""
    out = []
    for i in range(PAIRS):
        a, b = g.phone(1001 + 2 * i, f"203.0.113.{10 + 2 * i}"), g.phone(1002 + 2 * i, f"203.0.113.{11 + 2 * i}")
        if [a.register(), b.register()] != [200, 200]:
            raise Failed("the phones that call could not register")
        out.append((a, str(1002 + 2 * i)))
    return [Honest(a, number, 0.1) for a, number in out]


def killed_after(g):
    """The daemon dies when the last 200 was read: (registrations after the start, seconds, how a call to one went)"""
    took = g.kill_and_start()
    known = g.registrations()
    number = FIRST + COUNT - 1                  # one of the last that registered
    callee, caller = g.storm_phone(number), g.phones[1001]
    how, _ = caller.call(str(number))
    callee.stop()
    return known, took, how


@measure("G1", f"{COUNT} phones register at once over UDP with digest (two transactions each), {RATE} begin a second, then all within a moment; "
         "four phones call others meanwhile; the daemon is killed right after the last 200",
         "all registered within 3 s, none failed, p99 of call set-up within 500 ms, all known after the kill and one of them is called",
         "Kamailio 5.6.3: 2.0 s at 5,000 offered a second, 0.9 s best, memory only", limit_s=300)
def power_cut():
    with Bed("storm") as bed:
        began = time.monotonic()
        g = StormBed(bed)
        applied = time.monotonic() - began
        theirs = anchor()
        calls = pairs(g)
        time.sleep(1)
        rss, cpu, from_call = g.rss(), g.cpu_s(), [len(c.times) for c in calls]
        first = g.storm(RATE)
        cpu = g.cpu_s() - cpu
        stop_all(calls)
        known, restart, how = killed_after(g)
        times = [t for c, n in zip(calls, from_call) for t in c.times[n:]]
        failed = [f for c in calls for f in c.failed]
        moment = g.storm(0)
        worst, p99 = max(first["seconds"], moment["seconds"]), percentile(times, 0.99) * 1000
        ok = (first["registered"] == moment["registered"] == COUNT and worst <= 3 and not failed and p99 <= 500 and
              known >= COUNT and how == "ok")
        return Result(f"{first['registered']} registered in {first['seconds']:.2f} s ({first['repeated']} repetitions, p99 of a phone {first['p99_ms']:.0f} ms), "
                      f"all within a moment: {moment['registered']} in {moment['seconds']:.2f} s ({moment['repeated']}); {first['failed'] + moment['failed']} failed; "
                      f"{len(times)} calls meanwhile, {len(failed)} failed, p99 {p99:.0f} ms; after SIGKILL {known - 2 * PAIRS} of them are known, "
                      f"a call to one: {how}; Kamailio beside it: {theirs['seconds']:.2f} s ({theirs['repeated']} repetitions, {theirs['failed']} failed)", ok,
                      {"storm": first, "moment": moment, "kamailio": theirs, "calls": len(times), "calls_failed": failed[:5], "p99_ms": p99,
                       "cpu_s": cpu, "rss_grown_kb": g.rss() - rss, "restart_s": restart, "apply_s": applied, "guard": g.guard() | {"sources": []}})


def stop_all(calls):
    """Ends them side by side: each waits for its call in hand."""
    ends = [threading.Thread(target=c.stop) for c in calls]
    for t in ends:
        t.start()
    for t in ends:
        t.join()
