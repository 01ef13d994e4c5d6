"""Attacks on media, with honest calls beside them (A9, E5, E6, E7)."""
import base64
import json
import os
import pathlib
import re
import secrets
import socket
import subprocess
import threading
import time

from guardbed import CONFIG as PHONES
from guardbed import PUBLIC, GuardBed, children, local_networks
from lib.bed import Bed, Failed, until
from lib.measure import Result, measure
from lib.tandem import ROOT
from mixbed import CONFIG, SIPP, Mix
from phone import SDP, Phone

CALLS = int(os.environ.get("BLEED_CALLS", "10000"))
RATE = int(os.environ.get("BLEED_CPS", "85"))
SPRAY = 50000


def tool(name, *words, **how):
    return subprocess.Popen([str(ROOT / "build/rel" / f"measure_{name}"), *map(str, words)],
                            stdout=subprocess.PIPE, text=True, **how)


def attack(*words):
    return tool("media_attack", *words)


def last_line(p, limit_s=60):
    if p.stdin:
        p.stdin.close()
        p.stdin = None
    out, _ = p.communicate(timeout=limit_s)
    if not out:
        raise Failed(f"{p.args[0]} said nothing, code {p.returncode}")
    return json.loads(out)


class Witness:
    """Sees all that leaves our media addresses."""

    def __init__(self, honest, ours):
        self.p = tool("media_attack", "watch", ",".join(honest), ",".join(ours), stdin=subprocess.PIPE)

    def stop(self):
        return last_line(self.p)


def media_cpu_s(daemon):
    """Seconds of processor the media process has used."""
    return sum(int(pathlib.Path(f"/proc/{p}/schedstat").read_text().split()[0]) for p in children(daemon.child.pid)) / 1e9


def socket_drops():
    """Datagrams the kernel threw away because a socket's buffer was full."""
    rows = pathlib.Path("/proc/net/udp").read_text().splitlines()[1:]
    return sum(int(r.split()[12]) for r in rows)


# --- E5 ---------------------------------------------------------------------------------------

# Ports rest for 30 s: a range holds the calls of 35 s.
NEAR, TEAMS, AWAY = ("127.0.0.3", "10000-16999"), ("127.0.0.4", "10000-15999"), ("127.0.0.2", "10000-11499")
BLEED_CONFIG = CONFIG.replace("10000-16999", AWAY[1]).replace("10000-14999", NEAR[1]).replace("10000-12999", TEAMS[1])
BLEED_SITE = """
partitions: [ all ]
spaces: [ { name: all, partitions: [ all ] } ]
patterns:
  - { pattern: "+14255550104", partition: all, trunks: [ teams ] }
  - { pattern: "7001", partition: all, trunks: [ desk ] }
"""


def speaking_caller(bed):
    """SIPp's caller, which speaks by itself instead of echoing."""
    (bed.dir / "speech.raw").write_bytes(b"\xd5" * 8000)
    text = (SIPP / "caller.xml").read_text().replace("[media_port]", "[rtpstream_audio_port]")
    path = bed.dir / "speaking.xml"
    path.write_text(text.replace("  <pause/>", '  <nop><action><exec rtp_stream="'
                                 f'{bed.dir}/speech.raw,-1,8,PCMA/8000"/></action></nop>\n  <pause/>', 1))
    return path


@measure("E5", f"{CALLS} calls of about 0.7 s to Teams (TLS, SRTP) and {CALLS // 5} in the clear, at {RATE} a second, and {SPRAY} packets a second onto "
         "all media ports: RTP with made-up and right SSRCs, STUN, RTCP, bytes, in runs of six from 16 million addresses and the phones' own; then "
         "phones behind address translation (media: latch)",
         "nothing injected, nothing leaked on SRTP and on RTP with matching SDP; behind address translation at most 4 packets a call",
         "rtpengine before mr13.4.1.1 bleeds (CVE-2025-53399), after it fewer than 5 packets", limit_s=600)
def bleed():
    with Bed("bleed") as bed:
        local_networks()
        m = Mix(bed, BLEED_CONFIG, site=BLEED_SITE)
        w = Witness(["127.0.0.1"], [ip for ip, _ in (NEAR, AWAY, TEAMS)])
        spray = attack("bleed", "127.0.0.1", "127.0.0.1", "10.0.0.0/8", SPRAY, *(f"{ip}:{ports}" for ip, ports in (NEAR, AWAY, TEAMS)))
        began = time.monotonic()
        calls = [m.call("teams", "+14255550104", RATE, CALLS, 500, echo=True),
                 m.call("clear", "7001", max(1, RATE // 5), CALLS // 5, 500, speaking_caller(bed))]
        for c in calls:
            c.child.wait_end(400)
        took = time.monotonic() - began
        spray.send_signal(15)
        sent = last_line(spray, 30)
        seen = w.stop()
        totals, findings = m.teams()
        failed = m.failures()
        made = sum(c.counts().get("ok", 0) for c in calls)
        natted, nat = translated()
        ok = (not failed and not findings and made == CALLS + CALLS // 5 and not seen["injected"] and not seen["leaked"] and
              not seen["near"] and not sent["answers"] and not seen["missed"] and sent["sent"] / took > 0.9 * SPRAY and
              totals["srtp_packets"] > CALLS and natted)
        return Result(f"{made} calls in {took:.0f} s under {sent['sent'] / took:.0f} packets/s: {seen['injected']} injected, {seen['leaked']} leaked, "
                      f"{seen['near']} injected from the phones' own address; {seen['packets']} honest packets passed; "
                      f"behind address translation, of {nat['calls']} calls: {nat['text']}", ok,
                      {"attack": sent, "witness": seen, "hub": totals, "findings": findings[:5], "failures": failed, "translated": nat,
                       "drops": socket_drops()})


class Talker(threading.Thread):
    """RTP every 20 ms for the phones that are in a call."""

    def __init__(self):
        super().__init__(daemon=True)
        self.phones, self.stopping = [], False

    def run(self):
        due = time.monotonic()
        while not self.stopping:
            for p in self.phones:
                p.speak()
            due = max(due + 0.02, time.monotonic() - 0.1)
            time.sleep(max(0.0, due - time.monotonic()))


class Translated(Phone):
    """A phone whose SDP shows the private address that address translation hides."""

    def __init__(self, ip, border, user, password):
        super().__init__(ip, border, user, password)
        self.rtp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.rtp.setblocking(False)
        self.rtp.bind((ip, 0))
        self.sdp = SDP.format(ip="192.168.1." + ip.split(".")[3], port=40000)
        self.to, self.seq, self.ssrc, self.heard, self.deaf = None, 0, 0, 0, 0

    def other_media(self, text):
        if not text:
            if self.to:
                self.deaf += self.heard == 0
            self.to = None
            return
        self.heard, self.seq, self.ssrc = 0, self.rng.getrandbits(15), self.rng.getrandbits(32)
        self.to = (re.search(r"^c=IN IP4 (\S+)", text, re.M)[1], int(re.search(r"^m=audio (\d+)", text, re.M)[1]))

    def speak(self):
        to = self.to
        if not to:
            return
        self.seq += 1
        head = bytes([0x80, 8]) + (self.seq & 0xffff).to_bytes(2, "big") + (160 * self.seq & 0xffffffff).to_bytes(4, "big")
        try:
            self.rtp.sendto(head + self.ssrc.to_bytes(4, "big") + b"\xd5" * 160, to)
            while True:
                self.heard += len(self.rtp.recv(4096)) == 172
        except BlockingIOError:
            pass


def pair_calls(a, number, n, bad):
    for _ in range(n):
        how, _ = a.call(number, 0.6)
        if how != "ok":
            bad.append(how)


def translated(pairs=8, each=40):
    """Calls between phones behind address translation under the same spray."""
    with Bed("nat") as bed:
        g = GuardBed(bed, config=PHONES.replace("media-ports: 10000-14999", "media: latch, media-ports: 10000-14999"))
        subprocess.run(["ip", "route", "add", "local", "192.168.1.0/24", "dev", "lo"], check=False)
        talker, bad = Talker(), []
        for i in range(2 * pairs):
            p = g.phone(1001 + i, f"203.0.113.{1 + i}", kind=Translated)
            if p.register() != 200:
                raise Failed("a phone could not register")
            talker.phones.append(p)
        talker.start()
        # What goes to the address in the SDP until the phone is known leaks nothing: it was asked for.
        w = Witness(["203.0.113.0/24", "192.168.1.0/24"], [PUBLIC])
        spray = attack("bleed", "203.0.113.0/24", "-", "10.0.0.0/8", SPRAY, f"{PUBLIC}:10000-14999")
        threads = [threading.Thread(target=pair_calls, args=(talker.phones[2 * i], str(1002 + 2 * i), each, bad)) for i in range(pairs)]
        for t in threads:
            t.start()
        for t in threads:
            t.join(300)
        talker.stopping = True
        spray.send_signal(15)
        sent, seen = last_line(spray, 30), w.stop()
        deaf = sum(p.deaf for p in talker.phones)
        ok = not bad and not deaf and seen["injected_max"] <= 4 and seen["leaked_max"] <= 4 and not seen["missed"]
        return ok, {"calls": pairs * each, "attack": sent, "witness": seen, "failed": bad[:5], "deaf": deaf,
                    "text": f"at most {seen['injected_max']} injected and {seen['leaked_max']} leaked, {deaf} without audio"}


# --- E6, A9, E7: one call ----------------------------------------------------------------------

BURST = int(os.environ.get("MEDIA_BURST", "10000000"))
SAVP = "m=audio {port} RTP/SAVP 8\r\na=rtpmap:8 PCMA/8000\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:{key}\r\n"


def where(text):
    """IP:PORT of a message's SDP, and its key in hex; "-" when it has none."""
    ip = re.search(r"^c=IN IP4 (\S+)", text, re.M)[1]
    port = re.search(r"^m=audio (\d+)", text, re.M)[1]
    key = re.search(r"^a=crypto:\d+ AES_CM_128_HMAC_SHA1_80 inline:([A-Za-z0-9+/=]+)", text, re.M)
    return f"{ip}:{port}", base64.b64decode(key[1]).hex() if key else "-"


class Far(Phone):
    """The called side: remembers the SDP it was offered."""
    offer = ""

    def other_media(self, text):
        self.offer = text or self.offer


class LiveCall:
    """A call between an SRTP phone and one in the clear; libsrtp2 speaks for them, both ways."""

    def __init__(self, bed):
        self.g = GuardBed(bed)
        self.a, self.b = self.g.phone(1001, "203.0.113.1"), self.g.phone(1002, "203.0.113.2", kind=Far)
        if [self.a.register(), self.b.register()] != [200, 200]:
            raise Failed("the phones could not register")
        key = secrets.token_bytes(30)
        head = SDP.split("m=audio")[0]
        self.a.sdp = head.format(ip="203.0.113.1") + SAVP.format(port=40000, key=base64.b64encode(key).decode())
        status, text, self.words, _ = self.a.begin("1002")
        if status != 200:
            raise Failed(f"the call was answered with {status}")
        self.srtp, theirs = where(text)
        self.clear, none = where(self.b.offer)
        if theirs == "-" or none != "-":
            raise Failed(f"one side should have SRTP, the other not: {theirs} {none}")
        self.talk = tool("media_ends", "203.0.113.1:40000", self.srtp, key.hex(), theirs,
                         "203.0.113.2:40000", self.clear, "-", "-", stdin=subprocess.PIPE)
        self.drops, self.cpu, self.began = socket_drops(), media_cpu_s(self.g.daemon), time.monotonic()
        time.sleep(1)           # a second of honest packets to be heard by the attacker

    def garbage(self, rate, count, kinds, to):
        began, cpu = time.monotonic(), media_cpu_s(self.g.daemon)
        got = last_line(attack("garbage", "203.0.113.0/24", "10.0.0.0/8", rate, count, kinds, to), 550)
        took = time.monotonic() - began
        return got | {"rate": got["sent"] / took, "cores": (media_cpu_s(self.g.daemon) - cpu) / took}

    def end(self):
        """(does all stand as it should, what happened)"""
        live = self.g.daemon.json("status")["calls"]
        time.sleep(0.2)
        ends = last_line(self.talk)
        bye = self.a.end(self.words)
        record = until("the record", lambda: next((r for r in self.g.daemon.json("cdr")["records"]
                                                   if r["caller_call_id"] == self.words["call_id"]), None))
        told = self.g.daemon.cli("show", "call", record["id"])
        what = {"told": [l for l in told.splitlines() if l.startswith("Media packets refused")], "live": live, "ends": ends, "bye": bye, "reason": record["reason"], "status": record["status"],
                "caller": {k: v for k, v in record.items() if k.startswith("media_")},
                "called": {k: v for k, v in record["legs"][0].items() if k.startswith("media_")},
                "kernel_drops": socket_drops() - self.drops}
        good = (live == 1 and bye == 200 and record["status"] == 200 and
                all(e["lost"] == 0 and e["twice"] == 0 and e["odd"] == 0 and e["got"] > 100 for e in ends) and
                record["media_rx_packets"] == ends[0]["sent"] and record["legs"][0]["media_rx_packets"] == ends[1]["sent"])
        return good, what


def lost(what):
    return (f"{sum(e['lost'] for e in what['ends'])} of {sum(e['sent'] for e in what['ends'])} honest packets lost, "
            f"{sum(e['twice'] + e['odd'] for e in what['ends'])} others forwarded")


@measure("E6", f"{BURST:,} bad packets onto the SRTP side of a call that talks: wrong tag, cut, another SSRC, replayed, random; then a tenth as many "
         "onto its clear side", "the call stays up, no honest packet is lost, it ends normally and its record is right",
         "FreeSWITCH hangs up after 100 bad packets (CVE-2021-41105)", limit_s=600)
def garbage():
    with Bed("garbage") as bed:
        c = LiveCall(bed)
        first = c.garbage(120000, BURST, "tcspr", c.srtp)
        second = c.garbage(100000, BURST // 10, "wcsrx", c.clear)
        good, what = c.end()
        m = what["caller"]
        counted = m["media_auth_failed"] + m["media_replayed"] + m["media_refused"]
        ok = good and first["sent"] >= BURST and not first["answers"] + second["answers"] and m["media_stranger"].startswith("10.") and len(what["told"]) == 2
        return Result(f"{first['sent'] + second['sent']} bad packets at {first['rate']:.0f}/s, {first['cores']:.2f} cores: {lost(what)}; the call is "
                      f"{'up' if what['live'] else 'gone'}, ended with {what['reason']}, its record counts {counted} refused, "
                      f"{what['called']['media_refused']} on the clear side", ok, {"srtp": first, "clear": second} | what)


@measure("A9", f"{BURST:,} random and malformed packets, STUN among them, onto both sides of a call that talks, 100,000 a second; before it the "
         "seeds of the fuzzers", "the call stays up, nothing is forwarded, no honest packet is lost, the media process uses less than one core",
         "libsrtp's own corpus of 2,250 inputs, without a call", limit_s=600)
def malformed():
    with Bed("malformed") as bed:
        c = LiveCall(bed)
        seeds = [f for n in ("rtp", "srtp", "relay", "frame", "sdp") for f in sorted((ROOT / "test/fuzz/corpus" / n).glob("*"))]
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.bind(("10.1.1.1", 0))
            for f in seeds:
                for to in (c.srtp, c.clear):
                    ip, port = to.split(":")
                    for k in (0, 1):
                        s.sendto(f.read_bytes()[:1400], (ip, int(port) + k))
        halves = [c.garbage(100000, BURST // 2, kinds, to) for kinds, to in (("rwcx", c.srtp), ("rwcsx", c.clear))]
        good, what = c.end()
        sent = sum(h["sent"] for h in halves)
        cores = max(h["cores"] * 100000 / h["rate"] for h in halves)    # a busy machine sends fewer
        ok = good and sent >= BURST and cores < 1 and not sum(h["answers"] for h in halves)
        return Result(f"{sent} packets and {len(seeds)} seeds at {min(h['rate'] for h in halves):.0f}/s, {cores:.2f} cores at 100,000/s: {lost(what)}; the call is "
                      f"{'up' if what['live'] else 'gone'}", ok, {"halves": halves, "seeds": len(seeds)} | what)


def digest_replays(g, n=1000):
    """How many of so many repetitions of a good REGISTER, in a new transaction, were taken; and the answers."""
    p = Phone("203.0.113.9", (PUBLIC, 5060), "1003", "secret-1003")
    uri, to, answers = f"sip:{PUBLIC}", f"<sip:1003@{PUBLIC}>", {}
    _, text = p.ask("REGISTER", uri, "first", 1, to=to)
    line = next(l for l in text.split("\r\n") if l.lower().startswith("www-authenticate") and "SHA-256" not in l)
    words = p.credentials(line, "REGISTER", uri)
    good, _ = p.ask("REGISTER", uri, "first", 2, to=to, extra=words + "Expires: 3600\r\n")
    for i in range(n):
        status, _ = p.ask("REGISTER", uri, f"replay{i}", 1, to=to, extra=words + "Expires: 7200\r\n")
        answers[status] = answers.get(status, 0) + 1
    p.stop()
    return good, answers.get(200, 0), answers


@measure("E7", "1,000,000 recorded packets of a call that talks, SRTP and SRTCP, sent again; 1,000 times a REGISTER with an Authorization that was good once",
         "every one dropped, every one refused", "RFC 3711 3.3.2; Asterisk has a switch that turns it off", limit_s=300)
def replays():
    with Bed("replay") as bed:
        c = LiveCall(bed)
        good, taken, answers = digest_replays(c.g)
        got = c.garbage(40000, 1_000_000, "pq", c.srtp)
        fine, what = c.end()
        m = what["caller"]
        lost_before_us = what["kernel_drops"]
        counted = m["media_replayed"]
        ok = (fine and good == 200 and taken == 0 and sum(answers.values()) == 1000 and got["replayed"] > 100000 and got["replayed_rtcp"] > 100000 and
              got["replayed"] + got["replayed_rtcp"] - counted - lost_before_us <= got["sent"] // 100)
        return Result(f"{got['replayed']} SRTP and {got['replayed_rtcp']} SRTCP packets replayed: {lost(what)}, {counted} counted as replayed; "
                      f"Authorization replayed {sum(answers.values())} times, taken {taken} times, answers {answers}", ok,
                      {"attack": got, "answers": answers} | what)
