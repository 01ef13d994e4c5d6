"""What is left after a crash, and how soon (C2, C3)."""
import os
import statistics
import subprocess

from lib.bed import Bed, Failed
from lib.measure import Result, measure
from lib.tandem import ROOT
from stormbed import COUNT, FIRST, StormBed, all_stored

KILLS = 12


@measure("C2", "the record map, cut and scribbled on at every byte of its last 64 KiB, the database and its log at every seventh (test/unit/store/t_torn.c)",
         "every entry and transaction before the place is read, what is damaged is told and kept aside, nothing crashes",
         "SQLite's own log, of which the same is asked here", limit_s=1800)
def torn():
    with Bed("torn") as bed:
        report = bed.dir / "tries"
        where = "/dev/shm" if os.path.isdir("/dev/shm") else str(bed.dir)
        r = subprocess.run([str(ROOT / "build/rel/ut_store")], capture_output=True, text=True, timeout=1700, check=False,
                           env={**os.environ, "TORN_STEP": "1", "TORN_DB_STEP": "7", "TORN_REPORT": str(report), "TMPDIR": where})
        tries = dict(l.split() for l in report.read_text().splitlines()) if report.exists() else {}
        bad = [l for l in (r.stdout + r.stderr).splitlines() if "FAILED" in l or "LINE" in l]
        ok = r.returncode == 0 and set(tries) == {"map", "log", "database"}
        return Result(", ".join(f"{what} {n} times" for what, n in tries.items()) + f" torn; {len(bad)} expectations did not hold, "
                      f"ended with {r.returncode}", ok, {"tries": tries, "bad": bad[:10]})


@measure("C3", f"SIGKILL {KILLS} times with {COUNT} users in the site and {COUNT} registered phones; each time OPTIONS is asked every 5 ms "
         "and a registered phone is called at once",
         "the first OPTIONS is answered within 1 s of the kill, every time; all phones are known, the call reaches its phone",
         "none published", limit_s=300)
def restart():
    with Bed("restart") as bed:
        g = StormBed(bed)
        caller = g.phone(1001, "203.0.113.10")
        if caller.register() != 200 or g.storm(5000)["registered"] != COUNT:
            raise Failed("the phones could not register")
        all_stored(g, COUNT)
        took, known, calls = [], [], []
        for i in range(KILLS):
            took.append(g.kill_and_start())
            number = FIRST + i * (COUNT // KILLS)
            callee = g.storm_phone(number)
            calls.append(caller.call(str(number))[0])
            callee.stop()
            known.append(g.registrations())
        ok = max(took) <= 1 and min(known) > COUNT and set(calls) == {"ok"}
        return Result(f"OPTIONS answered {statistics.median(took):.2f} s after the kill (median of {KILLS}, worst {max(took):.2f} s); "
                      f"at least {min(known) - 1} phones known, {calls.count('ok')} of {KILLS} calls reached theirs", ok,
                      {"seconds": [round(t, 3) for t in took], "known": known, "calls": calls})
