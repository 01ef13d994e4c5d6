#!/usr/bin/env python3
"""The goals' figures beside their baselines, in one run; writes build/bench/report.json.

test/bench/run.py [--pairs N] [--rate CPS] [--window S] [--awake] [ID...]
test/bench/run.py --table      fills the table of doc/performance.md from the last report

S1  two-leg answered calls beside Kamailio's stateful proxy, which does less
S2  calls that split to 2, 5 and 10 destinations beside Kamailio's parallel fork of as many
S3  parse one 900-byte INVITE beside libre
S4  memory of a call in progress, a registration, an absorbing transaction, an idle TLS connection
S5  the cost of a call while 50,000 transactions are pending beside that while 500 are
R1  REGISTER refreshed with digest beside Kamailio's usrloc in memory; ours durable
T1  full TLS handshakes beside a bare OpenSSL accept loop

--awake keeps the cores from sleeping, so that no figure depends on what waking them costs.

Only ratios count, and only taken within one run. A run with a failed call, a lost or repeated
datagram or a saturated generator is void, said so, and its pair repeated. A figure that was not
run again keeps its last entry. doc/performance.md
tells the method.
"""
import argparse
import json
import os
import pathlib
import subprocess
import sys
import time

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
from meter import awake                         # noqa: E402
from lib.tap import own_network                 # noqa: E402

BEGIN, END = "<!-- figures: test/bench/run.py --table -->", "<!-- end of figures -->"
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


def figure(v):
    return f"{v:,.0f}" if v >= 100 else f"{v:.3g}"


def fill_table(report):
    """Between the marker comments of doc/performance.md."""
    path = ROOT / "doc/performance.md"
    out = ["| id | ours | baseline | ratio (95 %) | efficiency | goal | reached |", "|---|---|---|---|---|---|---|"]
    for name, e in rows(report):
        ratio = f"{e['ratio']:.3f} ({e['ratio_low']:.3f} to {e['ratio_high']:.3f})" if "ratio_low" in e else "-"
        base = f"{figure(e['baseline'])} {e['unit']}" if "baseline" in e else "-"
        out.append(f"| {name} | {figure(e['ours'])} {e['unit']} | {base} | {ratio} | {e.get('eta', '-')} | {e['goal']} | "
                   f"{'yes' if e['ok'] else 'no'} |")
    text = path.read_text()
    begin, end = text.index(BEGIN) + len(BEGIN), text.index(END)
    path.write_text(text[:begin] + "\n" + "\n".join(out) + "\n" + text[end:])
    print(f"filled {path.relative_to(ROOT)}")


def main():
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("--pairs", type=int, default=7)
    p.add_argument("--rate", type=int, default=600)     # a core that mostly sleeps shows what waking it costs
    p.add_argument("--window", type=int, default=10)
    p.add_argument("which", nargs="*", metavar="ID")
    p.add_argument("--awake", action="store_true")
    p.add_argument("--table", action="store_true")
    args = p.parse_args()
    out = ROOT / "build/bench/report.json"
    if args.table:
        return fill_table(json.loads(out.read_text()))
    unknown = set(args.which) - set(BENCHES)
    if unknown:
        sys.exit(f"no such figure: {' '.join(sorted(unknown))}; there are {' '.join(BENCHES)}")
    os.environ.setdefault("TANDEM_BIN", str(ROOT / "build/rel/tandem"))
    own_network()       # our own ports and loss counters
    out.parent.mkdir(parents=True, exist_ok=True)
    report = json.loads(out.read_text()) if out.exists() else {}
    bad, began = 0, time.monotonic()
    for name in args.which or BENCHES:
        print(f"{name}", flush=True)
        try:
            with awake(args.awake):
                report[name] = BENCHES[name](args)
            bad += not report[name]["ok"]
        except (Failed, OSError, subprocess.SubprocessError) as e:
            report.pop(name, None)
            print(f"{name}: not measured: {e}", file=sys.stderr)
            bad += 1
        out.write_text(json.dumps(report, indent=1) + "\n")
    report = {k: report[k] for k in BENCHES if k in report}
    for name, e in rows(report):
        print(line(name, e))
    print(f"{time.monotonic() - began:.0f} s; wrote {out.relative_to(ROOT)}")
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
