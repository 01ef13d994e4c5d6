"""A test bed: one temporary directory, free ports, and child processes that
never outlive it. Nothing here waits for time: it waits for a line, a port or
an event, with a limit after which the scenario fails and says for what.
"""
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import time

SLOWER = float(os.environ.get("TEST_SLOWER", "1"))      # under valgrind all takes longer


class Failed(Exception):
    """A scenario's expectation did not hold; the text is for people."""


def until(what, predicate, limit_s=10.0, every_s=0.02):
    """Poll predicate until it returns something true, and return that."""
    limit_s *= SLOWER
    end = time.monotonic() + limit_s
    while True:
        got = predicate()
        if got:
            return got
        if time.monotonic() > end:
            raise Failed(f"waited {limit_s:g} s in vain for {what}")
        time.sleep(every_s)


class Child:
    """A process with its output in a file, so that it can never block on us."""

    def __init__(self, argv, log, cwd=None, env=None):
        self.argv, self.log = [str(a) for a in argv], pathlib.Path(log)
        out = open(self.log, "wb")
        full = dict(os.environ, LC_ALL="C", **(env or {}))
        self.proc = subprocess.Popen(self.argv, stdin=subprocess.DEVNULL, stdout=out,
                                     stderr=subprocess.STDOUT, cwd=cwd, env=full,
                                     start_new_session=True)
        out.close()

    @property
    def pid(self):
        return self.proc.pid

    def text(self):
        return self.log.read_text(errors="replace")

    def alive(self):
        return self.proc.poll() is None

    def wait_line(self, line, limit_s=10.0):
        self.wait_text(line, limit_s, lambda text: line in text.splitlines())

    def wait_text(self, needle, limit_s=10.0, found=None):
        def look():
            if found(self.text()) if found else needle in self.text():
                return True
            if not self.alive():
                raise Failed(f"{self.argv[0]} ended with {self.proc.returncode} before it "
                             f"said {needle!r}:\n{self.text()[-2000:]}")
            return False
        until(f"{needle!r} from {self.argv[0]}", look, limit_s)

    def wait_end(self, limit_s=30.0):
        """The exit code."""
        try:
            return self.proc.wait(limit_s)
        except subprocess.TimeoutExpired:
            raise Failed(f"{' '.join(self.argv[:3])} did not end within {limit_s:g} s") from None

    def stop(self, how=signal.SIGTERM, limit_s=5.0):
        if self.alive():
            self.proc.send_signal(how)
            try:
                self.proc.wait(limit_s)
            except subprocess.TimeoutExpired:
                pass
        try:                                    # whatever it has spawned, too
            os.killpg(self.proc.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.proc.wait()


class Bed:
    """with Bed("name") as bed: ... ; keeps its directory when TANDEM_KEEP is set."""

    def __init__(self, name):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix=f"tandem-{name}-"))
        self.children, self._used = [], set()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for c in reversed(self.children):
            c.stop()
        if not os.environ.get("TANDEM_KEEP"):
            shutil.rmtree(self.dir, ignore_errors=True)

    def spawn(self, argv, name, **kw):
        c = Child(argv, self.dir / f"{name}.log", **kw)
        self.children.append(c)
        return c

    def subdir(self, name):
        d = self.dir / name
        d.mkdir(parents=True, exist_ok=True)
        return d

    def ports(self, count=1, host="127.0.0.1"):
        """First of `count` neighbouring ports, even, free now for UDP and TCP."""
        for base in range(20000 + os.getpid() % 400 * 20, 60000, 2):
            want = range(base, base + count)
            if self._used.isdisjoint(want) and all(_free(host, p) for p in want):
                self._used.update(want)
                return base
        raise Failed("no free ports")

    def port(self, host="127.0.0.1"):
        return self.ports(1, host)


def _free(host, port):
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
        with socket.socket(family, kind) as s:
            if kind == socket.SOCK_STREAM:
                s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                s.bind((host, port))
            except OSError:
                return False
    return True
