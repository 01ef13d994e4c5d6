"""The daemon dies in the middle of calls: nothing that was answered is lost or told twice."""
from lib import tap
from lib.bed import Bed
from lib.crash import kill_under_load


def live_kill_under_load():
    """killed 20 times under load: every answered call has exactly one record, both sides a BYE"""
    with Bed("crash") as bed:
        kill_under_load(bed, 20)


if __name__ == "__main__":
    tap.main(globals())
