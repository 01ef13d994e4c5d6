"""Faults of what the daemon stands on, with calls beside them: a full disk (F2), a slow one (F3), a log nobody
reads (F4), dead and lying resolvers (D6), a clock that jumps (D7), ports and files that run out (B4), a burst (B3)."""
import fcntl
import os
import pathlib
import re
import socket
import sqlite3
import ssl
import subprocess
import time

from faultbed import (EVIL, FORGED, FORWARD, GARBAGE, REFUSING, SILENT, TALK_MS, Disk, FaultMix, Probe, Reader, Resolver,
                      daemon_with, ended, p99, sums)
from hostile_flood import Slow
from lib.bed import Bed, Failed, until
from lib.measure import Result, measure
from lib.tandem import ROOT, binary
from mixbed import SIPP, SITE, percentile
from phone import Phone, md5

MORE_MS = 5         # what a fault may cost a call's set-up, and the loop


def lost_and_doubled(m, sipps):
    """Of the calls SIPp made, how many have no record; and how many Call-IDs have two."""
    m.daemon.recorded(60)
    ids = m.call_ids()
    created = sums(sipps)[0]
    return created - sum(1 for i in ids if i.endswith("@127.0.0.1")), sum(1 for n in ids.values() if n > 1)


# --- F2 ----------------------------------------------------------------------------------------------

NEW_LINE = '  - { number: "5999", partition: all, endpoints: [ "7001@desk" ] }\n'


def apply_new_line(m):
    """(exit code, what it says); the new site has one line more."""
    path = m.daemon.dir / "new.yaml"
    path.write_text(SITE.replace("lines:\n", "lines:\n" + NEW_LINE))
    r = subprocess.run([binary(), "apply", "-f", path], cwd=m.daemon.dir, capture_output=True, text=True, timeout=30, check=False)
    return r.returncode, r.stdout + r.stderr


def knows_new_line(m):
    return "7001" in m.daemon.cli("dial", "5999", "--trunk", "near", expect=None)


@measure("F2", "disk full: database, applied site and log on a tmpfs without a free byte for 25 s of calls at 20/s; "
         "`apply` meanwhile; then there is room again",
         "0 calls failed, alarm with the next step in the log and in `tandem status`, 0 records lost or doubled afterwards, database "
         "intact, `apply` refused with a sentence and nothing changed; 100,000 records fit (unit/store)", limit_s=240)
def disk_full():
    with Bed("full") as bed, Disk(bed, "8m") as disk:
        log = open(disk.dir / "tandem.log", "ab", buffering=0)
        m = FaultMix(bed, replace=[("store: t.db", "store: {disk}/t.db")], disk=disk.dir,
                     make=daemon_with(stderr=log.fileno(), store=disk.dir / "t.db"))
        calls = [m.phase("before", 8), m.phase("during", 40)]
        time.sleep(12)
        disk.fill()
        began = time.monotonic()
        until("the alarm", lambda: m.status()["store_failing"], 10, 0.2)
        alarm = m.status()["store_text"]
        code, said = apply_new_line(m)
        time.sleep(max(0, 25 - (time.monotonic() - began)))
        at_the_end, unchanged = m.status(), not knows_new_line(m)
        disk.free()
        ended(calls)
        missing, twice = lost_and_doubled(m, calls)
        again, _ = apply_new_line(m)
        told = (disk.dir / "tandem.log").read_text(errors="replace")
        with sqlite3.connect(f"file:{m.daemon.store}?mode=ro", uri=True) as db:
            intact = db.execute("PRAGMA integrity_check").fetchone()[0]
        created, failed = sums(calls)
        refused = code != 0 and "nothing was changed" in said and unchanged and again == 0 and knows_new_line(m)
        log_told = "The disk is full" in told and "writing again" in told
        ok = (not failed and not missing and not twice and intact == "ok" and refused and log_told and
              "Free space" in alarm and at_the_end["records_waiting"] > 300 and not at_the_end["records_lost"])
        return Result(f"{created} calls, {failed} failed; {at_the_end['records_waiting']} records waited, {missing} lost, {twice} doubled; "
                      f"integrity: {intact}; alarm {'told' if log_told else 'not in the log'}; apply "
                      f"{'refused, nothing changed' if refused else 'not refused cleanly: ' + said.strip()[:200]}", ok,
                      {"alarm": alarm, "apply": said.strip(), "log": told[-2000:], "status": at_the_end, "failures": m.failures()})


# --- F3 ----------------------------------------------------------------------------------------------

def look_at(m, calls):
    """(most records waiting, what status said of the store last) until these calls are over"""
    most, told = 0, ""
    while calls.child.alive():
        s = m.status()
        most, told = max(most, s["records_waiting"]), s["store_text"] or told
        time.sleep(0.5)
    return most, told


@measure("F3", "slow disk: each fsync and fdatasync takes 5 s for 25 s of calls at 20/s",
         f"p99 of set-up and of an OPTIONS less than {MORE_MS} ms longer than before in the same run, 0 calls failed, 0 records lost "
         "or doubled, `tandem status` tells it", limit_s=240)
def slow_disk():
    with Bed("slow-disk") as bed:
        fault = bed.dir / "slow"
        m = FaultMix(bed, make=daemon_with({"LD_PRELOAD": str(ROOT / "build/rel/measure_faultlib.so"),
                                            "FAULT_FILE": str(fault), "FAULT_SYNC_MS": "5000"}))
        watch = Probe(m.near)
        watch.mark("before")
        before = m.phase("before", 25)
        look_at(m, before)
        fault.write_text("")
        watch.mark("during")
        during = m.phase("during", 25)
        most, told = look_at(m, during)
        watch.mark("after")
        fault.unlink()
        watch.stop()
        missing, twice = lost_and_doubled(m, [before, during])
        created, failed = sums([before, during])
        more, stall = p99([during]) - p99([before]), watch.stall("before", "during")
        ok = (not failed and not missing and not twice and more < MORE_MS and stall < MORE_MS and most > 50 and
              "has been writing for" in told)
        return Result(f"{created} calls, {failed} failed; p99 of set-up {p99([before]):.0f} then {p99([during]):.0f} ms, an OPTIONS "
                      f"waits {stall:.1f} ms longer; at most {most} records waited, {missing} lost, {twice} doubled", ok,
                      {"told": told, "options": watch.figures("before", "during"), "failures": m.failures()})


# --- F4 ----------------------------------------------------------------------------------------------

REFUSED_S, LINES = 400, 6000


def refused_calls(m, count):
    """INVITEs that are refused, REFUSED_S a second, each ACKed: one line of log each. How many were answered."""
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.bind(("127.0.0.1", 0))
    s.settimeout(2)
    me, good, began = "127.0.0.1:%d" % s.getsockname()[1], 0, time.monotonic()
    for n in range(count):
        time.sleep(max(0, began + n / REFUSED_S - time.monotonic()))
        ident = f"{s.getsockname()[1]}x{n}"
        head = (f"Via: SIP/2.0/UDP {me};branch=z9hG4bKr{ident};rport\r\nMax-Forwards: 70\r\nFrom: <sip:1@{me}>;tag={n}\r\n"
                f"To: <sip:9@127.0.0.1>{{to}}\r\nCall-ID: {ident}@refused\r\nCSeq: 1 {{method}}\r\nContact: <sip:1@{me}>\r\n"
                "Replaces: none;to-tag=1;from-tag=2\r\nContent-Length: 0\r\n\r\n")
        s.sendto(("INVITE sip:9@127.0.0.1 SIP/2.0\r\n" + head.format(to="", method="INVITE")).encode(), ("127.0.0.1", m.near))
        text = ""
        try:
            while not re.match(r"SIP/2\.0 [3-6]", text) or f"Call-ID: {ident}@refused" not in text:
                text = s.recv(65535).decode()
        except TimeoutError:
            continue
        good += 1
        to = re.search(r"^To:.*?(;tag=[^;\r]*)", text, re.M)
        s.sendto(("ACK sip:9@127.0.0.1 SIP/2.0\r\n" + head.format(to=to[1] if to else "", method="ACK")).encode(),
                 ("127.0.0.1", m.near))
    return good


@measure("F4", f"log dead: the reader of standard error sleeps for 20 s of calls at 20/s and {LINES:,} lines of log; wakes; then the pipe has no other end",
         f"0 calls failed, p99 of set-up and of an OPTIONS less than {MORE_MS} ms longer than before in the same run, lines lost are counted in "
         "`tandem status` and told in the log", limit_s=240)
def log_dead():
    with Bed("log") as bed:
        reader = Reader()
        fcntl.fcntl(reader.end, fcntl.F_SETPIPE_SZ, 4096)
        m = FaultMix(bed, make=daemon_with(stderr=reader.end))
        os.close(reader.end)
        watch = Probe(m.near)
        watch.mark("before")
        before = m.phase("before", 20)
        refused_calls(m, LINES)
        ended([before])
        until("the log to be read", lambda: b"Call refused" in reader.text, 10)
        reader.awake.clear()
        watch.mark("asleep")
        asleep = m.phase("asleep", 20)
        answered = refused_calls(m, LINES)
        ended([asleep])
        watch.mark("woken")
        lost = m.status()["log_lines_lost"]
        reader.awake.set()
        until("the log to tell its gap", lambda: b"log lines were lost here" in reader.text, 10)
        watch.mark("closed")
        os.close(reader.fd)
        closed = m.phase("closed", 20)
        refused_calls(m, LINES)
        ended([closed])
        watch.stop()
        after = m.status()["log_lines_lost"]
        created, failed = sums([before, asleep, closed])
        more = max(p99([asleep]), p99([closed])) - p99([before])
        stall = watch.stall("before", "asleep", "closed")
        ok = not failed and answered == LINES and more < MORE_MS and stall < MORE_MS and lost > 100 and after > lost and m.daemon.child.alive()
        return Result(f"{created} calls, {failed} failed; {lost} lines lost while it slept, {after - lost} without a reader; p99 of set-up "
                      f"{p99([before]):.0f}, {p99([asleep]):.0f} and {p99([closed]):.0f} ms, an OPTIONS waits {stall:.1f} ms longer", ok,
                      {"options": watch.figures("before", "asleep", "closed"), "refused": answered, "failures": m.failures()})


# --- D6 ----------------------------------------------------------------------------------------------

SERVERS = (("silent", SILENT, 20), ("refusing", REFUSING, 12), ("garbage", GARBAGE, 12), ("forged", FORGED, 26))


class Trap:
    """Nobody may be sent to this address."""

    def __init__(self, ports):
        self.socks = []
        for port in ports:
            for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
                s = socket.socket(socket.AF_INET, kind)
                s.bind((EVIL, port))
                s.setblocking(False)
                if kind == socket.SOCK_STREAM:
                    s.listen(64)
                self.socks.append(s)

    def caught(self):
        n = 0
        for s in self.socks:
            try:
                while True:
                    s.accept() if s.type == socket.SOCK_STREAM else s.recv(4096)
                    n += 1
            except BlockingIOError:
                pass
        return n


@measure("D6", "resolvers dead: silent, refusing, answering garbage, then only forged answers come (wrong id, wrong question, wrong source port); "
         "all names have a TTL of 5 s, the desk and Teams (10 calls/s each) are reached by name",
         f"0 calls failed, p99 of set-up and of an OPTIONS less than {MORE_MS} ms longer than before in the same run, 0 of 100,000 forged answers "
         "believed", "pjsip, 2026: the answer to a query is not bound to its question", limit_s=300)
def resolvers():
    with Bed("dns") as bed:
        box = {}
        names = [("hosts: [ \"127.0.0.1:{talker}\" ]", "hosts: [ \"desk.peer.test:{talker}\" ]")]
        m = FaultMix(bed, replace=names, dns=lambda m: box.setdefault("r", Resolver(m.hub.dns)).port)
        r = box["r"]
        try:
            return judge_resolvers(m, r)
        finally:
            r.stop()


def judge_resolvers(m, r):
    talker = int(re.search(r"desk\.peer\.test:(\d+)", m.daemon.config.read_text())[1])
    trap = Trap([talker, m.hub.sip])
    watch = Probe(m.near)
    time.sleep(6)                   # the TTLs of the start are over
    watch.mark("before")
    before = [m.phase("before", 20, rate=10), m.phase("before-teams", 20, "5004", 10)]
    ended(before)
    total = sum(s for _, _, s in SERVERS)
    asked = {"before": r.asked.value}
    during = [m.phase("during", total, rate=10), m.phase("during-teams", total, "5004", 10)]
    for name, mode, seconds in SERVERS:
        r.set(mode)
        watch.mark(name)
        time.sleep(seconds)
        asked[name] = r.asked.value - sum(asked.values())
    ended(during)
    watch.mark("after")
    r.set(FORWARD)
    watch.stop()
    after = m.phase("after", 8, rate=10)
    ended([after])
    again = r.asked.value - sum(asked.values())
    created, failed = sums([*before, *during, after])
    more = [p99([d]) - p99([b]) for b, d in zip(before, during)]
    stall = watch.stall("before", *(n for n, _, _ in SERVERS))
    caught = trap.caught()
    ok = (not failed and max(more) < MORE_MS and stall < MORE_MS and not caught and r.forged.value >= 100000 and
          all(asked.values()) and again > 0)
    return Result(f"{created} calls, {failed} failed; {caught} of {r.forged.value} forged answers believed; p99 of set-up {more[0]:+.0f} ms "
                  f"(desk) and {more[1]:+.0f} ms (Teams), an OPTIONS waits {stall:.1f} ms longer", ok,
                  {"asked": asked, "asked_after": again, "p99_ms": {s.dir.name: p99([s]) for s in [*before, *during, after]},
                   "options": watch.figures("before", *(n for n, _, _ in SERVERS)), "failures": m.failures()})


# --- D7 ----------------------------------------------------------------------------------------------

HOUR, DAY = 3600, 86400
# Seconds beside the true time; ten of the steps go back.
JUMPS = (HOUR, -HOUR, DAY, -DAY, 0, -HOUR, -2 * HOUR, -3 * HOUR, -4 * HOUR, -5 * HOUR, -DAY, -DAY - HOUR, -DAY - 2 * HOUR, 0)
JUMP_EVERY_S, CLOCK_CALLS_S, CLOCK_TALK_MS = 8, 5, 8000
PHONES = ('  - {{ name: phones, zone: phones, transport: udp, bind: "127.0.0.1:{phones}", media-bind: 127.0.0.5, media-ports: 13000-13999 }}\n')
PHONE_SITE = SITE.replace("lines:\n", "phones:\n" + "".join(
    f'  - {{ name: p{n}, user: anna, auth-user: "{n}", password: "secret-{n}" }}\n' for n in (1001, 1002, 1003)) + "lines:\n", 1)
GRANTED_S = 3240, 3600      # of 3,600 asked for: up to a tenth less, so that phones do not all come back at once


class Nonce(Phone):
    """Registers again with the nonce it has (RFC 7616 3.4: nc counts), and counts when that is too old."""

    def __init__(self, *words):
        super().__init__(*words)
        self.challenge, self.nc, self.stale, self.call_id, self.seq = "", 0, 0, f"n{words[2]}", 0

    def credentials_again(self, uri):
        self.nc += 1
        field = dict(re.findall(r'(\w+)="?([^",]+)"?', self.challenge))
        ha1 = md5(f"{self.user}:{field['realm']}:{self.password}")
        got = md5(f"{ha1}:{field['nonce']}:{self.nc:08x}:c:auth:{md5(f'REGISTER:{uri}')}")
        return (f'Authorization: Digest username="{self.user}", realm="{field["realm"]}", nonce="{field["nonce"]}", '
                f'uri="{uri}", response="{got}", algorithm=MD5, qop=auth, nc={self.nc:08x}, cnonce="c"\r\n')

    def refresh(self):
        """The last status."""
        uri, status = f"sip:{self.border[0]}", 0
        for _ in range(3):
            self.seq += 1
            extra = "Expires: 3600\r\n" + (self.credentials_again(uri) if self.challenge else "")
            status, text = self.ask("REGISTER", uri, self.call_id, self.seq, to=f"<sip:{self.user}@{self.border[0]}>", extra=extra)
            if status != 401:
                left = re.search(r"^Contact:.*expires=(-?\d+)", text, re.M)
                return status if left and GRANTED_S[0] <= int(left[1]) <= GRANTED_S[1] else -1
            self.stale += "stale=true" in text
            self.challenge, self.nc = next(l for l in text.split("\r\n") if l.lower().startswith("www-auth") and "SHA-256" not in l), 0
        return status


def options_gaps(m):
    """Seconds between the OPTIONS each Teams host answered, by the hub's own trace."""
    at, gaps = {}, []
    text = (m.hub.dir / "trace.txt").read_text(errors="replace")
    for block in text.split("--- ")[1:]:
        head = re.match(r"(\d+) (\S+) -> \S+\nSIP/2.0 200", block)
        if head and re.search(r"^CSeq: *\d+ OPTIONS", block, re.M):
            if head[2] in at:
                gaps.append((int(head[1]) - at[head[2]]) / 1000)
            at[head[2]] = int(head[1])
    return gaps


def certificate_taken(m):
    """Does the Teams listener take the hub's certificate now? A refusal comes as an alert."""
    ctx = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    ctx.check_hostname, ctx.verify_mode = False, ssl.CERT_NONE
    ctx.load_cert_chain(m.hub.dir / "hub.pem", m.hub.dir / "hub.key")
    try:
        with socket.create_connection(("127.0.0.1", m.tls), 3) as raw, ctx.wrap_socket(raw, server_hostname="sbc.contoso.com") as s:
            s.settimeout(1)
            return s.recv(1) != b""
    except TimeoutError:
        return True
    except OSError:
        return False


def becomes(m, taken):
    """Within a few seconds: the library under the daemon looks at its file now and then only."""
    try:
        return until("the certificate to be judged anew", lambda: certificate_taken(m) == taken, 8, 0.5)
    except Failed:
        return False


@measure("D7", f"the wall clock jumps every {JUMP_EVERY_S} s, by hours and days, ten times back, beside calls of {CLOCK_TALK_MS // 1000} s at "
         f"{CLOCK_CALLS_S}/s, three phones that refresh with their nonce, and Teams; then by thirty years and back",
         "0 calls failed, talk time in every record right within 0.5 s, no registration lost or told a wrong time, nonces work, OPTIONS every 60 to "
         "65 s, certificates judged by the clock of now", limit_s=300)
def clock_jumps():
    lib = next(pathlib.Path("/usr/lib").glob("*/faketime/libfaketime.so.1"), None)
    if not lib:
        raise Failed("libfaketime is missing: install faketime")
    with Bed("clock") as bed:
        clock, phones_port = bed.dir / "clock", bed.port()

        def set_clock(offset):
            new = bed.dir / "clock.new"
            new.write_text(f"{offset:+d}\n")
            new.rename(clock)
            time.sleep(1.2)                 # the library looks once a second
        clock.write_text("+0\n")
        m = FaultMix(bed, replace=[("trunks:\n", PHONES + "trunks:\n"), ("zones:\n", "zones:\n  - {{ name: phones, kind: phones }}\n")],
                     phones=phones_port, site=PHONE_SITE,
                     make=daemon_with({"LD_PRELOAD": str(lib), "FAKETIME_TIMESTAMP_FILE": str(clock), "FAKETIME_DONT_FAKE_MONOTONIC": "1",
                                       "DONT_FAKE_MONOTONIC": "1", "FAKETIME_CACHE_DURATION": "1"}))
        phones = [Nonce(f"127.0.0.{n - 990}", ("127.0.0.1", phones_port), str(n), f"secret-{n}") for n in (1001, 1002, 1003)]
        bad = [got for p in phones for got in (p.refresh(),) if got != 200]
        calls = [m.phase("clock", len(JUMPS) * JUMP_EVERY_S + 18, "5003", CLOCK_CALLS_S - 1, CLOCK_TALK_MS),
                 m.phase("clock-teams", len(JUMPS) * JUMP_EVERY_S + 18, "5004", 1, CLOCK_TALK_MS)]
        least = 9
        for offset in JUMPS:
            began = time.monotonic()
            set_clock(offset)
            bad += [got for p in phones for got in (p.refresh(),) if got != 200]
            least = min(least, m.status()["registrations"])
            time.sleep(max(0, JUMP_EVERY_S - (time.monotonic() - began)))
        ended(calls, 120)
        valid = []
        for years, taken in ((0, True), (30, False), (0, True)):
            set_clock(years * 365 * DAY)
            valid.append(taken if becomes(m, taken) else not taken)
        for p in phones:
            p.stop()
        return judge_clock(m, calls, {"bad": bad, "stale": sum(p.stale for p in phones), "least": least, "valid": valid})


def judge_clock(m, calls, got):
    missing, twice = lost_and_doubled(m, calls)
    created, failed = sums(calls)
    with sqlite3.connect(f"file:{m.daemon.store}?mode=ro", uri=True) as db:
        talk = [t for (t,) in db.execute("SELECT talk_ms FROM cdr WHERE answer_wall > 0")]
        stamps = [t for (t,) in db.execute("SELECT DISTINCT (start_wall / 3600000) FROM cdr")]
    wrong = sum(1 for t in talk if not CLOCK_TALK_MS - 20 <= t <= CLOCK_TALK_MS + 500)
    gaps, (totals, findings) = options_gaps(m), m.teams()
    even = bool(gaps) and 59.9 <= min(gaps) and max(gaps) <= 65
    ok = (not failed and not missing and not twice and not wrong and not got["bad"] and got["least"] == 3 and even and not findings and
          got["valid"] == [True, False, True] and len(stamps) >= 6)
    return Result(f"{created} calls over {len(JUMPS)} jumps, {failed} failed; {wrong} of {len(talk)} durations wrong (longest off by "
                  f"{max((abs(t - CLOCK_TALK_MS) for t in talk), default=0)} ms); {len(got['bad'])} REGISTERs failed, {got['stale']} stale nonces, "
                  f"{3 - got['least']} registrations lost; OPTIONS every {min(gaps, default=0):.1f} to {max(gaps, default=0):.1f} s; certificate "
                  f"{'taken, refused in thirty years, taken' if got['valid'] == [True, False, True] else got['valid']}", ok,
                  {"hours_in_records": len(stamps), "findings": findings[:5], "hub": totals, "failures": m.failures(), **got})


# --- B4 ----------------------------------------------------------------------------------------------

POOL_PAIRS, FILES = 50, 256


def answers(s):
    """(ms to each 200, ms to each 503) of caller-or-503.xml"""
    got = {"1": [], "2": []}
    for f in s.dir.glob("*rtt.csv"):
        for line in f.read_text(errors="replace").splitlines()[1:]:
            part = line.split(";")
            if len(part) > 2 and part[2].strip() in got:
                got[part[2].strip()].append(float(part[1]))
    return got["1"], got["2"]


def ports_run_out(m):
    """Words and whether they are as they should be."""
    first = m.call("ports", "5003", 20, 200, 14000, SIPP / "caller-or-503.xml")
    ended([first], 60)
    took, left = m.drained()
    again = m.call("ports-again", "5003", 20, POOL_PAIRS, 1000, SIPP / "caller-or-503.xml")
    ended([again], 60)
    taken, refused = answers(first)
    taken_again, _ = answers(again)
    failed = sums([first, again])[1]
    ok = (len(taken) == POOL_PAIRS and len(refused) == 200 - POOL_PAIRS and not failed and took is not None and len(taken_again) == POOL_PAIRS)
    back = f"all back {took:.0f} s later" if took is not None else f"left over: {left}"
    return (f"{POOL_PAIRS} pairs of ports, 200 calls: {len(taken)} taken, {len(refused)} with 503 and Retry-After (p99 "
            f"{percentile(refused, .99) or 0:.0f} ms), {failed} failed, {back}, then {len(taken_again)} of {POOL_PAIRS} again"), ok


def cpu_s(pid):
    return sum(int(f.read_text().split()[0]) for f in pathlib.Path(f"/proc/{pid}/task").glob("*/schedstat")) / 1e9


def files_run_out(m, tcp, tls):
    pid = m.daemon.child.pid
    subprocess.run(["prlimit", "--pid", str(pid), f"--nofile={FILES}:{FILES}"], check=True)
    honest = socket.create_connection(("127.0.0.1", tcp), 3, ("127.0.0.9", 0))
    flood = Slow([f"127.0.1.{i}" for i in range(1, 101)], (tcp, tls), 2000, 300, host="127.0.0.1")
    flood.start()
    until("the descriptors to run out", lambda: m.status()["connections_refused_files"] > 0, 30, 0.2)
    began, cpu = time.monotonic(), cpu_s(pid)
    calls = m.phase("files", 20)
    most = 0
    while time.monotonic() - began < 20:
        most = max(most, m.daemon.descriptors())
        time.sleep(0.2)
    cores = (cpu_s(pid) - cpu) / (time.monotonic() - began)
    alive = options_over(honest)
    ended([calls])
    refused = m.status()["connections_refused_files"]
    flood.stopping = True
    flood.join(20)
    fresh = until("a new connection to be served", lambda: new_client(tcp), 30, 0.5)
    created, failed = sums([calls])
    told = "LimitNOFILE" in m.log()
    ok = not failed and created > 0 and refused > 100 and most < FILES and cores < 0.6 and alive and fresh and told
    return (f"{FILES} descriptors, {flood.tried} connections tried: {refused} refused, at most {most} open, {created} calls beside, {failed} failed, "
            f"{cores:.2f} cores, the log {'says what to raise' if told else 'is silent'}, new ones served afterwards"), ok


def options_over(s):
    me = "127.0.0.9"
    s.settimeout(3)
    try:
        s.sendall((f"OPTIONS sip:127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/TCP {me};branch=z9hG4bK{time.monotonic_ns()}\r\nMax-Forwards: 70\r\n"
                   f"From: <sip:h@h>;tag=1\r\nTo: <sip:h@h>\r\nCall-ID: {time.monotonic_ns()}@h\r\nCSeq: 1 OPTIONS\r\n"
                   "Content-Length: 0\r\n\r\n").encode())
        return s.recv(4096).startswith(b"SIP/2.0")
    except OSError:
        return False


def new_client(tcp):
    try:
        with socket.create_connection(("127.0.0.1", tcp), 2, ("127.0.0.10", 0)) as s:
            return options_over(s)
    except OSError:
        return False


@measure("B4", f"200 calls want {POOL_PAIRS} pairs of media ports; then 2,000 connections want {FILES} descriptors, beside 20 calls/s",
         "the calls that fit succeed, the others get 503 with Retry-After, all ports are free 30 s after the last call; connections are refused, no call "
         "fails, less than 0.6 cores (no busy loop), the log says what to raise, new ones are served afterwards", limit_s=300)
def run_out():
    with Bed("run-out") as bed:
        tcp, tls = bed.port(), bed.port()
        streams = ('  - {{ name: tcp, zone: phones, transport: tcp, bind: "127.0.0.1:{tcp}", media-bind: 127.0.0.6, media-ports: 15000-15099 }}\n'
                   '  - {{ name: open, zone: phones, transport: tls, bind: "127.0.0.1:{open}", certificate: open, media-bind: 127.0.0.6, '
                   'media-ports: 15100-15199 }}\n')
        more = [("trunks:\n", streams + "trunks:\n"), ("zones:\n", "zones:\n  - {{ name: phones, kind: phones }}\n"),
                ("listeners:\n", '  - {{ name: open, cert: "{hub}/sbc.pem", key: "{hub}/sbc.key", roots: "{hub}/root.pem" }}\nlisteners:\n')]
        with Bed("run-out-ports") as small:
            pool = [("media-bind: 127.0.0.3, media-ports: 10000-14999", f"media-bind: 127.0.0.3, media-ports: 10000-{10000 + 2 * POOL_PAIRS - 1}")]
            ports, fine = ports_run_out(FaultMix(small, replace=pool))
        m = FaultMix(bed, replace=more, tcp=tcp, open=tls)
        files, good = files_run_out(m, tcp, tls)
        return Result(f"{ports}; {files}", fine and good, {"failures": m.failures(), "log": m.log()[-1500:]})


# --- B3 ----------------------------------------------------------------------------------------------

RATED_S, RATED_CALLS, BURST_S, AGAIN_S = 100, 150, 10, 2


@measure("B3", f"a machine set up for {RATED_S} calls/s of 1 s (`max-calls: {RATED_CALLS}`) gets three times as many for {BURST_S} s, and the rated load "
         f"again {AGAIN_S} s later",
         f"every call that is accepted succeeds, the others get 503 with Retry-After within 100 ms; {AGAIN_S} s later nothing is refused and p99 of "
         f"set-up is within {MORE_MS} ms of before", "Kamailio as a proxy: 99.9 % of 1,900 calls/s", limit_s=180)
def burst():
    with Bed("burst") as bed:
        m = FaultMix(bed, replace=[("max-calls: 4000", f"max-calls: {RATED_CALLS}"), ("127.0.0.3, media-ports: 10000-14999",
                                                                                      "127.0.0.3, media-ports: 10000-15999"),
                                   ("127.0.0.4, media-ports: 10000-12999", "127.0.0.4, media-ports: 10000-10999")])
        scenario, got = SIPP / "caller-or-503.xml", []
        for name, rate, seconds, rest in (("before", RATED_S, 6, 0), ("burst", 3 * RATED_S, BURST_S, AGAIN_S), ("after", RATED_S, 6, 0)):
            got.append(m.call(name, "5003", rate, rate * seconds, TALK_MS, scenario))
            time.sleep(seconds + rest)
        ended(got)
        created, failed = sums(got)
        (calm, none), (taken, refused), (again, none_again) = (answers(s) for s in got)
        missing, twice = lost_and_doubled(m, got)
        slow, more = percentile(refused, .99) or 0, percentile(again, .99) - percentile(calm, .99)
        ok = (not failed and not none and not none_again and len(refused) > 100 and len(taken) + len(refused) == 3 * RATED_S * BURST_S and
              slow <= 100 and more <= MORE_MS and not missing and not twice)
        return Result(f"{created} calls, {failed} failed; of {3 * RATED_S * BURST_S} in the burst {len(taken)} were taken, {len(refused)} got 503 and "
                      f"Retry-After (p99 {slow:.0f} ms); {len(none) + len(none_again)} refused before and after; p99 of set-up {more:+.0f} ms afterwards; "
                      f"{missing} records lost, {twice} doubled", ok,
                      {"p99_ms": {"before": percentile(calm, .99), "burst": percentile(taken, .99), "after": percentile(again, .99)},
                       "failures": m.failures()})
