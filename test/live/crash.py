"""The daemon dies in the middle of calls: nothing that was answered is lost or told twice."""
import os
import re
import time
from collections import Counter

from lib import tap
from lib.bed import Bed, Failed, until
from lib.sipp import Sipp
from lib.tandem import Daemon, ROOT

BENCH = ROOT / "test" / "bench"


def records(d):
    """Caller's Call-IDs of all records."""
    got, before = [], None
    while True:
        page = d.json("cdr", "--limit", "1000", *(["--before", before] if before else []))["records"]
        got += [r["caller_call_id"] for r in page]
        if len(page) < 1000:
            return Counter(got)
        before = page[-1]["id"]


def answered(log):
    """Call-IDs whose INVITE got a 200, by the generator's own message log."""
    ids = set()
    for block in re.split(r"-{20,}", log):
        if re.search(r"^SIP/2\.0 200", block, re.M) and re.search(r"^CSeq: *\d+ INVITE", block, re.M):
            ids.update(re.findall(r"^Call-ID: *(\S+)", block, re.M))
    return ids


def live_kill_under_load():
    """killed again and again under load, every answered call has exactly one record"""
    kills = int(os.environ.get("TANDEM_KILLS", "4"))
    with Bed("crash") as bed:
        far, near = bed.port(), bed.port()
        ports = {"near": near, "far": far, "away": bed.port()}
        d = Daemon(bed, (BENCH / "tandem.yaml").read_text().format(**ports)
                   .replace("18999", "11999"))
        d.apply((BENCH / "site.yaml").read_text().format(**ports))
        Sipp(bed, "far", BENCH / "uas.xml", port=far)
        near_log = bed.dir / "messages.log"
        seconds = kills * 2 + 3
        uac = Sipp(bed, "near", BENCH / "uac.xml", f"127.0.0.1:{near}", rate=40, calls=40 * seconds,
                   keys={"dial": "4930123456", "from": "4989987654"},
                   extra=["-d", "400", "-trace_msg", "-message_file", near_log,
                          "-recv_timeout", "3000", "-default_behaviors", "-abortunexp"])
        for _ in range(kills):
            time.sleep(1.7)
            d.kill()
            d.start()
        uac.child.wait_end(60 + seconds)
        ids = answered(near_log.read_text(errors="replace"))
        if len(ids) < 20 * kills:
            raise Failed(f"only {len(ids)} calls were answered: the load was not real")
        until("the records to be stored", lambda: not ids - set(records(d)), 10)
        twice = [i for i, n in records(d).items() if n > 1]
        if twice:
            raise Failed(f"{len(twice)} calls have more than one record, as {twice[:3]}")


if __name__ == "__main__":
    tap.main(globals())
