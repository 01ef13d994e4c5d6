"""Calls that come back, forks of forks, and answers larger than the question (E9)."""
import collections
import random
import select
import socket
import subprocess
import threading
import time

from guardbed import PUBLIC, local_networks
from lib.bed import Bed, Failed, until
from lib.measure import Result, measure
from lib.tandem import Daemon, ROOT
from phone import Phone, SDP, header
from puppet import Puppet

CONFIG = """
store: t.db
runtime-dir: .
control-socket: control.sock
log-level: warn
user-calls: 0
forward-calls: 0
zones: [ {{ name: phones, kind: phones }}, {{ name: pbx, kind: pbx }} ]
listeners:
  - {{ name: phones, zone: phones, transport: udp, bind: "{ip}:5060", media-ports: 10000-12999 }}
  - {{ name: pbx, zone: pbx, transport: udp, bind: "{ip}:5070", media-ports: 13000-19999 }}
trunks:
  - {{ name: other, profile: generic, listener: pbx, options: no, inbound-css: all, hosts: [ "{other}:5070" ] }}
  - {{ name: hair, profile: generic, listener: pbx, options: no, inbound-css: all, hosts: [ "{ip}:5070" ] }}
  - {{ name: far, profile: generic, listener: pbx, options: no, inbound-css: all, hosts: [ "127.0.0.9:5060" ] }}
"""
SITE = """
partitions: [ all ]
spaces: [ { name: all, partitions: [ all ] } ]
users: [ { name: a }, { name: b } ]
phones:
  - { name: A, user: a, auth-user: "1001", password: secret-1001 }
  - { name: B, user: b, auth-user: "1002", password: secret-1002 }
lines:
  - { number: "1001", partition: all, user: a, phones: [ A ], css: all }
  - { number: "1002", partition: all, user: b, phones: [ B ], css: all }
  - { number: "1300", partition: all, endpoints: [ "9000@far" ], forward-busy: "1301", css: all }
  - { number: "1301", partition: all, endpoints: [ "9000@far" ], forward-busy: "1300", css: all }
  - { number: "1200", partition: all, endpoints: [ "1200@other", "1201@other" ], css: all }
  - { number: "1201", partition: all, endpoints: [ "1200@other", "1201@other" ], css: all }
  - { number: "1400", partition: all, endpoints: [ "1500@other", "1500@other", "1500@other", "1500@other", "1500@other", "1500@other", "1500@other" ], css: all }
  - { number: "1500", partition: all, endpoints: [ "9001@far", "9001@far", "9001@far", "9001@far", "9001@far", "9001@far", "9001@far", "9001@far" ], css: all }
patterns:
  - { pattern: "58XX", partition: all, trunks: [ hair ] }
  - { pattern: "59XX", partition: all, trunks: [ other ] }
"""
A_BRANCH = 11           # messages: INVITE, 100, 18x, final and ACK, or CANCEL and its 200, and each once again
MOST_INVITES = 140      # twice Max-Forwards: what goes round without a fork, or shares one Max-Breadth


class Wire(threading.Thread):
    """Every SIP datagram on the loopback."""

    def __init__(self):
        super().__init__(daemon=True)
        self.sock = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(0x0800))
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 24)
        self.sock.bind(("lo", 0))
        self.seen, self.stopping = [], False
        self.start()

    def run(self):
        self.sock.settimeout(0.1)
        while not self.stopping:
            try:
                data, where = self.sock.recvfrom(65535)
            except TimeoutError:
                continue
            head = (data[0] & 15) * 4
            if where[2] != socket.PACKET_OUTGOING and data[9] == 17 and len(data) > head + 20:
                self.seen.append((time.monotonic(), data[head + 8:head + 60].split(b"\r\n")[0].decode(errors="replace")))


def fork_far(r, far):
    """9000 is busy, 9001 rings until it is cancelled."""
    if r.method != "INVITE":
        return None
    return [far.reply(r, 486)] if "9000@" in r.uri else [far.reply(r, 180)]


class Busy(Phone):
    def asked(self, text):
        if text.startswith("INVITE"):
            keep = [l for l in text.split("\r\n") if l.split(":")[0] in ("Via", "From", "To", "Call-ID", "CSeq")]
            self.sock.sendto(("SIP/2.0 486 Busy Here\r\n" + "\r\n".join(keep) + "\r\nContent-Length: 0\r\n\r\n").replace(
                "\r\nCall-ID", ";tag=b\r\nCall-ID").encode(), self.border)


class Ring:
    def __init__(self, bed):
        self.wire = Wire()
        self.far = Puppet("127.0.0.9", 5060)
        self.far.rule = lambda r: fork_far(r, self.far)
        self.daemons = [Daemon(bed, CONFIG.format(ip=f"127.0.0.{n}", other=f"127.0.0.{3 - n}"), name=f"tandem{n}") for n in (1, 2)]
        for d in self.daemons:
            d.apply(SITE)
        self.phone = Phone("127.0.0.6", ("127.0.0.1", 5060), "1001", "secret-1001")
        self.other = Busy("127.0.0.1", ("127.0.0.1", 5060), "1002", "secret-1002")     # where the daemon itself is
        if self.phone.register() != 200:
            raise Failed("the phone could not register")

    def quiet(self):
        until("all calls to end", lambda: all(d.json("status")["calls"] == 0 for d in self.daemons), 20, 0.1)

    def call(self, number, hang_up_after=None):
        """(final status, seconds to it, INVITEs, messages, what ended it)"""
        p, uri, call_id = self.phone, f"sip:{number}@127.0.0.1", f"c{self.phone.rng.getrandbits(64):x}"
        body = SDP.format(ip=p.ip, port=40000)
        _, text = p.ask("INVITE", uri, call_id, 1, body=body)
        p.ack(uri, call_id, 1, header(text, "To"))
        extra = p.credentials(next(l for l in text.split("\r\n") if l.lower().startswith("www-auth") and "SHA-256" not in l), "INVITE", uri)
        self.wire.seen.clear()
        began, branch, box = time.monotonic(), f"z9hG4bK{call_id}", []
        t = threading.Thread(target=lambda: box.append(p.ask("INVITE", uri, call_id, 2, body=body, extra=extra, branch=branch)))
        t.start()
        if hang_up_after:
            time.sleep(hang_up_after)
            began = time.monotonic() if not box else began
            p.ask("CANCEL", uri, call_id, 2, branch=branch)
        t.join(30)
        took = time.monotonic() - began
        status, text = box[0] if box else (0, "")
        p.ack(uri, call_id, 2, header(text, "To"))
        self.quiet()
        lines = [l for _, l in list(self.wire.seen)]
        ends = collections.Counter(l.split()[1] for l in lines if l.startswith("SIP/2.0 ") and l.split()[1] in ("440", "482", "483"))
        return {"status": status, "s": round(took, 3), "invites": sum(l.startswith("INVITE") for l in lines), "messages": len(lines),
                "ended": dict(ends)}


def loops(bed):
    r = Ring(bed)
    got = {"a trunk that is ourselves": r.call("5800"), "A to B to A": r.call("5900"), "A to B to A, forked at each": r.call("1200"),
           "two busy lines forward to each other": r.call("1300"), "63 branches, given up": r.call("1400", 0.7)}
    r.other.port = 5060         # its Contact is the daemon's own address
    got["registered at ourselves"] = {"register": r.other.register()} | r.call("1002")
    r.wire.stopping = True
    bad = {k: v for k, v in got.items() if v["s"] > 1 or v["messages"] > A_BRANCH * v["invites"] or v["invites"] > MOST_INVITES or
           v["status"] < 400}
    for name in ("a trunk that is ourselves", "A to B to A", "A to B to A, forked at each"):
        if not got[name]["ended"]:
            bad[name] = got[name]
    return got, bad


# --- amplification -----------------------------------------------------------------------------

IPV6_FREEBIND = 78
PUBLIC6 = "2001:db8::1"
OPEN = """
store: t.db
runtime-dir: .
control-socket: control.sock
log-level: error
zones: [ {{ name: phones, kind: phones }}, {{ name: six, kind: phones, family: ipv6 }}, {{ name: pbx, kind: pbx }} ]
listeners:
  - {{ name: phones, zone: phones, transport: udp, bind: "{four}:5060", media-ports: 10000-10999 }}
  - {{ name: six, zone: six, transport: udp, bind: "[{six}]:5060", media-ports: 11000-11999 }}
  - {{ name: pbx, zone: pbx, transport: udp, bind: "{four}:5070", media-ports: 12000-12999 }}
trunks:
  - {{ name: pbx, profile: generic, listener: pbx, options: no, hosts: [ "192.0.2.9:5060" ] }}
"""
METHODS = ("INVITE", "REGISTER", "OPTIONS", "ACK", "CANCEL", "BYE", "MESSAGE", "SUBSCRIBE", "NOTIFY", "PUBLISH", "REFER", "INFO", "PRACK",
           "UPDATE", "FROBNICATE")


def minimal(method, n, via="x", more=""):
    return (f"{method} sip:1 SIP/2.0\r\nv:SIP/2.0/UDP {via};branch=z9hG4bK{n}\r\nf:<sip:a>;tag=1\r\nt:<sip:a>\r\ni:{n}\r\n"
            f"CSeq:1 {method}\r\n{more}\r\n")


def questions(n):
    """Everything that may be asked, smallest first."""
    for method in METHODS:
        yield minimal(method, f"{n}a{method}")
        yield minimal(method, f"{n}b{method}", "x;rport", "Max-Forwards:70\r\n")
        yield minimal(method, f"{n}c{method}", "192.0.2.200:9", "m:<sip:a>\r\nMax-Forwards:0\r\n")
        yield minimal(method, f"{n}d{method}", "x;rport", "Require:a,b,c\r\nk:x\r\n")
        yield minimal(method, f"{n}e{method}", "x;rport", "".join(f"Via:SIP/2.0/UDP h{i}\r\n" for i in range(40)))
        yield minimal(method, f"{n}f{method}", "x;rport", f"X-Long:{'x' * 6000}\r\n")
        yield minimal(method, f"{n}g{method}", "x;rport", f"Content-Length:{30000}\r\n") + "y" * 30000
        yield minimal(method, f"{n}h{method}", "x;rport", "To:<sip:a>;tag=9\r\n")
        yield minimal(method, f"{n}i{method}", "x;rport", 'Authorization:Digest username="1",realm="tandem",nonce="1",uri="sip:1",response="1"\r\n')
        yield f"{method} sip:1 SIP/2.0\r\n\r\n"
        yield f"{method} sip:1 SIP/7.0\r\nv:SIP/2.0/UDP x;branch=z9hG4bK{n}z{method}\r\nf:<sip:a>;tag=1\r\nt:<sip:a>\r\ni:{n}\r\nCSeq:1 {method}\r\n\r\n"
    yield from ("\r\n\r\n", "\r\n", "\0" * 20, "x" * 1400, "SIP/2.0 200 OK\r\n\r\n", "OPTIONS\r\n\r\n", "GET / HTTP/1.0\r\n\r\n")


def asked(family, to, hosts, pause_s):
    """[(bytes sent, bytes that came back, what)], one source address and port each."""
    socks, sent = {}, {}
    torture = [p.read_bytes() for p in sorted((ROOT / "test/data/rfc4475").glob("*.dat"))]
    rng = random.Random(str(to))
    for n, q in enumerate([q.encode() for q in questions(f"q{to[1]}")] + torture):
        s = socket.socket(family, socket.SOCK_DGRAM)
        if family == socket.AF_INET6:
            s.setsockopt(socket.IPPROTO_IPV6, IPV6_FREEBIND, 1)
        s.bind((hosts(n), 5060))        # where a Via without a port says it is
        socks[s], sent[s] = 0, q
        s.sendto(q, to)
        if rng.random() < 0.3:          # repeated, as a client does
            s.sendto(q, to)
            sent[s] = q + q
        for r, *_ in [select.select([s], [], [], 0.003)]:
            for x in r:
                socks[x] += len(x.recv(65535))
    end = time.monotonic() + pause_s
    while time.monotonic() < end:
        for i in range(0, len(socks), 500):
            r, _, _ = select.select(list(socks)[i:i + 500], [], [], 0.02)
            for s in r:
                socks[s] += len(s.recv(65535))
    got = [(len(sent[s]), back, sent[s][:90].decode(errors="replace")) for s, back in socks.items()]
    for s in socks:
        s.close()
    return got


def amplification(bed):
    local_networks()
    six = all(subprocess.run(["ip", "-6", *w.split(), "dev", "lo"], capture_output=True, check=False).returncode == 0
              for w in ("route add local 2001:db8::/32", f"addr add {PUBLIC6}/128"))
    d = Daemon(bed, OPEN.format(four=PUBLIC, six=PUBLIC6 if six else "::1"), name="open")
    got = {"phones": asked(socket.AF_INET, (PUBLIC, 5060), lambda n: f"198.51.{100}.{1 + n % 250}", 3),
           "trunks": asked(socket.AF_INET, (PUBLIC, 5070), lambda n: f"10.{n // 250}.1.{1 + n % 250}", 3)}
    if six:
        got["phones, IPv6"] = asked(socket.AF_INET6, (PUBLIC6, 5060), lambda n: f"2001:db8:{n + 1:x}::5", 3)
    d.stop()
    return got


@measure("E9", "loops: a trunk that is Tandem itself, A to B to A (two daemons), the same forked, lines that forward to each other, a phone that "
         "registers Tandem's address, 63 branches; and every method from strangers, small, large, malformed, repeated, over IPv4 and IPv6",
         "each ends within 1 s with 482, 483 or 440 and at most 11 messages a branch; no more bytes are answered than were asked with",
         "RFC 5393: without its rules 2 elements and one fork make 2^70 messages", limit_s=180)
def loops_and_amplification():
    with Bed("loops") as bed:
        got, bad = loops(bed)
        for c in reversed(bed.children):
            c.stop()
        answers = amplification(bed)
        worst = {k: max(v, key=lambda x: x[1] / x[0]) for k, v in answers.items()}
        total = {k: sum(x[1] for x in v) / sum(x[0] for x in v) for k, v in answers.items()}
        n = sum(len(v) for v in answers.values())
        heard = sum(x[1] > 0 for v in answers.values() for x in v)
        most = max(w[1] / w[0] for w in worst.values())
        ok = not bad and most <= 1 and heard > n / 4
        slow = max(v["s"] for v in got.values())
        share = max(v["messages"] / max(1, v["invites"]) for v in got.values())
        return Result(f"{len(got)} loops, {len(bad)} badly ended, the slowest in {slow:.2f} s, at most {max(v['invites'] for v in got.values())} INVITEs "
                      f"and {share:.1f} messages a branch; {n} questions of strangers, {heard} answered: at most {most:.2f} bytes a byte, "
                      f"{max(total.values()):.2f} on average", ok,
                      {"loops": got, "bad": bad, "worst": worst, "average": total})
