"""Whole calls through the daemon, between peers nobody here wrote."""
from lib import tap
from lib.baresip import Phone
from lib.bed import Bed, Failed
from lib.tandem import Daemon

CONFIG = """
store: t.db
runtime-dir: .
control-socket: control.sock
site: site.yaml
log-level: debug
digest: md5
zones:
  - {{ name: phones, kind: phones }}
  - {{ name: pbx, kind: pbx }}
listeners:
  - {{ name: phones, zone: phones, transport: udp, bind: "127.0.0.1:{sip}", media-ports: {lo}-{hi} }}
"""

SITE = """
partitions: [ internal ]
spaces: [ { name: staff, partitions: [ internal ] } ]
users: [ { name: alice, display: Alice }, { name: bob } ]
phones:
  - { name: SEPA, user: alice, auth-user: "1001", password: secret }
  - { name: SEPB, user: bob, auth-user: "1002", password: secret }
lines:
  - { number: "1001", partition: internal, user: alice, phones: [ SEPA ], css: staff }
  - { number: "1002", partition: internal, user: bob, phones: [ SEPB ], css: staff }
"""


def daemon(bed):
    sip, lo = bed.port(), bed.ports(100)
    (bed.subdir("tandem") / "site.yaml").write_text(SITE)
    d = Daemon(bed, CONFIG.format(sip=sip, lo=lo, hi=lo + 99))
    return d, sip


def two_phones(bed):
    d, sip = daemon(bed)
    a = Phone(bed, "1001", 440, domain="tandem.test", proxy=f"127.0.0.1:{sip}", password="secret")
    b = Phone(bed, "1002", 1000, domain="tandem.test", proxy=f"127.0.0.1:{sip}", password="secret")
    for phone in (a, b):
        phone.wait_registered()
    return d, a, b


def live_desk_to_desk():
    """two registered phones talk through the daemon, before and after a hold"""
    with Bed("calls") as bed:
        d, a, b = two_phones(bed)
        a.dial("1002")
        b.wait("CALL_INCOMING")
        a.wait("CALL_RINGING")
        b.answer()
        a.wait("CALL_ESTABLISHED")
        at_a, at_b = a.mark(), b.mark()
        a.wait_heard(b.hz, 2.0, at_a)
        b.wait_heard(a.hz, 2.0, at_b)
        a.hold()
        b.wait("CALL_REMOTE_SDP", 2)
        a.resume()
        b.wait("CALL_REMOTE_SDP", 3)
        at_a, at_b = a.mark(), b.mark()
        a.wait_heard(b.hz, 2.0, at_a)
        b.wait_heard(a.hz, 2.0, at_b)
        a.hangup()
        b.wait("CALL_CLOSED")
        d.stop()


if __name__ == "__main__":
    tap.main(globals())
