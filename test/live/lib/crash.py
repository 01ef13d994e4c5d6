"""The daemon dies again and again under SIPp's load, and SIPp's own log says what must be recorded."""
import random
import re
import time
from collections import Counter
from datetime import datetime

from lib.bed import Failed, until
from lib.sipp import Sipp
from lib.split import SIPP, Split, records

BYE_WITHIN_S = 5.0
RATE, TALK_MS = 40, 900


def blocks(path):
    """(seconds since 1970, received?, text) of every message in SIPp's own log."""
    for block in re.split(r"^-{20,} ", path.read_text(errors="replace"), flags=re.M)[1:]:
        head, _, text = block.partition("\n")
        stamp = re.match(r"(\d{4}-\d\d-\d\d)\s+(\d\d:\d\d:\d\d\.\d+)", head)
        if stamp:
            at = datetime.fromisoformat(f"{stamp[1]} {stamp[2]}").timestamp()
            yield at, "received" in text[:80], text


def call_id(text):
    m = re.search(r"^Call-ID: *(\S+)", text, re.M | re.I)
    return m[1] if m else None


class Seen:
    """What the caller saw, by Call-ID: when it was answered, when it got a BYE."""

    def __init__(self, path):
        self.answered, self.bye = {}, {}
        for at, received, text in blocks(path):
            who = call_id(text)
            if not received or not who:
                continue
            if re.search(r"^SIP/2\.0 200", text, re.M) and re.search(r"^CSeq: *\d+ INVITE", text, re.M):
                self.answered.setdefault(who, at)
            elif re.search(r"^BYE sip:", text, re.M):
                self.bye.setdefault(who, at)


def kill_under_load(bed, kills, progress=lambda done: None):
    """Kills the daemon `kills` times at times that chance chooses; Failed, or what was seen:
    {"answered": calls, "cut": calls that were up, "restart_s": longest time to ready}"""
    rng = random.Random(7)
    far = bed.dir / "winner.log"
    s = Split(bed, winner=["-default_behaviors", "-abortunexp", "-trace_msg", "-message_file", far],
              loser=["-default_behaviors", "-abortunexp"])
    log, restarts, longest = bed.dir / "messages.log", [], 0.0
    uac = Sipp(bed, "near", SIPP / "caller.xml", f"127.0.0.1:{s.near}", rate=RATE,
               calls=RATE * (kills * 2 + 5), keys={"dial": "5000", "from": "4989987654"},
               extra=["-d", str(TALK_MS), "-trace_msg", "-message_file", log,
                      "-recv_timeout", "3000", "-default_behaviors", "-abortunexp"])
    for i in range(kills):
        time.sleep(rng.uniform(0.9, 1.7))       # where in the calls' life it falls is chance
        s.daemon.kill()
        died = time.monotonic()
        s.daemon.start()
        longest = max(longest, time.monotonic() - died)
        restarts.append(time.time())
        progress(i + 1)
    uac.child.wait_end(120 + kills)
    seen = Seen(log)
    if len(seen.answered) < 15 * kills:
        raise Failed(f"only {len(seen.answered)} calls were answered: the load was not real")
    until("the records to be stored", lambda: not seen.answered.keys() -
          {r["caller_call_id"] for r in records(s.daemon)}, 20, 1)
    got = records(s.daemon)
    return {"answered": len(seen.answered), "records": len(got), "restart_s": round(longest, 3),
            **check(got, seen, Seen(far), restarts)}


def check(got, seen, far, restarts):
    count = Counter(r["caller_call_id"] for r in got)
    twice = [i for i in count if count[i] > 1]
    if twice:
        raise Failed(f"{len(twice)} calls have more than one record, as {twice[:3]}")
    cut = [r for r in got if r["reason"] == "restart" and r["caller_call_id"] in seen.answered]
    if len(cut) < len(restarts):
        raise Failed(f"only {len(cut)} calls were up when the daemon died")
    late = []
    for r in cut:
        who = r["caller_call_id"]
        won = next(leg["call_id"] for leg in r["legs"] if leg["status"] == 200)
        up = min((t for t in restarts if t > seen.answered[who] - 0.5), default=0)
        byes = (seen.bye.get(who), far.bye.get(won))
        if any(at is None or at > up + BYE_WITHIN_S for at in byes):
            late.append((who, byes))
    if late:
        raise Failed(f"in {len(late)} of {len(cut)} calls a side got no BYE within "
                     f"{BYE_WITHIN_S:g} s of the restart, as {late[:3]}")
    return {"cut": len(cut)}
