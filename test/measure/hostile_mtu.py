"""Paths narrower than a message: what goes by UDP in pieces and what by TCP (D9)."""
import re
import selectors
import socket
import threading
import time

from hostile_network import HEAD, SITE, back_to, records
from lib.bed import Bed, Failed, until
from lib.measure import Result, measure
from lib.tandem import Daemon
from netlink import Narrow
from streampeer import SDP, Framer, StreamPeer, header, headers

HERE, THERE = "192.0.2.1", "198.51.100.1"
PATH = HEAD + """
listeners:
  - {{ name: local, zone: pbx, transport: tcp, bind: "127.0.0.1:{local}", media-bind: 127.0.0.3, media-ports: 10000-12999 }}
  - {{ name: wide, zone: pbx, transport: udp, bind: "192.0.2.1:5060", media-bind: 127.0.0.2, media-ports: 10000-12999 }}
trunks:
  - {{ name: local, profile: generic, listener: local, options: no, inbound-css: all, from: [ 127.0.0.0/8 ], hosts: [ "127.0.0.1:{desk}" ] }}
  - {{ name: desk, profile: generic, listener: wide, options: no, inbound-css: all, from: [ 198.51.100.0/24 ], hosts: [ "198.51.100.1:5060" ] }}
"""
LINES = SITE.replace("lines: [", 'lines: [ { number: "6000", partition: all, endpoints: [ "7002@local" ] },')
NAMES = tuple(range(0, 800, 25))        # bytes of the callers' names; of the far ones twice as many


class FarPeer(threading.Thread):
    """A PBX behind the narrow path, at UDP and, if it takes it, at TCP 5060. It answers, and calls over UDP; what is
    longer than 1,300 bytes it says over TCP as RFC 3261 18.1.1 tells it, if it speaks that."""

    def __init__(self, path, tcp):
        super().__init__(daemon=True)
        self.path, self.by_tcp = path, 0
        self.sel, self.lock, self.stopping = selectors.DefaultSelector(), threading.Condition(), False
        self.udp = path.socket(lambda: self.bound(socket.SOCK_DGRAM))
        self.ear = path.socket(lambda: self.bound(socket.SOCK_STREAM)) if tcp else None
        self.heard, self.answers, self.n = [], {}, 0     # heard: [(transport, method, bytes)]
        for s in filter(None, (self.udp, self.ear)):
            self.sel.register(s, selectors.EVENT_READ)
        self.start()

    @staticmethod
    def bound(kind):
        s = socket.socket(socket.AF_INET, kind)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        s.bind((THERE, 5060))
        if kind == socket.SOCK_STREAM:
            s.listen(16)
        return s

    def stop(self, **_):
        self.stopping = True
        self.join(5)
        for key in list(self.sel.get_map().values()):
            key.fileobj.close()

    def run(self):
        while not self.stopping:
            for key, _ in self.sel.select(0.05):
                self.ready(key.fileobj, key.data)

    def ready(self, s, framer):
        if s is self.ear:
            c, _ = s.accept()
            self.sel.register(c, selectors.EVENT_READ, Framer())
        elif s is self.udp:
            data, peer = s.recvfrom(65536)
            self.message("UDP", data.decode(), lambda out: s.sendto(out, peer))
        else:
            data = s.recv(65536)
            if not data:
                self.sel.unregister(s)
                s.close()
            for text in framer.feed(data):
                self.message("TCP", text, s.sendall)

    def message(self, transport, text, answer):
        if not text.strip():
            return
        if text.startswith("SIP/2.0"):
            with self.lock:
                self.answers.setdefault(header(text, "CSeq") + header(text, "Call-ID"), []).append(text)
                self.lock.notify_all()
            return
        method = text.split(" ", 1)[0]
        with self.lock:
            self.heard.append((transport, method, len(text.encode())))
        if method == "ACK":
            return
        keep = headers(text, "Via", "From", "To", "Call-ID", "CSeq", "Record-Route")
        keep = [l + ";tag=far" if l.lower().startswith("to:") and "tag=" not in l else l for l in keep]
        body = SDP.format(port=40000, v=1) if method == "INVITE" else ""
        answer(("SIP/2.0 200 OK\r\n" + "\r\n".join(keep) + f"\r\nContact: <sip:far@{THERE}>\r\n"
                + ("Content-Type: application/sdp\r\n" if body else "") + f"Content-Length: {len(body)}\r\n\r\n{body}").encode())

    def ask(self, method, uri, call_id, seq, name, to="", body=""):
        """The final answer over UDP, repeated as RFC 3261 17.1 says; "" after 8 s."""
        data = (f"{method} {uri} SIP/2.0\r\nVia: SIP/2.0/@@@ {THERE}:5060;branch=z9hG4bK{call_id}{seq}{method};rport\r\nMax-Forwards: 70\r\n"
                f"From: \"{name}\" <sip:4989987654@{THERE}>;tag=f\r\nTo: {to or f'<{uri}>'}\r\nCall-ID: {call_id}\r\nCSeq: {seq} {method}\r\n"
                f"Contact: <sip:far@{THERE}>\r\n" + ("Content-Type: application/sdp\r\n" if body else "") + f"Content-Length: {len(body)}\r\n\r\n{body}")
        stream = self.path.socket(lambda: socket.create_connection((HERE, 5060), 5)) if self.ear and len(data) > 1300 else None
        data = data.replace("@@@", "TCP" if stream else "UDP").encode()
        if stream:
            return self.over(stream, data, method)
        gap, end, key = 0.5, time.monotonic() + 8, f"{seq} {method}{call_id}"
        while time.monotonic() < end:
            self.udp.sendto(data, (HERE, 5060))
            if method == "ACK":
                return ""
            with self.lock:
                if self.lock.wait_for(lambda: self.final(key), gap):
                    return self.final(key)
            gap = min(2 * gap, 4)
        return ""

    def over(self, stream, data, method):
        """The final answer on this connection."""
        framer, end = Framer(), time.monotonic() + 8
        self.by_tcp += method == "INVITE"
        with stream:
            stream.sendall(data)
            while method != "ACK" and time.monotonic() < end:
                stream.settimeout(max(0.01, end - time.monotonic()))
                for text in framer.feed(stream.recv(65536) or b""):
                    if text.startswith("SIP/2.0") and text[8] >= "2":
                        return text
        return ""

    def final(self, key):
        return next((a for a in self.answers.get(key, ()) if a[8] >= "2"), None)

    def call(self, number, name):
        """(bytes of the 200, seconds to it), or (0, why not)."""
        self.n += 1
        uri, call_id, began = f"sip:{number}@{HERE}", f"far{self.n:04d}x{id(self):x}", time.monotonic()
        got = self.ask("INVITE", uri, call_id, 1, name, body=SDP.format(port=40000, v=1))
        took = time.monotonic() - began
        if not got.startswith("SIP/2.0 200"):
            return 0, f"INVITE got {got[8:11] or 'nothing'}"
        to, target = header(got, "To"), re.search(r"<([^>]+)>", header(got, "Contact"))[1]
        self.ask("ACK", target, call_id, 1, name, to)
        if not self.ask("BYE", target, call_id, 2, name, to).startswith("SIP/2.0 200"):
            return 0, "BYE got no 200"
        return len(got.encode()), took


class Named(StreamPeer):
    """A PBX whose callers' names have `more` bytes."""
    more = 0

    def compose(self, d, *args, **kw):
        if d.caller and self.more and not d.local.startswith('"'):
            d.local = f'"{"n" * self.more}" {d.local}'
        return super().compose(d, *args, **kw)


def calls_out(caller):
    """Calls to the far PBX, of every size: [why one failed], the longest set-up in s."""
    wrong, slowest = [], 0
    for caller.more in NAMES:
        began = time.monotonic()
        d = caller.invite("5000")
        caller.wait(lambda: d.final(1), 20)
        slowest = max(slowest, time.monotonic() - began)
        got = d.final(1)
        if not got or got[1] != 200:
            wrong.append(f"out with a name of {caller.more}: {got and got[1]}")
            continue
        seq = caller.request(d, "BYE")
        caller.wait(lambda: d.final(seq), 10)
        if not d.final(seq) or d.final(seq)[1] != 200:
            wrong.append(f"out with a name of {caller.more}: no answer to BYE")
    return wrong, slowest


def calls_in(far):
    """Calls from the far PBX: [why one failed], sizes of the 200s, the longest set-up in s."""
    wrong, sizes, slowest = [], [], 0
    for n in NAMES:
        size, took = far.call("6000", "n" * 2 * n)
        if size:
            sizes.append(size)
            slowest = max(slowest, took)
        else:
            wrong.append(f"in with a name of {n}: {took}")
    return wrong, sizes, slowest


# name: (the far PBX takes TCP, rules of the router)
WAYS = {"TCP taken": (True, ()), "TCP refused": (False, ()), "TCP swallowed": (False, ("tcp dport 5060 drop",)),
        "TCP refused, no ICMP": (False, ("icmp type destination-unreachable drop",))}


def way(name, tcp, rules):
    with Bed("mtu") as bed, Narrow(HERE, THERE, 1280, rules) as path:
        far = FarPeer(path, tcp)
        bed.children.append(far)
        local, desk = bed.port(), bed.port()
        daemon = Daemon(bed, PATH.format(no_media=0, dns=9, local=local, desk=desk))
        daemon.apply(LINES)
        near = Named(bed, local, port=desk)
        until("the line to be stored", lambda: daemon.json("status")["records_waiting"] == 0)
        out, slow_out = calls_out(near)
        back, sizes, slow_in = calls_in(far)
        invites = [(t, n) for t, m, n in far.heard if m == "INVITE"]
        if not any(n > 1300 for _, n in invites) or not any(1252 < n <= 1300 for _, n in invites) or not any(1252 < n <= 1472 for n in sizes):
            raise Failed(f"{name}: the sizes are not those that matter: {sorted(invites)}, {sizes}")
        by = {t: sum(x == t for x, n in invites if n > 1300) for t in ("TCP", "UDP")}
        small = sum(t == "TCP" for t, n in invites if n <= 1300)
        calls = 2 * len(NAMES)
        good = sum(r["status"] == 200 for r in records(daemon))
        right = (by["UDP"] == 0 and by["TCP"] > 0 and far.by_tcp > 0) if tcp else by["TCP"] == far.by_tcp == 0
        return {"calls": calls, "good": good, "wrong": out + back, "large": by, "in_by_tcp": far.by_tcp, "small_by_tcp": small, "longest": max(n for _, n in invites),
                "slowest_s": round(max(slow_out, slow_in), 2), "ok": good == calls and not out + back and right and small == 0}


@measure("D9", "a PBX at UDP behind a router and a path of 1,280 bytes: INVITEs of 700 to over 2,000 bytes to it, calls from it as large, with answers as large; it takes and speaks TCP, "
         "refuses it, the router swallows it, and the router tells nothing of packets that are too large",
         "every call is answered and ends; an INVITE above 1,300 bytes goes by TCP where that is taken, else by UDP; smaller ones by UDP; ours are taken at the UDP listener's port over TCP, too", "none published", limit_s=200)
def path_mtu():
    got = {name: way(name, *how) for name, how in WAYS.items()}
    return Result("; ".join(f"{n}: {g['good']} of {g['calls']} calls, {g['large']['TCP']} large INVITEs by TCP and {g['large']['UDP']} by UDP (up to {g['longest']} bytes), {g['in_by_tcp']} from it by TCP, "
                            f"set-up at most {g['slowest_s']} s" + (f", wrong: {len(g['wrong'])}, {g['wrong'][0]}" if g["wrong"] else "") for n, g in got.items()),
                  all(g["ok"] for g in got.values()), got)
