"""The bed of faults: the daemon of mixbed, started with a log, a disk, a clock or a resolver that a
measure breaks while calls go on; and what watches that its loop does not stall."""
import ctypes
import multiprocessing
import os
import pathlib
import socket
import struct
import subprocess
import threading
import time

from lib.bed import Child, Failed
from lib.tandem import Daemon, binary
from mixbed import CONFIG, Mix, percentile, setup_times

CALLS_S = 20
TALK_MS = 1000
CLONE_NEWNS, MS_REC, MS_PRIVATE, MNT_DETACH = 0x20000, 0x4000, 0x40000, 2


# --- the daemon -----------------------------------------------------------------------------

class SplitChild(Child):
    """A child whose standard error is somebody else's: a descriptor."""

    def __init__(self, argv, log, cwd, env, stderr):
        self.argv, self.log = [str(a) for a in argv], pathlib.Path(log)
        with open(self.log, "wb") as out:
            self.proc = subprocess.Popen(self.argv, stdin=subprocess.DEVNULL, stdout=out, stderr=stderr, cwd=cwd,
                                         env=dict(os.environ, LC_ALL="C", **env), start_new_session=True)


def daemon_with(env=None, prefix=(), stderr=None, store=None):
    """A Daemon class; stderr: a descriptor, None: the usual file."""
    class Broken(Daemon):
        def start(self, limit_s=15.0):
            self.store = store or self.store
            self.starts += 1
            argv = [*prefix, binary(), "serve", "-c", self.config]
            name = f"{self.name}-{self.starts}"
            if stderr is None:
                self.child = self.bed.spawn(argv, name, cwd=self.dir, env=env)
            else:
                self.child = SplitChild(argv, self.bed.dir / f"{name}.log", self.dir, env or {}, stderr)
                self.bed.children.append(self.child)
            self.child.wait_line("ready", limit_s)
    return Broken


class FaultMix(Mix):
    """config_more: lines that replace others, as (old, new)."""

    def __init__(self, bed, replace=(), **more):
        config = CONFIG
        for old, new in replace:
            if old not in config:
                raise Failed(f"the configuration has no {old!r}")
            config = config.replace(old, new)
        super().__init__(bed, config=config, **more)

    def phase(self, name, seconds, number="5003", rate=CALLS_S, talk_ms=TALK_MS):
        """Calls from now on, for so long."""
        return self.call(name, number, rate, int(seconds * rate), talk_ms)

    def call_ids(self):
        """{Call-ID: how many records}, once all are written."""
        import sqlite3
        with sqlite3.connect(f"file:{self.daemon.store}?mode=ro", uri=True) as db:
            return dict(db.execute("SELECT caller_call_id, count(*) FROM cdr GROUP BY 1"))

    def log(self):
        return self.daemon.child.text()


def ended(sipps, limit_s=90):
    for s in sipps:
        s.child.wait_end(limit_s)


def sums(sipps):
    """(created, failed)"""
    c = [s.counts() for s in sipps]
    return sum(x.get("created", 0) for x in c), sum(x.get("failed", 0) for x in c)


def p99(sipps):
    return percentile([t for _, t in setup_times(sipps)], 0.99)


# --- a disk of its own -------------------------------------------------------------------------

class Disk:
    """A small tmpfs below the bed, in a mount namespace of this process and its children."""

    def __init__(self, bed, size):
        self.dir = bed.subdir("disk")
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.unshare(CLONE_NEWNS) or libc.mount(None, b"/", None, MS_REC | MS_PRIVATE, None) or \
                libc.mount(b"tmpfs", bytes(self.dir), b"tmpfs", 0, f"size={size},mode=700".encode()):
            raise Failed(f"no disk of its own here: {os.strerror(ctypes.get_errno())}")
        self.libc, self.ballast = libc, self.dir / "ballast"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.libc.umount2(bytes(self.dir), MNT_DETACH)

    def fill(self):
        with open(self.ballast, "wb", buffering=0) as f:
            for size in (65536, 4096, 1):
                try:
                    while True:
                        f.write(b"x" * size)
                except OSError:
                    pass

    def free(self):
        self.ballast.unlink()


# --- does the loop stall? ------------------------------------------------------------------------

OPTIONS = ("OPTIONS sip:ping@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP {me};branch=z9hG4bK{n};rport\r\nMax-Forwards: 70\r\n"
           "From: <sip:probe@{me}>;tag={n}\r\nTo: <sip:ping@127.0.0.1>\r\nCall-ID: {n}@probe\r\nCSeq: 1 OPTIONS\r\n"
           "Content-Length: 0\r\n\r\n")


def probe(port, every_s, stop, box):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.bind(("127.0.0.1", 0))
    s.settimeout(2)
    me, got, n = "127.0.0.1:%d" % s.getsockname()[1], [], 0
    while not stop.is_set():
        n += 1
        at = time.monotonic()
        s.sendto(OPTIONS.format(me=me, n=f"p{os.getpid()}x{n}").encode(), ("127.0.0.1", port))
        try:
            s.recv(65535)
        except TimeoutError:
            pass
        got.append((at, (time.monotonic() - at) * 1000))
        time.sleep(every_s)
    box.put(got)


class Probe:
    """OPTIONS all the time, from a process of its own; times() of a part of it. What an OPTIONS waits
    is what the loop stood still, and the machine's own noise, which the same before shows."""

    def __init__(self, port, every_s=0.01):
        self.stop_it, self.box = multiprocessing.Event(), multiprocessing.Queue()
        self.p = multiprocessing.Process(target=probe, args=(port, every_s, self.stop_it, self.box), daemon=True)
        self.p.start()
        self.marks, self.got = [], None

    def mark(self, name):
        self.marks.append((name, time.monotonic()))

    def stop(self):
        self.stop_it.set()
        self.got = self.box.get(timeout=20)
        self.p.join(5)
        self.marks.append((None, time.monotonic()))

    def times(self, name):
        """ms from each mark of this name to the next mark"""
        return [t for (n, a), (_, b) in zip(self.marks, self.marks[1:]) if n == name
                for at, t in self.got if a <= at < b]

    def figures(self, *names):
        return {n: {"n": len(self.times(n)), "p50_ms": round(percentile(self.times(n), .5) or 0, 2),
                    "p99_ms": round(percentile(self.times(n), .99) or 0, 2),
                    "max_ms": round(max(self.times(n), default=0), 2)} for n in names}

    def stall(self, before, *during):
        """How much longer the slowest hundredth waits than before, ms."""
        base = percentile(self.times(before), .99) or 0
        return max(0.0, max((percentile(self.times(n), .99) or 9999) - base for n in during))


# --- a reader of the log that can fall asleep ------------------------------------------------------

class Reader(threading.Thread):
    def __init__(self):
        super().__init__(daemon=True)
        self.fd, self.end = os.pipe()
        self.awake, self.text = threading.Event(), b""
        self.awake.set()
        self.start()

    def run(self):
        while True:
            self.awake.wait()
            try:
                got = os.read(self.fd, 65536)
            except OSError:
                return
            if not got:
                return
            self.text += got


# --- resolvers ---------------------------------------------------------------------------------

FORWARD, SILENT, REFUSING, GARBAGE, FORGED = range(5)
EVIL = "127.66.66.66"
FORGE_S = 1.0


def question_end(q):
    i = 12
    while i < len(q) and q[i]:
        i += 1 + q[i]
    return i + 5


def question_name(q):
    i, parts = 12, []
    while q[i]:
        parts.append(q[i + 1:i + 1 + q[i]].decode(errors="replace"))
        i += 1 + q[i]
    return ".".join(parts).lower()


def reply(q, ip, ident=None, question=None, ttl=5):
    """An A record for the question in q; ip None: there is none. Other types: no such record."""
    question = question or q[12:question_end(q)]
    is_a = question[-4:-2] == b"\0\1" and ip
    head = (q[:2] if ident is None else struct.pack(">H", ident)) + b"\x85\x80\0\1" + (b"\0\1" if is_a else b"\0\0") + b"\0\0\0\0"
    rr = b"\xc0\x0c\0\1\0\1" + struct.pack(">IH", ttl, 4) + socket.inet_aton(ip) if is_a else b""
    return head + question + rr


def short_ttl(answer, ttl=5):
    """Every A record behind a pointer to the question's name."""
    at = answer.find(b"\xc0\x0c\0\1\0\1")
    while at >= 0:
        answer = answer[:at + 6] + struct.pack(">I", ttl) + answer[at + 10:]
        at = answer.find(b"\xc0\x0c\0\1\0\1", at + 10)
    return answer


def forge(s, other, q, peer, count):
    """Wrong id, wrong question, wrong source port, as fast as it goes."""
    right = q[0] << 8 | q[1]
    wrong_question = b"\4evil\4test\0\0\1\0\1"
    end, n = time.monotonic() + FORGE_S, 0
    ids = [i for i in range(right - 200, right + 201) if i != right]
    while time.monotonic() < end:
        for i in ids:
            s.sendto(reply(q, EVIL, ident=i & 0xffff), peer)
        for _ in range(50):
            s.sendto(reply(q, EVIL, question=wrong_question), peer)
            try:
                other.sendto(reply(q, EVIL), peer)
            except ConnectionRefusedError:
                pass
        n += len(ids) + 100
    with count.get_lock():
        count.value += n


def resolve(sock, hub_port, mode, asked, count):
    other = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    other.bind(("127.0.0.1", 0))
    up = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    up.settimeout(0.5)
    while True:
        try:
            q, peer = sock.recvfrom(4096)
        except ConnectionRefusedError:
            continue
        with asked.get_lock():
            asked.value += 1
        try:
            if mode.value == FORGED:
                forge(sock, other, q, peer, count)
            elif mode.value == GARBAGE:
                sock.sendto(os.urandom(len(q)), peer)
                sock.sendto(q[:2] + os.urandom(40), peer)
                sock.sendto(q[:2] + b"\x85\x80\0\1\0\x09\0\0\0\0" + q[12:] + b"\xc0" * 60, peer)
            elif mode.value == REFUSING:
                sock.sendto(q[:2] + b"\x81\x85" + q[4:], peer)
            elif mode.value == FORWARD and question_name(q).endswith("peer.test"):
                sock.sendto(reply(q, "127.0.0.1"), peer)
            elif mode.value == FORWARD:
                up.sendto(q, ("127.0.0.1", hub_port))
                sock.sendto(short_ttl(up.recv(4096)), peer)
        except OSError:
            pass


class Resolver:
    """Between the daemon and the hub's names, in a process of its own. It has the names *.peer.test, too."""

    def __init__(self, hub_port):
        s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        s.bind(("127.0.0.1", 0))
        self.port = s.getsockname()[1]
        self.mode, self.asked, self.forged = (multiprocessing.Value("q", 0) for _ in range(3))
        self.p = multiprocessing.Process(target=resolve, args=(s, hub_port, self.mode, self.asked, self.forged), daemon=True)
        self.p.start()
        s.close()

    def set(self, mode):
        self.mode.value = mode

    def stop(self):
        self.p.terminate()
        self.p.join(5)
