"""make kill: SIGKILL, again and again, anywhere in the life of calls."""
from lib.bed import Bed, Failed
from lib.crash import BYE_WITHIN_S, kill_under_load
from lib.measure import Result, measure

KILLS = 200


def progress(done):
    if done % 20 == 0:
        print(f"       killed {done} of {KILLS} times", flush=True)


@measure("C1", f"{KILLS} times SIGKILL under 40 calls a second, judged by SIPp's own log of its 200s",
         "every answered call has exactly one record; both sides of each cut call get a BYE within "
         f"{BYE_WITHIN_S:g} s of the restart", "Kamailio and Asterisk lose the records of live calls", limit_s=1800)
def kill():
    with Bed("kill") as bed:
        try:
            got = kill_under_load(bed, KILLS, progress)
        except Failed as e:
            return Result(str(e), False)
    return Result(f"{got['answered']} answered calls, {got['records']} records in all, none lost or doubled; "
                  f"{got['cut']} were cut and all their ends got a BYE in time; longest restart {got['restart_s']} s",
                  True, got)
