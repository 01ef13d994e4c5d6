"""What is left after a crash, and how soon (C3)."""
import statistics

from lib.bed import Bed, Failed
from lib.measure import Result, measure
from stormbed import COUNT, FIRST, StormBed, all_stored

KILLS = 12


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
