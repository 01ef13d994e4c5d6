"""`tandem check`: each mistake is named with file, line, what is wrong and the mend."""
import subprocess

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
    ("user: alice, phones", "user: alcie, phones", None, ['user "alcie"', "does not exist"]),
    ('"+1XXX"', '"+1(XX"', 9, ["malformed", "use digits"]),
    ("trunks: [ teams ]", "trunks: [ cucm ]", None, ['trunk "cucm"', "does not exist"]),
    ("password: x", "pasword: x", 5, ['no setting "pasword"', 'did you mean "password"']),
]


def run(bed, config, site):
    d = bed.subdir("check")
    for name, text in (("tandem.yaml", config), ("site.yaml", site),
                       ("sbc.pem", ""), ("sbc.key", ""), ("root.pem", "")):
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
