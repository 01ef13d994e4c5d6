"""Every certificate rule, against OpenSSL's own client and server."""
import re
import socket
import subprocess
import time

from lib import tap
from lib.bed import Bed, Failed, until
from lib.certs import Authority
from lib.tandem import Daemon

TEAMS = "sip.pstnhub.microsoft.com"
OPTIONS = ("OPTIONS sip:sbc.contoso.com:5061;transport=tls SIP/2.0\r\n"
           "Via: SIP/2.0/TLS 127.0.0.1:5061;branch=z9hG4bK{n}\r\nMax-Forwards: 70\r\n"
           f"From: <sip:{TEAMS}>;tag=a{{n}}\r\nTo: <sip:sbc.contoso.com>\r\n"
           "Call-ID: {n}@teams\r\nCSeq: 1 OPTIONS\r\n"
           f"Contact: <sip:{TEAMS}:5061;transport=tls>\r\nContent-Length: 0\r\n\r\n")

CONFIG = """
store: t.db
runtime-dir: .
control-socket: control.sock
dns-hosts: {{ sip.pstnhub.microsoft.com: 127.0.0.1 }}
zones:
  - {{ name: teams, kind: teams }}
certificates:
  - {{ name: sbc, cert: "{sbc}", key: "{key}", roots: "{roots}"{names} }}
listeners:
  - {{ name: teams, zone: teams, transport: tls, bind: "127.0.0.1:{port}", certificate: sbc, media-ports: {m0}-{m1} }}
trunks:
  - {{ name: teams, profile: teams, listener: teams, fqdn: sbc.contoso.com, options-down: 1, hosts: [ "sip.pstnhub.microsoft.com:{peer}" ] }}
"""


class Border:
    """The daemon with a Teams listener whose peers are checked against `roots`."""

    def __init__(self, bed, key="RSA", names="", peer=None):
        self.bed, self.dir = bed, bed.subdir("ca")
        self.ca = Authority(self.dir)
        self.cert, self.key = self.ca.leaf("sbc", cn="sbc.contoso.com", names=["sbc.contoso.com"],
                                           key=key, eku="serverAuth,clientAuth")
        self.port, self.peer, m = bed.port(), peer or bed.port(), bed.ports(20)
        self.daemon = Daemon(bed, CONFIG.format(
            sbc=self.cert, key=self.key, roots=self.ca.root, port=self.port, peer=self.peer,
            m0=m, m1=m + 19, names=names))
        self.asked = 0

    def knock(self, *words, cert=None, send=True):
        """One s_client with an OPTIONS; what it printed, SIP answer included."""
        self.asked += 1
        argv = ["openssl", "s_client", "-connect", f"127.0.0.1:{self.port}", "-quiet",
                "-no_ign_eof", "-CAfile", self.ca.root, "-verify_return_error"]
        if "-noservername" not in words and "-servername" not in words:
            argv += ["-servername", "sbc.contoso.com"]
        if cert:
            argv += ["-cert", cert[0], "-key", cert[1], "-cert_chain", cert[0]]
        p = subprocess.Popen([*map(str, argv), *words], stdin=subprocess.PIPE,
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        out = b""
        try:
            if send:
                p.stdin.write(OPTIONS.format(n=self.asked).encode())
                p.stdin.flush()
            end = time.monotonic() + 5
            while time.monotonic() < end:
                got = p.stdout.read1(65536)
                out += got
                if not got or b"\r\n\r\n" in out:
                    break
        except BrokenPipeError:
            out += p.stdout.read()
        finally:
            p.kill()
            p.wait()
        return out.decode(errors="replace")

    def accepts(self, what, **kw):
        got = self.knock(**kw)
        if "SIP/2.0 200" not in got:
            raise Failed(f"{what} must be accepted, but:\n{got[-1500:]}\n{self.seen()}")

    def refuses(self, what, sentence, *words, **kw):
        before = self.count()
        got = self.knock(*words, **kw)
        if "SIP/2.0 200" in got:
            raise Failed(f"{what} was accepted")
        until(f"{what} to be counted", lambda: self.count() > before)
        text = self.seen()
        if not re.search(sentence, text):
            raise Failed(f"{what}: the operator reads\n  {text}\nbut not {sentence!r}")

    def refused(self):
        return self.daemon.json("show", "trunks")["refused"]

    def count(self):
        return sum(r["count"] for r in self.refused())

    def seen(self):
        return " ".join(r["text"] for r in self.refused())


def live_microsofts_certificate():
    """a serverAuth-only client certificate with the right name is accepted, over TLS 1.2 and 1.3"""
    with Bed("certs") as bed:
        b = Border(bed)
        good = b.ca.leaf("good", names=[TEAMS, "sip2.pstnhub.microsoft.com"])
        b.accepts("serverAuth only", cert=good)
        both = b.ca.leaf("both", names=[TEAMS], eku="serverAuth,clientAuth")
        b.accepts("both usages", cert=both)
        wild = b.ca.leaf("wild", names=["*.pstnhub.microsoft.com"])
        b.accepts("a wildcard of one label", cert=wild)
        for version in ("-tls1_2", "-tls1_3"):
            got = b.knock(version, cert=good)
            if "SIP/2.0 200" not in got:
                raise Failed(f"{version} must work:\n{got[-1000:]}")


def live_wrong_certificates():
    """wrong name, root, dates, purpose, chain, a NUL in the name: refused, each with its sentence"""
    with Bed("certs") as bed:
        b = Border(bed)
        other = Authority(b.dir, "stranger")
        old = ("20200101000000Z", "20210101000000Z")
        new = ("20480101000000Z", "20490101000000Z")
        b.refuses("a wrong name", r"carries mallory\.example; the listener takes \*\.pstnhub",
                  cert=b.ca.leaf("w1", names=["mallory.example"]))
        b.refuses("a name with an embedded NUL", r"carries sip\.pstnhub\.microsoft\.com\\x00",
                  cert=b.ca.leaf("w2", raw_names=[TEAMS.encode() + b"\0.evil.example"]))
        b.refuses("a name two labels deep", r"carries a\.b\.pstnhub\.microsoft\.com",
                  cert=b.ca.leaf("w3", names=["a.b.pstnhub.microsoft.com"]))
        b.refuses("a name in CN alone", r"no DNS name", cert=b.ca.leaf("w4", cn=TEAMS))
        b.refuses("a stranger's root", r"issuer is unknown|root is not among the trusted",
                  cert=other.leaf("w5", names=[TEAMS]))
        b.refuses("a self-signed one", r"self-signed",
                  cert=b.ca.leaf("w6", names=[TEAMS], selfsigned=True))
        b.refuses("an expired one", r"has expired", cert=b.ca.leaf("w7", names=[TEAMS], days=old))
        b.refuses("one of the future", r"not valid yet", cert=b.ca.leaf("w8", names=[TEAMS], days=new))
        b.refuses("clientAuth alone", r"Server Authentication",
                  cert=b.ca.leaf("w9", names=[TEAMS], eku="clientAuth"))
        b.refuses("a missing intermediate", r"intermediate is missing",
                  cert=b.ca.leaf("w10", names=[TEAMS], chain=False))
        b.refuses("no certificate", r"presented no certificate")
        b.accepts("the right one still", cert=b.ca.leaf("right", names=[TEAMS]))
        if "w1" in b.daemon.child.text() and "PRIVATE" in b.daemon.child.text():
            raise Failed("the log holds a key")


def live_old_tls():
    """TLS 1.1, a suite of nobody and plain text are refused, each with its sentence"""
    with Bed("certs") as bed:
        b = Border(bed)
        good = b.ca.leaf("good", names=[TEAMS])
        b.refuses("TLS 1.1", r"no TLS version", "-tls1_1", "-cipher", "DEFAULT@SECLEVEL=0", cert=good)
        b.refuses("a suite of nobody", r"no TLS cipher suite", "-tls1_2", "-cipher",
                  "AES128-SHA256", cert=good)
        before = b.count()
        with socket.create_connection(("127.0.0.1", b.port), 5) as s:
            s.sendall(b"OPTIONS sip:x SIP/2.0\r\n\r\n")
            until("plain text to be counted", lambda: b.count() > before)
        if "not TLS" not in b.seen():
            raise Failed(f"plain text: the operator reads {b.seen()}")


def live_ecdsa_key():
    """a listener with an ECDSA key: Microsoft's RSA suites find nothing in common, and it is said"""
    with Bed("certs") as bed:
        b = Border(bed, key="EC")
        good = b.ca.leaf("good", names=[TEAMS])
        b.refuses("Microsoft's own suites", r"RSA key", "-tls1_2", "-cipher",
                  "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-RSA-AES128-GCM-SHA256", cert=good)


def live_sni_and_resumption():
    """no SNI: the default identity, counted; nothing is resumed in the teams zone"""
    with Bed("certs") as bed:
        b = Border(bed)
        good = b.ca.leaf("good", names=[TEAMS])
        if b.daemon.json("status")["handshakes_without_name"]:
            raise Failed("handshakes without a name were counted before there was one")
        got = b.knock("-noservername", cert=good)
        if "SIP/2.0 200" not in got:
            raise Failed(f"without SNI the default identity must answer:\n{got}")
        if b.daemon.json("status")["handshakes_without_name"] != 1:
            raise Failed("a handshake without SNI is not counted")
        for version in ("-tls1_2", "-tls1_3"):
            session = b.dir / f"session{version}"
            argv = ["openssl", "s_client", "-connect", f"127.0.0.1:{b.port}", version, "-CAfile",
                    b.ca.root, "-servername", "sbc.contoso.com", "-cert", good[0], "-key", good[1],
                    "-cert_chain", good[0]]
            for way in (["-sess_out", session], ["-sess_in", session]):
                if way[0] == "-sess_in" and not session.exists():
                    break               # no session was given: nothing to resume
                r = subprocess.run([*map(str, argv), *map(str, way)], input=b"", timeout=20,
                                   capture_output=True, check=False)
                if b"Reused, TLS" in r.stdout:
                    raise Failed(f"{version}: a session was resumed")


class Server:
    """`openssl s_server` in the place of Teams."""

    def __init__(self, border, cert, *words, verify=True):
        argv = ["openssl", "s_server", "-accept", border.peer, "-cert", cert[0], "-key", cert[1],
                "-cert_chain", cert[0], "-CAfile", border.ca.root, "-state"]
        argv += ["-Verify", "4", "-verify_return_error"] if verify else []
        self.log = border.bed.dir / f"server-{id(self)}.log"
        with open(self.log, "wb") as out:       # it ends when its input does
            self.proc = subprocess.Popen([*map(str, argv), *map(str, words)], stdout=out,
                                         stdin=subprocess.PIPE, stderr=subprocess.STDOUT)
        border.bed.children.append(self)
        self.wait_text("ACCEPT")

    def text(self):
        return self.log.read_text(errors="replace")

    def wait_text(self, needle, limit_s=10.0):
        try:
            until(needle, lambda: needle in self.text(), limit_s)
        except Failed:
            raise Failed(f"s_server never said {needle!r}:\n{self.text()[-2000:]}") from None

    def stop(self):
        if self.proc.poll() is None:
            self.proc.kill()
        self.proc.wait()
        self.proc.stdin.close()


def told(b, pattern):
    """Waits until the operator reads it about the host."""
    def look():
        host = b.daemon.json("show", "trunks")["trunks"][0]["hosts"][0]
        return re.search(pattern, host["text"]) and host
    try:
        return until("the reason", look, 12, 0.2)
    except Failed:
        raise Failed(f"the operator reads {b.daemon.cli('show', 'trunks')}, not {pattern!r}") from None


def live_our_client():
    """our client sends SNI and its certificate, and takes no wrong server"""
    with Bed("certs") as bed:
        b = Border(bed)
        right = b.ca.leaf("right", names=[TEAMS])
        s = Server(b, right, "-tlsextdebug")
        s.wait_text("OPTIONS sip:sip.pstnhub.microsoft.com", 15)
        if 'TLS client extension "server name"' not in s.text() or "sip.pstnhub" not in s.text():
            raise Failed(f"our client sent no SNI:\n{s.text()[-2000:]}")
        if "CN = sbc.contoso.com" not in s.text():
            raise Failed(f"our certificate was not presented:\n{s.text()[-2000:]}")
        s.stop()
        other = Authority(b.dir, "stranger")
        for cert, text in (
                (b.ca.leaf("v1", names=["mallory.example"]), r"does not carry the name sip\.pstnhub.*carries mallory"),
                (other.leaf("v2", names=[TEAMS]), r"issuer is unknown|root is not among"),
                (b.ca.leaf("v3", names=[TEAMS], days=("20200101000000Z", "20210101000000Z")), r"has expired"),
                (b.ca.leaf("v4", names=[TEAMS], chain=False), r"intermediate is missing"),
                (b.ca.leaf("v5", names=[TEAMS], selfsigned=True), r"self-signed"),
                (b.ca.leaf("v6", raw_names=[TEAMS.encode() + b"\0.evil.example"]), r"does not carry the name")):
            s = Server(b, cert)
            told(b, text)
            s.stop()
        s = Server(b, right, "-tls1_1", "-cipher", "DEFAULT@SECLEVEL=0")
        told(b, r"handshake with sip\.pstnhub\.microsoft\.com failed|alert")
        s.stop()


def live_our_certificate_is_refused():
    """the peer refuses our certificate, in TLS 1.2 and 1.3: the alert is told with its mend"""
    with Bed("certs") as bed:
        b = Border(bed)
        other = Authority(b.dir, "stranger")
        right = b.ca.leaf("right", names=[TEAMS])
        for version in ("-tls1_2", "-tls1_3"):
            s = Server(b, right, version, "-CAfile", other.root)
            told(b, r"refused the TLS handshake with alert .*certificate chain")
            s.stop()
            told(b, r"refused the TCP connection")


if __name__ == "__main__":
    tap.main(globals())
