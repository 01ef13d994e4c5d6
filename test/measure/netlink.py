"""Bad links: measure_netsim as a child process, and addresses that swallow everything (nft)."""
import json
import subprocess

from lib.bed import Failed
from lib.tandem import ROOT


class Netsim:
    """Ears at 127.0.0.1:`port` (or `ip`) and speaks to 127.0.0.1:`to`; words as `drop=50`."""

    def __init__(self, bed, kind, to, *words, port=None, ip="127.0.0.1", to_ip="127.0.0.1"):
        self.port = port or bed.port(ip)
        self.proc = subprocess.Popen([str(ROOT / "build/rel/measure_netsim"), kind, f"{ip}:{self.port}",
                                      f"{to_ip}:{to}", *words],
                                     stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        bed.children.append(self)
        if self.proc.stdout.readline() != "ready\n":
            raise Failed("netsim did not start")

    def order(self, words):
        self.proc.stdin.write(words + "\n")
        self.proc.stdin.flush()
        return self.proc.stdout.readline().strip()

    def stat(self):
        return json.loads(self.order("stat"))

    def stop(self, **_):
        if self.proc.poll() is None:
            self.proc.stdin.close()
            try:
                self.proc.wait(5)
            except subprocess.TimeoutExpired:
                self.proc.kill()
                self.proc.wait()


class Hole:
    """with Hole("tcp dport 5061", ..): what matches arrives nowhere, and nobody is told."""

    def __init__(self, *rules, how="drop"):
        self.text = ("table inet hole {\n chain in {\n  type filter hook input priority 0;\n" +
                     "".join(f"  {r} counter {how}\n" for r in rules) + " }\n}\n")

    def __enter__(self):
        r = subprocess.run(["nft", "-f", "-"], input=self.text, text=True, capture_output=True, check=False)
        if r.returncode:
            raise Failed(f"nft cannot drop here: {r.stderr}")
        return self

    def __exit__(self, *_):
        subprocess.run(["nft", "delete", "table", "inet", "hole"], capture_output=True, check=False)
