"""make soak H=2: hours of mixed calls. What may not happen: a call fails because of us, memory grows,
anything is left over."""
import os
import statistics
import time

from lib.bed import Bed, Failed
from lib.measure import Result, measure
from mixbed import SIPP, Mix, percentile, setup_times

HOURS = float(os.environ.get("HOURS", "2"))
TALK_MS = 60000
SAMPLE_S = 10
# name, number, calls per period, period in ms, scenario, talk in ms, RTP comes back
KINDS = (("two", "5000", 12, 1000, "caller", TALK_MS, False),
         ("three", "5005", 3, 1000, "caller", TALK_MS, False),
         ("hold", "5003", 4, 10000, "holder", TALK_MS // 2, False),
         ("teams", "5004", 2, 1000, "caller", TALK_MS // 2, True),
         ("teams-loses", "5010", 6, 10000, "caller", TALK_MS, False),
         ("gives-up", "5001", 1, 1000, "gives-up", 2000, False),
         ("nobody", "5001", 1, 1000, "nobody", 0, False))


def growth(samples):
    """Largest mean of a later quarter beside the first one's after warm-up, in per cent."""
    n = len(samples)
    first, rest = samples[n // 4:n // 2], samples[n // 2:]
    quarters = [rest[i * len(rest) // 2:(i + 1) * len(rest) // 2] for i in range(2)]
    base = statistics.mean(first)
    return max(statistics.mean(q) / base - 1 for q in quarters) * 100


@measure("B1", f"soak: {HOURS:g} h, 20 calls a second of 60 s, desk, mobiles, Teams over TLS and SRTP, "
         "holds, REFER, 5 % given up, 5 % unanswered",
         "0 calls failed by us; memory after the first quarter flat within 1 %; p99 of set-up within "
         "10 % of the first quarter's; 40 s later every counter as at the start",
         "none published; Kamailio with DMQ stalled within minutes at 100 calls/s",
         limit_s=HOURS * 3600 + 900)
def soak():
    with Bed("soak") as bed:
        m = Mix(bed)
        seconds = HOURS * 3600 - TALK_MS / 1000
        for name, number, rate, period, scenario, talk, echo in KINDS:
            m.call(name, number, rate, max(1, int(seconds * rate * 1000 / period)), talk,
                   SIPP / f"{scenario}.xml", echo, period)
        samples, began = [], time.time()
        while any(s.child.alive() for s in m.near_end):
            time.sleep(SAMPLE_S)
            sample(m, samples, began)
            if time.time() - began > HOURS * 3600 + 300:
                raise Failed(f"the callers did not end: {m.failures()}")
        took, left = m.drained()
        return verdict(m, samples, took, left, began)


def sample(m, samples, began):
    own, heap = m.memory()
    s = m.status()
    samples.append({"at": round(time.time() - began), "own_kb": own, "heap": heap,
                    "calls": s["calls"], "descriptors": m.daemon.descriptors()})
    if len(samples) % 6 == 0:
        done = sum(x.counts().get("ok", 0) for x in m.near_end)
        bad = sum(x.counts().get("failed", 0) for x in m.near_end)
        print(f"       {samples[-1]['at'] // 60} of {HOURS * 60:g} min: {done} calls ended well, {bad} failed, "
              f"{s['calls']} up, {own / 1024:.1f} MB, heap {heap / 1048576:.1f} MB", flush=True)


def verdict(m, samples, took, left, began):
    good = {x.dir.name[5:]: x.counts() for x in m.near_end}
    calls = sum(c.get("created", 0) for c in good.values())
    up = [s for s in samples if s["at"] < HOURS * 3600 - TALK_MS / 1000]
    times = setup_times([x for x in m.near_end if x.dir.name[5:] in ("two", "three", "teams-loses")])
    n = len(times)
    first, last = [t for _, t in times[:n // 4]], [t for _, t in times[-n // 4:]]
    p99 = percentile(first, 0.99), percentile(last, 0.99)
    by, twice = m.records()
    totals, findings = m.teams()
    grown = growth([s["own_kb"] for s in up]) if len(up) >= 8 else 0.0
    failed = m.failures()
    ok = (not failed and not left and not twice and not findings and sum(by.values()) == calls and
          grown <= 1.0 and n > 0 and p99[1] <= p99[0] * 1.1)
    text = (f"{calls} calls in {(time.time() - began) / 3600:.2f} h, {sum(f['failed'] for f in failed.values())} failed; "
            f"memory {grown:+.2f} % after the first quarter ({up[-1]['own_kb'] / 1024:.1f} MB); p99 of set-up "
            f"{p99[0]} then {p99[1]} ms; {sum(by.values())} records, {twice} Call-IDs with two; "
            f"all counters back after {took:.0f} s" if took is not None else f"left over: {left}")
    return Result(text, ok, {"kinds": good, "failures": failed, "reasons": by, "hub": totals,
                             "findings": findings[:10], "left": left, "p50_ms": percentile([t for _, t in times], 0.5),
                             "p99_ms": p99, "samples": samples[::max(1, len(samples) // 240)]})
