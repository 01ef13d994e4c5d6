#!/usr/bin/env python3
"""Measures what tests cannot: figures under attack, load, faults and time.

test/measure/run.py NAME [ID...]     NAME: hostile, load, kill or soak; e.g. hostile E1 E4
test/measure/run.py --table [PAGE]   all measures and their last figures, in Markdown; with PAGE between its
                                     lines "<!-- figures -->" and "<!-- end of figures -->"

A measure is a function with @measure in test/measure/NAME.py or NAME_*.py. Each runs in a
process of its own, in its own network namespace where the kernel allows it. The table is
printed as it grows, and build/NAME/report.json holds it:
    {"E1": {"figure": .., "goal": .., "ok": true, "anchor": .., "what": .., "detail": {..}}}
A measure that was not run again keeps its last entry. Exit code 0: all that ran reached
their goals.
"""
import importlib
import json
import multiprocessing
import os
import pathlib
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(HERE), str(ROOT / "test/live")]

from lib.measure import Result, of_module              # noqa: E402
from lib.tap import own_network                        # noqa: E402


def collect(name):
    files = [HERE / f"{name}.py", *sorted(HERE.glob(f"{name}_*.py"))]
    return [m for f in files if f.exists() for m in of_module(importlib.import_module(f.stem))]


def natural(ident):
    """E2 before E10."""
    return ident.rstrip("0123456789"), int("0" + "".join(c for c in ident if c.isdigit()))


# --- the table ---

BEGIN, END = "<!-- figures -->\n", "<!-- end of figures -->\n"


def names():
    """What `make` can measure: the first word of each file that has a measure."""
    return sorted({f.stem.split("_")[0] for f in HERE.glob("*.py") if "\n@measure(" in f.read_text()})


def cell(text):
    return " ".join(str(text).replace("|", "\\|").split())


def table():
    """One row an id: what the code says it is, and what the last report says of it."""
    rows = []
    for name in names():
        out = ROOT / "build" / name / "report.json"
        report = json.loads(out.read_text()) if out.exists() else {}
        for m in collect(name):
            got = report.get(m.ident)
            figure = "not measured yet" if not got else got["figure"] if got["ok"] else "**not reached**: " + got["figure"]
            rows.append((natural(m.ident), f"| {m.ident} | {cell(m.what)} | {cell(m.goal)} | {cell(figure)} | {cell(m.anchor)} | "
                                           f"`make {name} T={m.ident}` |\n"))
    return ("| id | what is done to it | what must come out | what came out | the best known elsewhere | measured by |\n"
            "|---|---|---|---|---|---|\n" + "".join(r for _, r in sorted(rows)))


def fill(page):
    path = pathlib.Path(page)
    before, begin, rest = path.read_text().partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        sys.exit(f"{page} has no lines {BEGIN.strip()} and {END.strip()}")
    path.write_text(before + BEGIN + table() + END + after)


def child(m, box):
    own_network()
    try:
        box.put(m.fn())
    except Exception as e:      # noqa: BLE001 - the table tells it, whatever it is
        box.put(Result(f"not measured: {type(e).__name__}: {e}", False))


def one(m):
    box = multiprocessing.Queue()
    p = multiprocessing.Process(target=child, args=(m, box))
    began = time.monotonic()
    p.start()
    try:
        r = box.get(timeout=m.limit_s)
    except Exception:           # noqa: BLE001 - queue.Empty of another start method
        r = Result(f"did not end within {m.limit_s} s", False)
    p.join(20)
    if p.is_alive():
        p.kill()
    return r, round(time.monotonic() - began, 1)


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    if sys.argv[1] == "--table":
        if len(sys.argv) > 2:
            fill(sys.argv[2])
        else:
            print(table(), end="")
        return
    name, want = sys.argv[1], set(sys.argv[2:])
    todo = sorted((m for m in collect(name) if not want or m.ident in want),
                  key=lambda m: natural(m.ident))
    unknown = want - {m.ident for m in todo}
    if unknown or not todo:
        sys.exit(f"{name}: no measure {' '.join(sorted(unknown))}".rstrip())
    os.environ.setdefault("TANDEM_BIN", str(ROOT / "build/rel/tandem"))
    out = ROOT / "build" / name / "report.json"
    out.parent.mkdir(parents=True, exist_ok=True)
    report = json.loads(out.read_text()) if out.exists() else {}
    bad = 0
    for m in todo:
        print(f"...    {m.ident:4} {m.what}", flush=True)
        r, took = one(m)
        bad += not r.ok
        report[m.ident] = {"figure": r.figure, "goal": m.goal, "ok": bool(r.ok), "anchor": m.anchor,
                           "what": m.what, "seconds": took, "detail": r.detail}
        print(f"{'ok ' if r.ok else 'BAD'}    {m.ident:4} {r.figure}\n"
              f"            goal: {m.goal}\n            anchor: {m.anchor}   ({took:g} s)", flush=True)
        out.write_text(json.dumps(report, indent=1, sort_keys=True) + "\n")
    print(f"{name}: {len(todo) - bad} of {len(todo)} figures reached; wrote {out.relative_to(ROOT)}")
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
