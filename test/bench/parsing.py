"""S3: one 900-byte INVITE with every header we route on. Baseline: libre's sip_msg_decode()."""
import json
import statistics
import subprocess

from lib.tandem import ROOT
from meter import SUT, entry

GOAL_US = 1.0


def s3(args):
    ours, base = [], []
    for _ in range(max(args.pairs, 7)):         # the program itself alternates, 41 times
        r = subprocess.run(["taskset", "-c", str(min(SUT)), ROOT / "build/rel/bench_parse"],
                           check=True, capture_output=True, text=True)
        one = json.loads(r.stdout)
        ours.append(one["ours_us"])
        base.append(one["libre_us"])
    e = entry(ours, base, "us/parse", 1.0)
    return {**e, "goal": f"<= {GOAL_US} us", "ok": statistics.median(ours) <= GOAL_US}
