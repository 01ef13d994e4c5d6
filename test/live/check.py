"""`tandem check`: each mistake is named with file, line, what is wrong and the mend."""
import subprocess
import time

from lib import tap
from lib.bed import Bed, Failed
from lib.tandem import binary

GOOD = """\
zones:
  - { name: phones, kind: phones }
  - { name: teams, kind: teams }
certificates:
  - { name: sbc, cert: sbc.pem, key: sbc.key, roots: root.pem }
listeners:
  - { name: phones, zone: phones, transport: udp, bind: "127.0.0.1:5060", media-ports: 20000-20099 }
  - { name: teams, zone: teams, transport: tls, bind: "127.0.0.1:5061", certificate: sbc, media-ports: 20100-20199 }
trunks:
  - { name: teams, profile: teams, listener: teams, fqdn: sbc.contoso.com, hosts: [ "sip.pstnhub.microsoft.com:5061" ] }
"""

SITE = """\
partitions: [ internal ]
users:
  - { name: alice }
phones:
  - { name: SEPA, user: alice, password: x }
lines:
  - { number: "1001", partition: internal, user: alice, phones: [ SEPA ] }
patterns:
  - { pattern: "+1XXX", partition: internal, trunks: [ teams ] }
"""

# (what is changed, into what, line of the finding, words of mistake and mend)
CONFIG = [
    ("zones:", "zone:", 1, ['no setting "zone"', 'did you mean "zones"']),
    ("kind: phones", "kind: phone", 2, ["phone", "write one of: phones|pbx|carrier|teams"]),
    ("zone: phones, transport", "zone: phnes, transport", 7, ['no zone "phnes"', 'did you mean "phones"']),
    ("transport: udp", "transport: sctp", 7, ["sctp", "udp|tcp|tls"]),
    ('bind: "127.0.0.1:5060"', 'bind: "127.0.0.1"', 7, ["bind", "address with a port"]),
    ('bind: "127.0.0.1:5060"', 'bind: "[::1]:5060"', 7, ["another address family than its zone", "change one"]),
    ('bind: "127.0.0.1:5060"', 'bind: "127.0.0.1:5060", media-bind: "::1"', 7,
     ["another address family than its bind", "change one"]),
    ("20000-20099", "20001-20099", 7, ["media-ports", "even port"]),
    ("20100-20199", "20050-20199", 8, ["overlap", "own range"]),
    ("127.0.0.1:5061", "127.0.0.1:5060", None, None),   # tls beside udp on one port is right
    (", certificate: sbc", "", 8, ["is tls and needs", "certificate"]),
    ("certificate: sbc", "certificate: sbx", 8, ['no certificate "sbx"', 'did you mean "sbc"']),
    ("cert: sbc.pem", "cert: none.pem", 5, ["none.pem cannot be read", "Check its name"]),
    ("fqdn: sbc.contoso.com, ", "", 10, ['needs "fqdn"', "registered in Teams"]),
    ("sbc.contoso.com", "192.0.2.1", 10, ["no full name", "Write it as"]),
    ("sbc.contoso.com", "sbc.onmicrosoft.com", 10, ["onmicrosoft.com are refused", "domain of your own"]),
    ("profile: teams", "profile: team", 10, ["profile", "teams, cucm, generic, carrier"]),
    ("hosts: [", "host: [", 10, ['no setting "host"', 'did you mean "hosts"']),
    ("name: teams, zone", "name: phones, zone", 8, ["already used in line 7", "choose another"]),
    ("zones:", "max-calls: lots\nzones:", 1, ["max-calls", "number from 1 to 100000"]),
    ("zones:", "zones: [", 2, ["not YAML", "Check the indentation"]),
    ("sip.pstnhub.microsoft.com:5061", "52.114.1.1:5061", 10, ["is an address", "Write the names"]),
]
PEOPLE = [
    ("user: alice, phones", "user: alcie, phones", 7, ['no user "alcie"', 'did you mean "alice"']),
    ("SEPA, user: alice", "SEPA, user: someone", 5, ['no user "someone"', "Add it to users"]),
    ("phones: [ SEPA ]", "phones: [ SEPB ]", 7, ['no phone "SEPB"', 'did you mean "SEPA"']),
    ("trunks: [ teams ]", "trunks: [ taems ]", 9, ['no trunk "taems"', 'did you mean "teams"']),
    ("- { name: alice }", "- { name: alice }\n  - { name: alice }", 4, ['user "alice"', "already, in line 3"]),
]
# The same of what is in the files that the configuration names.
CERTIFICATES = [
    ("cert: sbc.pem", "cert: soon.pem", None, None),
    ("cert: sbc.pem", "cert: early.pem", 5, ["valid only from"]),
    ("cert: sbc.pem", "cert: site.yaml", 5, ["There is no certificate in it"]),
    ("key: sbc.key", "key: root.key", 5, ["private key does not belong to the certificate"]),
    ("sbc.contoso.com", "sbc.cotnoso.com", 5, ["does not carry the name sbc.cotnoso.com", "carries sbc.contoso.com"]),
]


def openssl(d, *words):
    subprocess.run(["openssl", *words], cwd=d, check=True, capture_output=True)


def certificates(d):
    """A root and what it issues: one that is right, one that ends soon, one whose time has not come."""
    if (d / "sbc.pem").exists():
        return
    (d / "ext").write_text("subjectAltName=DNS:sbc.contoso.com\nextendedKeyUsage=serverAuth\n")
    for name in ("root", "sbc"):
        openssl(d, "req", "-newkey", "rsa:2048", "-nodes", "-keyout", f"{name}.key", "-out", f"{name}.csr",
                "-subj", f"/CN={name}.contoso.com")
    openssl(d, "x509", "-req", "-in", "root.csr", "-signkey", "root.key", "-out", "root.pem", "-days", "90")
    (d / "ca.cnf").write_text("[ca]\ndefault_ca=d\n[d]\ndatabase=index\nnew_certs_dir=.\nserial=serial\n"
                              "default_md=sha256\npolicy=p\n[p]\ncommonName=supplied\n")
    soon = time.strftime("%Y%m%d000000Z", time.gmtime(time.time() + 9 * 86400))
    for name, begin, end in (("sbc", "20200101000000Z", "20490101000000Z"), ("early", "20480101000000Z", "20490101000000Z"),
                             ("soon", "20200101000000Z", soon)):
        (d / "index").write_text("")
        (d / "serial").write_text("01\n")
        openssl(d, "ca", "-config", "ca.cnf", "-batch", "-notext", "-in", "sbc.csr", "-cert", "root.pem", "-keyfile", "root.key",
                "-extfile", "ext", "-startdate", begin, "-enddate", end, "-out", f"{name}.pem")


def run(bed, config, site):
    d = bed.subdir("check")
    certificates(d)
    for name, text in (("tandem.yaml", config), ("site.yaml", site)):
        (d / name).write_text(text)
    r = subprocess.run([binary(), "check", "-c", "tandem.yaml", "-f", "site.yaml"], cwd=d,
                       capture_output=True, text=True, timeout=20, stdin=subprocess.DEVNULL)
    return r.returncode, r.stdout


def expect(got, file, line, words):
    code, out = got
    if words is None:
        if code:
            raise Failed(f"a right file has findings:\n{out}")
        return
    place = f"{file}:{line}:" if line else f"{file}:"
    hits = [x for x in out.splitlines() if x.startswith(place)]
    if not code or not any(all(w in x for w in words) for x in hits):
        raise Failed(f"expected {place} with {words}, exit {code}:\n{out}")


def live_wrong_configurations():
    """two dozen wrong configurations: file, line, mistake and mend of each"""
    with Bed("check") as bed:
        expect(run(bed, GOOD, SITE), "tandem.yaml", None, None)
        for old, new, line, words in CONFIG:
            expect(run(bed, GOOD.replace(old, new, 1), SITE), "tandem.yaml", line, words)
        for old, new, line, words in PEOPLE:
            expect(run(bed, GOOD, SITE.replace(old, new, 1)), "site.yaml", line, words)


def live_certificates():
    """what a peer would refuse in a certificate is told before it does; what will be wrong is a warning"""
    with Bed("check") as bed:
        for old, new, line, words in CERTIFICATES:
            expect(run(bed, GOOD.replace(old, new, 1), SITE), "tandem.yaml", line, words)
        code, out = run(bed, GOOD.replace("cert: sbc.pem", "cert: soon.pem", 1), SITE)
        if code or "tandem.yaml:5:5: warning: The certificate expires on" not in out:
            raise Failed(f"exit {code}:\n{out}")


def live_all_mistakes_at_once():
    """several mistakes in one file are all told in one run, and the exit code counts them"""
    with Bed("check") as bed:
        bad = GOOD
        for old, new, line, words in (CONFIG[1], CONFIG[5], CONFIG[14]):
            bad = bad.replace(old, new, 1)
        code, out = run(bed, bad, SITE)
        for old, new, line, words in (CONFIG[1], CONFIG[5], CONFIG[14]):
            expect((code, out), "tandem.yaml", line, words)
        if code < 3:
            raise Failed(f"the exit code is {code}")


if __name__ == "__main__":
    tap.main(globals())
