#!/usr/bin/env python3
"""The goals' figures beside their baselines, in one run; writes build/bench/report.json.

test/bench/run.py [--pairs N] [--rate CPS] [--window S] [ID...]

S1  two-leg answered calls beside Kamailio's stateful proxy, which does less
S2  calls that split to 2, 5 and 10 destinations beside Kamailio's parallel fork of as many
S3  parse one 900-byte INVITE beside libre
S4  memory of a call in progress, a registration, an absorbing transaction, an idle TLS connection
S5  the cost of a call while 50,000 transactions are pending beside that while 500 are
R1  REGISTER refreshed with digest beside Kamailio's usrloc in memory; ours durable
T1  full TLS handshakes beside a bare OpenSSL accept loop

Only ratios count, and only taken within one run. A run with a failed call, a lost or repeated
datagram or a saturated generator is void, said so, and its pair repeated. doc/performance.md
tells the method.
"""
import argparse
import json
import os
import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(HERE), str(ROOT / "test/live")]

import calls                                    # noqa: E402
import memory                                   # noqa: E402
import parsing                                  # noqa: E402
import register                                 # noqa: E402
import scale                                    # noqa: E402
import shake                                    # noqa: E402
from lib.bed import Failed                      # noqa: E402

BENCHES = {"S1": calls.s1, "S2": calls.s2, "S3": parsing.s3, "S4": memory.s4,
           "S5": scale.s5, "R1": register.r1, "T1": shake.t1}


def rows(report):
    """(id, entry) of the report, the parts of an id after it."""
    for name, e in report.items():
        yield name, e
        for part, d in e.get("detail", {}).items():
            if isinstance(d, dict) and "ratio" in d:
                yield part, d


def line(name, e):
    """A baseline is another program; where there is none, the goal is a figure of its own."""
    text = f"{'ok ' if e['ok'] else 'BAD'} {name:15} {e['ours']:11.4f} {e['unit']:9}"
    if "baseline" in e:
        text += f" baseline {e['baseline']:9.4f}  ratio {e['ratio']:.3f} ({e['ratio_low']:.3f} to {e['ratio_high']:.3f})"
    return f"{text}  goal {e['goal']}"


def main():
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("--pairs", type=int, default=7)
    p.add_argument("--rate", type=int, default=70)    # ports rest for 30 s: 2,200 pairs in front
    p.add_argument("--window", type=int, default=10)
    p.add_argument("which", nargs="*", metavar="ID")
    args = p.parse_args()
    unknown = set(args.which) - set(BENCHES)
    if unknown:
        sys.exit(f"no such figure: {' '.join(sorted(unknown))}; there are {' '.join(BENCHES)}")
    os.environ.setdefault("TANDEM_BIN", str(ROOT / "build/rel/tandem"))
    out = ROOT / "build/bench/report.json"
    out.parent.mkdir(parents=True, exist_ok=True)
    report, bad = {}, 0
    for name in args.which or BENCHES:
        print(f"{name}", flush=True)
        try:
            report[name] = BENCHES[name](args)
            bad += not report[name]["ok"]
        except (Failed, OSError, subprocess.SubprocessError) as e:
            print(f"{name}: not measured: {e}", file=sys.stderr)
            bad += 1
        out.write_text(json.dumps(report, indent=1) + "\n")
    for name, e in rows(report):
        print(line(name, e))
    print(f"wrote {out.relative_to(ROOT)}")
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
