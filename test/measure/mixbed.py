"""The bed of load and soak: the daemon between SIPp's callers and, behind it, desk phones, mobiles
and a number where nobody answers (SIPp, UDP), and Teams (`tandem hub`, TLS and SRTP)."""
import json
import os
import pathlib
import sqlite3
import time

from lib.bed import Failed, until
from lib.hub import Hub
from lib.sipp import Sipp
from lib.tandem import Daemon

SIPP = pathlib.Path(__file__).resolve().parent / "sipp"
RING_MAX_S = 10
CONFIG = """
store: t.db
runtime-dir: .
control-socket: control.sock
log-level: warn
max-calls: 4000
user-calls: 0
forward-calls: 0
ring-max: {ring}
no-media: 300
dns-servers: "127.0.0.1:{dns}"
zones:
  - {{ name: pbx, kind: pbx }}
  - {{ name: teams, kind: teams }}
certificates:
  - {{ name: sbc, cert: "{hub}/sbc.pem", key: "{hub}/sbc.key", roots: "{hub}/root.pem" }}
listeners:
  - {{ name: near, zone: pbx, transport: udp, bind: "127.0.0.1:{near}", media-bind: 127.0.0.3, media-ports: 10000-14999 }}
  - {{ name: away, zone: pbx, transport: udp, bind: "127.0.0.1:{away}", media-bind: 127.0.0.2, media-ports: 10000-16999 }}
  - {{ name: teams, zone: teams, transport: tls, bind: "127.0.0.1:{tls}", certificate: sbc, media-bind: 127.0.0.4, media-ports: 10000-12999 }}
trunks:
  - {{ name: near, profile: generic, listener: near, options: no, inbound-css: all, from: [ 127.0.0.0/8 ], hosts: [ "127.0.0.1:9" ] }}
  - {{ name: desk, profile: generic, listener: away, options: no, hosts: [ "127.0.0.1:{talker}" ] }}
  - {{ name: mobile, profile: generic, listener: away, options: no, hosts: [ "127.0.0.1:{loser}" ] }}
  - {{ name: either, profile: generic, listener: away, options: no, hosts: [ "127.0.0.1:{either}" ] }}
  - {{ name: quiet, profile: generic, listener: away, options: no, hosts: [ "127.0.0.1:{quiet}" ] }}
  - name: teams
    profile: teams
    listener: teams
    fqdn: sbc.contoso.com
    hosts: [ "sip.pstnhub.microsoft.com:{teams}", "sip2.pstnhub.microsoft.com:{teams}", "sip3.pstnhub.microsoft.com:{teams}" ]
"""
# 5000 and 5006 ring two and 5005 three; at 5003 there is one; 5004 and 5010 ring Teams, too.
SITE = """
partitions: [ all, teams ]
spaces:
  - { name: all, partitions: [ all ] }
  - { name: reroute, partitions: [ teams ] }
users: [ { name: anna }, { name: bert } ]
lines:
  - { number: "5000", partition: all, endpoints: [ "7001@desk", "7002@mobile" ] }
  - { number: "5005", partition: all, endpoints: [ "7001@desk", "7002@mobile", "7003@mobile" ] }
  - { number: "5003", partition: all, endpoints: [ "7001@desk" ] }
  - { number: "5004", partition: all, user: anna, endpoints: [ "7002@mobile" ], e164: "+14255550104" }
  - { number: "5010", partition: all, user: bert, endpoints: [ "7001@desk" ], e164: "+14255550110" }
  - { number: "5006", partition: all, endpoints: [ "7001@either", "7002@either" ] }
  - { number: "5001", partition: all, endpoints: [ "7004@quiet" ] }
patterns:
  - { pattern: "+14255550104", partition: teams, trunks: [ teams ] }
  - { pattern: "+14255550110", partition: teams, trunks: [ teams ] }
profiles:
  - { name: anna-rdp, user: anna, reroute-css: reroute, lines: [ "5004" ] }
  - { name: bert-rdp, user: bert, reroute-css: reroute, lines: [ "5010" ] }
remotes:
  - { name: anna-teams, profile: anna-rdp, number: "+14255550104", delay: 0, too-soon: 0 }
  - { name: bert-teams, profile: bert-rdp, number: "+14255550110", delay: 0, too-soon: 0 }
"""
ANSWERS = [{"at": 40, "do": "ring", "tag": 0}, {"at": 150, "do": "answer", "tag": 0}]
RINGS = ANSWERS[:1]
# What must be as it was at the start, 40 s after the last call.
BACK = ("calls", "legs", "sessions", "transactions", "dialogs", "connections", "media_ends",
        "media_pairs_free", "records_waiting", "call_arena_bytes")
REST_S = 40


class Mix:
    """config, make: another configuration, another way to start the daemon; more: its words."""

    def __init__(self, bed, config=CONFIG, make=Daemon, site=SITE, **more):
        self.bed = bed
        p = {n: bed.port() for n in ("near", "away", "tls", "talker", "loser", "quiet", "either")}
        self.near, self.either, self.tls = p["near"], p["either"], p["tls"]
        self.hub = Hub(bed, p["tls"])
        words = {"ring": RING_MAX_S, "dns": self.hub.dns, "hub": self.hub.dir, "teams": self.hub.sip, **p}
        words.update({k: v(self) if callable(v) else v for k, v in more.items()})
        self.daemon = make(bed, config.format(**words))
        self.daemon.apply(site)
        self.hub.wait_up()
        for number, steps in (("+14255550104", ANSWERS), ("+14255550110", RINGS)):
            self.hub.ok(command="user", number=number, tone=784, steps=steps)
        self.far = [Sipp(bed, n, SIPP / f"{n}.xml", port=p[n], extra=["-rtp_echo"])
                    for n in ("talker", "loser", "quiet")]
        self.near_end = []
        until("the first lines to be stored", lambda: self.status()["records_waiting"] == 0)
        self.start = self.counters()

    def call(self, name, number, rate, calls, talk_ms, scenario=SIPP / "caller.xml", echo=False, period_ms=1000):
        """`rate` calls a period; a name is used once."""
        s = Sipp(self.bed, name, scenario, f"127.0.0.1:{self.near}", rate=rate,
                 calls=calls, keys={"dial": number, "from": "4989987654"},
                 extra=["-d", str(talk_ms), "-rp", str(period_ms), "-trace_rtt", "-rtt_freq", "1",
                        "-l", "4000"] + (["-rtp_echo"] if echo else []))
        self.near_end.append(s)
        return s

    def status(self):
        return self.daemon.json("status")

    def counters(self):
        s = self.status()
        return {**{k: s[k] for k in BACK}, "descriptors": self.daemon.descriptors()}

    def failures(self):
        """What SIPp's ends say went wrong, by name."""
        return {s.dir.name: {"failed": s.counts().get("failed", 0), "errors": s.errors()[-600:]}
                for s in self.near_end + self.far if s.counts().get("failed", 0)}

    def records(self):
        """{reason: how many} of the store, and how many Call-IDs have more than one record."""
        self.daemon.recorded()
        with sqlite3.connect(f"file:{self.daemon.store}?mode=ro", uri=True) as db:
            columns = [r[1] for r in db.execute("PRAGMA table_info(cdr)")]
            by = dict(db.execute("SELECT reason, count(*) FROM cdr GROUP BY reason"))
            who = "caller_call_id" if "caller_call_id" in columns else "call_id"
            twice = db.execute(f"SELECT count(*) FROM (SELECT 1 FROM cdr GROUP BY {who} "
                               "HAVING count(*) > 1)").fetchone()[0]
        return by, twice

    def drained(self):
        """Seconds until every counter is back, or what is not after REST_S."""
        began = time.monotonic()
        try:
            until("the counters", lambda: self.counters() == self.start, REST_S, 0.5)
        except Failed:
            now = self.counters()
            return None, {k: (self.start[k], v) for k, v in now.items() if v != self.start[k]}
        return time.monotonic() - began, {}

    def teams(self):
        r = self.hub.report()
        return r["totals"], [f["text"] for f in r["findings"]]

    def memory(self):
        """(memory of the daemon's processes in kB, its heap in bytes). Without pages of files: those of the
        libraries are shared with whatever else runs, and change with it; the record map has a fixed size."""
        total = 0
        for pid in family(self.daemon.child.pid):
            try:
                text = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text()
            except OSError:
                continue
            total += sum(int(l.split()[1]) for l in text.splitlines() if l.startswith(("Pss_Anon:", "Pss_Shmem:")))
        return total, self.status()["heap_bytes"]


def family(pid):
    for p in os.listdir("/proc"):
        if p.isdigit():
            try:
                if os.getsid(int(p)) == pid:
                    yield int(p)
            except ProcessLookupError:
                pass


def setup_times(sipps):
    """[(seconds since it began, ms)] from INVITE to 200, of SIPp's own clock, in order."""
    got = []
    for s in sipps:
        for f in s.dir.glob("*rtt.csv"):
            for line in f.read_text(errors="replace").splitlines()[1:]:
                part = line.split(";")
                try:
                    got.append((float(part[0]) / 1000, float(part[1])))
                except (ValueError, IndexError):
                    pass
    return sorted(got)


def percentile(values, share):
    v = sorted(values)
    return v[min(len(v) - 1, int(len(v) * share))] if v else None


def dump(path, what):
    path.write_text(json.dumps(what, indent=1) + "\n")
