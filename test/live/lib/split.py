"""The daemon between a caller and two destinations of SIPp: one answers, one is cancelled."""
from lib.sipp import Sipp
from lib.tandem import Daemon, ROOT

SIPP = ROOT / "test" / "live" / "sipp"
CONFIG = """
store: t.db
runtime-dir: .
control-socket: control.sock
log-level: warn
max-calls: 2000
user-calls: 0
zones:
  - {{ name: pbx, kind: pbx }}
listeners:
  - {{ name: near, zone: pbx, transport: udp, bind: "127.0.0.1:{near}", media-bind: 127.0.0.3, media-ports: 10000-14999 }}
  - {{ name: away, zone: pbx, transport: udp, bind: "127.0.0.1:{away}", media-bind: 127.0.0.2, media-ports: 10000-18999 }}
trunks:
  - {{ name: near, profile: generic, listener: near, options: no, inbound-css: all, from: [ 127.0.0.0/8 ], hosts: [ "127.0.0.1:9" ] }}
  - {{ name: desk, profile: generic, listener: away, options: no, hosts: [ "127.0.0.1:{winner}" ] }}
  - {{ name: mobile, profile: generic, listener: away, options: no, hosts: [ "127.0.0.1:{loser}" ] }}
"""
SITE = """
partitions: [ all ]
spaces: [ { name: all, partitions: [ all ] } ]
lines:
  - { number: "5000", partition: all, endpoints: [ "7001@desk", "7002@mobile" ] }
"""


class Split:
    """The daemon between a caller and two destinations: one answers, one is cancelled."""

    def __init__(self, bed, winner=(), loser=()):
        """winner, loser: more arguments of their SIPp."""
        self.bed = bed
        ports = {n: bed.port() for n in ("near", "away", "winner", "loser")}
        self.near = ports["near"]
        self.daemon = Daemon(bed, CONFIG.format(**ports))
        self.daemon.apply(SITE)
        self.winner = Sipp(bed, "winner", SIPP / "winner.xml", port=ports["winner"], extra=winner)
        self.loser = Sipp(bed, "loser", SIPP / "loser.xml", port=ports["loser"], extra=loser)

    def call(self, calls, rate, talk_ms=0):
        return Sipp(self.bed, f"caller-{calls}", SIPP / "caller.xml", f"127.0.0.1:{self.near}",
                    rate=rate, calls=calls, keys={"dial": "5000", "from": "4989987654"},
                    extra=["-d", str(talk_ms)])

    def counters(self, names):
        s = self.daemon.json("status")
        got = {k: s[k] for k in names}
        got["descriptors"] = self.daemon.descriptors()
        return got, s["heap_bytes"]


def records(d):
    """All records, whatever their number."""
    return d.json("cdr", "--limit", "all", limit_s=120)["records"]
