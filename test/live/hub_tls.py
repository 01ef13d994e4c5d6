"""The hub's TLS rules (DR-T1 to DR-T5), with OpenSSL's own tools in the border's place."""
import subprocess

from lib import tap
from lib.bed import Bed, Failed, until
from lib.certs import Authority
from lib.hub import Hub


def knock(hub, *words):
    r = subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{hub.sip}", "-quiet",
                        *map(str, words)], input=b"", capture_output=True, timeout=10, check=False)
    return r.stdout + r.stderr


def rules(hub):
    return [f["rule"] for f in hub.report()["findings"]]


def expect(hub, rule, what, *words):
    before = rules(hub).count(rule)
    knock(hub, *words)
    try:
        until(rule, lambda: rules(hub).count(rule) > before, 5)
    except Failed:
        raise Failed(f"{what} breaks {rule}, but the hub found {rules(hub)}") from None


def live_inbound_rules():
    """DR-T1 to DR-T4: version, no certificate, not trusted, no serverAuth"""
    with Bed("hubtls") as bed:
        hub, ca = Hub(bed, bed.port()), Authority(bed.subdir("ca"))
        good = ("-cert", hub.dir / "sbc.pem", "-key", hub.dir / "sbc.key")
        expect(hub, "DR-T1", "TLS 1.1", "-tls1_1", "-cipher", "DEFAULT@SECLEVEL=0", *good)
        expect(hub, "DR-T1", "a suite that is not documented", "-tls1_2", "-cipher", "AES128-SHA256", *good)
        expect(hub, "DR-T2", "no certificate")
        cert, key = ca.leaf("stranger", names=["sbc.contoso.com"])
        expect(hub, "DR-T3", "a stranger's root", "-cert", cert, "-key", key, "-cert_chain", cert)
        cert, key = ca.leaf("self", names=["sbc.contoso.com"], selfsigned=True)
        expect(hub, "DR-T3", "a self-signed one", "-cert", cert, "-key", key)


def live_outbound_rule():
    """DR-T5: a border whose certificate is wrong is sent nothing"""
    with Bed("hubtls") as bed:
        port = bed.port()
        hub = Hub(bed, port, options_ms=400)
        ca = Authority(bed.subdir("ca"))
        cert, key = ca.leaf("wrong", names=["sbc.contoso.com"], key="RSA")
        log = open(bed.dir / "server.log", "wb")
        server = subprocess.Popen(["openssl", "s_server", "-accept", str(port), "-cert", cert, "-key", key],
                                  stdin=subprocess.PIPE, stdout=log, stderr=log)
        try:
            until("s_server", lambda: b"ACCEPT" in (bed.dir / "server.log").read_bytes())
            wake(hub, port)
            until("DR-T5", lambda: "DR-T5" in rules(hub), 8)
            if b"OPTIONS sip:" in (bed.dir / "server.log").read_bytes():
                raise Failed("the hub spoke to a border whose certificate it did not accept")
        finally:
            server.kill()
            server.wait()


def wake(hub, port):
    """The border's first OPTIONS, by s_client."""
    text = (f"OPTIONS sip:sip.pstnhub.microsoft.com:{hub.sip};transport=tls SIP/2.0\r\n"
            f"Via: SIP/2.0/TLS sbc.contoso.com:{port};branch=z9hG4bKw\r\nMax-Forwards: 70\r\n"
            "From: <sip:sbc.contoso.com>;tag=w\r\nTo: <sip:sip.pstnhub.microsoft.com>\r\n"
            "Call-ID: wake\r\nCSeq: 1 OPTIONS\r\n"
            f"Contact: <sip:sbc.contoso.com:{port};transport=tls>\r\nContent-Length: 0\r\n\r\n")
    p = subprocess.Popen(["openssl", "s_client", "-connect", f"127.0.0.1:{hub.sip}", "-quiet",
                          "-servername", "sip.pstnhub.microsoft.com", "-cert", hub.dir / "sbc.pem",
                          "-key", hub.dir / "sbc.key"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                         stderr=subprocess.DEVNULL)
    try:
        p.stdin.write(text.encode())
        p.stdin.flush()
        if b"200 OK" not in p.stdout.read1(65536):
            raise Failed("the hub does not answer OPTIONS")
    finally:
        p.kill()
        p.wait()


if __name__ == "__main__":
    tap.main(globals())
