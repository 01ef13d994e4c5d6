"""A call that crosses from IPv4 to IPv6 and back: each side sees its own family only."""
import re
import socket

from lib import tap
from lib.bed import Bed, Failed, until
from lib.sipp import Sipp
from lib.split import SIPP, records
from lib.tandem import Daemon

CONFIG = """
store: t.db
runtime-dir: .
control-socket: control.sock
log-level: warn
zones:
  - {{ name: old, kind: pbx, family: ipv4 }}
  - {{ name: new, kind: pbx, family: ipv6 }}
listeners:
  - {{ name: four, zone: old, transport: {transport}, bind: "127.0.0.1:{four}", media-ports: 10000-10099 }}
  - {{ name: six, zone: new, transport: {transport}, bind: "[::1]:{six}", media-ports: 10000-10099 }}
trunks:
  - {{ name: four, profile: generic, listener: four, options: no, inbound-css: all, from: [ 127.0.0.0/8 ], hosts: [ "127.0.0.1:{far4}" ] }}
  - {{ name: six, profile: generic, listener: six, options: no, inbound-css: all, from: [ "::1/128" ], hosts: [ "[::1]:{far6}" ] }}
"""
SITE = """
partitions: [ all ]
spaces: [ { name: all, partitions: [ all ] } ]
lines:
  - { number: "5004", partition: all, endpoints: [ "7001@four" ] }
  - { number: "5006", partition: all, endpoints: [ "7001@six" ] }
"""
HOST = {4: "127.0.0.1", 6: "::1"}


def from_us(sipp):
    """The bodies that reached this SIPp."""
    text = next(sipp.dir.glob("*messages.log")).read_text(errors="replace")
    heard = re.findall(r"message received \[\d+\] bytes ?:\n\n(.*?)(?=\n-{20,}|\Z)", text, re.S)
    sdp = [m for m in heard if "m=audio" in m]
    if not sdp:
        raise Failed("no SDP arrived")
    return sdp


def check_family(sipp, family):
    addr = re.escape(HOST[family])
    for m in from_us(sipp):
        if len(re.findall(rf"(?m)^[oc]=.*IN IP{family} {addr}\r?$", m)) != 2 or f"IP{10 - family} " in m:
            raise Failed(f"an IPv{family} peer was shown another family:\n{m}")


def one_call(bed, d, ports, transport, caller, called, calls):
    mode = ["-t", {"udp": "u1", "tcp": "t1"}[transport], "-trace_msg"]
    far = Sipp(bed, f"called{called}", SIPP / "winner.xml", host=HOST[called],
               port=ports[f"far{called}"], calls=1, extra=mode)
    at = {4: f"127.0.0.1:{ports['four']}", 6: f"[::1]:{ports['six']}"}[caller]
    uac = Sipp(bed, f"caller{caller}", SIPP / "caller.xml", at, host=HOST[caller], calls=1,
               keys={"dial": f"500{called}", "from": "4989987654"}, extra=[*mode, "-d", "200"])
    uac.wait(15)
    far.wait(15)
    check_family(uac, caller)
    check_family(far, called)
    until("a record of each call", lambda: [[leg["status"] for leg in r["legs"]]
                                            for r in records(d)] == [[200]] * calls)


def both_ways(transport):
    with Bed("ipv6") as bed:
        ports = {"four": bed.port(), "six": bed.port("::1"), "far4": bed.port(), "far6": bed.port("::1")}
        d = Daemon(bed, CONFIG.format(transport=transport, **ports))
        d.apply(SITE)
        one_call(bed, d, ports, transport, 4, 6, 1)
        one_call(bed, d, ports, transport, 6, 4, 2)


def asked(port):
    """The 200 to an OPTIONS of ours."""
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as s:
        s.settimeout(5)
        s.connect(("::1", port))
        at = f"[::1]:{s.getsockname()[1]}"
        s.send((f"OPTIONS sip:[::1]:{port} SIP/2.0\r\nVia: SIP/2.0/UDP {at};branch=z9hG4bKsix\r\nMax-Forwards: 70\r\n"
                f"From: <sip:a@{at}>;tag=1\r\nTo: <sip:[::1]>\r\nCall-ID: six\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n").encode())
        return s.recv(65536).decode()


def live_options():
    """the Contact of the 200 to OPTIONS has its IPv6 address in brackets"""
    with Bed("ipv6") as bed:
        ports = {"four": bed.port(), "six": bed.port("::1"), "far4": bed.port(), "far6": bed.port("::1")}
        Daemon(bed, CONFIG.format(transport="udp", **ports))
        got = asked(ports["six"])
        if f"Contact: <sip:[::1]:{ports['six']}>" not in got:
            raise Failed(f"OPTIONS got:\n{got}")


def live_over_udp():
    """IPv4 calls IPv6 and is called by it, over UDP"""
    both_ways("udp")


def live_over_tcp():
    """the same over TCP"""
    both_ways("tcp")


if __name__ == "__main__":
    tap.main(globals())
