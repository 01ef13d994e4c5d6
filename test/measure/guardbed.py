"""The bed of attacks: a namespace in which whole networks are local, the daemon on 192.0.2.1, honest
phones in 203.0.113.0/24, and everything else for those who attack."""
import json
import pathlib
import subprocess
import threading
import time

from lib.bed import Failed
from lib.hub import Hub
from lib.tandem import ROOT, Daemon
from phone import Phone

PUBLIC = "192.0.2.1"
NETS = ("192.0.2.0/24", "203.0.113.0/24", "198.51.100.0/24", "10.0.0.0/8")
CONFIG = """
store: t.db
runtime-dir: .
control-socket: control.sock
max-calls: 4000
no-media: 0
dns-servers: "127.0.0.1:{dns}"
zones:
  - {{ name: phones, kind: phones }}
  - {{ name: pbx, kind: pbx }}
  - {{ name: teams, kind: teams }}
certificates:
  - {{ name: sbc, cert: "{hub}/sbc.pem", key: "{hub}/sbc.key", roots: "{hub}/root.pem" }}
  - {{ name: open, cert: "{hub}/sbc.pem", key: "{hub}/sbc.key", roots: "{hub}/root.pem" }}
listeners:
  - {{ name: phones, zone: phones, transport: udp, bind: "192.0.2.1:5060", media-ports: 10000-14999 }}
  - {{ name: phones-tcp, zone: phones, transport: tcp, bind: "192.0.2.1:5060", media-ports: 15000-15999 }}
  - {{ name: phones-tls, zone: phones, transport: tls, bind: "192.0.2.1:5063", certificate: open, media-ports: 16000-16999 }}
  - {{ name: pbx, zone: pbx, transport: udp, bind: "192.0.2.1:5062", media-ports: 17000-17999 }}
  - {{ name: teams, zone: teams, transport: tls, bind: "0.0.0.0:{tls}", certificate: sbc, media-bind: 127.0.0.1, media-ports: 18000-18999 }}
trunks:
  - name: teams
    profile: teams
    listener: teams
    fqdn: sbc.contoso.com
    hosts: [ "sip.pstnhub.microsoft.com:{teams}", "sip2.pstnhub.microsoft.com:{teams}", "sip3.pstnhub.microsoft.com:{teams}" ]
{more}
"""


def site(phones):
    row = "\n".join(f'  - {{ name: p{n}, user: u{n}, auth-user: "{n}", password: "secret-{n}" }}' for n in phones)
    lines = "\n".join(f'  - {{ number: "{n}", partition: all, css: all, user: u{n}, phones: [ p{n} ] }}' for n in phones)
    users = "\n".join(f"  - {{ name: u{n} }}" for n in phones)
    return (f"partitions: [ all ]\nspaces:\n  - {{ name: all, partitions: [ all ] }}\n"
            f"users:\n{users}\nphones:\n{row}\nlines:\n{lines}\n")


def local_networks():
    for net in NETS:
        r = subprocess.run(["ip", "route", "replace", "local", net, "dev", "lo"], capture_output=True, text=True, check=False)
        if r.returncode:
            raise Failed(f"no own network here: {r.stderr.strip()}")


class GuardBed:
    def __init__(self, bed, phones=range(1001, 1021), more="", config=CONFIG):
        local_networks()
        self.bed = bed
        tls = bed.port("0.0.0.0")      # where it is bound: free on every address
        self.tls, self.hub = tls, Hub(bed, tls)
        self.hub_dir = self.hub.dir
        self.daemon = Daemon(bed, config.format(dns=self.hub.dns, hub=self.hub.dir, tls=tls, teams=self.hub.sip, more=more))
        self.daemon.apply(site(phones))
        self.phones = {}

    def phone(self, number, ip, password=None, port=5060, kind=Phone):
        p = kind(ip, (PUBLIC, port), str(number), password or f"secret-{number}")
        self.phones[number] = p
        return p

    def guard(self):
        return self.daemon.json("show", "guard")

    def rss(self):
        """kB of the daemon and its media process."""
        total = 0
        for p in (self.daemon.child.pid, *children(self.daemon.child.pid)):
            text = pathlib.Path(f"/proc/{p}/status").read_text()
            total += next(int(l.split()[1]) for l in text.splitlines() if l.startswith("VmRSS"))
        return total

    def cpu_s(self):
        return sum(int(pathlib.Path(f).read_text().split()[0]) for f in
                   pathlib.Path(f"/proc/{self.daemon.child.pid}/task").glob("*/schedstat")) / 1e9

    def spray(self, kind, to, net, rate, seconds):
        return subprocess.Popen([str(ROOT / "build/rel/measure_spray"), kind, to, net, str(rate), str(seconds)],
                                stdout=subprocess.PIPE, text=True)


def children(pid):
    return [int(p) for f in pathlib.Path(f"/proc/{pid}/task").glob("*/children") for p in f.read_text().split()]


class Honest(threading.Thread):
    """Calls between two honest phones, one every `every_s`, until stop(): .failed, .times (s)."""

    def __init__(self, caller, number, every_s):
        super().__init__(daemon=True)
        self.caller, self.number, self.every, self.stopping = caller, number, every_s, False
        self.failed, self.times = [], []
        self.start()

    def run(self):
        due = time.monotonic()
        while not self.stopping:
            how, took = self.caller.call(self.number)
            self.times.append(took)
            if how != "ok":
                self.failed.append(how)
            due += self.every
            time.sleep(max(0, due - time.monotonic()))

    def stop(self):
        self.stopping = True
        self.join(40)


def result_of(spray, limit_s=60):
    out, _ = spray.communicate(timeout=limit_s)
    return json.loads(out)
