"""SIPp (Debian: sip-tester, no TLS) as traffic generator and far end."""
import csv

from lib.bed import Failed


class Sipp:
    """sf: a scenario file; target: host:port for a UAC, None for a UAS."""

    def __init__(self, bed, name, sf, target=None, *, port=None, host="127.0.0.1",
                 calls=None, rate=10, limit=None, keys=None, inf=None, extra=()):
        self.port = port or bed.port(host)
        self.dir = bed.subdir(f"sipp-{name}")
        self.stat = self.dir / "stat.csv"
        argv = ["sipp", "-sf", sf, "-i", host, "-p", self.port, "-mi", host,
                "-mp", bed.ports(4, host), "-nostdin", "-r", rate,
                "-trace_stat", "-stf", self.stat, "-fd", "1",
                "-trace_err", "-error_file", self.dir / "errors.log"]
        if calls:
            argv += ["-m", calls]
        if limit:
            argv += ["-l", limit]
        if inf:
            argv += ["-inf", inf]
        for k, v in (keys or {}).items():
            argv += ["-key", k, v]
        argv += list(extra)
        if target:
            argv.append(target)
        self.child = bed.spawn(argv, f"sipp-{name}", cwd=self.dir)

    def wait(self, limit_s=60.0):
        """Until all calls ended; Failed if one of them did."""
        code = self.child.wait_end(limit_s)
        if code != 0:
            raise Failed(f"sipp ended with {code}: {self.counts()}\n{self.errors()[-1500:]}")
        return self.counts()

    def counts(self):
        """{created, ok, failed} from the last whole line of the statistics, which SIPp may be writing."""
        if not self.stat.exists():
            return {}
        whole, newline, _ = self.stat.read_text().rpartition("\n")
        rows = list(csv.DictReader((whole + newline).splitlines(), delimiter=";"))
        if not rows:
            return {}
        last = rows[-1]
        return {"created": int(last["TotalCallCreated"]),
                "ok": int(last["SuccessfulCall(C)"]), "failed": int(last["FailedCall(C)"])}

    def errors(self):
        path = self.dir / "errors.log"
        return path.read_text(errors="replace") if path.exists() else ""
