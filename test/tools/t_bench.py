#!/usr/bin/env python3
"""What the measuring itself must get right: reading while another writes, and when a verdict stands."""
import contextlib
import io
import pathlib
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "test/bench"), str(ROOT / "test/live")]

import meter                                    # noqa: E402
from lib.sipp import Sipp                       # noqa: E402

HEADER = "StartTime;TotalCallCreated;SuccessfulCall(C);FailedCall(C);\n"


def statistics_are_read_while_they_are_written():
    whole = HEADER + "now;10;9;1;\n" + "now;20;18;2;\n"
    legal = ({}, {"created": 10, "ok": 9, "failed": 1}, {"created": 20, "ok": 18, "failed": 2})
    sipp = Sipp.__new__(Sipp)
    with tempfile.TemporaryDirectory() as tmp:
        sipp.stat = pathlib.Path(tmp, "stat.csv")
        assert sipp.counts() == {}
        for cut in range(len(whole) + 1):
            sipp.stat.write_text(whole[:cut])
            assert sipp.counts() in legal, cut
        assert sipp.counts() == legal[2]


def pairs_until(ratios, goal, higher=False):
    """How many pairs are made of the ratios, and whether the goal is reached."""
    left = iter(ratios)
    e = meter.judged(7, lambda which: (next(left) if which == "ours" else 1.0, None), "x", goal, higher)
    return e["runs"], e["ok"]


def a_clear_verdict_needs_no_more_pairs():
    assert pairs_until([0.9] * 7, 1.0) == (7, True)
    assert pairs_until([1.1] * 7, 1.0) == (7, False)
    assert pairs_until([0.9] * 7, 0.85, higher=True) == (7, True)
    assert pairs_until([0.8] * 7, 0.85, higher=True) == (7, False)


def an_open_verdict_is_taken_further_and_not_for_ever():
    noisy = [0.8, 1.2, 0.9, 1.1, 0.9, 1.2, 0.8]
    assert pairs_until(noisy + [0.9] * 7, 1.0) == (14, True)
    assert pairs_until(noisy + [0.9, 1.1] * 7, 1.0) == (21, False)


def a_void_run_is_repeated_and_many_are_no_figure():
    said = iter([(1.0, "lost")] + [(1.0, None)] * 14)
    assert meter.judged(7, lambda which: next(said), "x", 1.1)["runs"] == 7
    try:
        meter.judged(7, lambda which: (1.0, "lost"), "x", 1.1)
    except meter.Failed:
        return
    raise AssertionError("a figure was made of void runs")


CASES = (statistics_are_read_while_they_are_written, a_clear_verdict_needs_no_more_pairs,
         an_open_verdict_is_taken_further_and_not_for_ever, a_void_run_is_repeated_and_many_are_no_figure)


def main():
    failed = 0
    for fn in CASES:
        name = fn.__name__.replace("_", " ")
        try:
            with contextlib.redirect_stdout(io.StringIO()):     # the pairs, as bench says them
                fn()
            print(f"ok {name}")
        except Exception as e:                  # noqa: BLE001: whatever it is, it is the finding
            failed = 1
            print(f"not ok {name}\n# {e!r}")
    sys.exit(failed)


if __name__ == "__main__":
    main()
