"""NAPTR, SRV and A records over the wire: the resolver finds the PBX that a domain names."""
import pathlib
import socket
import struct
import threading

from lib import tap
from lib.bed import Bed, until
from lib.kamailio import Kamailio
from lib.tandem import Daemon

CONFIG = """
store: t.db
runtime-dir: .
control-socket: control.sock
dns-servers: "127.0.0.1:{dns}"
zones: [ {{ name: pbx, kind: pbx }} ]
listeners:
  - {{ name: pbx, zone: pbx, transport: udp, bind: "127.0.0.1:{pbx}", media-ports: {m0}-{m1} }}
trunks:
  - {{ name: pbx, profile: generic, listener: pbx, options-down: 1, hosts: [ "pbx.test" ] }}
"""

PROXY = """
debug=-1
log_stderror=yes
mpath="/usr/lib/x86_64-linux-gnu/kamailio/modules/:/usr/lib/aarch64-linux-gnu/kamailio/modules/"
loadmodule "sl.so"
request_route { sl_send_reply("200", "OK"); }
"""

A, SRV, NAPTR = 1, 33, 35


def name(text):
    return b"".join(bytes([len(x)]) + x.encode() for x in text.split(".") if x) + b"\0"


def text(s):
    return bytes([len(s)]) + s.encode()


class Names:
    """A name server for one test: {(name, type): [rdata, ...]}; what was asked is kept."""

    def __init__(self, zone):
        self.zone, self.asked = zone, []
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.bind(("127.0.0.1", 0))
        self.port = self.sock.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            q, peer = self.sock.recvfrom(2048)
            at, labels = 12, []
            while q[at]:
                labels.append(q[at + 1:at + 1 + q[at]].decode())
                at += 1 + q[at]
            kind, = struct.unpack("!H", q[at + 1:at + 3])
            key = (".".join(labels).lower(), kind)
            self.asked.append(key)
            rr = self.zone.get(key, [])
            head = q[:2] + struct.pack("!HHHHH", 0x8580 | (0 if rr else 3), 1, len(rr), 0, 0)
            body = b"".join(b"\xc0\x0c" + struct.pack("!HHIH", kind, 1, 60, len(d)) + d for d in rr)
            self.sock.sendto(head + q[12:at + 5] + body, peer)


def naptr(order, preference, flags, service, regexp, target):
    return (struct.pack("!HH", order, preference) + text(flags) + text(service) + text(regexp) +
            name(target))


def live_naptr_leads_to_the_host():
    """NAPTR leads to SRV, SRV to a port and a name, the name to an address"""
    with Bed("naptr") as bed:
        cfg = bed.subdir("proxy") / "kamailio.cfg"
        pathlib.Path(cfg).write_text(PROXY)
        far = Kamailio(bed, cfg, name="proxy")
        names = Names({
            ("pbx.test", NAPTR): [
                naptr(5, 1, "u", "E2U+sip", "!^.*$!sip:x@evil.test!", "."),
                naptr(50, 1, "s", "SIPS+D2T", "", "_sips._tcp.pbx.test"),
                naptr(90, 1, "S", "SIP+D2U", "", "_sip._udp.voice.test")],
            ("_sip._udp.voice.test", SRV): [struct.pack("!HHH", 1, 1, far.port) + name("one.test")],
            ("one.test", A): [socket.inet_aton("127.0.0.1")]})
        m = bed.ports(20)
        d = Daemon(bed, CONFIG.format(dns=names.port, pbx=bed.port(), m0=m, m1=m + 19))
        until("the trunk to be up", lambda: d.json("show", "trunks")["trunks"][0]["state"] == "up")
        assert ("_sips._tcp.pbx.test", SRV) not in names.asked


if __name__ == "__main__":
    tap.main(globals())
