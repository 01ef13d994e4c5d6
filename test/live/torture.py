"""RFC 4475 and RFC 5118 against the daemon, over UDP, TCP and TLS: no silence where an answer is due."""
import hashlib
import re
import socket
import ssl
import time

from lib import tap
from lib.bed import Bed, Failed
from lib.certs import Authority
from lib.tandem import Daemon, ROOT

DATA = ROOT / "test" / "data"
CONFIG = """
store: t.db
runtime-dir: .
control-socket: control.sock
log-level: error
zones: [ {{ name: phones, kind: phones }} ]
certificates: [ {{ name: own, cert: "{cert}", key: "{key}", roots: "{root}" }} ]
listeners:
  - {{ name: u, zone: phones, transport: udp, bind: "127.0.0.1:{udp}", media-ports: {m0}-{m1} }}
  - {{ name: t, zone: phones, transport: tcp, bind: "127.0.0.1:{tcp}", media-ports: {m2}-{m3} }}
  - {{ name: s, zone: phones, transport: tls, bind: "127.0.0.1:{tls}", certificate: own, media-ports: {m4}-{m5} }}
"""
SERVED = "served"               # understood: whatever a registrar and phone system says to a stranger
SILENT = "silent"
OF = {                          # what is not served; section numbers of RFC 4475
    "wsinv": 481,               # a To tag of no dialog
    "intmeth": 501, "esc02": 501, "mpart01": 405, "unreason": SILENT, "noreason": SILENT,
    "badinv01": 400, "clerr": 400, "ncl": 400, "scalar02": 400, "scalarlg": SILENT, "quotbal": 400,
    "ltgtruri": 400, "lwsruri": 400, "lwsstart": 400, "escruri": 400, "badaspec": 400, "baddn": 400,
    "badvers": 505, "mismatch01": 400, "mismatch02": 400, "bigcode": SILENT, "insuf": 400,
    "unkscm": 416, "novelsc": 416, "bext01": 420, "multi01": 400, "mcl01": 400, "bcast": SILENT,
    "zeromf": 483, "ipv6-bad": 400, "mult-ip-in-header": 481, "via-received-param-with-delim": 481,
}
# RFC 4475 3.1.2.2: on a stream more bytes may still come; the deadline of the body ends it.
# The bodies of 5118's are shorter or longer than they say: on a stream the next message begins there.
# RFC 3261 18.3: without Content-Length a stream cannot be read on (inv2543).
STREAM = {"clerr": SILENT, "inv2543": 400}
BODY_DEADLINE_S = 10


def messages():
    for folder in ("rfc4475", "rfc5118"):
        for path in sorted((DATA / folder).iterdir()):
            if path.name != "README.md":
                yield path.stem if folder == "rfc4475" else path.name, path.read_bytes()


def call_id(data):
    m = re.search(rb"(?im)^(?:call-id|i)\s*:\s*(\S+)", data)
    return m[1] if m else None


def final(text, own):
    """The first final answer to this message; repeated answers to earlier ones do not count."""
    for one in text.split(b"SIP/2.0 ")[1:]:
        if one[:3] >= b"200" and (own is None or call_id(one) in (own, None)):
            return int(one[:3])
    return None


def judge(name, got, expected):
    if expected == SILENT:
        good = got is None
    elif expected == SERVED:
        good = got is not None and (200 <= got < 300 or got in (401, 403, 404, 405, 407, 415, 480, 488))
    else:
        good = got == expected
    return None if good else f"{name}: {got} instead of {expected}"


class Site:
    def __init__(self, bed):
        ca = Authority(bed.subdir("ca"))
        cert, key = ca.leaf("own", names=["127.0.0.1"], key="RSA")
        self.port = {t: bed.port() for t in ("udp", "tcp", "tls")}
        m = bed.ports(30)
        self.daemon = Daemon(bed, CONFIG.format(cert=cert, key=key, root=ca.root, **self.port, m0=m,
                                                m1=m + 9, m2=m + 10, m3=m + 19, m4=m + 20, m5=m + 29))
        self.tls = ssl.create_default_context(cafile=ca.root)
        self.tls.check_hostname = False

    def udp(self, data):
        """The answer goes to the port of the Via (RFC 3261 18.2.2), so that is where we are."""
        via = re.search(rb"(?im)^(?:via|v)\s*:\s*SIP\s*/\s*2\.0\s*/\s*\w+\s+(\[[^\]]*\]|[^;:\s,]+)\s*(?::\s*(\d+))?",
                        data)
        s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        s.bind(("127.0.0.1", int(via[2]) if via and via[2] else 5060))
        s.settimeout(0.7)
        s.sendto(data, ("127.0.0.1", self.port["udp"]))
        out, own = b"", call_id(data)
        try:
            while final(out, own) is None:
                out += s.recv(65536)
        except TimeoutError:
            pass
        s.close()
        return final(out, own)

    def stream(self, kind, data):
        s = socket.create_connection(("127.0.0.1", self.port[kind]), 5)
        if kind == "tls":
            s = self.tls.wrap_socket(s, server_hostname="127.0.0.1")
        s.settimeout(0.7)
        s.sendall(data)
        out, own = b"", call_id(data)
        try:
            while final(out, own) is None:
                d = s.recv(65536)
                if not d:
                    break
                out += d
        except (TimeoutError, ConnectionError, ssl.SSLError):
            pass
        s.close()
        return final(out, own)


# These have branch and sent-by of cparam01: a server that saw that one a moment ago repeats its answer.
AGAIN = ("cparam02", "regescrt")


def run(kind, send, names):
    wrong, n = [], 0
    for name, data in messages():
        if not names(name):
            continue
        expected = OF.get(name, SERVED)
        if kind != "udp":
            expected = STREAM.get(name, expected)
        wrong.append(judge(name, send(data), expected))
        n += 1
    wrong = [w for w in wrong if w]
    if not n or wrong:
        raise Failed(f"{kind}: {len(wrong)} of {n} wrong: " + "; ".join(wrong))


def live_udp():
    """61 torture messages over UDP"""
    groups = [lambda n: n not in AGAIN] + [lambda n, a=a: n == a for a in AGAIN]
    for names in groups:
        with Bed("torture") as bed:
            run("udp", Site(bed).udp, names)


def live_tcp():
    """61 torture messages over TCP, one connection each"""
    with Bed("torture") as bed:
        s = Site(bed)
        run("tcp", lambda d: s.stream("tcp", d), lambda n: True)


def live_tls():
    """61 torture messages over TLS"""
    with Bed("torture") as bed:
        s = Site(bed)
        run("tls", lambda d: s.stream("tls", d), lambda n: True)


def live_short_body():
    """a body that never comes whole: the connection is closed within its deadline, others live on"""
    with Bed("torture") as bed:
        s = Site(bed)
        data = (DATA / "rfc4475" / "clerr.dat").read_bytes()
        c = socket.create_connection(("127.0.0.1", s.port["tcp"]), 5)
        c.sendall(data)
        c.settimeout(BODY_DEADLINE_S + 5)
        began = time.monotonic()
        while c.recv(65536):
            pass
        if not 5 < time.monotonic() - began < BODY_DEADLINE_S + 3:
            raise Failed(f"closed after {time.monotonic() - began:.1f} s")
        if s.stream("tcp", (DATA / "rfc4475" / "cparam01.dat").read_bytes()) is None:
            raise Failed("another connection is not served")


def live_data_is_the_rfcs():
    """the messages are the RFCs' own, byte for byte"""
    sums = dict(reversed(l.split()) for l in (DATA / "SHA256SUMS").read_text().splitlines())
    for path, want in sums.items():
        if hashlib.sha256((DATA / path).read_bytes()).hexdigest() != want:
            raise Failed(f"{path} is another file than the RFC's")
    if len(sums) != 61:
        raise Failed(f"{len(sums)} messages, not 61")


if __name__ == "__main__":
    tap.main(globals())
