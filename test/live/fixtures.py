"""What `tandem hub` puts on the wire, byte by byte beside what Microsoft's side was seen to write."""
import re
import socket
import ssl

from lib import tap
from lib.bed import Bed, Failed, until
from lib.hub import Hub
from lib.tandem import ROOT

FIXTURES = ROOT / "test" / "data" / "direct-routing"
VARIABLES = {"port": r"\d{2,5}", "ip": r"\d+\.\d+\.\d+\.\d+", "token": r"[A-Za-z0-9.\-]+", "number": r"\d+",
             "version": r"\d{4}(\.\d+)+", "region": r"[A-Za-z0-9]+", "any": r".*", "method": "[A-Z]+",
             "guid": r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"}


def pattern(line):
    parts = re.split(r"\{(\w+)\}", line)
    return "".join(f"(?:{VARIABLES[p]})" if i % 2 else re.escape(p) for i, p in enumerate(parts))


def same(name, message):
    """Every header of the fixture, and no other."""
    want = [l for l in (FIXTURES / f"{name}.sip").read_text().splitlines() if l and l[0] != "#"]
    got = message.partition("\r\n\r\n")[0].split("\r\n")
    if not re.fullmatch(pattern(want[0]), got[0]):
        raise Failed(f"{name}: the first line is\n  {got[0]}\nnot\n  {want[0]}")
    left = got[1:]
    for line in want[1:]:
        hit = next((g for g in left if re.fullmatch(pattern(line), g)), None)
        if hit is None:
            raise Failed(f"{name}: no header is\n  {line}\nin\n{message}")
        left.remove(hit)
    if left:
        raise Failed(f"{name}: Microsoft's side does not write\n  " + "\n  ".join(left))


class Sbc:
    """A border of bare hands: one TLS connection to host 1, and a listener for the hub's own."""

    def __init__(self, bed, **hub):
        self.server = socket.create_server(("127.0.0.1", 0))
        self.port = self.server.getsockname()[1]
        self.hub = Hub(bed, self.port, **hub)
        d = self.hub.dir
        self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self.tls.load_cert_chain(d / "sbc.pem", d / "sbc.key")
        self.tls.load_verify_locations(d / "root.pem")
        self.tls_in = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.tls_in.load_cert_chain(d / "sbc.pem", d / "sbc.key")
        self.tls_in.load_verify_locations(d / "root.pem")
        self.tls_in.verify_mode = ssl.CERT_NONE     # Python wants clientAuth; Microsoft has it not
        raw = socket.create_connection(("127.0.0.1", self.hub.sip), 5)
        self.out = self.tls.wrap_socket(raw, server_hostname="sip.pstnhub.microsoft.com")
        self.out.settimeout(5)
        self.buf = {}
        self.n = 0

    def accept(self):
        self.server.settimeout(5)
        raw, _ = self.server.accept()
        s = self.tls_in.wrap_socket(raw, server_side=True)
        s.settimeout(5)
        return s

    def read(self, s):
        """The next whole message."""
        b = self.buf.get(s, b"")
        while b"\r\n\r\n" not in b:
            d = s.recv(65536)
            if not d:
                raise Failed("the hub closed the connection")
            b += d
        head, _, rest = b.partition(b"\r\n\r\n")
        n = int(re.search(rb"(?i)content-length: *(\d+)", head)[1])
        while len(rest) < n:
            rest += s.recv(65536)
        self.buf[s] = rest[n:]
        return (head + b"\r\n\r\n" + rest[:n]).decode()

    def head(self, method, target, to, contact=True):
        self.n += 1
        text = (f"{method} sip:{target} SIP/2.0\r\n"
                f"Via: SIP/2.0/TLS sbc.contoso.com:{self.port};branch=z9hG4bK{self.n}x\r\n"
                f"Max-Forwards: 70\r\nFrom: <sip:sbc.contoso.com>;tag=fromtag\r\nTo: <sip:{to}>\r\n"
                f"Call-ID: call-{self.n}\r\nCSeq: 1 {method}\r\n")
        if contact:
            text += f"Contact: <sip:sbc.contoso.com:{self.port};transport=tls>\r\n"
        return text

    def options(self, contact=True):
        at = f"sip.pstnhub.microsoft.com:{self.hub.sip};transport=tls"
        self.out.sendall((self.head("OPTIONS", at, at, contact) + "Content-Length: 0\r\n\r\n").encode())
        return self.read(self.out)

    def invite(self, number, media=40000):
        key = "d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj"
        sdp = ("v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
               f"m=audio {media} RTP/SAVP 8 101\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:{key}\r\n"
               "a=rtpmap:101 telephone-event/8000\r\n")
        to = f"{number}@sip.pstnhub.microsoft.com"
        head = self.head("INVITE", to + f":{self.hub.sip};user=phone", to).replace(
            "From: <sip:", "From: <sip:+14255550101@")
        self.out.sendall((head + "Content-Type: application/sdp\r\n"
                          f"Content-Length: {len(sdp)}\r\n\r\n{sdp}").encode())

    def answer(self, s, request, status="200 OK", extra="", body=""):
        keep = "".join(l + "\r\n" for l in request.split("\r\n")
                       if re.match(r"(?i)(via|from|call-id|cseq|record-route):", l))
        to = re.search(r"(?im)^to: *(.*?)\r?$", request)[1]
        to += "" if ";tag=" in to else ";tag=ours"
        s.sendall((f"SIP/2.0 {status}\r\n{keep}To: {to}\r\n{extra}Content-Length: {len(body)}\r\n\r\n"
                   f"{body}").encode())


def live_options_both_ways():
    """OPTIONS and its 200 are Microsoft's, header for header; silent until ours came, then each over a new connection"""
    with Bed("fixtures") as bed:
        s = Sbc(bed, options_ms=1000)
        s.server.settimeout(1.0)
        try:
            s.server.accept()
            raise Failed("the hub speaks before our first OPTIONS")
        except TimeoutError:
            pass
        same("options-200", s.options())
        back = s.accept()
        ours = s.read(back)
        same("options", ours)
        s.answer(back, ours)
        if back.recv(1):
            raise Failed("the hub goes on over the connection of its OPTIONS")
        same("options", s.read(s.accept()))    # the next comes over a new one
        same("no-contact", s.options(contact=False))


def live_forked_answer():
    """180 of two clients, 183 of one, the 200 of a third: each is Microsoft's"""
    with Bed("fixtures") as bed:
        s = Sbc(bed)
        s.options()
        s.hub.ok(command="user", number="+14255550102", tone=784, steps=[
            {"at": 50, "do": "ring", "tag": 0}, {"at": 80, "do": "ring", "tag": 1},
            {"at": 110, "do": "progress", "tag": 1}, {"at": 140, "do": "answer", "tag": 2}])
        s.invite("+14255550102")
        got = [s.read(s.out) for _ in range(5)]
        if not got[0].startswith("SIP/2.0 100"):
            raise Failed(f"100 first, not {got[0]}")
        for name, message in zip(("ringing", "ringing", "progress", "answer"), got[1:]):
            same(name, message)
        tags = [re.search(r"TO: .*;tag=(\S+)", m)[1] for m in got[1:]]
        if tags[1] != tags[2] or len(set(tags)) != 3:
            raise Failed(f"To tags A, B, B, C are {tags}")


def live_nobody_there():
    """no client of the user: 480 with Microsoft's Reason"""
    with Bed("fixtures") as bed:
        s = Sbc(bed)
        s.options()
        s.hub.ok(command="user", number="+14255550102", offline=1)
        s.invite("+14255550102")
        message = s.read(s.out)
        while message.startswith("SIP/2.0 100"):
            message = s.read(s.out)
        same("no-endpoints", message)


def live_call_and_bye():
    """INVITE and BYE of a Teams user are Microsoft's; the Contact leads to port 443"""
    with Bed("fixtures") as bed:
        s = Sbc(bed)
        s.options()
        back = s.accept()
        s.answer(back, s.read(back))
        until("the hub to know us", lambda: s.hub.command(command="up") in ("ok", "no") or True)
        s.hub.ok(command="call", host=0, **{"from": "+14255550199"}, to="+14255550101", tone=784,
                 hangup=300)
        conn = back
        conn.settimeout(1.0)
        try:
            invite = s.read(conn)
        except (TimeoutError, Failed):
            conn = s.accept()
            invite = s.read(conn)
        same("invite", invite)
        key = "d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj"
        sdp = ("v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
               "m=audio 40002 RTP/SAVP 8\r\n"
               f"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:{key}\r\n")
        conn.settimeout(5)
        s.answer(conn, invite, extra=f"Contact: <sip:sbc.contoso.com:{s.port};transport=tls>\r\n"
                 "Content-Type: application/sdp\r\n", body=sdp)
        for _ in range(4):
            try:
                message = s.read(conn)
            except (TimeoutError, Failed):
                conn = s.accept()
                message = s.read(conn)
            if message.startswith("BYE"):
                same("bye", message)
                return
        raise Failed("no BYE came")


if __name__ == "__main__":
    tap.main(globals())
