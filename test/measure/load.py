"""make load: 10,000 calls under loss, and then everything is given back."""
import subprocess
import time

from crossing import Crossing, Either
from lib.bed import Bed, Failed
from lib.measure import Result, measure
from mixbed import SIPP, Mix, percentile, setup_times

# name, number, calls, calls a second, RTP comes back. Half of the forks go to Teams; who wins changes.
KINDS = (("desk-wins", "5000", 4900, 25, False),
         ("teams-wins", "5004", 3200, 16, True),
         ("teams-loses", "5010", 1800, 9, False))
CROSSING, CROSSING_EVERY_S = 100, 2.0
LOSS = 5
LIMIT_S = 330


def lose_datagrams(percent):
    rules = ("table inet loss {\n chain in {\n  type filter hook input priority 0;\n"
             f"  meta l4proto udp numgen random mod 100 < {percent} counter drop\n }}\n}}\n")
    r = subprocess.run(["nft", "-f", "-"], input=rules, text=True, capture_output=True, check=False)
    if r.returncode:
        raise Failed(f"nft cannot lose datagrams here: {r.stderr}")


def lost_datagrams():
    r = subprocess.run(["nft", "list", "table", "inet", "loss"], text=True, capture_output=True, check=False)
    words = r.stdout.split()
    return int(words[words.index("packets") + 1]) if "packets" in words else 0


@measure("B2", "10,000 calls at 50 a second of 3 to 10 s, half of the forks over TLS and SRTP, RTP on about "
         "100, 1 % crosses 200 with CANCEL, 5 % of all datagrams lost; then 40 s of rest",
         "0 calls failed by us, one record a call, every counter as at the start after 40 s",
         "Kamailio 5.6 with SIPp at 5 % loss: 99.5 % of calls complete", limit_s=600)
def load():
    with Bed("load") as bed:
        talk = bed.dir / "talk.xml"
        talk.write_text((SIPP / "caller.xml").read_text().replace(
            "  <pause/>", '  <pause distribution="uniform" min="3000" max="10000"/>'))
        m = Mix(bed)
        lose_datagrams(LOSS)
        began = time.time()
        crossing = Crossing(m.near, "5006", CROSSING, CROSSING_EVERY_S)
        far = Either(m.either)
        far.start()
        crossing.start()
        for name, number, calls, rate, echo in KINDS:
            m.call(name, number, rate, calls, 0, talk, echo)
        up = media = 0
        while any(s.child.alive() for s in m.near_end) or crossing.is_alive():
            time.sleep(1)
            s = m.status()
            up, media = max(up, s["calls"]), max(media, s["media_ends"])
            if time.time() - began > LIMIT_S:
                raise Failed(f"not over after {LIMIT_S} s: {m.failures()} {crossing.ends}")
        took, left = m.drained()
        far.stop()
        crossing.ends["far"] = far.ends
        return verdict(m, crossing, began, took, left, {"calls": up, "media_ends": media})


def verdict(m, crossing, began, took, left, most):
    ends = {x.dir.name[5:]: x.counts() for x in m.near_end + m.far}
    calls = sum(x.counts().get("created", 0) for x in m.near_end) + CROSSING
    by, twice = m.records()
    totals, findings = m.teams()
    failed = m.failures() | {x.dir.name: {"failed": 1, "errors": x.child.text()[-800:]}
                             for x in m.near_end if x.counts().get("created", 0) == 0}
    times = [t for _, t in setup_times(m.near_end)]
    far = crossing.ends.pop("far")
    odd = {k: v for k, v in {**crossing.ends, **far}.items() if k not in ("cancelled", "answered, then ended")}
    lost = lost_datagrams()
    ok = (not failed and not left and not odd and not twice and not findings and lost > 0 and
          sum(by.values()) == calls and sum(crossing.ends.values()) == CROSSING)
    text = (f"{calls} calls in {time.time() - began:.0f} s, {sum(f['failed'] for f in failed.values())} failed, "
            f"{lost} datagrams lost; crossing: {crossing.ends}; {sum(by.values())} records, {twice} Call-IDs with two; "
            + (f"all counters back after {took:.0f} s" if took is not None else f"left over: {left}"))
    return Result(text, ok, {"ends": ends, "failures": failed, "crossing": crossing.ends, "crossing_far": far,
                             "reasons": by,
                             "hub": totals, "findings": findings[:10], "left": left, "most": most,
                             "p50_ms": percentile(times, 0.5), "p99_ms": percentile(times, 0.99)})
