"""Whole calls through the daemon, between peers nobody here wrote."""
import os
import signal
import time

from lib import tap
from lib.baresip import Phone
from lib.bed import Bed, Failed, until
from lib.hub import Hub
from lib.tandem import Daemon, ROOT

CONFIG = """
store: t.db
runtime-dir: .
control-socket: control.sock
site: site.yaml
log-level: debug
digest: md5
dns-servers: "127.0.0.1:{dns}"
zones:
  - {{ name: phones, kind: phones }}
  - {{ name: pbx, kind: pbx }}
  - {{ name: teams, kind: teams }}
certificates:
  - {{ name: sbc, cert: "{hub}/sbc.pem", key: "{hub}/sbc.key", roots: "{hub}/root.pem" }}
listeners:
  - {{ name: phones, zone: phones, transport: udp, bind: "127.0.0.1:{sip}", media-ports: {m0}-{m1} }}
  - {{ name: pbx, zone: pbx, transport: udp, bind: "127.0.0.1:{pbx}", media-ports: {m2}-{m3} }}
  - {{ name: teams, zone: teams, transport: tls, bind: "127.0.0.1:{tls}", certificate: sbc, media-ports: {m4}-{m5} }}
trunks:
  - name: teams
    profile: teams
    listener: teams
    fqdn: sbc.contoso.com
    hosts: [ "sip.pstnhub.microsoft.com:{teams}", "sip2.pstnhub.microsoft.com:{teams}", "sip3.pstnhub.microsoft.com:{teams}" ]
  - name: pbx
    profile: cucm
    listener: pbx
    options: no
    inbound-css: staff
    hosts: [ "127.0.0.1:{peer}" ]
"""

SITE = """
partitions: [ internal, teams ]
spaces:
  - { name: staff, partitions: [ internal ] }
  - { name: reroute, partitions: [ teams ] }
users: [ { name: alice, display: Alice }, { name: bob } ]
phones:
  - { name: SEPA, user: alice, auth-user: "1001", password: secret }
  - { name: SEPB, user: bob, auth-user: "1002", password: secret }
lines:
  - { number: "1001", partition: internal, user: alice, phones: [ SEPA ], css: staff, e164: "+14255550101" }
  - { number: "1002", partition: internal, user: bob, phones: [ SEPB ], css: staff, e164: "+14255550102" }
  - { number: "1003", partition: internal, phones: [ SEPB ], css: staff, no-answer: 2, forward-no-answer: "1001" }
patterns:
  - { pattern: "+14255550102", partition: teams, trunks: [ teams ] }
profiles:
  - { name: bob-rdp, user: bob, reroute-css: reroute, lines: [ "1002" ] }
remotes:
  - { name: bob-teams, profile: bob-rdp, number: "+14255550102" }
"""

ANSWER = [{"at": 200, "do": "ring", "tag": 0}, {"at": 250, "do": "ring", "tag": 1},
          {"at": 300, "do": "progress", "tag": 1}, {"at": 3600, "do": "answer", "tag": 2}]
RING = ANSWER[:3]
STILL_S = 3


class Office:
    """The daemon, the hub, and two registered phones: 1001 (440 Hz), 1002 (1000 Hz)."""

    def __init__(self, bed, trunk_peer=1, more="", hub=()):
        sip, tls, pbx, m = bed.port(), bed.port(), bed.port(), bed.ports(300)
        self.hub = Hub(bed, tls, extra=hub)
        (bed.subdir("tandem") / "site.yaml").write_text(SITE)
        self.daemon = Daemon(bed, more + CONFIG.format(
            sip=sip, tls=tls, pbx=pbx, dns=self.hub.dns, hub=self.hub.dir, teams=self.hub.sip,
            peer=trunk_peer, m0=m, m1=m + 99, m2=m + 100, m3=m + 199, m4=m + 200, m5=m + 299))
        self.pbx = pbx
        self.a, self.b = (Phone(bed, user, hz, domain="tandem.test", proxy=f"127.0.0.1:{sip}",
                                password="secret") for user, hz in (("1001", 440), ("1002", 1000)))
        self.hub.wait_up()
        for phone in (self.a, self.b):
            phone.wait_registered()


def hears(phone, hz, seconds=2.0):
    phone.wait_heard(hz, seconds, phone.mark())


def heard(call, hz):
    return sum(h["total_ms"] for h in call["heard"] if h["hz"] == hz)


def live_teams_answers():
    """the desk phone and Teams ring together, Teams answers, audio is SRTP both ways"""
    with Bed("calls") as bed:
        o = Office(bed)
        o.hub.ok(command="user", number="+14255550102", tone=784, steps=ANSWER)
        o.a.dial("1002")
        o.b.wait("CALL_INCOMING")
        o.a.wait("CALL_ESTABLISHED", limit_s=15)
        o.b.wait("CALL_CLOSED")
        hears(o.a, 784)
        o.a.hold()
        o.a.resume()
        hears(o.a, 784)
        o.a.hangup()
        until("the hub to see the end", lambda: o.hub.last()["state"] == "ended")
        call = o.hub.last()
        if any(h["resumed"] for h in o.hub.report()["hosts"]):
            raise Failed("a TLS session was resumed in the teams zone")
        if heard(call, 440) < 2000 or call["media"]["clear_packets"] or o.hub.report()["findings"]:
            raise Failed(f"the Teams side is not content: {o.hub.report()}")


def live_desk_answers():
    """the desk phone answers: Teams is told completed elsewhere and keeps no missed call"""
    with Bed("calls") as bed:
        o = Office(bed)
        o.hub.ok(command="user", number="+14255550102", tone=784, steps=RING)
        o.a.dial("1002")
        o.b.wait("CALL_INCOMING")
        until("Teams to ring", lambda: o.hub.report()["calls"] and "180" in o.hub.last()["statuses"])
        o.b.answer()
        o.a.wait("CALL_ESTABLISHED")
        hears(o.a, 1000)
        until("Teams to be told", lambda: o.hub.last()["state"] == "ended")
        if not o.hub.last()["completed_elsewhere"] or o.hub.report()["missed_calls"]:
            raise Failed(f"missed call in Teams: {o.hub.last()}")
        o.a.hangup()


def live_teams_calls_the_desk():
    """a Teams user calls the desk phone by its number and they talk"""
    with Bed("calls") as bed:
        o = Office(bed)
        o.hub.ok(command="call", host=1, **{"from": "+14255550199"}, to="+14255550101", tone=784)
        o.a.wait("CALL_INCOMING")
        o.a.answer()
        o.a.wait("CALL_ESTABLISHED")
        hears(o.a, 784)
        until("Teams to hear the desk", lambda: heard(o.hub.last(), 440) >= 2000)
        o.a.hangup()
        until("the end", lambda: o.hub.last()["state"] == "ended")


def live_desk_to_desk():
    """two registered phones talk through the daemon, before and after a hold"""
    with Bed("calls") as bed:
        o = Office(bed)
        a, b = o.b, o.a
        a.dial("1001")
        b.wait("CALL_INCOMING")
        a.wait("CALL_RINGING")
        b.answer()
        a.wait("CALL_ESTABLISHED")
        hears(a, b.hz)
        hears(b, a.hz)
        a.hold()
        b.wait("CALL_REMOTE_SDP", 2)
        a.resume()
        b.wait("CALL_REMOTE_SDP", 3)
        hears(a, b.hz)
        hears(b, a.hz)
        a.hangup()
        b.wait("CALL_CLOSED")


def live_music_on_hold():
    """on hold the other phone hears the music file, and its partner again after the resume"""
    with Bed("calls") as bed:
        o = Office(bed, more=f"music: {ROOT}/test/data/music.wav\n")
        o.b.dial("1001")
        o.a.wait("CALL_INCOMING")
        o.a.answer()
        o.b.wait("CALL_ESTABLISHED")
        hears(o.a, 1000)
        o.b.hold()
        hears(o.a, 600)
        o.b.resume()
        hears(o.a, 1000)
        hears(o.b, 440)
        o.b.hangup()
        o.a.wait("CALL_CLOSED")


def live_slow_datacenter():
    """host 1 of Teams says nothing for 3 s: host 2 rings and answers, nobody is called twice"""
    with Bed("calls") as bed:
        o = Office(bed, hub=("--late-host1", 3000))
        o.hub.ok(command="user", number="+14255550102", tone=784,
                 steps=[{"at": 0, "do": "ring", "tag": 0}, {"at": 3500, "do": "answer", "tag": 0}])
        o.a.dial("1002")
        o.a.wait("CALL_ESTABLISHED", limit_s=15)
        hears(o.a, 784)
        first, second = o.hub.report()["calls"][:2]
        if (first["host"], second["host"]) != (1, 2) or not first["cancelled"]:
            raise Failed(f"host 1, then host 2: {first} {second}")
        o.a.hangup()
        until("the record", lambda: o.daemon.json("cdr")["records"])
        legs = o.daemon.json("cdr")["records"][0]["legs"]
        if len(legs) != 2:
            raise Failed(f"one leg to Teams, whatever its hosts: {legs}")


def live_media_hangs_at_the_end():
    """the media process stands still when they hang up: the record tells when they did, and the next call is let in"""
    with Bed("calls") as bed:
        o = Office(bed, more="user-calls: 1\n")
        o.hub.ok(command="user", number="+14255550102", tone=784, steps=RING)
        o.a.dial("1002")
        o.b.wait("CALL_INCOMING")
        o.b.answer()
        o.a.wait("CALL_ESTABLISHED")
        began = time.monotonic()
        hears(o.a, 1000, 1.0)
        os.kill(o.daemon.media_pid(), signal.SIGSTOP)
        o.a.hangup()
        ended = time.monotonic()
        talked_ms = 1000 * (ended - began)
        o.a.wait("CALL_CLOSED")
        o.a.dial("1002")
        o.b.wait("CALL_INCOMING", count=2)      # before that process goes on
        until("it to stand still for a while", lambda: time.monotonic() > ended + STILL_S, 2 * STILL_S)
        os.kill(o.daemon.media_pid(), signal.SIGCONT)
        o.a.hangup()
        o.a.wait("CALL_CLOSED", count=2)
        o.daemon.recorded()
        first, second = sorted(o.daemon.json("cdr")["records"], key=lambda r: r["id"])
        if not talked_ms - 1000 < first["talk_ms"] < talked_ms + 500 or not first["media_rx_packets"]:
            raise Failed(f"{talked_ms:.0f} ms of talk are told as {first}")
        if second["status"] == 503:
            raise Failed(f"the next call was kept out: {second}")


def live_forwarded():
    """nobody answers in the line's time: the call goes to its forward target"""
    with Bed("calls") as bed:
        o = Office(bed)
        peer = Phone(bed, "caller", 700)
        o.a.dial("1003")
        o.b.wait("CALL_INCOMING")
        o.b.wait("CALL_CLOSED", limit_s=6)
        peer.hangup()


def live_caller_gives_up():
    """the caller gives up: both stop ringing, Teams has a missed call"""
    with Bed("calls") as bed:
        o = Office(bed)
        o.hub.ok(command="user", number="+14255550102", tone=784, steps=RING)
        o.a.dial("1002")
        o.b.wait("CALL_INCOMING")
        until("Teams to ring", lambda: o.hub.report()["calls"] and "180" in o.hub.last()["statuses"])
        o.a.hangup()
        o.b.wait("CALL_CLOSED")
        until("Teams to stop", lambda: o.hub.last()["state"] == "ended")
        if not o.hub.last()["missed_call"]:
            raise Failed("Teams shows no missed call")


def live_too_soon():
    """an answer too soon (a mailbox) is dropped and the desk rings on"""
    with Bed("calls") as bed:
        o = Office(bed)
        o.hub.ok(command="user", number="+14255550102", tone=784, steps=[{"at": 100, "do": "answer"}])
        o.a.dial("1002")
        o.b.wait("CALL_INCOMING")
        until("the mailbox to be dropped", lambda: o.hub.report()["calls"] and
              o.hub.last()["bye_from_border"])
        o.b.answer()
        o.a.wait("CALL_ESTABLISHED")
        hears(o.a, 1000)
        o.a.hangup()


if __name__ == "__main__":
    tap.main(globals())
