#!/usr/bin/env python3
"""bench/parse: instructions of parsing a set of messages, beside test/bench/parse.ir; TAP.

test/bench/gate.py PROGRAM [--set]      --set writes the figure down, when it is meant to change

Fails when they are 3 % more. callgrind counts, so a busy machine changes nothing; another compiler
does, and then there is nothing to compare with.
"""
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
DATA = HERE.parent / "data"
FILE = HERE / "parse.ir"
MORE_AT_MOST = 0.03


def messages():
    return sorted([*(DATA / "direct-routing").glob("*.sip"), *(DATA / "rfc4475").glob("*.dat")])


def instructions(program):
    with tempfile.TemporaryDirectory() as d:
        r = subprocess.run(["valgrind", "--tool=callgrind", f"--callgrind-out-file={d}/out", program,
                            *map(str, messages())], capture_output=True, text=True, check=False)
    found = re.search(r"Collected : (\d+)", r.stderr)
    if r.returncode or not found:
        sys.exit(f"not ok 1 - callgrind could not count: {r.stderr[-500:]}")
    return int(found[1])


def main():
    program = sys.argv[1]
    compiler = subprocess.run([program, "--compiler"], capture_output=True, text=True, check=True).stdout.strip()
    if not shutil.which("valgrind"):
        print("skip bench/parse: valgrind is not here, so instructions cannot be counted.")
        return 0
    if sys.argv[2:] == ["--set"]:
        FILE.write_text(f"{compiler}\n{instructions(program)}\n")
        return 0
    made_with, most = FILE.read_text().splitlines()
    if compiler != made_with:
        print(f"skip bench/parse: parse.ir was counted with {made_with}, this is {compiler}.")
        return 0
    now, most = instructions(program), int(most)
    good = now <= most * (1 + MORE_AT_MOST)
    print(f"{'ok' if good else 'not ok'} 1 - parsing {len(messages())} messages takes {now:,} instructions, "
          f"{now / most - 1:+.2%} of {most:,}")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
