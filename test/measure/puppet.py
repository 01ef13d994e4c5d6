"""A scripted peer: raw SIP over UDP, TCP or TLS. Every request that arrives is kept and answered as
its rule says; without one it rings, answers and agrees to everything. One thread, no retransmission."""
import re
import selectors
import socket
import ssl
import threading
import time

from lib.bed import Failed
from phone import SDP, header

REASON = {180: "Ringing", 183: "Session Progress", 200: "OK", 401: "Unauthorized", 407: "Proxy Authentication Required"}
COPIED = re.compile(r"(Via|From|To|Call-ID|CSeq|Record-Route) *:", re.I)


class Request:
    def __init__(self, text, source, send):
        self.text, self.source, self.send = text, source, send
        self.method, self.uri = text.split(" ", 2)[:2]
        self.at = time.monotonic()

    def get(self, name):
        return header(self.text, name)

    def in_dialog(self):
        return "tag=" in self.get("To")


class Puppet(threading.Thread):
    """rule(request): a list of answers (puppet.reply()), or None for what is ordinary."""

    def __init__(self, ip, port, transport="udp", context=None, rule=None):
        super().__init__(daemon=True)
        self.ip, self.port, self.transport, self.context = ip, port, transport, context
        self.rule = rule or (lambda r: None)
        self.got, self.lock, self.stopping = [], threading.Condition(), False
        self.contact = f"<sip:puppet@{ip}:{port}" + ("" if transport == "udp" else f";transport={transport}") + ">"
        self.record_route = ""
        self.sel = selectors.DefaultSelector()
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM if transport == "udp" else socket.SOCK_STREAM)
        if transport != "udp":
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.sock.bind((ip, port))
        if transport != "udp":
            self.sock.listen(64)
        self.sel.register(self.sock, selectors.EVENT_READ, b"")
        self.start()

    def stop(self):
        self.stopping = True
        self.join(5)

    def run(self):
        while not self.stopping:
            for key, _ in self.sel.select(0.05):
                if key.fileobj is not self.sock:
                    self.stream(key.fileobj, key.data)
                elif self.transport == "udp":
                    data, source = self.sock.recvfrom(65535)
                    self.arrived(data, source, lambda d, s=source: self.sock.sendto(d, s))
                else:
                    self.accept()
        for key in list(self.sel.get_map().values()):
            key.fileobj.close()

    def accept(self):
        s, _ = self.sock.accept()
        s.settimeout(5)
        try:
            s = self.context.wrap_socket(s, server_side=True) if self.context else s
        except (OSError, ssl.SSLError):
            s.close()
            return
        self.sel.register(s, selectors.EVENT_READ, b"")

    def stream(self, s, held):
        try:
            got = s.recv(65535)
            while self.context and s.pending():
                got += s.recv(65535)
        except (OSError, ssl.SSLError):
            got = b""
        if not got:
            self.sel.unregister(s)
            s.close()
            return
        held += got
        while b"\r\n\r\n" in held:
            held = held.lstrip(b"\r\n")
            head, _, rest = held.partition(b"\r\n\r\n")
            n = int(header(head.decode(errors="replace"), "Content-Length") or 0)
            if len(rest) < n or not head:
                break
            self.arrived(head + b"\r\n\r\n" + rest[:n], s.getpeername(), s.sendall)
            held = rest[n:]
        self.sel.modify(s, selectors.EVENT_READ, held)

    def arrived(self, data, source, send):
        text = data.decode(errors="replace")
        if not text.strip() or text.startswith("SIP/2.0"):
            return
        r = Request(text, source, send)
        for out in (self.rule(r) or self.ordinary(r)):
            if out:
                send(out.encode())
        with self.lock:
            self.got.append(r)
            self.lock.notify_all()

    def ordinary(self, r):
        if r.method == "ACK":
            return [""]
        if r.method == "INVITE" and not r.in_dialog():
            return [self.reply(r, 180), self.reply(r, 200)]
        return [self.reply(r, 200)]

    def reply(self, r, status, extra=""):
        tag = f";tag={abs(hash(r.get('Call-ID'))) % 10 ** 8}"
        keep = [l for l in r.text.split("\r\n\r\n", 1)[0].split("\r\n") if COPIED.match(l)]
        keep = [l + tag if l.lower().startswith("to") and "tag=" not in l else l for l in keep]
        body = SDP.format(ip=self.ip, port=40000) if r.method in ("INVITE", "UPDATE") and status in (183, 200) and (
            r.method == "INVITE" or "application/sdp" in r.text) else ""
        if r.method == "INVITE" and self.record_route:
            extra += f"Record-Route: {self.record_route}\r\n"
        return (f"SIP/2.0 {status} {REASON.get(status, 'So')}\r\n" + "\r\n".join(keep) + f"\r\nContact: {self.contact}\r\n{extra}"
                "Allow: INVITE, ACK, BYE, CANCEL, OPTIONS, UPDATE, INFO, PRACK\r\n"
                + ("Content-Type: application/sdp\r\n" if body else "") + f"Content-Length: {len(body)}\r\n\r\n{body}")

    def count(self, method=None, since=0.0):
        with self.lock:
            return sum(1 for r in self.got if (method is None or r.method == method) and r.at >= since)

    def wait(self, method, n=1, limit_s=10, since=0.0):
        end = time.monotonic() + limit_s
        with self.lock:
            while sum(1 for r in self.got if r.method == method and r.at >= since) < n:
                if not self.lock.wait(end - time.monotonic()) and time.monotonic() > end:
                    raise Failed(f"{self.ip} waited {limit_s} s for {method}: got {[r.method for r in self.got][-20:]}")


class Zone(threading.Thread):
    """A name server that knows A records: {name: address}."""

    def __init__(self, port, names):
        super().__init__(daemon=True)
        self.sock, self.names, self.stopping = socket.socket(socket.AF_INET, socket.SOCK_DGRAM), names, False
        self.sock.bind(("127.0.0.1", port))
        self.sock.settimeout(0.1)
        self.start()

    def run(self):
        while not self.stopping:
            try:
                q, source = self.sock.recvfrom(1500)
            except TimeoutError:
                continue
            labels, at = [], 12
            while q[at]:
                labels.append(q[at + 1:at + 1 + q[at]].decode())
                at += q[at] + 1
            ip = self.names.get(".".join(labels).lower()) if q[at + 1:at + 3] == b"\0\1" else None
            known = ".".join(labels).lower() in self.names
            head = q[:2] + (b"\x85\x80" if known else b"\x85\x83") + b"\0\1" + (b"\0\1" if ip else b"\0\0") + b"\0\0\0\0"
            record = b"\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4" + socket.inet_aton(ip) if ip else b""
            self.sock.sendto(head + q[12:at + 5] + record, source)
        self.sock.close()
