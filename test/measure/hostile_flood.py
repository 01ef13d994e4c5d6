"""Floods, scanners and slow connections, with honest people beside them (E1 to E4)."""
import collections
import os
import random
import re
import selectors
import socket
import ssl
import subprocess
import threading
import time

from guardbed import CONFIG, PUBLIC, GuardBed, Honest, local_networks, result_of
from lib.bed import Bed, Failed, until
from lib.measure import Result, measure
from mixbed import Mix, percentile, setup_times
from phone import md5

FLOOD_S = int(os.environ.get("FLOOD_S", "600"))


@measure("E2", f"20,000 datagrams a second of REGISTER, OPTIONS, INVITE, replies and garbage from random addresses for "
         f"{FLOOD_S} s; two phones call each other 100 times a minute, a third registers in the middle",
         "0 good calls fail, memory grows by less than 20 MB, at most one core, no more bytes answered than sent",
         "FreeSWITCH: 8 GB of memory gone in 90 s (CVE-2021-41145)", limit_s=FLOOD_S + 300)
def flood():
    with Bed("flood") as bed:
        # What passed by is kept in a ring of this size: it is no part of what an attack may take.
        g = GuardBed(bed, config="tap-size: 4" + CONFIG)
        a, b = g.phone(1001, "203.0.113.1"), g.phone(1002, "203.0.113.2")
        late = g.phone(1003, "203.0.113.3")
        if [a.register(), b.register()] != [200, 200]:
            raise Failed("the phones could not register before the flood")
        honest = Honest(a, "1002", 0.6)
        time.sleep(3)
        rss, cpu, began = g.rss(), g.cpu_s(), time.monotonic()
        s = g.spray("sip", f"{PUBLIC}:5060", "10.0.0.0/8", 20000, FLOOD_S)
        time.sleep(FLOOD_S / 2)
        newcomer = late.register()
        got = result_of(s, FLOOD_S + 60)
        took, grown, cores = time.monotonic() - began, g.rss() - rss, 0
        cores = (g.cpu_s() - cpu) / took
        honest.stop()
        back = got["bytes_answers"] / max(1, got["bytes_sent"])
        failed = len(honest.failed)
        ok = not failed and newcomer == 200 and grown < 20 * 1024 and cores <= 1 and back <= 1
        return Result(f"{len(honest.times)} good calls, {failed} failed, p99 {percentile(honest.times, .99) * 1000:.0f} ms; "
                      f"a new phone registered with {newcomer}; {got['sent'] / took:.0f} datagrams/s, memory +{grown / 1024:.1f} MB, "
                      f"{cores:.2f} cores, {back:.2f} bytes answered a byte", ok,
                      {"spray": got, "failed": honest.failed[:5], "guard": g.guard() | {"sources": []},
                       "calls": len(honest.times), "rss_grown_kb": grown, "cores": cores})


# --- E1 ---------------------------------------------------------------------------------------

class Slow(threading.Thread):
    """Wants to hold `want` connections, each with half a header that grows by a byte a second."""

    def __init__(self, ips, ports, want, tries_s, host=PUBLIC):
        super().__init__(daemon=True)
        self.host = host
        self.ips, self.ports, self.want, self.every = ips, ports, want, 1 / tries_s
        self.open, self.most, self.longest, self.tried, self.stopping = {}, 0, 0.0, 0, False
        self.sel = selectors.DefaultSelector()

    def begin(self, n):
        s = socket.socket()
        s.setblocking(False)
        try:
            s.bind((self.ips[n % len(self.ips)], 0))
            s.connect_ex((self.host, self.ports[n // len(self.ips) % len(self.ports)]))
        except OSError:
            s.close()
            return
        self.tried += 1
        self.open[s] = [time.monotonic(), 0.0, False]
        self.sel.register(s, selectors.EVENT_WRITE | selectors.EVENT_READ)

    def close(self, s):
        began, _, stood = self.open.pop(s)
        if stood:
            self.longest = max(self.longest, time.monotonic() - began)
        self.sel.unregister(s)
        s.close()

    def push(self, s, mask):
        state = self.open[s]
        try:
            if mask & selectors.EVENT_READ and not s.recv(4096):
                self.close(s)
                return
            if mask & selectors.EVENT_WRITE:
                s.send(b"OPTIONS sip:a@b SIP/2.0\r\nVia: SIP/2.0/TCP a;branch=z9hG4bKx\r\nFrom: <sip:" if not state[2] else b"a")
                state[1], state[2] = time.monotonic() + 1, True
                self.sel.modify(s, selectors.EVENT_READ)
        except BlockingIOError:
            pass
        except OSError:
            self.close(s)

    def run(self):
        n, due, drip = 0, time.monotonic(), time.monotonic()
        while not self.stopping:
            now = time.monotonic()
            while now >= due and len(self.open) < self.want:
                self.begin(n)
                n, due = n + 1, due + self.every
            due = max(due, now - 1)
            for key, mask in self.sel.select(0.002):
                if key.fileobj in self.open:
                    self.push(key.fileobj, mask)
            self.most = max(self.most, sum(1 for v in self.open.values() if v[2]))
            if now - drip > 1:
                drip = now
                for s, v in list(self.open.items()):
                    if v[2]:
                        self.push(s, selectors.EVENT_WRITE)
        for s in list(self.open):
            self.close(s)


def tls_options(ip, n):
    """Seconds until a new TLS client of this address had an answer to OPTIONS; None: none within 2 s."""
    ctx = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    ctx.check_hostname, ctx.verify_mode = False, ssl.CERT_NONE
    began = time.monotonic()
    try:
        with socket.create_connection((PUBLIC, 5063), 2, (ip, 0)) as raw, ctx.wrap_socket(raw) as s:
            s.sendall((f"OPTIONS sip:{PUBLIC} SIP/2.0\r\nVia: SIP/2.0/TLS {ip};branch=z9hG4bK{n}\r\nMax-Forwards: 70\r\n"
                       f"From: <sip:h@h>;tag={n}\r\nTo: <sip:h@h>\r\nCall-ID: {n}@h\r\nCSeq: 1 OPTIONS\r\n"
                       "Content-Length: 0\r\n\r\n").encode())
            return time.monotonic() - began if s.recv(4096).startswith(b"SIP/2.0") else None
    except OSError:
        return None


@measure("E1", "10,000 half-open and slow connections wanted by 5 addresses, on TCP and TLS; 1,000 honest TLS clients come meanwhile",
         "1,000 of 1,000 served within 1 s, attackers closed within 10 s, memory grows by less than 100 MB",
         "Kamailio 5.6.3 is locked out by one host with 2,048 connections")
def slowloris():
    with Bed("slow") as bed:
        g = GuardBed(bed)
        rss = g.rss()
        slow = Slow([f"198.51.100.{i}" for i in range(1, 6)], (5060, 5063), 10000, 1500)
        slow.start()
        until("the attack to stand", lambda: slow.tried > 3000, 30)
        times = []
        for n in range(1000):
            times.append(tls_options(f"203.0.113.{10 + n % 240}", n))
            time.sleep(0.02)
        grown = g.rss() - rss
        slow.stopping = True
        slow.join(20)
        late = sum(1 for t in times if t is None or t > 1)
        got = [t for t in times if t is not None]
        ok = late == 0 and slow.longest <= 11 and grown < 100 * 1024
        return Result(f"{1000 - late} of 1000 served within 1 s (slowest {max(got, default=0) * 1000:.0f} ms); {slow.tried} connections tried, "
                      f"at most {slow.most} stood, the longest {slow.longest:.1f} s; memory +{grown / 1024:.1f} MB", ok,
                      {"late": late, "tried": slow.tried, "most": slow.most, "longest_s": slow.longest, "rss_grown_kb": grown,
                       "guard": g.guard()})


# --- E3 ---------------------------------------------------------------------------------------

class Prober:
    """Requests one by one from one address: what is answered, and how."""

    def __init__(self, ip):
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.bind((ip, 0))
        self.sock.settimeout(0.1)
        self.me, self.n, self.rng = f"{ip}:{self.sock.getsockname()[1]}", 0, random.Random(ip)

    def ask(self, method, user, extra=""):
        """(status, length without what differs by request, seconds), or None"""
        self.n += 1
        data = (f"{method} sip:{PUBLIC} SIP/2.0\r\nVia: SIP/2.0/UDP {self.me};branch=z9hG4bK{self.n:08d};rport\r\n"
                f"Max-Forwards: 70\r\nFrom: <sip:{user}@{PUBLIC}>;tag={self.n:08d}\r\nTo: <sip:{user}@{PUBLIC}>\r\n"
                f"Call-ID: {self.n:08d}@x\r\nCSeq: 1 {method}\r\nContact: <sip:{user}@{self.me}>\r\nUser-Agent: Phone/1.0 {'x' * 300}\r\n"
                f"{extra}Content-Length: 0\r\n\r\n").encode()
        began = time.perf_counter()
        self.sock.sendto(data, (PUBLIC, 5060))
        try:
            text = self.sock.recv(65535).decode()
        except (TimeoutError, socket.timeout):
            return None
        took = time.perf_counter() - began
        plain = re.sub(r'nonce="[^"]*"|^(Via|From|To|Call-ID):.*?\r\n', "", text, flags=re.M)
        return int(text[8:11]), len(plain), took, text

    def guess(self, user, password, nonce):
        uri = f"sip:{PUBLIC}"
        got = md5(f"{md5(f'{user}:tandem:{password}')}:{nonce}:00000001:c:auth:{md5(f'REGISTER:{uri}')}")
        return self.ask("REGISTER", user, f'Authorization: Digest username="{user}", realm="tandem", nonce="{nonce}", uri="{uri}", '
                        f'response="{got}", algorithm=MD5, qop=auth, nc=00000001, cnonce="c"\r\n')


def answered_of(prober, asks):
    """How many of these were answered before ten in a row were not; and the different answers."""
    count, silent, kinds = 0, 0, collections.Counter()
    for ask in asks:
        got = ask()
        silent = 0 if got else silent + 1
        count += got is not None
        if got:
            kinds[got[:2]] += 1
        if silent == 10:
            break
    return count, kinds


def tools(hub_dir):
    """What the tools of a well-known suite find, under their own name."""
    found = []
    for words in (["svmap", PUBLIC], ["svwar", "-e1000-1100", "-m", "REGISTER", PUBLIC],
                  ["svcrack", "-u", "1001", "-r", "1000-1200", PUBLIC]):
        r = subprocess.run(words, capture_output=True, text=True, timeout=120,
                           cwd=hub_dir, check=False, stdin=subprocess.DEVNULL)
        found += [l for l in (r.stdout + r.stderr).splitlines() if l.startswith("|") and "100" in l]
    return found


def welch(a, b):
    """Two-sided p of equal means; normal, for the sample sizes here."""
    from math import erfc, sqrt
    ma, mb = sum(a) / len(a), sum(b) / len(b)
    va = sum((x - ma) ** 2 for x in a) / (len(a) - 1)
    vb = sum((x - mb) ** 2 for x in b) / (len(b) - 1)
    return erfc(abs(ma - mb) / sqrt(va / len(a) + vb / len(b)) / sqrt(2)), ma - mb


def timing():
    """Wrong passwords of known and unknown users, interleaved, from addresses that are not counted."""
    known, unknown = [], []
    p = Prober("198.51.100.200")
    for n in range(6000):
        user = 1001 + n % 20 if n % 2 else 8001 + n % 20
        nonce = re.search(r'nonce="([^"]+)"', p.ask("REGISTER", user)[3])[1] if n % 200 < 2 else nonce
        got = p.guess(user, "wrong", nonce)
        (known if n % 2 else unknown).append(got[2])
    cut = sorted(known + unknown)[int(6000 * 0.95)]     # what the machine itself delayed says nothing
    return welch([t for t in known if t < cut], [t for t in unknown if t < cut])


@measure("E3", "scanners: sipvicious under its own name; one that hides its name, looking for extensions 100 to 9999 and guessing "
         "the password of one; then the time a wrong password takes, for known and unknown users",
         "no user found, silenced within 50 requests, the same answer and length for all, times not told apart (p > 0.01)",
         "Kamailio's pike reports after 30 requests in 2 s; what to do is left to the script")
def scanners():
    with Bed("scan") as bed:
        g = GuardBed(bed, more='guard-trusted: [ 198.51.100.200 ]')
        found = tools(g.hub_dir)
        war, guess = Prober("198.51.100.50"), Prober("198.51.100.51")
        extensions, kinds = answered_of(war, [lambda u=u: war.ask("REGISTER", u) for u in [1001, *range(100, 10000)]])
        nonce = re.search(r'nonce="([^"]+)"', guess.ask("REGISTER", 1001)[3])[1]
        guesses, words = answered_of(guess, [lambda w=w: guess.guess(1001, f"word{w}", nonce) for w in range(10000)])
        right = guess.guess(1001, "secret-1001", nonce)
        p, diff = timing()
        states = {s["source"]: s["state"] for s in g.guard()["sources"]}
        ok = (not found and extensions <= 50 and guesses <= 50 and len(kinds) == 1 and len(words) == 1 and not right and p > 0.01)
        return Result(f"sipvicious found {len(found)}; looking for extensions was answered {extensions} times, guessing {guesses} times, "
                      f"with {len(kinds)} and {len(words)} kinds of answers; then silence; known and unknown users: p = {p:.3f}, "
                      f"{diff * 1e6:+.1f} us", ok,
                      {"found": found, "kinds": [list(k) for k in kinds], "words": [list(k) for k in words], "p": p, "states": states})


# --- E4 ---------------------------------------------------------------------------------------

def client_hello():
    ctx = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    ctx.check_hostname, ctx.verify_mode = False, ssl.CERT_NONE
    into, out = ssl.MemoryBIO(), ssl.MemoryBIO()
    try:
        ctx.wrap_bio(into, out, server_hostname="sbc.contoso.com").do_handshake()
    except ssl.SSLWantReadError:
        pass
    return out.read()


def shake(port, rate, seconds, box):
    """Begins handshakes, waits for the server's signed answer, and lets go."""
    hello, sel, began = client_hello(), selectors.DefaultSelector(), time.monotonic()
    made = answered = n = 0
    while (now := time.monotonic()) < began + seconds:
        while made < (now - began) * rate and len(sel.get_map()) < 4000:
            s = socket.socket()
            s.setblocking(False)
            n += 1
            try:
                s.bind((f"198.51.100.{1 + n % 250}", 0))
                s.connect_ex(("127.0.0.1", port))
            except OSError:
                s.close()
                continue
            made += 1
            sel.register(s, selectors.EVENT_WRITE)
        for key, mask in sel.select(0.002):
            s = key.fileobj
            try:
                if mask & selectors.EVENT_WRITE:
                    s.send(hello)
                    sel.modify(s, selectors.EVENT_READ)
                    continue
                answered += len(s.recv(8192)) > 500
            except OSError:
                pass
            sel.unregister(s)
            s.close()
    box["made"], box["answered"] = made / seconds, answered / seconds


@measure("E4", "2,000 TLS handshakes a second from 250 addresses that are not Microsoft's, on the listener of Direct Routing; "
         "beside it 20 calls a second that Teams answers", "0 calls fail, the connection to Teams stays, p99 of call setup grows by less than 50 ms",
         "one core signs 4,100 RSA handshakes a second; SIP servers accept them all", limit_s=300)
def handshakes():
    with Bed("shake") as bed:
        local_networks()
        m = Mix(bed)
        flows, box, split = m.status()["connections"], {}, 25
        calls = m.call("teams", "5004", 20, 1000, 2000)
        time.sleep(25)
        t = threading.Thread(target=shake, args=(m.tls, 2000, 25, box))
        t.start()
        t.join()
        calls.child.wait_end(60)
        times = setup_times([calls])
        before = [v for at, v in times if at < split - 1]      # seconds since SIPp began
        during = [v for at, v in times if split + 1 < at < split + 24]
        failed = calls.counts().get("failed", 0)
        p0, p1 = percentile(before, 0.99), percentile(during, 0.99)
        state = next(t["state"] for t in m.daemon.json("show", "trunks")["trunks"] if t["trunk"] == "teams")
        ok = failed == 0 and p1 - p0 < 50 and state == "up" and box["made"] > 1800
        return Result(f"{box['made']:.0f} handshakes/s begun, {box['answered']:.0f}/s answered; {len(during)} calls meanwhile, {failed} failed; "
                      f"p99 of setup {p0:.0f} ms before, {p1:.0f} ms during; Teams is {state}", ok,
                      {"before_ms": p0, "during_ms": p1, "p50_before": percentile(before, .5), "p50_during": percentile(during, .5),
                       "made_s": box["made"], "answered_s": box["answered"], "connections": [flows, m.status()["connections"]],
                       "failures": m.failures()})
