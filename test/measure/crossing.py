"""Callers that give up just when the call is answered: the CANCEL crosses the 200. Plain UDP, RFC 3261
17 and 9.1 by hand, so that it judges by itself."""
import random
import re
import socket
import threading
import time

SDP = ("v=0\r\no=x 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
       "m=audio {port} RTP/AVP 8\r\na=rtpmap:8 PCMA/8000\r\n")
T1 = 0.5
GIVE_UP_S = 32.0


class Call:
    def __init__(self, n, seed, dial, at, me):
        self.id, self.tag = f"cross-{seed}-{n}@127.0.0.1", f"t{seed}{n}"
        self.uri, self.me, self.to = f"sip:{dial}@127.0.0.1:{at[1]}", me, ""
        self.sent = {}          # method: [next, gap, bytes]
        self.born, self.cancel_at, self.state = time.monotonic(), None, "calling"

    def message(self, method, number=1, branch=None, uri=None, body=""):
        return (f"{method} {uri or self.uri} SIP/2.0\r\n"
                f"Via: SIP/2.0/UDP {self.me};branch=z9hG4bK{branch or self.tag}\r\n"
                f"Max-Forwards: 70\r\nFrom: <sip:49891@127.0.0.1>;tag={self.tag}\r\nTo: <{self.uri}>{self.to}\r\n"
                f"Call-ID: {self.id}\r\nCSeq: {number} {method}\r\nContact: <sip:49891@{self.me}>\r\n"
                + ("Content-Type: application/sdp\r\n" if body else "")
                + f"Content-Length: {len(body)}\r\n\r\n{body}").encode()


class Crossing(threading.Thread):
    """`calls` calls, one every `every_s`; afterwards .ends is {how it ended: how often}."""

    def __init__(self, near_port, dial, calls, every_s, answered_after_s=0.15):
        super().__init__(daemon=True)
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.bind(("127.0.0.1", 0))
        self.sock.settimeout(0.002)
        self.at, self.dial, self.left = ("127.0.0.1", near_port), dial, calls
        self.every_s, self.after = every_s, answered_after_s
        self.calls, self.ends, self.rng = {}, {}, random.Random(5)

    def send(self, call, method, data):
        self.sock.sendto(data, self.at)
        if method != "ACK":
            call.sent[method] = [time.monotonic() + T1, T1, data]

    def run(self):
        me = "127.0.0.1:%d" % self.sock.getsockname()[1]
        n, due, seed = 0, time.monotonic(), self.rng.randrange(10**6)
        while self.left or self.calls:
            now = time.monotonic()
            if self.left and now >= due:
                c = Call(n, seed, self.dial, self.at, me)
                self.calls[c.id] = c
                self.send(c, "INVITE", c.message("INVITE", body=SDP.format(port=40000)))
                n, due, self.left = n + 1, due + self.every_s, self.left - 1
            for c in list(self.calls.values()):
                self.tick(c, now)
            try:
                data = self.sock.recv(65535)
            except (TimeoutError, socket.timeout):
                continue
            self.receive(data.decode(errors="replace"))

    def tick(self, c, now):
        if c.cancel_at and now >= c.cancel_at:
            c.cancel_at = None
            self.send(c, "CANCEL", c.message("CANCEL"))
        for s in c.sent.values():
            if now >= s[0]:
                self.sock.sendto(s[2], self.at)
                s[1] = min(2 * s[1], 4.0)
                s[0] = now + s[1]
        if now - c.born > GIVE_UP_S:
            self.end(c, f"lost while {c.state}")

    def end(self, c, how):
        if c.state != "over":
            self.ends[how] = self.ends.get(how, 0) + 1
        c.state = "over"
        self.calls.pop(c.id, None)

    def receive(self, text):
        who = re.search(r"^Call-ID: *(\S+)", text, re.M | re.I)
        c = self.calls.get(who[1]) if who else None
        seq = re.search(r"^CSeq: *(\d+) (\w+)", text, re.M | re.I)
        status = re.match(r"SIP/2\.0 (\d+)", text)
        if not c or not seq:
            return
        if not status:
            if text.startswith("BYE"):
                self.answer_bye(text)
            return
        self.response(c, int(status[1]), seq[2], text)

    def answer_bye(self, text):
        keep = [l for l in text.split("\r\n") if re.match(r"(Via|From|To|Call-ID|CSeq):", l, re.I)]
        self.sock.sendto(("SIP/2.0 200 OK\r\n" + "\r\n".join(keep) + "\r\nContent-Length: 0\r\n\r\n").encode(), self.at)

    def response(self, c, status, method, text):
        if method == "CANCEL" and status >= 200:
            c.sent.pop("CANCEL", None)
        elif method == "BYE" and status >= 200:
            self.end(c, "answered, then ended")
        elif method == "INVITE" and status < 200:
            c.sent.pop("INVITE", None)
            if status == 180 and c.state == "calling":
                c.state = "ringing"
                c.cancel_at = time.monotonic() + self.after + self.rng.uniform(-0.004, 0.004)
        elif method == "INVITE":
            self.final(c, status, text)

    def final(self, c, status, text):
        c.sent.pop("INVITE", None)
        c.cancel_at = None
        c.to = ";tag=" + re.search(r"^To:.*?;tag=([^;\s]+)", text, re.M | re.I)[1]
        if status >= 300:
            self.send(c, "ACK", c.message("ACK"))
            self.end(c, "cancelled" if status == 487 else f"{status}")
            return
        target = re.search(r"^Contact:.*?<([^>]+)>", text, re.M | re.I)[1]
        self.send(c, "ACK", c.message("ACK", branch=c.tag + "a", uri=target))
        if c.state != "answered":
            c.state = "answered"
            c.sent.pop("CANCEL", None)
            self.send(c, "BYE", c.message("BYE", 2, c.tag + "b", target))


class Either(threading.Thread):
    """The called side: rings, answers users that begin with 7001 after `after_s`, and takes a CANCEL
    whenever it comes. .ends counts how calls ended."""

    def __init__(self, port, after_s=0.15):
        super().__init__(daemon=True)
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.bind(("127.0.0.1", port))
        self.sock.settimeout(0.002)
        self.port, self.after, self.calls, self.ends, self.stopping = port, after_s, {}, {}, False

    def reply(self, c, status, method, body=""):
        head = [l if not l.lower().startswith("to:") or "tag=" in l else l + f";tag=e{c['n']}" for l in c[method]]
        self.sock.sendto((f"SIP/2.0 {status} X\r\n" + "\r\n".join(head) +
                          f"\r\nContact: <sip:e@127.0.0.1:{self.port}>\r\n" +
                          ("Content-Type: application/sdp\r\n" if body else "") +
                          f"Content-Length: {len(body)}\r\n\r\n{body}").encode(), c["at"])

    def final(self, c, status):
        c["final"], c["gap"], c["next"] = status, T1, time.monotonic() + T1
        self.reply(c, status, "INVITE", SDP.format(port=40002) if status == 200 else "")

    def run(self):
        while not self.stopping:
            now = time.monotonic()
            for c in list(self.calls.values()):
                if not c["final"] and c["answers"] and now >= c["due"]:
                    self.final(c, 200)
                elif c["final"] and not c["acked"] and now >= c["next"]:
                    c["gap"] = min(2 * c["gap"], 4.0)
                    c["next"] = now + c["gap"]
                    self.reply(c, c["final"], "INVITE", SDP.format(port=40002) if c["final"] == 200 else "")
            try:
                data, at = self.sock.recvfrom(65535)
            except (TimeoutError, socket.timeout):
                continue
            self.request(data.decode(errors="replace"), at)

    def request(self, text, at):
        method = text.split(" ", 1)[0]
        who = re.search(r"^Call-ID: *(\S+)", text, re.M | re.I)[1]
        head = [l for l in text.split("\r\n") if re.match(r"(Via|From|To|Call-ID|CSeq):", l, re.I)]
        c = self.calls.get(who)
        if method == "INVITE" and not c:
            c = self.calls[who] = {"n": len(self.calls), "at": at, "final": 0, "acked": False, "over": None,
                                   "answers": "sip:7001" in text.split("\r\n", 1)[0],
                                   "due": time.monotonic() + self.after}
        if not c or method.startswith("SIP/2.0"):
            return
        c[method] = head
        if method == "INVITE":
            self.reply(c, c["final"] or 180, "INVITE", SDP.format(port=40002) if c["final"] == 200 else "")
        elif method == "ACK":
            c["acked"] = True
            if c["final"] == 487:
                c["over"] = "cancelled"
        elif method in ("CANCEL", "BYE"):
            self.reply(c, 200, method)
            if method == "BYE":
                c["over"] = "answered, then ended"
            elif not c["final"]:
                self.final(c, 487)

    def stop(self):
        self.stopping = True
        self.join()
        for c in self.calls.values():
            how = c["over"] or f"left at {c['final']}"
            self.ends[how] = self.ends.get(how, 0) + 1
