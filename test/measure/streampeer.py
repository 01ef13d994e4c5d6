"""A PBX over TCP: calls and is called, re-INVITEs and hangs up from either side, and opens a
new connection when the old one is gone. Each answer is what the wire said; nothing is retried."""
import re
import selectors
import socket
import threading
import time

SDP = ("v=0\r\no=x 1 {v} IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
       "m=audio {port} RTP/AVP 8\r\na=rtpmap:8 PCMA/8000\r\n")


def header(text, name):
    got = re.search(rf"^{name} *: *(.*?)\r?$", text, re.M | re.I)
    return got[1] if got else ""


def headers(text, *names):
    head = text.partition("\r\n\r\n")[0].split("\r\n")
    return [l for l in head if l.split(":")[0].strip().lower() in [n.lower() for n in names]]


class Framer:
    def __init__(self):
        self.rest = b""

    def feed(self, data):
        """Whole messages; what is between them (CRLF) comes as b"\\r\\n"."""
        self.rest += data
        while True:
            while self.rest.startswith(b"\r\n"):
                self.rest = self.rest[2:]
                yield "\r\n"
            head, sep, body = self.rest.partition(b"\r\n\r\n")
            if not sep:
                return
            got = re.search(rb"^Content-Length *: *(\d+)", head, re.M | re.I)
            n = int(got[1]) if got else 0
            if len(body) < n:
                return
            self.rest = body[n:]
            yield (head + sep + body[:n]).decode(errors="replace")


class Dialog:
    def __init__(self, peer, call_id, caller):
        self.peer, self.id, self.caller = peer, call_id, caller
        self.local = self.remote = self.target = ""
        self.seq, self.version, self.route = 0, 1, []
        self.heard = []             # [(seconds, status or method, text)]
        self.born = time.monotonic()

    def got(self, what, seq=None):
        return next((h for h in self.heard if h[1] == what and (seq is None or h[3] == seq)), None)

    def final(self, seq):
        return next((h for h in self.heard if isinstance(h[1], int) and h[1] >= 200 and h[3] == seq), None)


class StreamPeer(threading.Thread):
    def __init__(self, bed, border_port, contact_port=None, border="127.0.0.1", port=None, answer=True):
        """contact_port: where others are told to reach us."""
        super().__init__(daemon=True)
        self.ear = socket.create_server(("127.0.0.1", port or bed.port()), backlog=256)
        self.port = self.ear.getsockname()[1]
        self.contact = contact_port or self.port
        self.border, self.answer = (border, border_port), answer
        self.sel, self.lock, self.n = selectors.DefaultSelector(), threading.Condition(), 0
        self.ear.setblocking(False)
        self.sel.register(self.ear, selectors.EVENT_READ)
        self.out, self.calls, self.opened, self.accepted, self.lost = None, {}, 0, 0, 0
        self.stopping = self.frozen = False     # frozen: as if stopped by a signal
        self.media = 40000
        bed.children.append(self)
        self.start()

    def stop(self, **_):
        self.stopping = True
        self.join(5)

    # --- bytes ---

    def run(self):
        while not self.stopping:
            if self.frozen:
                time.sleep(0.05)
                continue
            for key, _ in self.sel.select(0.02):
                if key.fileobj is self.ear:
                    s, _ = self.ear.accept()
                    self.adopt(s)
                    self.accepted += 1
                else:
                    self.read(key.fileobj, key.data)

    def adopt(self, s):
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sel.register(s, selectors.EVENT_READ, Framer())

    def read(self, s, framer):
        try:
            data = s.recv(65536)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            data = b""
        with self.lock:
            if not data:
                self.gone(s)
            for text in framer.feed(data):
                self.heard(s, text)
            self.lock.notify_all()

    def gone(self, s):
        self.lost += 1
        try:
            self.sel.unregister(s)
        except (KeyError, ValueError):
            pass
        s.close()
        if s is self.out:
            self.out = None

    def say(self, data, s=None):
        """On `s`, or on our own connection, which is opened anew when it is gone. Lock held."""
        if s is None:
            if self.out is None:
                self.out = socket.create_connection(self.border, 5)
                self.adopt(self.out)
                self.opened += 1
            s = self.out
        try:
            s.sendall(data.encode())
        except OSError:
            if s is self.out:       # it broke before it was read
                self.gone(s)
                self.say(data)

    # --- SIP ---

    def compose(self, d, method, uri, seq, body="", branch=None, extra=""):
        me = f"127.0.0.1:{self.contact}"
        return (f"{method} {uri} SIP/2.0\r\nVia: SIP/2.0/TCP {me};branch=z9hG4bK{branch or f'{d.id[:12]}{seq}{method}'}\r\n"
                f"Max-Forwards: 70\r\nFrom: {d.local}\r\nTo: {d.remote}\r\nCall-ID: {d.id}\r\nCSeq: {seq} {method}\r\n"
                f"Contact: <sip:pbx@{me};transport=tcp>\r\nAllow: INVITE, ACK, CANCEL, BYE, OPTIONS\r\n"
                + extra + ("Content-Type: application/sdp\r\n" if body else "") + f"Content-Length: {len(body)}\r\n\r\n{body}")

    def invite(self, number, caller="4989987654", extra=""):
        with self.lock:
            self.n += 1
            d = Dialog(self, f"c{self.port}x{self.n:05d}@pbx", True)
            uri = f"sip:{number}@127.0.0.1:{self.border[1]};transport=tcp"
            d.local, d.remote, d.seq, d.target = f"<sip:{caller}@127.0.0.1>;tag=a{self.n}", f"<{uri}>", 1, uri
            self.calls[d.id] = d
            self.say(self.compose(d, "INVITE", uri, 1, SDP.format(port=self.media, v=1), extra=extra))
        return d

    def request(self, d, method, way="sendrecv"):
        """In the dialog; its CSeq."""
        with self.lock:
            d.seq += 1
            body = ""
            if method == "INVITE":
                d.version += 1
                body = SDP.format(port=self.media, v=d.version) + f"a={way}\r\n"
            self.say(self.compose(d, method, d.target, d.seq, body))
            return d.seq

    def wait(self, predicate, limit_s=10.0):
        with self.lock:
            return self.lock.wait_for(predicate, limit_s)

    def heard(self, s, text):
        if text == "\r\n" or not text.strip():
            return
        d = self.calls.get(header(text, "Call-ID"))
        seq, _, method = header(text, "CSeq").partition(" ")
        at = time.monotonic()
        if text.startswith("SIP/2.0"):
            if d:
                d.heard.append((at, int(text[8:11]), text, int(seq)))
                self.response(d, int(text[8:11]), int(seq), method, text)
            return
        if method == "INVITE" and not d:
            d = self.calls[header(text, "Call-ID")] = Dialog(self, header(text, "Call-ID"), False)
            d.remote, d.local, d.seq = header(text, "From"), header(text, "To") + f";tag=b{len(self.calls)}", 100
        if d:
            d.heard.append((at, method, text, int(seq)))
        self.asked(d, s, method, text)

    def asked(self, d, s, method, text):
        if method == "ACK":
            return
        if method == "INVITE":
            d.target = re.search(r"<([^>]+)>", header(text, "Contact"))[1]
            if not self.answer:
                return
        keep = headers(text, "Via", "From", "To", "Call-ID", "CSeq", "Record-Route")
        if d and not d.caller:
            keep = [l if not l.lower().startswith("to:") or "tag=" in l else "To: " + d.local for l in keep]
        body = SDP.format(port=self.media, v=d.version) if method == "INVITE" else ""
        status = "200 OK" if d or method == "OPTIONS" else "481 Gone"
        self.say(f"SIP/2.0 {status}\r\n" + "\r\n".join(keep) +
                 f"\r\nContact: <sip:pbx@127.0.0.1:{self.contact};transport=tcp>\r\n"
                 + ("Content-Type: application/sdp\r\n" if body else "")
                 + f"Content-Length: {len(body)}\r\n\r\n{body}", s)

    def response(self, d, status, seq, method, text):
        if method != "INVITE" or status < 200:
            return
        d.remote = header(text, "To") or d.remote
        if status < 300:
            d.target = re.search(r"<([^>]+)>", header(text, "Contact"))[1]
            self.say(self.compose(d, "ACK", d.target, seq, branch=f"{d.id[:12]}{seq}ACK"))
        else:
            self.say(self.compose(d, "ACK", d.target, seq, branch=f"{d.id[:12]}{seq}INVITE"))
