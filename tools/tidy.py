#!/usr/bin/env python3
"""clang-tidy over src/ and cli/, two at a time, only what has changed.

tools/tidy.py BUILD_DIR [FILE...]      BUILD_DIR holds compile_commands.json (clang)

A file is clean as long as neither its preprocessed text nor .clang-tidy changes:
the stamps of clean files are kept in BUILD_DIR/tidy. Exit code 1 on any finding.
"""
import concurrent.futures
import hashlib
import json
import os
import pathlib
import shlex
import subprocess
import sys

TIDY = "clang-tidy-14"


def commands(build):
    out = {}
    for c in json.loads((build / "compile_commands.json").read_text()):
        path = pathlib.Path(c["directory"], c["file"]).resolve()
        out[path] = (c["directory"], c.get("arguments") or shlex.split(c["command"]))
    return out


def fingerprint(path, directory, argv, config):
    argv = list(argv)
    if "-o" in argv:
        del argv[argv.index("-o"):argv.index("-o") + 2]
    r = subprocess.run([*[a for a in argv if a != "-c"], "-E"], cwd=directory,
                       capture_output=True, check=False)
    return hashlib.sha256(config + str(path).encode() + r.stdout).hexdigest()


def one(path, entry, build, config):
    directory, argv = entry
    stamp = build / "tidy" / fingerprint(path, directory, argv, config)
    if stamp.exists():
        return ""
    r = subprocess.run([TIDY, "-p", str(build), "--quiet", "--warnings-as-errors=*", str(path)],
                       capture_output=True, text=True, check=False)
    if r.returncode == 0:
        stamp.touch()
        return ""
    return r.stdout + r.stderr


def main():
    root = pathlib.Path.cwd()
    build = pathlib.Path(sys.argv[1]).resolve()
    (build / "tidy").mkdir(exist_ok=True)
    config = (root / ".clang-tidy").read_bytes()
    db = commands(build)
    named = [pathlib.Path(a).resolve() for a in sys.argv[2:]]
    todo = named or [p for p in sorted(db) if p.is_relative_to(root / "src")
                     or p.is_relative_to(root / "cli")]
    bad = 0
    with concurrent.futures.ThreadPoolExecutor(min(4, os.cpu_count() or 1)) as pool:
        for text in pool.map(lambda p: one(p, db[p], build, config), todo):
            if text:
                print(text, flush=True)
                bad += 1
    if bad:
        print(f"clang-tidy: findings in {bad} of {len(todo)} files")
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
