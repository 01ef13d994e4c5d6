"""The bed of hostile words: one trunk of callers and one of called over UDP and TCP, both ends in this one
loop, in bytes; and the judges of what may be shown."""
import os
import pty
import re
import select
import selectors
import socket
import subprocess
import time

from lib.bed import Failed
from lib.tandem import Daemon, binary

CONFIG = """
store: t.db
runtime-dir: .
control-socket: control.sock
log-level: debug
max-calls: 4000
user-calls: 0
no-media: 0
zones: [ {{ name: pbx, kind: pbx }} ]
listeners:
  - {{ name: near, zone: pbx, transport: udp, bind: "127.0.0.1:{near}", media-ports: 10000-15999 }}
  - {{ name: near-tcp, zone: pbx, transport: tcp, bind: "127.0.0.1:{near}", media-bind: 127.0.0.2, media-ports: 10000-15999 }}
  - {{ name: away, zone: pbx, transport: udp, bind: "127.0.0.1:{away}", media-bind: 127.0.0.3, media-ports: 10000-16999 }}
trunks:
  - {{ name: near, profile: cucm, listener: near, options: no, inbound-css: all, from: [ 127.0.0.0/8 ], hosts: [ "127.0.0.1:9" ] }}
  - {{ name: near-tcp, profile: cucm, listener: near-tcp, options: no, inbound-css: all, from: [ 127.0.0.0/8 ], hosts: [ "127.0.0.1:9" ] }}
  - {{ name: desk, profile: cucm, listener: away, options: no, hosts: [ "127.0.0.1:{desk}" ] }}
"""
SITE = """
partitions: [ all ]
spaces: [ { name: all, partitions: [ all ] } ]
lines:
  - { number: "5000", partition: all, endpoints: [ "7001@desk" ] }
  - { number: "5001", partition: all, endpoints: [ "7002@desk" ] }
"""


# What a terminal may obey, or what moves or hides the text around it; a line's end is for the caller to judge.
ACTS = re.compile("[\0-\x09\x0b-\x1f\x7f-\x9f\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
                  "\U000e0000-\U000e007f]")


def harmful(data):
    """The first thing in these bytes that must not be shown, with what is around it; "": none."""
    try:
        text = data.decode()
        got = ACTS.search(text)
        return repr(text[max(0, got.start() - 30):got.start() + 10]) if got else ""
    except UnicodeDecodeError as e:
        return f"no UTF-8: {data[e.start:e.start + 4]!r}"


def read_back(text):
    """The bytes of a shown value: every \\xNN is one."""
    return re.sub(rb"\\x([0-9a-f]{2})", lambda m: bytes([int(m[1], 16)]), text.encode("utf-8", "surrogateescape"))


def on_terminal(words, cwd, limit_s=60):
    """(exit code, all that a terminal got) of a command."""
    pid, fd = pty.fork()
    if pid == 0:
        try:
            os.chdir(cwd)
            os.execv(words[0], words)
        finally:
            os._exit(127)
    out, end = [], time.monotonic() + limit_s
    while time.monotonic() < end:
        if select.select([fd], [], [], 0.5)[0]:
            try:
                data = os.read(fd, 65536)
            except OSError:
                break
            if not data:
                break
            out.append(data)
    else:
        os.kill(pid, 9)
    os.close(fd)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), re.sub(rb"\r+\n", b"\n", b"".join(out))


def value(message, name):
    got = re.search(rb"\r\n" + name + rb" *: *([^\r\n]*)", message, re.I)
    return got[1] if got else b""


class Ends:
    """Callers and called. invite(key, message): one call; answer(request): the called side's (status line's rest,
    headers, body) of an INVITE. .done: {key: final status}."""

    def __init__(self, bed, answer):
        self.near, self.away, self.desk = bed.port(), bed.port(), bed.port()
        self.answer, self.done, self.began, self.sel = answer, {}, {}, selectors.DefaultSelector()
        self.udp, self.far = (socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2))
        self.udp.bind(("127.0.0.1", 0))
        self.far.bind(("127.0.0.1", self.desk))
        for s in (self.udp, self.far):
            s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
            self.sel.register(s, selectors.EVENT_READ, b"")
        self.daemon = Daemon(bed, CONFIG.format(near=self.near, away=self.away, desk=self.desk))
        self.daemon.apply(SITE)
        self.tcp = socket.create_connection(("127.0.0.1", self.near), 5)
        self.sel.register(self.tcp, selectors.EVENT_READ, b"")
        self.open, self.asked = {}, 0

    def stop(self):
        for s in (self.udp, self.far, self.tcp):
            s.close()

    def local(self, tcp):
        s = self.tcp if tcp else self.udp
        return b"127.0.0.1:%d" % s.getsockname()[1]

    def send(self, tcp, data):
        if tcp:
            self.tcp.sendall(data)
        else:
            self.udp.sendto(data, ("127.0.0.1", self.near))

    def invite(self, key, tcp, data, bye):
        self.open[key] = [tcp, data, time.monotonic(), 0, bye]
        self.send(tcp, data)

    def turn(self, wait_s=0.01):
        for k, _ in self.sel.select(wait_s):
            if k.fileobj is self.far:
                data, source = self.far.recvfrom(65535)
                self.called(data, source)
            elif k.fileobj is self.udp:
                self.caller(self.udp.recv(65535))
            else:
                self.stream(k.data)

    def stream(self, held):
        got = self.tcp.recv(65536)
        if not got:
            raise Failed("the callers' connection was closed")
        held += got
        while b"\r\n\r\n" in held:
            head, _, rest = held.partition(b"\r\n\r\n")
            n = int(value(head, b"Content-Length") or 0)
            if len(rest) < n:
                break
            self.caller(head + b"\r\n\r\n" + rest[:n])
            held = rest[n:]
        self.sel.modify(self.tcp, selectors.EVENT_READ, held)

    def called(self, data, source):
        if not data.strip() or data.startswith((b"SIP/2.0", b"ACK ")):
            return
        keep = [l for l in data.split(b"\r\n\r\n", 1)[0].split(b"\r\n")
                if re.match(rb"(Via|From|To|Call-ID|CSeq|Record-Route) *:", l, re.I)]
        keep = [l + b";tag=t" if l.lower().startswith(b"to") and b"tag=" not in l else l for l in keep]
        status, more, body = self.answer(data) if data.startswith(b"INVITE ") else (b"200 OK", b"", b"")
        self.asked += data.startswith(b"INVITE ")
        self.far.sendto(b"SIP/2.0 " + status + b"\r\n" + b"\r\n".join(keep) + b"\r\n" + more +
                        b"Content-Length: %d\r\n\r\n" % len(body) + body, source)

    def caller(self, data):
        """ACKs every final answer of an INVITE, hangs up what was answered."""
        call_id = value(data, b"Call-ID")
        got = self.open.get(call_id)
        if not got or not data.startswith(b"SIP/2.0"):
            return
        status, (seq, method) = int(data[8:11]), value(data, b"CSeq").split()
        if status < 200:
            return
        tcp, invite = got[:2]
        if method == b"BYE":
            self.done[call_id] = got[3]
            del self.open[call_id]
            return
        again, got[3] = got[3], status
        to = value(data, b"To")
        target = re.search(rb"<([^>]+)>", value(data, b"Contact"))[1] if status < 300 else invite.split(b" ")[1]
        head = b"\r\n".join(l for l in invite.split(b"\r\n\r\n")[0].split(b"\r\n")[1:]
                            if re.match(rb"(Via|From|Call-ID|Max-Forwards) *:", l))
        ok = head.replace(b"branch=z9hG4bK", b"branch=z9hG4bKa") if status < 300 else head
        self.send(tcp, b"ACK " + target + b" SIP/2.0\r\n" + ok + b"\r\nTo: " + to + b"\r\nCSeq: 1 ACK\r\nContent-Length: 0\r\n\r\n")
        if status >= 300:
            self.done[call_id] = status
            del self.open[call_id]
        elif not again:
            self.send(tcp, b"BYE " + target + b" SIP/2.0\r\n" + head.replace(b"branch=z9hG4bK", b"branch=z9hG4bKb") + b"\r\nTo: " + to +
                      b"\r\nCSeq: 2 BYE\r\n" + got[4] + b"Content-Length: 0\r\n\r\n")

    def run(self, calls, rate=110, at_once=40, limit_s=240):
        """Each (call id, tcp, INVITE, headers of BYE): at most `at_once` at a time and `rate` a second, since media ports rest
        after a call; repeats over UDP as RFC 3261 asks."""
        end, calls, began, made = time.monotonic() + limit_s, iter(calls), time.monotonic(), 0
        more = True
        while more or self.open:
            while more and len(self.open) < at_once and made < (time.monotonic() - began) * rate:
                made += 1
                one = next(calls, None)
                more = one is not None
                if more:
                    self.invite(*one)
            self.turn()
            now = time.monotonic()
            for got in self.open.values():
                if not got[0] and now - got[2] > 2:
                    got[2] = now
                    self.send(False, got[1])
            if now > end:
                raise Failed(f"{len(self.open)} calls did not end: {list(self.open)[:3]}")


def cli(daemon, *words):
    """(exit code, bytes) on a terminal; arguments are bytes or text."""
    return on_terminal([str(binary()), *[os.fsdecode(w) if isinstance(w, bytes) else str(w) for w in words]], daemon.dir)


def piped(daemon, *words):
    r = subprocess.run([binary(), *words], cwd=daemon.dir, capture_output=True, timeout=120, check=False, stdin=subprocess.DEVNULL)
    return r.stdout + r.stderr
