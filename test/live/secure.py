"""TLS and SRTP with a phone nobody here wrote: baresip, demanding SRTP (`srtp-mand`)."""
from lib import tap
from lib.baresip import Phone
from lib.bed import Bed, until
from lib.certs import Authority
from lib.tandem import Daemon

CONFIG = """
store: t.db
runtime-dir: .
control-socket: control.sock
site: site.yaml
digest: md5
zones:
  - {{ name: phones, kind: phones }}
  - {{ name: pbx, kind: pbx }}
certificates:
  - {{ name: sbc, cert: "{cert}", key: "{key}", roots: "{root}" }}
listeners:
  - {{ name: clear, zone: phones, transport: udp, bind: "127.0.0.1:{clear}", media-ports: {m0}-{m1} }}
  - {{ name: secure, zone: phones, transport: tls, bind: "127.0.0.1:{secure}", certificate: sbc, srtp: mandatory, media-ports: {m2}-{m3} }}
  - {{ name: pbx, zone: pbx, transport: tls, bind: "127.0.0.1:{pbx}", certificate: sbc, media-ports: {m4}-{m5} }}
trunks:
  - name: pbx
    profile: generic
    listener: pbx
    options: no
    srtp: mandatory
    inbound-css: staff
    hosts: [ "127.0.0.1:{peer}" ]
"""

SITE = """
partitions: [ internal ]
spaces: [ { name: staff, partitions: [ internal ] } ]
users: [ { name: alice }, { name: bob } ]
phones:
  - { name: SEPA, user: alice, auth-user: "1001", password: secret }
  - { name: SEPB, user: bob, auth-user: "1002", password: secret }
lines:
  - { number: "1001", partition: internal, user: alice, phones: [ SEPA ], css: staff }
  - { number: "1002", partition: internal, user: bob, phones: [ SEPB ], css: staff }
patterns:
  - { pattern: "2XXX", partition: internal, trunks: [ pbx ] }
"""


class Site:
    """1001 in the clear over UDP (440 Hz), 1002 over TLS with SRTP (1000 Hz)."""

    def __init__(self, bed, trunk=False):
        ca = Authority(bed.subdir("ca"))
        self.cert, self.key = ca.leaf("sbc", names=["sbc.example", "127.0.0.1"], key="RSA",
                                      eku="serverAuth,clientAuth")
        # PEM with key and certificate, as baresip wants it
        one = bed.dir / "ca" / "phone-all.pem"
        pem, key = ca.leaf("phone", names=["phone.example", "127.0.0.1"], key="RSA",
                           eku="serverAuth,clientAuth")
        one.write_bytes(key.read_bytes() + pem.read_bytes())
        tls = {"transport": "tls", "cert": one, "ca": ca.root, "srtp": True}
        clear, secure, self.pbx, m = bed.port(), bed.port(), bed.port(), bed.ports(120)
        self.peer = Phone(bed, "2001", 700, **tls) if trunk else None
        (bed.subdir("tandem") / "site.yaml").write_text(SITE)
        self.daemon = Daemon(bed, CONFIG.format(
            cert=self.cert, key=self.key, root=ca.root, clear=clear, secure=secure, pbx=self.pbx,
            peer=self.peer.port if trunk else 1, m0=m, m1=m + 39, m2=m + 40, m3=m + 79, m4=m + 80,
            m5=m + 119))
        at = {"domain": "tandem.test", "password": "secret"}
        self.a = Phone(bed, "1001", 440, proxy=f"127.0.0.1:{clear}", **at)
        self.a.wait_registered()
        if not trunk:
            self.b = Phone(bed, "1002", 1000, proxy=f"127.0.0.1:{secure}", **at, **tls)
            self.b.wait_registered()


def talk(a, b):
    """Both hear the other for 2 s, and again after a hold."""
    for again in (False, True):
        at_a, at_b = a.mark(), b.mark()
        a.wait_heard(b.hz, 2.0, at_a)
        b.wait_heard(a.hz, 2.0, at_b)
        if not again:
            a.hold()
            b.wait("CALL_REMOTE_SDP", 2)
            a.resume()
            b.wait("CALL_REMOTE_SDP", 3)


def ended(site, a, b):
    a.hangup()
    b.wait("CALL_CLOSED")
    until("the record", lambda: len(site.daemon.json("cdr")["records"]) == 1)
    return site.daemon.json("cdr")["records"][0]


def live_phone_calls_out():
    """a phone over TLS with srtp-mand calls a phone in the clear; audio before and after a hold"""
    with Bed("secure") as bed:
        s = Site(bed)
        s.b.dial("1001")
        s.a.wait("CALL_INCOMING")
        s.a.answer()
        s.b.wait("CALL_ESTABLISHED")
        talk(s.b, s.a)
        ended(s, s.b, s.a)


def live_phone_is_called():
    """a phone in the clear calls a phone over TLS with srtp-mand over its own connection"""
    with Bed("secure") as bed:
        s = Site(bed)
        s.a.dial("1002")
        s.b.wait("CALL_INCOMING")
        s.b.answer()
        s.a.wait("CALL_ESTABLISHED")
        talk(s.a, s.b)
        ended(s, s.a, s.b)


def live_trunk_over_tls():
    """a trunk over TLS with srtp-mand: called and calling, each side checks the other's certificate"""
    with Bed("secure") as bed:
        s = Site(bed, trunk=True)
        s.a.dial("2001")
        s.peer.wait("CALL_INCOMING")
        s.peer.answer()
        s.a.wait("CALL_ESTABLISHED")
        talk(s.a, s.peer)
        ended(s, s.a, s.peer)
        s.peer.dial(f"sip:1001@127.0.0.1:{s.pbx};transport=tls")
        s.a.wait("CALL_INCOMING")
        s.a.answer()
        s.peer.wait("CALL_ESTABLISHED", 2)
        at = s.a.mark()
        s.a.wait_heard(s.peer.hz, 2.0, at)
        s.peer.hangup()
        s.a.wait("CALL_CLOSED", 2)


if __name__ == "__main__":
    tap.main(globals())
