"""Bad networks: loss, order, segments, resets, peers that vanish, hosts that fail (B5, D1, D2, D4, D5, D8)."""
import collections
import re
import socket
import sqlite3
import struct
import threading
import time

from lib.bed import Bed, Failed, until
from lib.hub import Hub
from lib.measure import Result, measure
from lib.sipp import Sipp
from lib.tandem import Daemon
from mixbed import SIPP, percentile
from netlink import Hole, Netsim
from streampeer import StreamPeer

HOSTS = ("sip.pstnhub.microsoft.com", "sip2.pstnhub.microsoft.com", "sip3.pstnhub.microsoft.com")
HEAD = """
store: t.db
runtime-dir: .
control-socket: control.sock
log-level: info
max-calls: 4000
user-calls: 0
forward-calls: 0
no-media: {no_media}
dns-servers: "127.0.0.1:{dns}"
zones:
  - {{ name: pbx, kind: pbx }}
  - {{ name: teams, kind: teams }}
"""
COUNTERS = ("calls", "legs", "sessions", "transactions", "dialogs", "media_ends", "records_waiting", "call_arena_bytes")


def back_to(daemon, start, limit_s=40):
    """What is not as it was at the start after limit_s: {} when all is."""
    def now():
        s = daemon.json("status")
        return {k: s[k] for k in COUNTERS}
    if start is None:
        return now()
    try:
        until("the counters", lambda: now() == start, limit_s, 0.5)
    except Failed:
        return {k: (start[k], v) for k, v in now().items() if v != start[k]}
    return {}


def records(daemon, columns="status, reason, ended_by, caller_call_id"):
    daemon.recorded()
    with sqlite3.connect(f"file:{daemon.dir}/t.db?mode=ro", uri=True) as db:
        db.row_factory = sqlite3.Row
        return [dict(r) for r in db.execute(f"SELECT {columns} FROM cdr ORDER BY id")]


# --- D1, D2: datagrams ----------------------------------------------------------------------------

# A pair of ports rests for 30 s after its call: 4,250 pairs carry 130 calls a second.
UDP = HEAD + """
listeners:
  - {{ name: near, zone: pbx, transport: udp, bind: "127.0.0.1:{near}", media-bind: 127.0.0.3, media-ports: 10000-18499 }}
  - {{ name: far, zone: pbx, transport: udp, bind: "127.0.0.1:{far}", media-bind: 127.0.0.2, media-ports: 10000-18499 }}
trunks:
  - {{ name: near, profile: generic, listener: near, options: no, inbound-css: all, from: [ 127.0.0.0/8 ], hosts: [ "127.0.0.1:9" ] }}
  - {{ name: desk, profile: generic, listener: far, options: no, hosts: [ "127.0.0.1:{desk}" ] }}
"""
SITE = """
partitions: [ all ]
spaces: [ { name: all, partitions: [ all ] } ]
lines: [ { number: "5000", partition: all, endpoints: [ "7001@desk" ] } ]
"""


class UdpBed:
    """caller -> netsim -> the daemon -> netsim -> called; every datagram of both legs passes a netsim."""

    def __init__(self, bed, *words):
        self.bed = bed
        near, far, talker = bed.port(), bed.port(), bed.port()
        self.links = [Netsim(bed, "udp", near, "seed=1", *words), Netsim(bed, "udp", talker, "seed=2", *words)]
        self.daemon = Daemon(bed, UDP.format(no_media=0, dns=9, near=near, far=far, desk=self.links[1].port))
        self.daemon.apply(SITE)
        # Answers come back the way the request came, and what the called is sent goes by the link, too.
        caller, called = bed.dir / "caller.xml", bed.dir / "called.xml"
        # And only the BYE's own 200 answers the BYE: without a name for it SIPp takes a repeated one to the INVITE.
        caller.write_text((SIPP / "caller.xml").read_text().replace("branch=[branch]", "branch=[branch];rport")
                          .replace('<send retrans="500"><![CDATA[\nBYE', '<send retrans="500" start_txn="bye"><![CDATA[\nBYE')
                          .replace('<recv response="200"/>', '<recv response="200" response_txn="bye"/>'))
        called.write_text((SIPP / "talker.xml").read_text().replace(
            "<sip:uas@[local_ip]:[local_port]>", f"<sip:uas@127.0.0.1:{self.links[1].port}>"))
        self.caller_xml = caller
        # What the link doubles or delays is not the peer's mistake: a late 180 ends no call of SIPp's.
        self.extra = ["-default_behaviors", "all,-abortunexp", "-recv_timeout", "33000"]
        self.called = Sipp(bed, "called", called, port=talker, extra=[*self.extra, "-l", "4000"])
        until("the line to be stored", lambda: self.daemon.json("status")["records_waiting"] == 0)
        self.start = back_to(self.daemon, None)

    def run(self, calls, rate, talk_ms, limit_s):
        near = Sipp(self.bed, "caller", self.caller_xml, f"127.0.0.1:{self.links[0].port}", rate=rate, calls=calls,
                    keys={"dial": "5000", "from": "4989987654"},
                    extra=["-d", str(talk_ms), "-l", "4000", *self.extra])
        try:
            near.wait(limit_s)
        except Failed as e:
            self.said = str(e)[-800:]
        return near.counts()

    def verdict(self, calls, near):
        left = back_to(self.daemon, self.start)
        got = records(self.daemon)
        ids = [r["caller_call_id"] for r in got]
        return {"caller": near, "called": self.called.counts(), "records": len(got), "answered": sum(r["status"] == 200 for r in got),
                "twice": len(ids) - len(set(ids)), "left": left, "links": [l.stat() for l in self.links], "of": calls}


@measure("D2", "10,000 calls over UDP at 80 a second; on both legs and ways 10 % of datagrams doubled, 10 % held behind 3 later ones, "
         "all of them delayed by 50 +- 40 ms", "100 % of calls complete, 0 doubled dialogs, 0 doubled records, nothing left over",
         "none published", limit_s=400)
def reorder():
    calls = 10000
    with Bed("reorder") as bed:
        b = UdpBed(bed, "dup=100", "reorder=100", "by=3", "delay=50", "jitter=40")
        began = time.monotonic()
        near = b.run(calls, 80, 1000, 300)
        took = time.monotonic() - began
        d = b.verdict(calls, near)
        moved = [{k: l[k] for k in ("seen", "duplicated", "reordered")} for l in d["links"]]
        ok = (near.get("ok") == calls and d["called"].get("created") == calls and d["records"] == calls and
              d["answered"] == calls and not d["twice"] and not d["left"] and all(l["duplicated"] and l["reordered"] for l in d["links"]))
        return Result(f"{near.get('ok', 0)} of {calls} calls complete in {took:.0f} s, {d['called'].get('created', 0) - calls:+d} dialogs "
                      f"and {d['records'] - calls:+d} records too many, {d['answered']} answered in the records; "
                      f"{sum(m['duplicated'] for m in moved)} datagrams doubled, {sum(m['reordered'] for m in moved)} reordered"
                      + (f"; left over: {d['left']}" if d["left"] else ""), ok, d)


@measure("D1", "calls over UDP, 0 %, 5 % and 20 % of datagrams lost on both legs and ways",
         "0 %: all of 10,000; 5 %: at least 99.9 % of 3,000; 20 %: at least 98 % of 2,000 complete; nothing left over",
         "Kamailio 5.6.3 with SIPp: 99.9 %, 99.5 % and 94.6 %", limit_s=500)
def loss():
    got, ok = {}, True
    for percent, calls, rate, goal in ((0, 10000, 130, 100), (5, 3000, 100, 99.9), (20, 2000, 50, 98)):
        with Bed(f"loss{percent}") as bed:
            b = UdpBed(bed, f"drop={percent * 10}")
            near = b.run(calls, rate, 500, 170)
            got[percent] = d = b.verdict(calls, near)
            d["share"] = 100 * near.get("ok", 0) / calls
            ok = ok and d["share"] >= goal and not d["left"] and not d["twice"] and (percent or d["records"] == calls)
    return Result("; ".join(f"{p} % lost: {d['share']:.2f} % of {d['of']:,} complete, {d['records'] - d['of']:+d} records"
                            + (f", left over {d['left']}" if d["left"] else "") for p, d in got.items()), ok, got)


# --- D4, D5, D8: streams --------------------------------------------------------------------------

STREAM = HEAD + """
certificates:
  - {{ name: sbc, cert: "{hub}/sbc.pem", key: "{hub}/sbc.key", roots: "{hub}/root.pem" }}
listeners:
  - {{ name: near, zone: pbx, transport: tcp, bind: "127.0.0.1:{near}", media-bind: 127.0.0.3, media-ports: 10000-11999 }}
  - {{ name: far, zone: pbx, transport: tcp, bind: "127.0.0.1:{far}", media-bind: 127.0.0.2, media-ports: 10000-11999 }}
  - {{ name: teams, zone: teams, transport: tls, bind: "127.0.0.1:{tls}", certificate: sbc, media-bind: 127.0.0.4, media-ports: 10000-11999 }}
trunks:
  - {{ name: near, profile: generic, listener: near, options: no, inbound-css: all, from: [ 127.0.0.0/8 ], hosts: [ "127.0.0.1:9" ] }}
  - {{ name: desk, profile: generic, listener: far, options: {options}, from: [ 127.0.0.0/8 ], hosts: [ "127.0.0.1:{desk}" ] }}
  - name: teams
    profile: teams
    listener: teams
    fqdn: sbc.contoso.com
    hosts: [ "{h[0]}:{sip}", "{h[1]}:{sip}", "{h[2]}:{sip}" ]
"""
MEMBERS = ("+14255550104", "+14255550105", "+14255550106")
STREAM_SITE = SITE + "patterns:\n" + "".join(f'  - {{ pattern: "{m}", partition: all, trunks: [ teams ] }}\n' for m in MEMBERS)


class StreamBed:
    """A PBX (.caller), the daemon, another PBX (.called) over TCP and Teams over TLS. With links every
    connection passes a netsim of .links; without, none does."""

    def __init__(self, bed, links=False, options="no"):
        self.bed, self.links = bed, []
        p = {n: bed.port() for n in ("near", "far", "tls", "desk", "caller")}
        self.ports = p

        def via(port, ip="127.0.0.1", at=None):
            if not links:
                return port
            self.links.append(Netsim(bed, "tcp", port, ip=ip, to_ip=ip, port=at))
            return self.links[-1].port
        self.hub = Hub(bed, via(p["tls"]))
        self.sip = via(self.hub.sip)
        for ip in ("127.0.0.2", "127.0.0.3"):
            via(self.hub.sip, ip, self.sip)
        desk = via(p["desk"])
        self.caller = StreamPeer(bed, via(p["near"]), via(p["caller"]), port=p["caller"])
        self.called = StreamPeer(bed, via(p["far"]), desk, port=p["desk"])
        self.daemon = Daemon(bed, STREAM.format(no_media=0, dns=self.hub.dns, hub=self.hub.dir, sip=self.sip, h=HOSTS, options=options,
                                                near=p["near"], far=p["far"], tls=p["tls"], desk=desk))
        self.daemon.apply(STREAM_SITE)
        self.hub.wait_up()
        until("the first lines to be stored", lambda: self.daemon.json("status")["records_waiting"] == 0)
        self.start = back_to(self.daemon, None)

    def trunk(self, name):
        return next(t for t in self.daemon.json("show", "trunks")["trunks"] if t["trunk"] == name)

    def user(self, number, *steps):
        self.hub.ok(command="user", number=number, tone=0, steps=[{"at": at, "do": do, "tag": 0} for at, do in steps])


class Ask:
    """Requests in calls, and which of them were not answered with 200."""

    def __init__(self):
        self.sent = 0
        self.failed = []

    def all(self, peer, method, dialogs, way="sendrecv", limit_s=10):
        asked = [(d, peer.request(d, method, way)) for d in dialogs]
        peer.wait(lambda: all(d.final(q) for d, q in asked), limit_s)
        self.sent += len(asked)
        self.failed += [(method, "caller" if d.caller else "called", (d.final(q) or (0, "nothing"))[1])
                        for d, q in asked if not d.final(q) or d.final(q)[1] != 200]


def reset(links):
    for link in links:
        link.order("rst")


@measure("D5", "200 calls between a PBX over TCP and, half each, Teams over TLS and another PBX over TCP; all connections are reset 10 times; "
         "after each, re-INVITEs from both sides, then holds and BYEs by Teams, BYEs by both", "100 % of calls survive, every request is answered with 200",
         "Avaya: a TCP leg falls back to audio only", limit_s=240)
def resets():
    with Bed("reset") as bed:
        b = StreamBed(bed, links=True)
        last = 60000
        b.user(MEMBERS[0], (0, "ring"), (50, "answer"), (last, "hold"), (last + 3000, "resume"))
        b.user(MEMBERS[1], (0, "ring"), (50, "answer"), (last, "hangup"))
        began, calls = time.monotonic(), []
        for n in range(100):
            calls += [b.caller.invite(MEMBERS[n % 2]), b.caller.invite("5000")]
            time.sleep(0.02)
        b.caller.wait(lambda: all(d.got(200) for d in calls), 20)
        unanswered = [d for d in calls if not d.got(200)]
        if unanswered:
            raise Failed(f"{len(unanswered)} of 200 calls were not answered before the first reset: {unanswered[0].heard[-1:]}")
        teams, near = calls[0::2], calls[1::2]
        far = list(b.called.calls.values())
        time.sleep(1)
        ask = Ask()
        for k in range(10):
            if k == 9:
                reset(b.links)
                break
            reset(b.links)
            for how in ("sendonly", "sendrecv"):
                ask.all(b.caller, "INVITE", teams[k * 10:k * 10 + 10] + near[k * 10:k * 10 + 10], how)
                ask.all(b.called, "INVITE", far[k * 10 + 10:k * 10 + 20], how)
            time.sleep(1)       # what reaches Teams a little later ends, too
        if time.monotonic() - began > last / 1000 - 1:
            raise Failed("this machine is too slow today: Teams acts before the last reset")

        def held(d):
            return any(h[1] == "INVITE" and ("a=inactive" in h[2] or "a=sendonly" in h[2]) for h in d.heard)
        until("Teams to hold and hang up", lambda: all(held(d) for d in teams[0::2]) and all(d.got("BYE") for d in teams[1::2]), 60)
        time.sleep(max(0, began + last / 1000 + 9 - time.monotonic()))      # the last resumes
        not_held = sum(1 for d in teams[0::2] if not held(d))
        ask.all(b.caller, "BYE", teams[0::2] + near[:50])
        b.called.wait(lambda: sum(d.got("BYE") is not None for d in far) == 50, 10)
        ended = {d.id for d in far if d.got("BYE")}
        ask.all(b.called, "BYE", [d for d in far if d.id not in ended])
        b.caller.wait(lambda: all(d.got("BYE") for d in near[50:]), 10)
        lost = sum(1 for d in near[50:] if not d.got("BYE")) + sum(1 for d in teams[1::2] if not d.got("BYE")) + not_held
        left = back_to(b.daemon, b.start)
        got = records(b.daemon)
        report = b.hub.report()
        resets_done = [l.stat()["resets"] for l in b.links]
        good = sum(1 for r in got if r["status"] == 200 and r["reason"].endswith("-hung-up"))
        ok = (not ask.failed and not lost and not left and len(got) == 200 and good == 200 and not report["findings"] and
              min(resets_done[i] for i in (1, 4, 5)) >= 8)
        return Result(f"200 calls, {sum(resets_done)} connections reset in 10 strokes; {ask.sent - len(ask.failed)} of {ask.sent} requests answered with 200, "
                      f"{lost} holds or BYEs did not arrive; {good} of {len(got)} records tell a call that was hung up; {b.caller.opened} and {b.called.opened} connections opened by the PBXs"
                      + (f"; left over: {left}" if left else ""), ok,
                      {"failed": ask.failed[:10], "resets": resets_done, "findings": report["findings"][:10], "left": left,
                       "reasons": {r["reason"]: sum(x["reason"] == r["reason"] for x in got) for r in got}, "accepted": [b.caller.accepted, b.called.accepted]})


@measure("D8", "connections stand, then every datagram of the peers is swallowed without a word: a PBX trunk over TCP, Teams' first host over TLS, "
         "a PBX's own connection to us", "each found dead within 30 s, the trunks say so; the next call uses a new connection or the next host",
         "Linux alone: 2 h 11 min; a SIP phone: 90 s of CUCM's keep-alives", limit_s=180)
def half_open():
    with Bed("half") as bed:
        b = StreamBed(bed, options="yes")
        b.user(MEMBERS[0], (0, "ring"), (50, "answer"))
        until("the PBX to be up", lambda: b.trunk("desk")["state"] == "up", 10)
        d = b.caller.invite("5000")
        if not b.caller.wait(lambda: d.got(200)):
            raise Failed("no call before")
        b.caller.request(d, "BYE")
        time.sleep(1)
        inbound = b.daemon.json("status")["connections"]
        desk, near, sip = b.ports["desk"], b.ports["near"], b.hub.sip
        found, began = {}, time.monotonic()
        with Hole(f"tcp dport {desk}", f"tcp sport {desk}", f"tcp dport {near}", f"tcp sport {near}",
                  f"ip daddr 127.0.0.1 tcp dport {sip}", f"ip saddr 127.0.0.1 tcp sport {sip}"):
            while len(found) < 3 and time.monotonic() - began < 40:
                took = time.monotonic() - began
                for name, what in (("desk", b.trunk("desk")), ("teams", b.trunk("teams")["hosts"][0])):
                    if what["state"] == "down" and name not in found:
                        found[name] = (round(took, 1), what["reason"])
                if b.daemon.json("status")["connections"] <= inbound - 3 and "connections" not in found:
                    found["connections"] = (round(took, 1), "")
                time.sleep(0.2)
            teams_next = b.daemon.json("status")
        before = b.called.accepted
        b.caller.out = None                     # ours vanished, too
        again, over = b.caller.invite("5000"), b.caller.invite(MEMBERS[0])
        b.caller.wait(lambda: again.got(200) and over.got(200), 10)
        hosts = [h.get("calls") for h in b.hub.report()["hosts"]]
        calls = [again.got(200) is not None, over.got(200) is not None]
        fresh = b.called.accepted - before
        ok = (len(found) == 3 and all(t <= 30 for t, _ in found.values()) and all(calls) and fresh >= 1 and
              all(found[n][1] == "vanished" for n in ("desk", "teams")))
        return Result("found dead: " + ", ".join(f"{n} after {t} s ({w})" if w else f"{n} after {t} s" for n, (t, w) in found.items()) +
                      f"; then {sum(calls)} of 2 calls answered, {fresh} new connection to the PBX", ok,
                      {"found": found, "hosts": hosts, "connections": [inbound, teams_next["connections"]]})


def ringing_ms(b, member=MEMBERS[0], limit_s=12):
    """From the PBX's INVITE to the 180 of whichever host; the call is hung up again. None: none came."""
    d = b.caller.invite(member)
    b.caller.wait(lambda: d.got(180) or d.final(1), limit_s)
    b.caller.wait(lambda: d.final(1), 5)
    rang = d.got(180)
    if d.got(200):
        b.caller.wait(lambda: d.final(b.caller.request(d, "BYE")), 0.1)
    return (rang[0] - d.born) * 1000 if rang else None


def took_ms(times, usual):
    """The slowest beyond what a call takes anyway; a call without ringing counts as 99 s."""
    return max((99000 if t is None else t) - usual for t in times)


@measure("D4", "Teams' first host refuses TCP, swallows connections, swallows what is sent on a standing one, answers 503 with Retry-After 4; "
         "20 calls are up meanwhile", "next host within 100 ms of a refusal, 2.5 s of a swallowed connection (the 2.5 s a standing one may be silent: + 100 ms), "
         "no wait once it is down, 503 within 100 ms and rested as asked; back within 62 s; 0 of the 20 dropped",
         "Kamailio dispatcher: 30 s of fr_timer unless set, pinging off by default", limit_s=300)
def failover():
    with Bed("failover") as bed:
        b = StreamBed(bed)
        for m in MEMBERS:
            b.user(m, (0, "ring"), (50, "answer"))
        up = [b.caller.invite(MEMBERS[2]) for _ in range(20)]
        if not b.caller.wait(lambda: all(d.got(200) for d in up)):
            raise Failed("the 20 calls did not come up")
        sip, first = b.hub.sip, "ip daddr 127.0.0.1 tcp dport"
        usual = percentile([ringing_ms(b) for _ in range(10)], 0.5)
        got = {"usual": usual}

        def where():
            return b.trunk("teams")["hosts"][0]["state"]
        # 503 with Retry-After: the next host at once, this one rests, then it is used again.
        b.hub.ok(command="deny", host=0, status=503, retry_after=4)
        got["503"] = took_ms([ringing_ms(b)], usual)
        b.hub.ok(command="deny", host=0, status=0)
        got["rest"] = took_ms([ringing_ms(b)], usual)
        rested = served(b)
        time.sleep(4.2)
        got["after rest"] = took_ms([ringing_ms(b)], usual)
        got["rested"] = [b_ - a for a, b_ in zip(rested, served(b))]
        # Refused: every packet to it is answered by a reset.
        with Hole(f"{first} {sip}", how="reject with tcp reset"):
            got["refused"] = took_ms([ringing_ms(b), ringing_ms(b)], usual)
            got["refused, down"] = took_ms([ringing_ms(b) for _ in range(5)], usual)
        back = [wait_back(where)]
        # The standing connection swallows; then it is dead, and new ones are swallowed.
        ringing_ms(b)
        with Hole(f"{first} {sip}", f"ip saddr 127.0.0.1 tcp sport {sip}"):
            got["silent"] = took_ms([ringing_ms(b), ringing_ms(b)], usual)
            got["silent, down"] = took_ms([ringing_ms(b) for _ in range(5)], usual)
        back.append(wait_back(where))
        with Hole(f"{first} {sip}", how="reject with tcp reset"):   # closes the connection
            ringing_ms(b)
        with Hole(f"{first} {sip}", f"ip saddr 127.0.0.1 tcp sport {sip}"):
            got["swallowed"] = took_ms([ringing_ms(b)], usual)
            got["swallowed, down"] = took_ms([ringing_ms(b) for _ in range(5)], usual)
        dropped = [d for d in up if d.got("BYE")]
        ask = Ask()
        ask.all(b.caller, "BYE", [d for d in up if not d.got("BYE")])
        left = back_to(b.daemon, b.start)
        findings = [f["text"] for f in b.hub.report()["findings"]]
        ok = (max(got["503"], got["rest"], got["refused"]) <= 100 and got["swallowed"] <= 2500 and got["silent"] <= 2600 and
              max(got[k + ", down"] for k in ("refused", "silent", "swallowed")) <= 100 and got["rested"][0] == 1 and
              all(t is not None and t <= 62.5 for t in back) and not dropped and not ask.failed and not left and not findings)
        return Result("; ".join(f"{k}: {v:+.0f} ms" for k, v in got.items() if isinstance(v, float)) +
                      f"; first host used again after its rest: {got['rested'][0] == 1}; back after {back} s; "
                      f"{len(dropped)} of 20 calls dropped, {len(ask.failed)} BYEs not answered" + (f"; left over: {left}" if left else ""),
                      ok, {**got, "back_s": back, "failed": ask.failed, "left": left, "findings": findings[:10]})


def served(b):
    """INVITEs that each of Teams' hosts has had."""
    return [sum(1 for c in b.hub.report()["calls"] if c["host"] == i + 1) for i in range(3)]


def wait_back(where, limit_s=75):
    began = time.monotonic()
    try:
        until("the first host to be back", lambda: where() == "up", limit_s, 0.1)
    except Failed:
        return None
    return round(time.monotonic() - began, 1)


# --- B5: abandoned calls --------------------------------------------------------------------------

class Voice(threading.Thread):
    """RTP of silence from one port to every port told, 50 a second each, until stop()."""

    def __init__(self):
        super().__init__(daemon=True)
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.bind(("127.0.0.1", 0))
        self.port, self.to, self.stopping = self.sock.getsockname()[1], [], False

    def run(self):
        n = 0
        while not self.stopping:
            for i, to in enumerate(self.to):
                self.sock.sendto(struct.pack("!BBHII", 0x80, 8, n & 0xffff, n * 160 & 0xffffffff, 77 + i) + b"\xd5" * 160, to)
            n += 1
            time.sleep(0.02)

    def talk_to(self, dialogs):
        for d in dialogs:
            text = next(h[2] for h in d.heard if h[1] in (200, "INVITE") and "m=audio" in h[2])
            self.to.append((re.search(r"^c=IN IP4 (\S+)", text, re.M)[1], int(re.search(r"^m=audio (\d+)", text, re.M)[1])))
        self.start()

    def stop(self):
        self.stopping = True
        self.join()


class Abandoned:
    """`calls` calls of which one side stops dead (all its threads, all its packets) in the middle."""

    def __init__(self, bed, name, no_media, calls, extra=""):
        near, far, desk = bed.port(), bed.port(), bed.port()
        voices = {"caller": Voice(), "called": Voice()}
        self.daemon = Daemon(bed, PAIR.format(no_media=no_media, dns=9, host=10 + ("timer", "media-called", "media-caller").index(name), near=near, far=far, desk=desk), name)
        self.daemon.apply(SITE)
        self.ends = {"caller": StreamPeer(bed, near), "called": StreamPeer(bed, far, port=desk)}
        for who, end in self.ends.items():
            end.media = voices[who].port
        until("the line to be stored", lambda: self.daemon.json("status")["records_waiting"] == 0)
        self.start = back_to(self.daemon, None)
        self.calls = [self.ends["caller"].invite("5000", extra=extra) for _ in range(calls)]
        if not self.ends["caller"].wait(lambda: all(d.got(200) for d in self.calls)):
            raise Failed("the calls did not come up")
        self.dialogs = {"caller": self.calls, "called": list(self.ends["called"].calls.values())}
        self.voices = voices
        for who, v in voices.items():
            v.talk_to(self.dialogs[who])

    def abandon(self, who):
        self.who = who
        self.ends[who].frozen = True
        self.voices[who].stop()
        self.began = time.monotonic()

    def end(self, limit_s):
        """(seconds until the last BYE at the side that stayed, how many came; reasons of the records, what is left)"""
        other = "called" if self.who == "caller" else "caller"
        left = self.dialogs[other]
        self.ends[other].wait(lambda: all(d.got("BYE") for d in left), limit_s)
        took = [d.got("BYE")[0] - self.began for d in left if d.got("BYE")]
        self.voices[other].stop()
        behind = back_to(self.daemon, self.start, 60)
        got = records(self.daemon)
        return {"seconds": round(max(took, default=0), 1), "first": round(min(took, default=0), 1), "byes": len(took), "of": len(left), "records": len(got),
                "reasons": dict(collections.Counter(f"{r['reason']} by {r['ended_by']}" for r in got)), "left": behind}


PAIR = HEAD + """
listeners:
  - {{ name: near, zone: pbx, transport: tcp, bind: "127.0.0.1:{near}", media-bind: 127.0.1.{host}, media-ports: 10000-11999 }}
  - {{ name: far, zone: pbx, transport: tcp, bind: "127.0.0.1:{far}", media-bind: 127.0.2.{host}, media-ports: 10000-11999 }}
trunks:
  - {{ name: near, profile: generic, listener: near, options: no, inbound-css: all, from: [ 127.0.0.0/8 ], hosts: [ "127.0.0.1:9" ] }}
  - {{ name: desk, profile: generic, listener: far, options: no, from: [ 127.0.0.0/8 ], hosts: [ "127.0.0.1:{desk}" ] }}
"""


@measure("B5", "calls whose one side stops dead: 20 by the called and 20 by the caller with no-media 10 s; 20 with no-media off and a session "
         "of 90 s the caller should refresh", "closed within 13 s, and within 90 s; the other side gets its BYE, the record its reason; nothing is left over",
         "CUBE: media inactivity, if switched on", limit_s=240)
def abandoned():
    with Bed("abandoned") as bed:
        session = Abandoned(bed, "timer", 0, 20, "Supported: timer\r\nSession-Expires: 90;refresher=uac\r\n")
        session.abandon("caller")
        got = {}
        for who in ("called", "caller"):
            a = Abandoned(bed, f"media-{who}", 10, 20)
            time.sleep(2)
            a.abandon(who)
            got[f"no media of the {who}"] = a.end(30)
        got["session timer"] = session.end(95)
        want = {"session timer": ("session-expired", 90)}
        ok = True
        for name, g in got.items():
            reason, limit = want.get(name, ("no-media", 13))
            ok = ok and (g["byes"] == g["of"] == g["records"] == 20 and not g["left"] and g["seconds"] <= limit and
                         all(k.startswith(reason) for k in g["reasons"]))
        return Result("; ".join(f"{n}: {g['byes']} of {g['of']} BYEs after {g['first']} to {g['seconds']} s, records say {g['reasons']}"
                                + (f", left over {g['left']}" if g["left"] else "") for n, g in got.items()), ok, got)
