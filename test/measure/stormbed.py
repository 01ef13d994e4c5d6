"""The bed of storms: the attack's bed with 10,000 phones in the site, and measure_storm as all of them."""
import json
import pathlib
import socket
import sqlite3
import subprocess
import time

from guardbed import PUBLIC, GuardBed
from lib.bed import Failed, until
from lib.tandem import ROOT
from phone import Phone

FIRST, COUNT, PORT = 10000, 10000, 5070         # the port is measure_storm's
HONEST = range(1001, 1021)


def storm_of(target, rate, *words):
    """measure_storm, running: phone FIRST+i is at 10.0.0.1 + i."""
    return subprocess.Popen([str(ROOT / "build/rel/measure_storm"), target, "10.0.0.0/8", str(FIRST), str(COUNT),
                             str(rate), *words], stdout=subprocess.PIPE, text=True)


def result_of(storm, limit_s=90):
    out, _ = storm.communicate(timeout=limit_s)
    if storm.returncode:
        raise Failed(f"measure_storm ended with {storm.returncode}")
    return json.loads(out)


def address_of(number):
    n = number - FIRST + 1
    return f"10.{n >> 16}.{n >> 8 & 255}.{n & 255}"


class StormBed(GuardBed):
    def __init__(self, bed, more=""):
        super().__init__(bed, phones=[*HONEST, *range(FIRST, FIRST + COUNT)], more=more)

    def storm(self, rate):
        return result_of(storm_of(f"{PUBLIC}:5060", rate))

    def registrations(self):
        return self.daemon.json("status")["registrations"]

    def storm_phone(self, number):
        """Somebody at the place of a phone of the storm, which is over: it answers calls."""
        return Phone(address_of(number), (PUBLIC, 5060), str(number), f"secret-{number}", PORT)

    def kill_and_start(self):
        """Seconds from SIGKILL to the first OPTIONS that is answered; "ready" is not waited for."""
        probe = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        probe.bind(("203.0.113.250", 0))
        probe.settimeout(0.005)
        died, n = time.monotonic(), 0
        self.daemon.child.proc.kill()
        self.daemon.child.proc.wait()
        self.daemon.starts += 1
        from lib.tandem import binary
        self.daemon.child = self.bed.spawn([binary(), "serve", "-c", self.daemon.config],
                                           f"{self.daemon.name}-{self.daemon.starts}", cwd=self.daemon.dir)
        while time.monotonic() < died + 30:
            n += 1
            try:
                probe.sendto(options(probe.getsockname(), n), (PUBLIC, 5060))
                if probe.recv(2048).startswith(b"SIP/2.0 200"):
                    return time.monotonic() - died
            except OSError:
                time.sleep(0.002)       # nobody listens yet
        raise Failed("no OPTIONS was answered within 30 s of the kill")


def options(me, n):
    return (f"OPTIONS sip:{PUBLIC} SIP/2.0\r\nVia: SIP/2.0/UDP {me[0]}:{me[1]};branch=z9hG4bKo{n};rport\r\nMax-Forwards: 70\r\n"
            f"From: <sip:probe@{me[0]}>;tag={n}\r\nTo: <sip:{PUBLIC}>\r\nCall-ID: {n}-{time.monotonic_ns()}@probe\r\n"
            f"CSeq: 1 OPTIONS\r\nUser-Agent: {'a probe that asks for an answer no longer than this is ' * 6}\r\n"
            "Content-Length: 0\r\n\r\n").encode()


def stored(directory: pathlib.Path):
    with sqlite3.connect(f"file:{directory}/t.db?mode=ro", uri=True) as db:
        return db.execute("SELECT count(*) FROM registration").fetchone()[0]


def all_stored(bed, n):
    until(f"{n} registrations in the database", lambda: stored(bed.daemon.dir) >= n, 20, 0.1)
