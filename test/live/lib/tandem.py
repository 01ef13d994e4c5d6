"""The daemon under test as a child process: `tandem serve`, and its CLI."""
import json
import os
import pathlib
import subprocess

from lib.bed import SLOWER, Failed, until

ROOT = pathlib.Path(__file__).resolve().parents[3]


def binary():
    """TANDEM_BIN, or the newest of the usual build directories."""
    named = os.environ.get("TANDEM_BIN")
    if named:
        return pathlib.Path(named).resolve()
    made = [p for p in (ROOT / "build").glob("*/tandem") if p.is_file()]
    if not made:
        raise Failed("no build/*/tandem: run make first, or set TANDEM_BIN")
    return max(made, key=lambda p: p.stat().st_mtime)


class Daemon:
    """with config text given, writes it, starts `serve` and waits for "ready".

    The working directory is the daemon's own below the bed's, so relative
    paths in the configuration (store, socket, certificates) stay inside it.
    """

    def __init__(self, bed, config, name="tandem", limit_s=15.0):
        self.bed, self.name, self.starts = bed, name, 0
        self.dir = bed.subdir(name)
        self.store = self.dir / "t.db"
        self.config = self.dir / "tandem.yaml"
        self.config.write_text(config)
        self.child = None
        self.start(limit_s)

    def start(self, limit_s=15.0):
        """Again after kill() or stop(); each start has its own log file."""
        self.starts += 1
        self.child = self.bed.spawn([binary(), "serve", "-c", self.config],
                                    f"{self.name}-{self.starts}", cwd=self.dir)
        self.child.wait_line("ready", limit_s)

    def cli(self, *words, expect=0, limit_s=20):
        """stdout of one command; Failed when the exit code is another one."""
        r = subprocess.run([binary(), *map(str, words)], cwd=self.dir, timeout=limit_s * SLOWER,
                           capture_output=True, text=True, stdin=subprocess.DEVNULL)
        if expect is not None and r.returncode != expect:
            raise Failed(f"tandem {' '.join(map(str, words))} ended with {r.returncode}, "
                         f"expected {expect}:\n{r.stdout}{r.stderr}")
        return r.stdout

    def json(self, *words, limit_s=20):
        return json.loads(self.cli(*words, "--json", limit_s=limit_s))

    def recorded(self, limit_s=20):
        """Waits until the records of all calls that have ended are written, which is when their media is closed, too."""
        until("the last calls to close", lambda: all(c["state"] != "closing" for c in self.json("show", "calls")["calls"]), limit_s)
        until("the records", lambda: self.json("status")["records_waiting"] == 0, limit_s)

    def apply(self, site):
        path = self.dir / "site.yaml"
        path.write_text(site)
        return self.cli("apply", "-f", path)

    def kill(self):
        """As a crash: SIGKILL, no goodbye."""
        self.child.proc.kill()
        self.child.proc.wait()

    def stop(self, limit_s=10.0):
        self.child.stop(limit_s=limit_s)
        return self.child.proc.returncode

    def media_pid(self):
        children = pathlib.Path(f"/proc/{self.child.pid}/task").glob("*/children")
        return next(int(p) for f in children for p in f.read_text().split())

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.child.pid}/fd"))
