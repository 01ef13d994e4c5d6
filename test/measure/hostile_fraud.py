"""A stolen account: how much it can do, and who is told (E10)."""
import threading
import time

from lib.bed import Bed, Failed
from lib.measure import Result, measure
from lib.tandem import Daemon
from phone import Phone, SDP, header
from puppet import Puppet

CONFIG = """
store: t.db
runtime-dir: .
control-socket: control.sock
log-level: info
zones: [ { name: phones, kind: phones }, { name: carrier, kind: carrier } ]
listeners:
  - { name: phones, zone: phones, transport: udp, bind: "127.0.0.1:5060", media-ports: 10000-10999 }
  - { name: carrier, zone: carrier, transport: udp, bind: "127.0.0.1:5070", media-ports: 11000-11999 }
trunks:
  - { name: carrier, profile: generic, listener: carrier, options: no, hosts: [ "127.0.0.2:5060" ] }
"""
SITE = """
partitions: [ all, local, premium ]
spaces: [ { name: staff, partitions: [ all, local ] }, { name: boss, partitions: [ all, local, premium ] } ]
users: [ { name: a }, { name: b } ]
phones:
  - { name: A, user: a, auth-user: "1001", password: secret-1001 }
  - { name: B, user: b, auth-user: "1002", password: secret-1002 }
lines:
  - { number: "1001", partition: all, user: a, phones: [ A ], css: staff }
  - { number: "1002", partition: all, user: b, phones: [ B ], css: staff }
  - { number: "1500", partition: all, endpoints: [ "8000@carrier" ], forward-busy: "00900555", css: staff }
patterns:
  - { pattern: "0[1-9]!", partition: local, trunks: [ carrier ] }
  - { pattern: "00!", partition: premium, trunks: [ carrier ] }
  - { pattern: "0900!", partition: local, block: yes }
"""
CAP, TRIES = 3, 40
# Outside of the space, blocked, and the same in the ways that people write it to get past.
DEAR = ("0044900123", "00900123", "0900123456", "%30%30900123", "00900123;phone-context=x", "0 0900123", "+44900123", "00-900-123", "0\u0030900123",
        "00900123%23", "//00900123", "1500")


def begin(p, number, n):
    """An INVITE with the right password; (status, text, seconds)."""
    uri, call_id = f"sip:{number}@127.0.0.1", f"f{n}x{p.rng.getrandbits(48):x}"
    began = time.monotonic()
    status, text, seq = p.with_digest("INVITE", uri, call_id, body=SDP.format(ip=p.ip, port=40000))
    if status >= 300:
        p.ack(uri, call_id, seq, header(text, "To"))
    return status, text, time.monotonic() - began


@measure("E10", f"a phone whose password is stolen makes {TRIES} calls at once to numbers it may reach, and {len(DEAR)} ways of writing numbers "
         "outside of its calling search space, blocked ones and a line that forwards there",
         f"{CAP} calls stand, all others are refused with a reason in record and log within 1 s; nothing outside reaches the trunk",
         "none published; call limits are left to the dial plan's author elsewhere", limit_s=120)
def toll_fraud():
    with Bed("fraud") as bed:
        carrier = Puppet("127.0.0.2", 5060)
        carrier.rule = lambda r: [carrier.reply(r, 486)] if r.method == "INVITE" and "8000@" in r.uri else None
        d = Daemon(bed, CONFIG)
        d.apply(SITE)
        thief = Phone("127.0.0.6", ("127.0.0.1", 5060), "1001", "secret-1001")
        if thief.register() != 200:
            raise Failed("the phone could not register")
        got = []
        threads = [threading.Thread(target=lambda n=n: got.append(begin(thief, f"0170000{n:02d}", n))) for n in range(TRIES)]
        for t in threads:
            t.start()
        for t in threads:
            t.join(40)
        stood = d.json("status")["calls"]
        crossed = carrier.count("INVITE")
        log = d.child.text()
        told = sum("User a already has the maximum" in l for l in log.splitlines())
        other = Phone("127.0.0.7", ("127.0.0.1", 5060), "1002", "secret-1002")
        other.register()
        dear = [(number, begin(other, number, 900 + n)[0]) for n, number in enumerate(DEAR)]
        d.recorded()
        records = d.json("cdr", "--limit", "all")["records"]
        reasons = [r["reason"] for r in records]
        refused = [g for g in got if g[0] != 200]
        reached = [r.uri for r in carrier.got if r.method == "INVITE" and "017" not in r.uri and "8000@" not in r.uri]
        ok = (stood == CAP and crossed == CAP and len(refused) == TRIES - CAP and all(0 < g[2] < 1 for g in refused) and not reached and
              all(s >= 400 for _, s in dear) and told > 0 and reasons.count("limit-user") == TRIES - CAP)
        return Result(f"{stood} calls stand of {TRIES} begun at once, {len(refused)} refused, the slowest in {max(g[2] for g in refused) if refused else 0:.2f} s; "
                      f"{reasons.count('limit-user')} records say why, {told} log lines; {len(DEAR)} dear numbers: {len(reached)} reached the trunk", ok,
                      {"dear": dear, "reached": reached, "reasons": {r: reasons.count(r) for r in set(reasons)}, "log": log[-1500:]})
