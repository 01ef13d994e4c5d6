#!/usr/bin/env python3
"""Runs the tests and counts them.

test/run.py [--build DIR] [--valgrind] [WHAT...]
                                        WHAT: unit, flow, live, one of them with
                                        a part of a name (unit/sip, flow/busy,
                                        live/phones), or live=3: the first three
Every cmocka case, every .flow file and every live scenario counts one; a program
that crashes counts one failed, and so does one in which valgrind finds an error or
a leak. The last line is
    N tests passed, M failed (unit a, flow b, live c)
The exit code is 0 when something ran and nothing failed.
"""
import concurrent.futures
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
LIMIT_S = {"unit": 300, "flow": 120, "live": 900}
RESULT = re.compile(r"^(ok|not ok)\b(?:\s+\d+)?(?:\s+-)?\s*(.*)$")
# Every process writes a log of its own; one that is not empty has an error or a leak.
VALGRIND = ["valgrind", "-q", "--leak-check=full", "--trace-children=yes",
            "--trace-children-skip=*/sipp,*/baresip,*/kamailio,*/openssl,*/python3*,*/nft,*/ip",
            "--show-leak-kinds=definite,indirect,possible",
            f"--suppressions={ROOT}/test/valgrind.supp"]
SLOWER = 20                             # what valgrind costs, at most
SANITIZERS = {
    "ASAN_OPTIONS": "detect_leaks=1:detect_stack_use_after_return=1:strict_string_checks=1",
    "UBSAN_OPTIONS": "print_stacktrace=1",
    "TSAN_OPTIONS": "halt_on_error=0:exitcode=66:second_deadlock_stack=1",
}


class Job:
    def __init__(self, kind, name, argv, only_exit=False):
        self.kind, self.name, self.argv, self.only_exit = kind, name, argv, only_exit
        self.passed, self.failed, self.text, self.seconds = 0, 0, "", 0.0


def under_valgrind(job, build, env):
    """Unit and flow programs run under it themselves; live tests start the daemon under it."""
    logs = build / "valgrind" / job.name.replace("/", "-")
    shutil.rmtree(logs, ignore_errors=True)
    logs.mkdir(parents=True)
    words = [*VALGRIND, f"--log-file={logs}/%p.log"]
    if job.kind == "live":
        daemon = logs / "tandem"
        preload = build / "measure_selfexelib.so"       # so that valgrind follows into the media process
        daemon.write_text(f"#!/bin/sh\nLD_PRELOAD={preload} exec {shlex.join(words)} {env['TANDEM_BIN']} \"$@\"\n")
        daemon.chmod(0o755)
        env["TANDEM_BIN"], env["TEST_SLOWER"] = str(daemon), str(SLOWER)
        return job.argv, logs
    return ([*words, *job.argv] if job.argv[0] != sys.executable else job.argv), logs


def valgrind_says(logs):
    return "".join(f.read_text(errors="replace") for f in sorted(logs.glob("*.log")))


def execute(job, build, valgrind=False):
    argv, logs, limit_s = job.argv, None, LIMIT_S[job.kind]
    env = dict(os.environ, CMOCKA_MESSAGE_OUTPUT="TAP", LC_ALL="C", TZ="UTC",
               PYTHONDONTWRITEBYTECODE="1", TANDEM_BIN=str(build / "tandem"))
    for k, v in SANITIZERS.items():
        env.setdefault(k, v)
    if valgrind:
        argv, logs = under_valgrind(job, build, env)
        limit_s *= SLOWER
    start = time.monotonic()
    proc = subprocess.Popen(argv, cwd=ROOT, env=env, stdin=subprocess.DEVNULL,
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                            start_new_session=True)
    try:
        out, _ = proc.communicate(timeout=limit_s)
        why = f"ended with {proc.returncode}"
    except subprocess.TimeoutExpired:
        os.killpg(proc.pid, 9)
        out, _ = proc.communicate()
        why = f"did not end within {limit_s} s"
    job.text = out.decode(errors="replace")
    job.seconds = time.monotonic() - start
    count(job, proc.returncode, why)
    found = valgrind_says(logs) if logs else ""
    if found:
        job.failed += 1
        job.text += f"\nnot ok {job.name} valgrind found:\n{found}"
    return job


def count(job, code, why):
    if job.only_exit:
        job.passed, job.failed = (1, 0) if code == 0 else (0, 1)
        return
    for line in job.text.splitlines():
        m = RESULT.match(line)
        if m and "# SKIP" not in line:
            job.passed += m[1] == "ok"
            job.failed += m[1] == "not ok"
    ran_only_skips = code == 0 and re.search(r"^skip ", job.text, re.M)
    if job.failed == 0 and (code != 0 or (job.passed == 0 and not ran_only_skips)):
        job.failed = 1
        job.text += f"\nnot ok {job.name} {why} after {job.passed} cases\n"


def show(job):
    state = "ok    " if job.failed == 0 else "FAILED"
    print(f"{state} {job.kind:4} {job.name:32} {job.passed:4} passed"
          f"{f', {job.failed} failed' if job.failed else ''}  {job.seconds:.1f} s", flush=True)
    lines = job.text.splitlines()
    if job.failed:
        for line in lines[-400:]:
            if not re.match(r"^ok\b", line):
                print(f"    {line}")
    else:
        for line in lines:
            if line.startswith("skip "):
                print(f"    {line}")
    sys.stdout.flush()


def calm_addresses():
    """TSan of gcc 12 dies where mmap is randomised by more than 28 bits."""
    r = subprocess.run(["setarch", "-R", "true"], check=False, stderr=subprocess.DEVNULL)
    return ["setarch", "-R"] if r.returncode == 0 else []


def unit_jobs(build, part):
    jobs = [Job("unit", p.name, [str(p)]) for p in sorted(build.glob("ut_*"))
            if p.is_file() and os.access(p, os.X_OK)
            and (ROOT / "test/unit" / p.name[3:]).is_dir()]
    jobs += [Job("unit", f"tools/{p.stem}", [sys.executable, str(p)])
             for p in sorted((ROOT / "test/tools").glob("t_*.py"))]
    if (build / "bench_memory").exists():
        jobs.append(Job("unit", "bench/memory", [str(build / "bench_memory")]))
    if build.name == "dev" and (build / "bench_parse_ir").exists():     # valgrind and sanitizers exclude each other
        jobs.append(Job("unit", "bench/parse", [sys.executable, str(ROOT / "test/bench/gate.py"),
                                                str(build / "bench_parse_ir")]))
    return [j for j in jobs if part in j.name]


def flow_jobs(build, part):
    runner = build / "flow_run"
    files = sorted((ROOT / "test/flow").rglob("*.flow"))
    return [Job("flow", str(f.relative_to(ROOT / "test/flow")), [str(runner), str(f)], True)
            for f in files if part in f.name]


def live_jobs(build, part, most):
    files = sorted((ROOT / "test/live").glob("*.py"))
    if most:                            # calls only: that is what a sanitizer wants to see
        files = [f for f in files if f.stem == "calls"]
    extra = [f"--first={most}"] if most else []
    return [Job("live", f.stem, [sys.executable, str(f), *extra])
            for f in files if part in f.stem]


def plan(words, build):
    jobs = []
    for w in words or ["unit", "flow", "live"]:
        kind, _, part = w.partition("/")
        kind, _, most = kind.partition("=")
        if kind == "unit":
            jobs += unit_jobs(build, part)
        elif kind == "flow":
            jobs += flow_jobs(build, part)
        elif kind == "live":
            jobs += live_jobs(build, part, int(most or 0))
        else:
            sys.exit(__doc__)
    return jobs


def main():
    words = sys.argv[1:]
    build = ROOT / "build/dev"
    if words[:1] == ["--build"]:
        build, words = (ROOT / words[1]).resolve(), words[2:]
    valgrind = words[:1] == ["--valgrind"]
    words = words[valgrind:]
    jobs = plan(words, build)
    if build.name == "tsan":
        prefix = calm_addresses()
        for job in jobs:
            job.argv = prefix + job.argv
    with concurrent.futures.ThreadPoolExecutor(min(4, os.cpu_count() or 1)) as pool:
        for job in pool.map(lambda j: execute(j, build, valgrind),
                            [j for j in jobs if j.kind != "live"]):
            show(job)
    for job in jobs:                    # live ones alone: they share the machine's patience
        if job.kind == "live":
            show(execute(job, build, valgrind))
    passed, failed = sum(j.passed for j in jobs), sum(j.failed for j in jobs)
    per = {k: sum(j.passed + j.failed for j in jobs if j.kind == k) for k in LIMIT_S}
    sys.stderr.flush()
    print(f"{passed} tests passed, {failed} failed "
          f"(unit {per['unit']}, flow {per['flow']}, live {per['live']})", flush=True)
    sys.exit(0 if passed and not failed else 1)


if __name__ == "__main__":
    main()
