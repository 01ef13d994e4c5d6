"""Streams in pieces: every message cut at every byte, in single bytes, 200 at once, and reset in its middle (D3)."""
import concurrent.futures
import re
import socket
import ssl
import struct
import time

from hostile_network import back_to
from lib.bed import Bed, Failed, until
from lib.certs import Authority
from lib.measure import Result, measure
from lib.tandem import Daemon
from netlink import Netsim
from phone import md5
from streampeer import Framer, StreamPeer, header

CONFIG = """
store: t.db
runtime-dir: .
control-socket: control.sock
log-level: error
max-calls: 4000
user-calls: 0
forward-calls: 0
no-media: 0
zones:
  - {{ name: phones, kind: phones }}
  - {{ name: pbx, kind: pbx }}
certificates: [ {{ name: own, cert: "{cert}", key: "{key}", roots: "{root}" }} ]
listeners:
  - {{ name: t, zone: phones, transport: tcp, bind: "127.0.0.1:{tcp}", media-bind: 127.0.0.2, media-ports: 10000-13999 }}
  - {{ name: s, zone: phones, transport: tls, bind: "127.0.0.1:{tls}", certificate: own, media-bind: 127.0.0.3, media-ports: 10000-13999 }}
  - {{ name: far, zone: pbx, transport: tcp, bind: "127.0.0.1:{far}", media-bind: 127.0.0.4, media-ports: 10000-15999 }}
trunks:
  - {{ name: desk, profile: generic, listener: far, options: no, from: [ 127.0.0.0/8 ], hosts: [ "127.0.0.1:{desk}" ] }}
"""
SITE = """
partitions: [ all ]
spaces: [ { name: all, partitions: [ all ] } ]
users: [ { name: anna } ]
phones: [ { name: p1, user: anna, auth-user: "1001", password: secret-1001 } ]
lines:
  - { number: "1001", partition: all, css: all, user: anna, phones: [ p1 ] }
  - { number: "5000", partition: all, endpoints: [ "7001@desk" ] }
"""
BATCH = 150                     # connections side by side
HEAP_SLACK = 32768              # bytes the second round of resets may leave: what a table grows by
PIPED = 200
SDP = ("v=0\r\no=x 1 1 IN IP4 127.0.0.1\r\ns=Übergröße ☎\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
       "m=audio 40000 RTP/AVP 8\r\na=rtpmap:8 PCMA/8000\r\n")


# --- the wire -------------------------------------------------------------------------------------

class Line:
    """A phone's connection. Every message of its own has another Call-ID of the same length."""
    count = 0

    def __init__(self, kind, port, trust):
        self.kind = kind
        s = socket.create_connection(("127.0.0.1", port), 20)
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sock = trust.wrap_socket(s, server_hostname="127.0.0.1") if kind == "tls" else s
        self.framer, self.call, self.nonce, self.closed = Framer(), "", {}, False

    def say(self, data):
        if data:
            self.sock.sendall(data)

    def read(self, enough, limit_s=20.0):
        """What came, "\\r\\n" for a keep-alive's answer, until enough(messages) or the end."""
        got, end = [], time.monotonic() + limit_s
        while not enough(got) and not self.closed:
            self.sock.settimeout(max(0.01, end - time.monotonic()))
            try:
                data = self.sock.recv(65536)
            except TimeoutError:
                break
            except OSError:
                data = b""
            self.closed = not data
            got += self.framer.feed(data)
        return got

    def reset(self):
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        socket.socket.close(self.sock)      # of TLS, too, without its goodbye

    def close(self):
        self.sock.close()

    def fresh(self):
        Line.count += 1
        self.call = f"{Line.count:08d}@cuts"


def finals(messages):
    return [m for m in messages if m.startswith("SIP/2.0 ") and m[8] >= "2"]


VARIES = [(re.compile(p, re.I), r) for p, r in (
    (r"tag=[^;\s>]+", "tag=*"), (r"branch=[^;\s]+", "branch=*"), (r"rport=\d+", "rport=*"), (r"nonce=\"[^\"]*\"", "nonce=*"),
    (r"^(Call-ID|Date|Session-ID|i) *:.*$", r"\1: *"), (r"expires=\d+", "expires=*"), (r"^o=.*$", "o=*"), (r"^m=audio \d+", "m=audio *"),
    (r"^a=rtcp:\d+", "a=rtcp:*"), (r"^Content-Length: \d{3}", "Content-Length: *"),
    (r"\d{8}@cuts", "*@cuts"))]


def plain(messages, closed=False):
    """What must be the same whenever and however the message came: a keep-alive is answered at once, the others in order."""
    text = "".join(sorted(messages, key=lambda m: m != "\r\n"))
    for what, by in VARIES:
        text = re.sub(what.pattern, by, text, flags=re.M | re.I)
    return text + ("[closed]" if closed else "")


# --- the messages ---------------------------------------------------------------------------------

def request(line, method, uri, seq=1, to=None, extra="", body=""):
    via = "TLS" if line.kind == "tls" else "TCP"
    raw = body.encode()
    return (f"{method} {uri} SIP/2.0\r\nVia: SIP/2.0/{via} 127.0.0.1:5999;branch=z9hG4bK{line.call[:8]}{seq}{method};rport\r\n"
            f"Max-Forwards: 70\r\nFrom: <sip:1001@127.0.0.1>;tag=f{line.call[:8]}\r\nTo: {to or f'<{uri}>'}\r\n"
            f"Call-ID: {line.call}\r\nCSeq: {seq} {method}\r\n{extra}Content-Length: {len(raw)}\r\n\r\n").encode() + raw


CONTACT = "Contact: <sip:1001@127.0.0.1:5999;transport=tcp>\r\n"


def options(line):
    return request(line, "OPTIONS", "sip:127.0.0.1")


def folded(line):
    return request(line, "OPTIONS", "sip:127.0.0.1", extra="Subject: one\r\n two\r\n\t three\r\nAccept:\r\n application/sdp,\r\n text/plain\r\n")


def compact(line):
    return (f"OPTIONS sip:127.0.0.1 SIP/2.0\r\nv:SIP/2.0/{line.kind.upper()} 127.0.0.1:5999;branch=z9hG4bK{line.call[:8]};rport\r\n"
            f"f:<sip:1001@127.0.0.1>;tag=a\r\nt:<sip:127.0.0.1>\r\ni:{line.call}\r\nCSeq:1 OPTIONS\r\nMax-Forwards:70\r\n"
            f"s:x\r\nk:timer\r\nm:<sip:1001@127.0.0.1:5999>\r\nl:0\r\n\r\n").encode()


def kept_alive(line):
    return b"\r\n\r\n" + options(line) + b"\r\n\r\n"


def multibyte(line):
    return request(line, "MESSAGE", "sip:1001@127.0.0.1", extra="Subject: naïve Grüße\r\nContent-Type: text/plain;charset=utf-8\r\n", body="Grüße ☎ 你好\r\n\r\n")


def malformed(line):
    return options(line).replace(b"CSeq: 1 OPTIONS", b"CSeq: 1 INVITE")


def no_dialog(line):
    return request(line, "BYE", "sip:127.0.0.1", to="<sip:127.0.0.1>;tag=nobody")


def register(line):
    return request(line, "REGISTER", "sip:127.0.0.1", to="<sip:1001@127.0.0.1>", extra=CONTACT + "Expires: 600\r\n")


def credentials(line, method, uri):
    c, nc, cnonce = line.nonce, "00000001", "0a4f113b"
    ha1, ha2 = md5(f"1001:{c['realm']}:secret-1001"), md5(f"{method}:{uri}")
    got = md5(f"{ha1}:{c['nonce']}:{nc}:{cnonce}:auth:{ha2}")
    return (f'Authorization: Digest username="1001", realm="{c["realm"]}", nonce="{c["nonce"]}", uri="{uri}", response="{got}", '
            f'algorithm=MD5, qop=auth, nc={nc}, cnonce="{cnonce}"\r\n')


def registered(line):
    return request(line, "REGISTER", "sip:127.0.0.1", 2, to="<sip:1001@127.0.0.1>",
                   extra=CONTACT + "Expires: 600\r\n" + credentials(line, "REGISTER", "sip:127.0.0.1"))


def invite(line):
    uri = "sip:5000@127.0.0.1"
    return request(line, "INVITE", uri, 2, extra=CONTACT + "Allow: INVITE, ACK, CANCEL, BYE, OPTIONS\r\n" +
                   credentials(line, "INVITE", uri) + "Content-Type: application/sdp\r\n", body=SDP)


def short(line, length):
    """Only what must be, and this as its length."""
    return (f"OPTIONS sip:a SIP/2.0\r\nv:SIP/2.0/{line.kind.upper()} 127.0.0.1:5999;branch=z9hG4bK{line.call[:8]};rport\r\n"
            f"f:<sip:a>;tag=a\r\nt:<sip:a>\r\ni:{line.call}\r\nCSeq:1 OPTIONS\r\nMax-Forwards:7\r\n{length}\r\n").encode()


SINGLE = {"OPTIONS": options, "folded": folded, "compact": compact, "CRLF before and behind": kept_alive, "multibyte": multibyte,
          "malformed": malformed, "no dialog": no_dialog, "REGISTER": register, "REGISTER with digest": registered}
DIGEST = (registered, invite)
# RFC 3261 18.3 and 20.14: where the message ends cannot be known, so nothing behind it is read.
CLOSING = {"no Content-Length": (400, ""), "two": (400, "l:0\r\nContent-Length: 0\r\n"), "negative": (400, "l:-1\r\n"),
           "not a number": (400, "l:0x1\r\n"), "beyond 32 bits": (400, "l:4294967296\r\n"), "larger than any": (513, "l:65537\r\n")}


# --- the bed --------------------------------------------------------------------------------------

class CutPeer(StreamPeer):
    """The desk: each answer to the daemon is cut one byte later than the last of its kind."""

    def __init__(self, bed, barrier, *args, **kw):
        self.barrier, self.cuts, self.longest = barrier, {}, {}
        super().__init__(bed, *args, **kw)

    def say(self, data, s=None):
        if s is None:
            super().say(data)
            return
        raw, kind = data.encode(), header(data, "CSeq").split(" ")[1]
        n = self.cuts[kind] = self.cuts.get(kind, 0) + 1
        self.longest[kind] = max(self.longest.get(kind, 0), len(raw) - 1)
        at = 1 + (n - 1) % (len(raw) - 1)
        s.sendall(raw[:at])
        self.barrier.pass_()
        s.sendall(raw[at:])


class Barrier:
    """What was sent before pass_() was read by the daemon before pass_() returns: its loop takes
    what is ready in the order it came, and an OPTIONS came last."""

    def __init__(self, port):
        self.line = Line("tcp", port, None)

    def pass_(self):
        self.line.fresh()
        self.line.say(options(self.line))
        if not finals(self.line.read(finals)):
            raise Failed("the daemon does not answer the OPTIONS behind a cut")


class CutBed:
    def __init__(self, bed):
        ca = Authority(bed.subdir("ca"))
        cert, key = ca.leaf("own", names=["127.0.0.1"])
        self.bed, self.port = bed, {t: bed.port() for t in ("tcp", "tls", "far", "desk")}
        self.trust = ssl.create_default_context(cafile=ca.root)
        self.trust.check_hostname = False
        self.daemon = Daemon(bed, CONFIG.format(cert=cert, key=key, root=ca.root, **self.port))
        self.daemon.apply(SITE)
        self.barrier = Barrier(self.port["tcp"])
        self.called = CutPeer(bed, Barrier(self.port["tcp"]), self.port["far"], port=self.port["desk"])
        self.positions, self.segments, self.wrong = 0, 0, []
        until("the line to be stored", lambda: self.daemon.json("status")["records_waiting"] == 0)
        self.start = back_to(self.daemon, None)

    def lines(self, kind, n, port=None):
        """n connections that the daemon knows: each asked once and was answered."""
        with concurrent.futures.ThreadPoolExecutor(16) as pool:
            got = list(pool.map(lambda _: Line(kind, port or self.port[kind], self.trust), range(n)))
        self.ask(got, options)
        return got

    def ask(self, lines, make, cuts=None, enough=finals, keep=False):
        """Each line its message, all cut at once; [(messages, closed)]"""
        data = []
        for l in lines:
            if not keep:
                l.fresh()
            if make in DIGEST:
                self.challenge(l)
            data.append(make(l))
        at = [c % len(d) if c else len(d) for d, c in zip(data, cuts or [0] * len(data))]
        for l, d, a in zip(lines, data, at):
            l.say(d[:a])
        if cuts:
            self.barrier.pass_()
            for l, d, a in zip(lines, data, at):
                l.say(d[a:])
        return [(l.read(enough), l.closed) for l in lines]

    def challenge(self, line):
        line.say(register(line))
        text = "".join(line.read(finals))
        if "nonce=" not in text:
            raise Failed(f"no challenge over {line.kind}{', closed' if line.closed else ''}: {text!r}")
        said = next((l for l in text.split("\r\n") if l.startswith("WWW-Authenticate") and "MD5" in l), "")
        line.nonce = dict(re.findall(r'(\w+)="([^"]+)"', said))

    def compare(self, what, got, want, cuts):
        for (messages, closed), cut in zip(got, cuts):
            self.positions += 1
            text = plain(messages, closed)
            if text != want:
                self.wrong.append({"what": what, "cut": cut, "got": text, "want": want})


def batches(n):
    return [range(a, min(a + BATCH, n)) for a in range(1, n, BATCH)]


def once(b, lines, name, make, enough, status=None):
    """The result of the whole message, three times the same, and its length."""
    whole = [plain(*b.ask([l], make, enough=enough)[0]) for l in lines[:3]]
    if len(set(whole)) != 1 or (status and f"SIP/2.0 {status} " not in whole[0]):
        raise Failed(f"{name}: the whole message is answered {whole}")
    return whole[0], len(make(lines[0]))


def cut_singles(b, kind):
    lines = b.lines(kind, BATCH)
    for name, make in SINGLE.items():
        def enough(got, want=3 if make is kept_alive else 1):
            return len(got) >= want and finals(got)
        want, n = once(b, lines, f"{kind} {name}", make, enough)
        for cuts in batches(n):
            b.compare(f"{kind} {name}", b.ask(lines[:len(cuts)], make, cuts, enough), want, cuts)
    for l in lines:
        l.close()


def cut_closing(b, kind):
    for name, (status, length) in CLOSING.items():
        def make(line, length=length):
            return short(line, length) + options(line)
        def end(got):
            return False
        want, n = once(b, b.lines(kind, 3), f"{kind} {name}", make, end, status)
        if not want.endswith("[closed]") or want.count("SIP/2.0 ") != 1:       # the second request is not read any more
            b.wrong.append({"what": f"{kind} {name}", "cut": 0, "got": want, "want": "one answer and the end"})
        for cuts in batches(n - len(options(b.barrier.line))):
            lines = b.lines(kind, len(cuts))
            b.compare(f"{kind} {name}", b.ask(lines, make, cuts, end), want, cuts)
            for l in lines:
                l.close()


def in_call(line, method, answer):
    seq = 2 if method == "ACK" else 3
    target = re.search(r"<([^>]+)>", header(answer, "Contact"))[1]
    return request(line, method, target, seq, to=header(answer, "To"))


def whole_calls(b, lines, cuts):
    """INVITE, ACK and BYE, each cut; [(messages, closed)]. Until its ACK came a 200 is repeated, and then no more."""
    began = time.monotonic()
    rings = [list(dict.fromkeys(m)) for m, _ in b.ask(lines, invite, cuts)]
    answer = {id(l): (finals(m) or [""])[0] for l, m in zip(lines, rings)}
    refused = [(a, c) for a, c in zip(answer.values(), cuts or [0]) if not a.startswith("SIP/2.0 200")]
    if refused:
        raise Failed(f"{len(refused)} INVITEs of {len(lines)} over {lines[0].kind} were not answered with 200, the first one cut at {refused[0][1]}: {refused[0][0]}")
    b.ask(lines, lambda l: in_call(l, "ACK", answer[id(l)]), cuts, lambda got: True, keep=True)
    calls = [l.call for l in lines]
    b.ask(lines, options, enough=lambda got: any("OPTIONS" in header(m, "CSeq") for m in got))   # read behind the ACK
    time.sleep(min(4, max(0.6, time.monotonic() - began + 0.6)))        # the next repetition would have come
    for l, call in zip(lines, calls):
        l.call = call
    ends = b.ask(lines, lambda l: in_call(l, "BYE", answer[id(l)]), cuts, keep=True)
    return [(m + e, c) for m, (e, c) in zip(rings, ends)]


def cut_calls(b, kind):
    lines = b.lines(kind, BATCH)
    want = [plain(*whole_calls(b, [l], None)[0]) for l in lines[:3]]
    if len(set(want)) != 1 or want[0].count("SIP/2.0 200 ") != 2:
        raise Failed(f"{kind}: a whole call is answered {want}")
    for cuts in batches(len(invite(lines[0]))):
        b.compare(f"{kind} call", whole_calls(b, lines[:len(cuts)], cuts), want[0], cuts)
    for l in lines:
        l.close()


def single_bytes(b):
    """Every message through a link that carries one byte at a time, the handshakes of TLS as well."""
    for kind in ("tcp", "tls"):
        link = Netsim(b.bed, "tcp", b.port[kind], "seg=1")
        direct, slow = b.lines(kind, 3), b.lines(kind, len(SINGLE) + 1, link.port)
        for line, (name, make) in zip(slow, SINGLE.items()):
            def enough(got, want=3 if make is kept_alive else 1):
                return len(got) >= want and finals(got)
            want, n = once(b, direct, f"{kind} {name}", make, enough)
            b.compare(f"{kind} {name} in single bytes", b.ask([line], make, enough=enough), want, [1])
        b.compare(f"{kind} call in single bytes", whole_calls(b, slow[-1:], None), plain(*whole_calls(b, direct[:1], None)[0]), [1])
        b.segments += link.stat()["sent"]


def pipelined(b, kind):
    """PIPED messages of all kinds in one segment: how many are answered exactly once, with what they are answered alone."""
    line = b.lines(kind, 1)[0]
    makes = [options, compact, folded, multibyte, malformed, no_dialog, register]
    alone = {m: plain(*b.ask([line], m)[0]) for m in makes}
    data, asked = b"", {}
    for n in range(PIPED):
        line.fresh()
        asked[line.call] = makes[n % len(makes)]
        data += asked[line.call](line) + (b"\r\n" if n % 5 == 0 else b"")
    line.say(data)
    got = line.read(lambda m: len(m) >= PIPED)
    by = {}
    for m in got:
        by.setdefault(header(m, "Call-ID"), []).append(m)
    right = sum(len(by.get(c, ())) == 1 and plain(by[c]) == alone[m] for c, m in asked.items())
    line.close()
    return right, len(got), len(data)


def reset_everywhere(b, kind, make):
    """A connection for each byte of the message: so much of it, then RST."""
    probe = b.lines(kind, 1)
    b.challenge(probe[0])
    n = len(make(probe[0]))
    probe[0].close()
    for cuts in batches(n):
        lines = b.lines(kind, len(cuts))
        for l, cut in zip(lines, cuts):
            l.nonce = probe[0].nonce
            l.fresh()
            l.say(make(l)[:cut])
        b.barrier.pass_()
        for l in lines:
            l.reset()
    return n - 1


def resources(b):
    s = b.daemon.json("status")
    return {"descriptors": b.daemon.descriptors(), "connections": s["connections"], "heap": s["heap_bytes"]}


def resets(b):
    """(how many, what is not as it was before: the second round must leave nothing that the first did not)"""
    n, seen, idle = 0, [], resources(b)
    for _ in range(2):
        for kind in ("tcp", "tls"):
            n += reset_everywhere(b, kind, invite)
        left = back_to(b.daemon, b.start)
        try:
            until("the connections to end", lambda: resources(b)["connections"] <= idle["connections"], 10, 0.1)
        except Failed:
            pass
        seen.append(resources(b))
    left |= {k: (idle[k], seen[1][k]) for k in ("descriptors", "connections") if seen[1][k] > idle[k]}
    if seen[1]["heap"] - seen[0]["heap"] > HEAP_SLACK:
        left["heap_bytes"] = (seen[0]["heap"], seen[1]["heap"])
    return n, left, [idle, *seen]


@measure("D3", "over TCP and TLS: 9 kinds of requests, whole calls (the peer's answers, too) and 6 messages with a wrong length, each cut at every byte; "
         f"each in single bytes, TLS's handshakes as well; {PIPED} requests in one segment; an INVITE reset after every byte, twice",
         "every answer is the one to the whole message, each once; after a wrong length one answer and the end; nothing left over, no descriptor, no memory",
         limit_s=400)
def cuts():
    with Bed("cuts") as bed:
        b, began, took = CutBed(bed), time.monotonic(), {}

        def part(name, fn, *args):
            t = time.monotonic()
            got = fn(*args)
            took[name] = round(time.monotonic() - t, 1)
            return got
        for kind in ("tcp", "tls"):
            for fn in (cut_singles, cut_closing, cut_calls):
                part(f"{fn.__name__} {kind}", fn, b, kind)
        desk = {k: (b.called.cuts[k], n) for k, n in b.called.longest.items()}
        part("single bytes", single_bytes, b)
        piped = {kind: part(f"pipelined {kind}", pipelined, b, kind) for kind in ("tcp", "tls")}
        n, left, seen = part("resets", resets, b)
        alive = b.lines("tcp", 1) and b.lines("tls", 1)
        kinds = sorted({w["what"] for w in b.wrong})
        ok = (not b.wrong and not left and bool(alive) and all(r == g == PIPED for r, g, _ in piped.values()) and
              all(done >= long for done, long in desk.values()))
        return Result(f"{b.positions - len(b.wrong)} of {b.positions} messages and calls in pieces answered as the whole ones"
                      + (f" (not: {', '.join(kinds)})" if kinds else "") + f", {sum(d for d, _ in desk.values())} cut answers of the peer; "
                      f"{b.segments} segments of one byte; " + ", ".join(f"{k}: {r} of {PIPED} in one segment answered right, {g} answers" for k, (r, g, _) in piped.items())
                      + f"; {n} resets, " + (f"left over {left}" if left else "nothing left over") + f" ({time.monotonic() - began:.0f} s)", ok,
                      {"wrong": b.wrong[:10], "wrongs": len(b.wrong), "took_s": took, "piped_bytes": [p[2] for p in piped.values()], "after_resets": seen, "desk": desk})
