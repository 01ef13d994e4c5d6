"""`tandem hub` as a child process, driven by JSON lines."""
import json
import subprocess

from lib.bed import Failed, until
from lib.tandem import binary


class Hub:
    def __init__(self, bed, sbc_port, fqdn="sbc.contoso.com", options_ms=60000, extra=()):
        self.dir = bed.subdir("hub")
        self.sip = bed.port()
        self.log = open(self.dir / "hub.log", "w+")
        self.proc = subprocess.Popen(
            [binary(), "hub", "--dir", self.dir, "--sip-port", str(self.sip),
             "--sbc", f"{fqdn}=127.0.0.1:{sbc_port}", "--dns-port", "0",
             "--options-every", str(options_ms), "--report", self.dir / "report.json",
             "--trace", self.dir / "trace.txt", *map(str, extra)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.log, text=True)
        bed.children.append(self)
        line = self.proc.stdout.readline()
        if not line.startswith("ready "):
            raise Failed(f"the hub did not start: {line}{(self.dir / 'hub.log').read_text()}")
        self.dns = json.loads(line[6:])["dns"]

    def command(self, **words):
        self.proc.stdin.write(json.dumps(words) + "\n")
        self.proc.stdin.flush()
        return self.proc.stdout.readline().strip()

    def ok(self, **words):
        got = self.command(**words)
        if got != "ok":
            raise Failed(f"hub: {words}: {got}")

    def wait_up(self, limit_s=10.0):
        until("the border and the hub to know each other",
              lambda: self.command(command="up") == "ok", limit_s, 0.1)

    def report(self):
        self.ok(command="report")
        return json.loads((self.dir / "report.json").read_text())

    def last(self):
        return self.report()["calls"][-1]

    def stop(self, **_):
        if self.proc.poll() is None:
            self.proc.stdin.close()
            try:
                self.proc.wait(5)
            except subprocess.TimeoutExpired:
                self.proc.kill()
                self.proc.wait()
