"""The operator's commands against a running daemon: what they show, and how they refuse."""
import contextlib
import csv
import errno
import fcntl
import io
import json
import os
import signal
import socket
import sqlite3
import subprocess
import termios

from lib import tap
from lib.baresip import Phone
from lib.bed import Bed, Failed, until
from lib.tandem import Daemon, binary

CONFIG = """
store: t.db
runtime-dir: .
control-socket: control.sock
digest: md5
zones:
  - {{ name: phones, kind: phones }}
  - {{ name: pbx, kind: pbx }}
listeners:
  - {{ name: phones, zone: phones, transport: udp, bind: "127.0.0.1:{sip}", media-ports: {m0}-{m1} }}
  - {{ name: pbx, zone: pbx, transport: udp, bind: "127.0.0.1:{pbx}", media-ports: {m2}-{m3} }}
trunks:
  - {{ name: cucm, profile: cucm, listener: pbx, options: no, inbound-css: staff, hosts: [ "127.0.0.1:{peer}" ] }}
"""

SITE = """
partitions: [ internal, out ]
spaces:
  - { name: staff, partitions: [ internal ] }
  - { name: far, partitions: [ internal, out ] }
users: [ { name: alice, display: Alice }, { name: bob } ]
phones:
  - { name: SEPA, user: alice, auth-user: "1001", password: secret }
  - { name: SEPB, user: bob, auth-user: "1002", password: secret }
lines:
  - { number: "1001", partition: internal, user: alice, phones: [ SEPA ], css: staff }
  - { number: "1002", partition: internal, user: bob, phones: [ SEPB ], css: far }
patterns:
  - { pattern: "9.!", partition: out, trunks: [ cucm ], discard: predot }
profiles:
  - { name: bob-rdp, user: bob, reroute-css: far, lines: [ "1002" ] }
remotes:
  - { name: bob-mobile, profile: bob-rdp, number: "95551234", delay: 2500 }
"""


class Site:
    def __init__(self, bed):
        sip, pbx, m = bed.port(), bed.port(), bed.ports(80)
        self.daemon = Daemon(bed, CONFIG.format(sip=sip, pbx=pbx, peer=bed.port(), m0=m,
                                                m1=m + 39, m2=m + 40, m3=m + 79))
        self.sip = sip

    def phone(self, bed, user, hz):
        p = Phone(bed, user, hz, domain="tandem.test", proxy=f"127.0.0.1:{self.sip}",
                  password="secret")
        p.wait_registered()
        return p

    def refused(self, *words):
        """What a command that must fail says on standard error."""
        r = subprocess.run([binary(), *words], cwd=self.daemon.dir, timeout=20,
                           capture_output=True, text=True, stdin=subprocess.DEVNULL)
        if r.returncode != 1 or r.stdout:
            raise Failed(f"tandem {' '.join(words)} ended with {r.returncode}: {r.stdout}{r.stderr}")
        return r.stderr


def has(text, *parts):
    for p in parts:
        if p not in text:
            raise Failed(f"{p!r} is not in:\n{text}")


def live_without_a_daemon():
    """without a daemon every command says how to start one"""
    with Bed("commands") as bed:
        for words in (["show", "trunks"], ["cdr"], ["status"], ["export"], ["stop"],
                      ["dial", "--from", "1", "--to", "2"]):
            r = subprocess.run([binary(), *words, "--socket", bed.dir / "none.sock"],
                               capture_output=True, text=True, timeout=20)
            if r.returncode != 1:
                raise Failed(f"{words} ended with {r.returncode}")
            has(r.stderr, "tandem serve -c", "none.sock")


def live_output_that_cannot_be_written():
    """a command whose output could not be written fails and says so; a reader that left is none"""
    for words in (["version"], ["help", "tandem.yaml"]):
        with open("/dev/full", "w", encoding="utf-8") as full:
            r = subprocess.run([binary(), *words], stdout=full, stderr=subprocess.PIPE, text=True, timeout=20)
        if r.returncode != 1:
            raise Failed(f"{words} ended with {r.returncode}")
        has(r.stderr, "could not be written")
        read, write = os.pipe()
        os.close(read)
        r = subprocess.run([binary(), *words], stdout=write, stderr=subprocess.PIPE, text=True, timeout=20,
                           restore_signals=False)      # with SIGPIPE ignored, as this test has it
        os.close(write)
        if r.returncode or r.stderr:
            raise Failed(f"{words} into a closed pipe ended with {r.returncode}: {r.stderr}")


def live_site_by_command():
    """a site is applied, exported and explained; a wrong one changes nothing"""
    with Bed("commands") as bed:
        s = Site(bed)
        has(s.daemon.apply(SITE), "is applied")
        if s.daemon.cli("export") != SITE:
            raise Failed("export gives another text than apply took")
        (s.daemon.dir / "bad.yaml").write_text("lines:\n  - { nummer: 1 }\n  - { number: x, phones: [ NONE ] }\n")
        r = subprocess.run([binary(), "apply", "-f", "bad.yaml"], cwd=s.daemon.dir, timeout=20,
                           capture_output=True, text=True)
        has(r.stdout, "bad.yaml:2:", "Nothing was changed.")
        found = sum(line.startswith("bad.yaml:") for line in r.stdout.splitlines())
        if r.returncode != found or not found:
            raise Failed(f"{found} findings, exit code {r.returncode}")
        s.daemon.cli("apply", "-f", "bad.yaml", "--json", expect=found)
        users = s.daemon.json("show", "users")["users"]
        if [u["user"] for u in users] != ["alice", "bob"]:
            raise Failed(f"users {users}")
        has(s.daemon.cli("show", "users"), "Alice", "1002", "95551234")
        has(s.daemon.cli("show", "phones"), "SEPA", "not registered")
        has(s.daemon.cli("show", "trunks"), "cucm", "REASON", "127.0.0.1")
        if s.daemon.json("show", "calls") != {"calls": []}:
            raise Failed("calls out of nothing")
        has(s.daemon.cli("status", "--json"), '"store_failing": false')


def live_fifty_thousand_users():
    """a site of 50,000 users with a phone, a line, a profile and a mobile each is read"""
    parts = {"users": "{{ name: u{0:05d}, display: Person Number {0:05d} }}",
             "phones": '{{ name: SEP{0:012d}, user: u{0:05d}, auth-user: "1{0:05d}", password: secret{0:05d} }}',
             "lines": '{{ number: "1{0:05d}", partition: internal, user: u{0:05d}, phones: [ SEP{0:012d} ], '
                      'css: far, e164: "+49301{0:05d}" }}',
             "profiles": '{{ name: p{0:05d}, user: u{0:05d}, reroute-css: far, lines: [ "1{0:05d}" ] }}',
             "remotes": '{{ name: m{0:05d}, profile: p{0:05d}, number: "95551{0:05d}", delay: 2500 }}'}
    with Bed("commands") as bed:
        d, m = bed.subdir("many"), bed.ports(80)
        (d / "tandem.yaml").write_text(CONFIG.format(sip=bed.port(), pbx=bed.port(), peer=bed.port(), m0=m,
                                                     m1=m + 39, m2=m + 40, m3=m + 79))
        (d / "site.yaml").write_text(
            SITE[:SITE.index("users:")] +
            "".join(f"{k}:\n" + "".join(f"  - {row.format(i)}\n" for i in range(50000)) for k, row in parts.items()))
        r = subprocess.run([binary(), "check", "-c", "tandem.yaml", "-f", "site.yaml"], cwd=d, timeout=120,
                           capture_output=True, text=True)
        if r.returncode:
            raise Failed(f"check ended with {r.returncode}: {r.stdout[:400]}{r.stderr[:400]}")


def audited(s):
    with contextlib.closing(sqlite3.connect(s.daemon.store)) as db:
        return db.execute("SELECT action, what, result FROM audit").fetchall()


def live_apply_without_waiting():
    """a site whose sender did not wait for the answer is in force all the same, and in the audit"""
    with Bed("commands") as bed:
        s, n = Site(bed), 20000
        body = ("users:\n" + "".join(f"  - {{ name: u{i}, display: Person {i} }}\n" for i in range(n))).encode()
        with socket.socket(socket.AF_UNIX) as c:
            c.connect(os.path.relpath(s.daemon.dir / "control.sock"))
            c.sendall(b"POST /v1/apply?file=many.yaml HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
            until("all of it read", lambda: not any(fcntl.ioctl(c, termios.TIOCOUTQ, bytes(4))))
        until("the site in force", lambda: len(s.daemon.json("show", "users")["users"]) == n)
        until("its audit line", lambda: ("apply", "many.yaml", "done") in audited(s))


def live_dial():
    """dial says what rings, when, over which trunk, and why not"""
    with Bed("commands") as bed:
        s = Site(bed)
        s.daemon.apply(SITE)
        plan = s.daemon.json("dial", "--from", "1001", "--to", "1002")
        rings = [(r["kind"], r["number"], r["trunk"], r["delay_ms"]) for r in plan["rings"]]
        if rings != [("remote destination", "5551234", "cucm", 2500)]:
            raise Failed(f"rings {rings}")
        text = s.daemon.cli("dial", "--from", "1001", "--to", "1002")
        has(text, "Phone SEPB does not ring: it is not registered", "2500 ms", "cucm")
        has(s.daemon.cli("dial", "--from", "1001", "--to", "95551234"), "Nothing rings", "404", "staff")
        has(s.daemon.cli("dial", "--trunk", "cucm", "--from", "+4930123", "--to", "1001"), "(trunk cucm")
        has(s.refused("dial", "--from", "4711", "--to", "1001"), "4711", "--trunk")
        has(s.refused("dial", "--from", "1001"), "--to")
        has(s.refused("dial", "--form", "1001"), "--from")


def live_call_by_command():
    """a call is shown while it talks; afterwards its record and its ladder remain"""
    with Bed("commands") as bed:
        s = Site(bed)
        s.daemon.apply(SITE)
        a, b = s.phone(bed, "1001", 440), s.phone(bed, "1002", 1000)
        has(s.daemon.cli("show", "phones"), "127.0.0.1:", "baresip")
        a.dial("sip:1002@tandem.test")
        b.wait("CALL_INCOMING")
        b.answer()
        a.wait("CALL_ESTABLISHED")
        call = until("a talking call", lambda: [c for c in s.daemon.json("show", "calls")["calls"]
                                                if c["state"] == "talking"])[0]
        if (call["calling"], call["called"], call["answered_by"]) != ("1001", "1002", "SEPB"):
            raise Failed(f"call {call}")
        live = s.daemon.cli("show", "call", call["id"])
        has(live, "talking", "INVITE 1002", "SEPA", "200 OK", "1002 is line 1002 in partition internal")
        a.hangup()
        b.wait("CALL_CLOSED")
        done = until("a record", lambda: s.daemon.json("cdr")["records"])[0]
        if done["id"] != call["id"] or done["reason"] != "caller-hung-up":
            raise Failed(f"record {done}")
        has(s.daemon.cli("show", "call", call["id"]), "ended", "INVITE 1002", "BYE", "The caller ended the call.")
        has(s.daemon.cli("cdr"), call["id"], "1001", "SEPB")
        check_queries(s, call["id"])


def check_queries(s, call):
    rows = list(csv.DictReader(io.StringIO(s.daemon.cli("cdr", "--csv", "--limit", "all"))))
    if len(rows) != 1 or rows[0]["id"] != call:
        raise Failed(f"csv {rows}")
    for words, n in ((("--number", "1002"), 1), (("--number", "7"), 0), (("--since", "2020-01-01"), 1),
                     (("--until", "2020-01-01"), 0), (("--reason", "caller-hung-up"), 1),
                     (("--reason", "busy"), 0)):
        got = s.daemon.json("cdr", *words)["records"]
        if len(got) != n:
            raise Failed(f"cdr {words}: {len(got)} records, expected {n}")
    has(s.refused("cdr", "--since", "yesterday"), "2026-11-23")
    has(s.refused("cdr", "--limit", "0"), "--limit")
    has(s.refused("cdr", "--limit", "abc"), "--limit")
    has(s.refused("show", "call", "1"), "No call has this id")
    has(s.refused("show", "call", "x"), "a number")
    has(s.refused("show", "trunk"), "did you mean trunks?")


def ask(s, text):
    """Raw bytes to the socket; the answer's first line."""
    with socket.socket(socket.AF_UNIX) as c:
        c.settimeout(10)
        c.connect(os.path.relpath(s.daemon.dir / "control.sock"))
        c.sendall(text)
        return c.recv(65536).decode(errors="replace")


def live_bad_requests():
    """bad requests get a sentence and the daemon lives on"""
    with Bed("commands") as bed:
        s = Site(bed)
        end = b"Host: x\r\nConnection: close\r\n\r\n"
        for line, status in ((b"GET /v1/none HTTP/1.1", "404"), (b"GET / HTTP/1.1", "404"),
                             (b"POST /v1/show/trunks HTTP/1.1\r\nContent-Length: 0", "405"),
                             (b"GET /v1/stop HTTP/1.1", "405"),
                             (b"GET /v1/dial?to=1&to=2&nope=3 HTTP/1.1", "400"),
                             (b"GET /v1/dial HTTP/1.1", "400"),
                             (b"GET /v1/cdr?limit=1001 HTTP/1.1", "400"),
                             (b"GET /v1/cdr?" + b"&".join(b"x%d=1" % i for i in range(99)) + b" HTTP/1.1", "400"),
                             (b"POST /v1/apply HTTP/1.1\r\nContent-Length: 0", "400")):
            got = ask(s, line + b"\r\n" + end)
            has(got.splitlines()[0], status)
            has(got, '"error": "')
        with socket.socket(socket.AF_UNIX) as c:        # half a request, and gone
            c.connect(os.path.relpath(s.daemon.dir / "control.sock"))
            c.sendall(b"\x00\xff\x00 garbage\r\n\r\n")
        body = b"x" * (33 << 20)
        with socket.socket(socket.AF_UNIX) as c:
            c.settimeout(20)
            c.connect(os.path.relpath(s.daemon.dir / "control.sock"))
            c.sendall(b"POST /v1/apply HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
            has(c.recv(65536).decode(), "413")
        before = s.daemon.descriptors()
        for _ in range(20):
            json.loads(s.daemon.cli("show", "trunks", "--json"))
        until("descriptors back", lambda: s.daemon.descriptors() <= before)


def let_nobody_look(s, bed):
    """The socket's group lets the user nobody in."""
    try:
        os.chown(s.daemon.dir / "control.sock", 0, 65534)
        os.setegid(65534)
        os.setegid(0)
    except PermissionError:
        raise tap.Skip("only root can be somebody else") from None
    for d in (bed.dir, s.daemon.dir):
        d.chmod(0o755)


def as_nobody(s, do):
    """The pid of a child in the daemon's folder that is the user nobody; its exit code is what do() gives."""
    child = os.fork()
    if child == 0:
        code = 99
        try:
            os.chdir(s.daemon.dir)
            os.setgroups([])
            os.setgid(65534)
            os.setuid(65534)
            code = do()
        finally:
            os._exit(code)
    return child


def code_of(child):
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def hold_all(ready, end):
    """Every connection there is, a third of them with a body that does not end; until the end's pipe is closed."""
    kept = []
    os.close(end[1])
    for i in range(80):
        c = socket.socket(socket.AF_UNIX)
        c.settimeout(2)
        try:
            c.connect("control.sock")
            kept.append(c)
            if i % 3 == 0:
                c.sendall(b"POST /v1/apply HTTP/1.1\r\nHost: x\r\nContent-Length: 20000000\r\n\r\n" + b"x" * (8 << 20))
        except OSError:
            pass        # turned away
    os.write(ready[1], b"x")
    os.read(end[0], 1)
    return 0


def resident_mb(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as f:
        return next(int(line.split()[1]) for line in f if line.startswith("VmRSS")) >> 10


def live_lookers_lock_nobody_out():
    """who may only look can neither hold memory nor keep the administrator out"""
    with Bed("commands") as bed:
        s = Site(bed)
        let_nobody_look(s, bed)
        ready, end = os.pipe(), os.pipe()
        before = resident_mb(s.daemon.child.pid)
        child = as_nobody(s, lambda: hold_all(ready, end))
        os.read(ready[0], 1)
        grown = resident_mb(s.daemon.child.pid) - before
        try:
            has(s.daemon.cli("show", "trunks", limit_s=10), "cucm")
        finally:
            os.close(end[1])
            code = code_of(child)
            for fd in (*ready, end[0]):
                os.close(fd)
        if grown > 64 or code:
            raise Failed(f"{grown} MB more; the other user ended with {code}")
        until("a place again", lambda: s.daemon.descriptors() < 48)


def live_who_may_only_look():
    """another user may look but changes nothing"""
    with Bed("commands") as bed:
        s = Site(bed)
        s.daemon.apply(SITE)
        end = b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
        let_nobody_look(s, bed)
        for line, want in ((b"GET /v1/show/phones", 20), (b"GET /v1/cdr", 20), (b"GET /v1/export", 40),
                           (b"POST /v1/apply", 40), (b"POST /v1/stop", 40)):
            got = code_of(as_nobody(s, lambda text=line + end: int(ask(s, text).split()[1]) // 10))
            if got != want:
                raise Failed(f"{line} was answered {got}x")
        if s.daemon.cli("export") != SITE:
            raise Failed("the site has changed")


def live_stop():
    """stop ends the daemon and takes its socket away"""
    with Bed("commands") as bed:
        s = Site(bed)
        has(s.daemon.cli("stop"), "0 calls")
        if s.daemon.child.wait_end(10):
            raise Failed("the daemon did not end well")
        if (s.daemon.dir / "control.sock").exists():
            raise Failed("the socket is still there")


def live_hangup_signal():
    """SIGHUP ends neither the daemon nor its media process; the log says what reads a configuration"""
    with Bed("commands") as bed:
        s = Site(bed)
        media = s.daemon.media_pid()
        os.kill(media, signal.SIGHUP)
        os.kill(s.daemon.child.pid, signal.SIGHUP)
        s.daemon.child.wait_text("SIGHUP changes nothing", 10)
        s.daemon.json("show", "trunks")
        if s.daemon.media_pid() != media:
            raise Failed("the media process is another one")


def live_unreadable_files():
    """the applied site, or the map, that is there but cannot be read refuses the start, and stays"""
    with Bed("commands") as bed:
        s = Site(bed)
        s.daemon.apply(SITE)
        s.daemon.stop()
        for name in ("t.db.site.yaml", "records.map"):
            kept = s.daemon.dir / name
            content = kept.read_bytes()
            kept.unlink()
            kept.symlink_to(name)           # a link to itself: not even root can read it
            r = subprocess.run([binary(), "serve", "-c", "tandem.yaml"], cwd=s.daemon.dir, timeout=20,
                               capture_output=True, text=True, stdin=subprocess.DEVNULL)
            if r.returncode != 1 or "ready" in r.stdout or not kept.is_symlink():
                raise Failed(f"{name}: serve ended with {r.returncode}: {r.stdout}{r.stderr}")
            has(r.stderr, name, os.strerror(errno.ELOOP), "chown")
            kept.unlink()
            kept.write_bytes(content)
        s.daemon.start()
        if s.daemon.cli("export") != SITE:
            raise Failed("the site is another one")


def live_locked_database():
    """a database that another process holds stops no start; it is taken as soon as it is let go"""
    with Bed("commands") as bed:
        s = Site(bed)
        s.daemon.apply(SITE)
        for lock in ("BEGIN IMMEDIATE", "PRAGMA locking_mode=EXCLUSIVE; BEGIN EXCLUSIVE"):
            s.daemon.stop()
            with contextlib.closing(sqlite3.connect(s.daemon.store, isolation_level=None)) as db:
                db.executescript(lock)
                s.daemon.start()
                failing = s.daemon.json("status")["store_failing"]
                if failing != ("EXCLUSIVE" in lock):
                    raise Failed(f"{lock}: store_failing is {failing}")
                if s.daemon.cli("export") != SITE:
                    raise Failed("the site is another one")
            until("the database", lambda: not s.daemon.json("status")["store_failing"])
            s.daemon.json("cdr")


def live_two_daemons():
    """a second daemon on the same socket says so and leaves the first alone"""
    with Bed("commands") as bed:
        s, m, other = Site(bed), bed.ports(80), bed.subdir("other")
        (other / "tandem.yaml").write_text(CONFIG.format(
            sip=bed.port(), pbx=bed.port(), peer=bed.port(), m0=m, m1=m + 39, m2=m + 40,
            m3=m + 79).replace("control-socket: control.sock",
                               f"control-socket: {os.path.relpath(s.daemon.dir, other)}/control.sock"))
        r = subprocess.run([binary(), "serve", "-c", "tandem.yaml"], cwd=other, timeout=20,
                           capture_output=True, text=True)
        if r.returncode != 1:
            raise Failed(f"ended with {r.returncode}")
        has(r.stderr, "Another daemon answers")
        s.daemon.json("show", "trunks")


if __name__ == "__main__":
    tap.main(globals())
