"""Bad links: measure_netsim as a child process, addresses that swallow everything (nft), and narrow paths."""
import concurrent.futures
import ctypes
import json
import os
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


class Narrow:
    """with Narrow(here, there, mtu) as path: `there` is the address of another network namespace. Ours (which must be
    our own: own_network()) has a link of 1,500 bytes, a router stands between, and the link behind it takes `mtu`.
    `rules` are the router's, for what it forwards and what it says itself (nft)."""

    def __init__(self, here, there, mtu, rules=()):
        self.here, self.there, self.mtu = here, there, mtu
        self.rules = "".join(f"table inet {hook} {{ chain c {{ type filter hook {hook} priority 0;\n" + "".join(f"{r}\n" for r in rules) + "}\n}\n"
                             for hook in ("forward", "output"))

    @staticmethod
    def network():
        """A process that holds a namespace until its input ends."""
        p = subprocess.Popen(["unshare", "--net", "sh", "-c", "echo ready; exec cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        if p.stdout.readline() != "ready\n":
            raise Failed("no network namespace here")
        return p

    def run(self, of, *words, text=None):
        r = subprocess.run([*(["nsenter", "-t", str(of.pid), "--net"] if of else []), *words], input=text, text=True, capture_output=True, check=False)
        if r.returncode:
            raise Failed(f"{' '.join(words)}: {r.stderr}")

    def __enter__(self):
        self.router, self.far = self.network(), self.network()
        near_gate, far_gate = (ip.rpartition(".")[0] + ".254" for ip in (self.here, self.there))
        self.run(None, "ip", "link", "add", "near0", "type", "veth", "peer", "name", "r0", "netns", str(self.router.pid))
        self.run(self.router, "ip", "link", "add", "r1", "mtu", str(self.mtu), "type", "veth", "peer", "name", "far0", "netns", str(self.far.pid))
        for of, link, ip in ((None, "near0", self.here), (self.router, "r0", near_gate), (self.router, "r1", far_gate), (self.far, "far0", self.there)):
            self.run(of, "ip", "address", "add", f"{ip}/24", "dev", link)
            self.run(of, "ip", "link", "set", link, "up")
        self.run(self.far, "ip", "link", "set", "far0", "mtu", str(self.mtu))
        self.run(None, "ip", "route", "add", self.there, "via", near_gate)
        self.run(self.far, "ip", "route", "add", "default", "via", far_gate)
        self.run(self.router, "sh", "-c", "echo 1 > /proc/sys/net/ipv4/ip_forward")
        self.run(self.router, "nft", "-f", "-", text=self.rules)
        return self

    def socket(self, make):
        """What make() returns, made in the far namespace: a thread of its own goes there."""
        def there():
            with open(f"/proc/{self.far.pid}/ns/net", encoding="ascii") as ns:
                if ctypes.CDLL(None, use_errno=True).setns(ns.fileno(), 0):
                    raise Failed(f"setns: {os.strerror(ctypes.get_errno())}")
            return make()
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            return pool.submit(there).result()

    def __exit__(self, *_):
        subprocess.run(["ip", "link", "delete", "near0"], capture_output=True, check=False)
        for p in (self.far, self.router):
            p.stdin.close()
            p.wait(5)
