"""A phone of honest people: registers with digest, calls, is called. UDP, RFC 3261 by hand, with
repetition; one thread. What it was told is in .log for a failure's report."""
import hashlib
import random
import re
import socket
import threading
import time

SDP = ("v=0\r\no=x 1 1 IN IP4 {ip}\r\ns=-\r\nc=IN IP4 {ip}\r\nt=0 0\r\n"
       "m=audio {port} RTP/AVP 8\r\na=rtpmap:8 PCMA/8000\r\n")
T1, T2, GIVE_UP_S = 0.5, 4.0, 16.0
TRUTHFUL = "Honest/1.0 (a phone as they are, with the words that phones say of themselves)"


def md5(text):
    return hashlib.md5(text.encode()).hexdigest()


def header(text, name):
    got = re.search(rf"^{name} *: *(.*?)\r?$", text, re.M | re.I)
    return got[1] if got else ""


class Phone:
    def __init__(self, ip, border, user, password, port=0):
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.bind((ip, port))
        self.sock.settimeout(0.05)
        self.ip, self.port, self.border = ip, self.sock.getsockname()[1], border
        self.user, self.password = user, password
        self.sdp = SDP.format(ip=ip, port=40000)
        self.answers, self.ended, self.lock = {}, set(), threading.Condition()
        self.rng, self.stopping = random.Random(f"{ip}{user}"), False
        self.thread = threading.Thread(target=self.listen, daemon=True)
        self.thread.start()

    def stop(self):
        self.stopping = True
        self.thread.join()
        self.sock.close()

    # --- what comes ---

    def listen(self):
        while not self.stopping:
            try:
                text = self.sock.recv(65535).decode(errors="replace")
            except (TimeoutError, socket.timeout):
                continue
            if text.startswith("SIP/2.0"):
                with self.lock:
                    key = header(text, "Call-ID"), header(text, "CSeq")
                    self.answers.setdefault(key, []).append((int(text[8:11]), text))
                    self.lock.notify_all()
            elif text.strip():
                self.asked(text)

    def asked(self, text):
        method, tag = text.split(" ", 1)[0], md5(header(text, "Call-ID"))[:8]
        if method == "ACK":
            return
        keep = [l for l in text.split("\r\n") if re.match(r"(Via|From|To|Call-ID|CSeq|Record-Route) *:", l, re.I)]
        keep = [l + f";tag={tag}" if l.lower().startswith("to:") and "tag=" not in l else l for l in keep]
        body = self.sdp if method == "INVITE" else ""
        if method in ("INVITE", "BYE"):
            self.other_media(text if method == "INVITE" else "")
        kind = "Content-Type: application/sdp\r\n" if body else ""
        self.sock.sendto(("SIP/2.0 200 OK\r\n" + "\r\n".join(keep) +
                          f"\r\nContact: <sip:{self.user}@{self.ip}:{self.port}>\r\n{kind}"
                          f"Content-Length: {len(body)}\r\n\r\n{body}").encode(), self.border)
        if method == "BYE":
            with self.lock:
                self.ended.add(header(text, "Call-ID"))
                self.lock.notify_all()

    def other_media(self, text):
        """The other side's message with SDP; "" at the end of the call."""

    # --- what leaves ---

    def ask(self, method, uri, call_id, seq, to="", extra="", body="", final=True, branch=None):
        """(status, text) of the final answer; (0, "") for none."""
        branch = branch or f"z9hG4bK{self.rng.getrandbits(48):x}"
        data = (f"{method} {uri} SIP/2.0\r\nVia: SIP/2.0/UDP {self.ip}:{self.port};branch={branch};rport\r\n"
                f"Max-Forwards: 70\r\nFrom: <sip:{self.user}@{self.border[0]}>;tag=f{md5(call_id)[:6]}\r\n"
                f"To: {to or f'<{uri}>'}\r\nCall-ID: {call_id}\r\nCSeq: {seq} {method}\r\n"
                f"Contact: <sip:{self.user}@{self.ip}:{self.port}>\r\nUser-Agent: {TRUTHFUL}\r\n"
                f"Allow: INVITE, ACK, CANCEL, BYE, OPTIONS, NOTIFY, UPDATE, INFO\r\nSupported: path, gruu, outbound\r\n"
                + extra + ("Content-Type: application/sdp\r\n" if body else "")
                + f"Content-Length: {len(body)}\r\n\r\n{body}").encode()
        key, gap, end = (call_id, f"{seq} {method}"), T1, time.monotonic() + GIVE_UP_S
        while time.monotonic() < end:
            self.sock.sendto(data, self.border)
            if not final:
                return 0, ""
            with self.lock:
                got = self.lock.wait_for(lambda: self.final(key), gap)
                heard = key in self.answers
            if got:
                return got
            while heard and method == "INVITE" and time.monotonic() < end:
                with self.lock:
                    got = self.lock.wait_for(lambda: self.final(key), 0.5)
                if got:
                    return got
            gap = min(2 * gap, T2)
        return 0, ""

    def final(self, key):
        return next((a for a in self.answers.get(key, ()) if a[0] >= 200), None)

    def credentials(self, challenge, method, uri):
        field = dict(re.findall(r'(\w+)="?([^",]+)"?', challenge))
        ha1 = md5(f"{self.user}:{field['realm']}:{self.password}")
        nc, cnonce = "00000001", f"{self.rng.getrandbits(32):x}"
        got = md5(f"{ha1}:{field['nonce']}:{nc}:{cnonce}:auth:{md5(f'{method}:{uri}')}")
        return (f'Authorization: Digest username="{self.user}", realm="{field["realm"]}", nonce="{field["nonce"]}", '
                f'uri="{uri}", response="{got}", algorithm=MD5, qop=auth, nc={nc}, cnonce="{cnonce}"\r\n')

    def with_digest(self, method, uri, call_id, **kw):
        status, text = self.ask(method, uri, call_id, 1, **kw)
        if status != 401:
            return status, text, 1
        if method == "INVITE":
            self.ack(uri, call_id, 1, header(text, "To"))
        md5_line = next((l for l in text.split("\r\n") if l.lower().startswith("www-authenticate")
                         and "SHA-256" not in l), "")
        extra = kw.pop("extra", "") + self.credentials(md5_line, method, uri)
        return (*self.ask(method, uri, call_id, 2, extra=extra, **kw), 2)

    def ack(self, uri, call_id, seq, to):
        self.ask("ACK", uri, call_id, seq, to=to, final=False)

    def register(self):
        """The status, 0 for silence."""
        uri = f"sip:{self.border[0]}"
        return self.with_digest("REGISTER", uri, f"r{self.rng.getrandbits(64):x}", extra="Expires: 3600\r\n",
                                to=f"<sip:{self.user}@{self.border[0]}>")[0]

    def begin(self, number):
        """(status, the answer, the words of end(), seconds from INVITE to the answer)"""
        uri, call_id, began = f"sip:{number}@{self.border[0]}", f"c{self.rng.getrandbits(64):x}", time.monotonic()
        status, text, seq = self.with_digest("INVITE", uri, call_id, body=self.sdp)
        took = time.monotonic() - began
        if status != 200:
            return status, text, None, took
        to, target = header(text, "To"), re.search(r"<([^>]+)>", header(text, "Contact"))[1]
        self.ack(target, call_id, seq, to)
        self.other_media(text)
        return status, text, {"uri": target, "call_id": call_id, "seq": seq + 1, "to": to}, took

    def end(self, words):
        """The status of BYE."""
        self.other_media("")
        return self.ask("BYE", **words)[0]

    def call(self, number, talk_s=0.2):
        """(how it went, "ok" or a sentence; seconds from INVITE to 200)"""
        status, _, words, took = self.begin(number)
        if status != 200:
            return f"INVITE got {status}", took
        time.sleep(talk_s)
        status = self.end(words)
        return ("ok" if status == 200 else f"BYE got {status}"), took
