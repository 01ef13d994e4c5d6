"""Who is shown a password: challenges from everybody to everything (E8)."""
import collections
import re
import ssl
import time

from lib.bed import Bed, Failed, until
from lib.certs import Authority
from lib.measure import Result, measure
from lib.tandem import Daemon
from phone import Phone, SDP, header
from puppet import Puppet, Zone

CONFIG = """
store: t.db
runtime-dir: .
control-socket: control.sock
log-level: warn
user-calls: 0
dns-servers: "127.0.0.1:{dns}"
zones: [ {{ name: phones, kind: phones }}, {{ name: carrier, kind: carrier }} ]
certificates: [ {{ name: own, cert: "{cert}", key: "{key}", roots: "{root}" }} ]
listeners:
  - {{ name: phones, zone: phones, transport: udp, bind: "127.0.0.1:5060", media-ports: 10000-10999 }}
  - {{ name: udp, zone: carrier, transport: udp, bind: "127.0.0.1:5070", media-ports: 11000-11999 }}
  - {{ name: tls, zone: carrier, transport: tls, bind: "127.0.0.1:5071", certificate: own, media-ports: 12000-12999 }}
trunks:
  - {{ name: right, profile: generic, listener: udp, options-up: 1, options-down: 1, prack: all, auth-user: tandem, auth-password: zanzibar,
      auth-realm: carrier.test, register: yes, register-as: "sip:tandem@carrier.test", register-expires: 30, hosts: [ "127.0.0.2:5060" ] }}
  - {{ name: open, profile: generic, listener: udp, options-up: 1, options-down: 1, prack: all, hosts: [ "127.0.0.3:5060" ] }}
  - {{ name: third, profile: generic, listener: udp, options-up: 1, options-down: 1, prack: all, auth-user: other, auth-password: secret,
      auth-realm: third.test, hosts: [ "127.0.0.4:5060" ] }}
  - {{ name: tls, profile: generic, listener: tls, options-up: 1, options-down: 1, prack: all, auth-user: safe, auth-password: safest,
      auth-realm: tls.test, hosts: [ "tls.test:5061" ] }}
"""
SITE = """
partitions: [ all ]
spaces: [ { name: all, partitions: [ all ] } ]
users: [ { name: a }, { name: b } ]
phones:
  - { name: A, user: a, auth-user: "1001", password: secret-1001 }
  - { name: B, user: b, auth-user: "1002", password: secret-1002 }
lines:
  - { number: "1001", partition: all, user: a, phones: [ A ], css: all }
  - { number: "1002", partition: all, user: b, phones: [ B ], css: all }
patterns:
  - { pattern: "51XX", partition: all, trunks: [ right ] }
  - { pattern: "52XX", partition: all, trunks: [ open ] }
  - { pattern: "53XX", partition: all, trunks: [ third ] }
  - { pattern: "54XX", partition: all, trunks: [ tls ] }
"""
MAY = {("right", "carrier.test"), ("third", "third.test"), ("tls", "tls.test")}     # who asks, for which realm
NUMBER = {"right": "5101", "open": "5201", "third": "5301", "tls": "5401"}
INSIDE = ("INVITE", "PRACK", "re-INVITE", "BYE", "CANCEL")
CREDENTIALS = re.compile(r"^((?:Proxy-)?Authorization) *: *(.*?)\r?$", re.M | re.I)
TRIES = 2


def kind(r):
    return "re-INVITE" if r.method == "INVITE" and r.in_dialog() else r.method


class Challenger:
    """What the attackers do now, and every nonce that was given out."""

    def __init__(self):
        self.what, self.status, self.realm, self.more, self.n = (), 407, "", "", 0
        self.given = {}                                 # nonce: (who, call, kind of request)

    def header(self, who, r, text=None):
        self.n += 1
        nonce = f"n{self.n:06d}"
        self.given[nonce] = (who, header(text or r.text, "Call-ID"), kind(r) if r else "")
        name = "WWW" if self.status == 401 else "Proxy"
        return f'{name}-Authenticate: Digest realm="{self.realm}", nonce="{nonce}", qop="auth", algorithm=MD5{self.more}\r\n'

    def rule(self, who, puppet):
        def answer(r):
            if kind(r) in self.what:
                return [puppet.reply(r, self.status, self.header(who, r))]
            if kind(r) == "INVITE":
                reliable = "Require: 100rel\r\nRSeq: 1\r\n" if "100rel" in r.get("Supported") else ""
                puppet.pending = r
                return [puppet.reply(r, 183 if reliable else 180, reliable)] + ([] if reliable else [puppet.reply(r, 200)])
            if r.method == "PRACK" and not getattr(puppet, "hang", False):
                return [puppet.reply(r, 200), puppet.reply(puppet.pending, 200)]
            return None
        return answer


class Victim(Phone):
    """A registered phone that challenges, too."""
    attack, heard = None, []

    def asked(self, text):
        method = text.split(" ", 1)[0]
        seen = "re-INVITE" if method == "INVITE" and "tag=" in header(text, "To") else method
        self.heard.append(text)
        if self.attack and seen in self.attack.what and method != "ACK":
            keep = [l for l in text.split("\r\n") if re.match(r"(Via|From|To|Call-ID|CSeq) *:", l, re.I)]
            keep = [l + ";tag=v" if l.lower().startswith("to:") and "tag=" not in l else l for l in keep]
            self.sock.sendto((f"SIP/2.0 {self.attack.status} No\r\n" + "\r\n".join(keep) + "\r\n" +
                              self.attack.header("phone", None, text) + "Content-Length: 0\r\n\r\n").encode(), self.border)
            return
        super().asked(text)


class Bench:
    def __init__(self, bed):
        ca = Authority(bed.subdir("ca"))
        cert, key = ca.leaf("own", names=["127.0.0.1"], key="RSA")
        self.attack = Challenger()
        context = {}
        for name in ("tls.test", "evil.test"):
            context[name] = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context[name].load_cert_chain(*ca.leaf(name, names=[name], key="RSA"))
        self.zone = Zone(5300, {"tls.test": "127.0.0.7", "evil.test": "127.0.0.7"})
        self.puppet = {"right": Puppet("127.0.0.2", 5060), "open": Puppet("127.0.0.3", 5060), "third": Puppet("127.0.0.4", 5060),
                       "moved": Puppet("127.0.0.5", 5060), "tls": Puppet("127.0.0.7", 5061, "tls", context["tls.test"]),
                       "evil": Puppet("127.0.0.7", 5066, "tls", context["evil.test"]), "plain": Puppet("127.0.0.7", 5067)}
        self.puppet["tls"].contact = "<sip:puppet@tls.test:5061;transport=tls>"
        for who, p in self.puppet.items():
            p.rule = self.attack.rule(who, p)
        self.daemon = Daemon(bed, CONFIG.format(cert=cert, key=key, root=ca.root, dns=5300))
        self.daemon.apply(SITE)
        self.phone = Victim("127.0.0.6", ("127.0.0.1", 5060), "1001", "secret-1001")
        self.other = Victim("127.0.0.8", ("127.0.0.1", 5060), "1002", "secret-1002")
        if [self.phone.register(), self.other.register()] != [200, 200]:
            raise Failed("the phones could not register")
        until("the trunks", lambda: all(t["state"] == "up" for t in self.daemon.json("show", "trunks")["trunks"]), 15)

    def ready(self):
        self.attack.what = ()

    def call(self, number, cancel=False):
        """Everything a phone can do in a call."""
        p, uri, call_id = self.phone, f"sip:{number}@127.0.0.1", f"c{self.phone.rng.getrandbits(64):x}"
        body = SDP.format(ip=p.ip, port=40000)
        _, text = p.ask("INVITE", uri, call_id, 1, body=body)
        p.ack(uri, call_id, 1, header(text, "To"))
        challenge = next(l for l in text.split("\r\n") if l.lower().startswith("www-auth") and "SHA-256" not in l)
        extra = p.credentials(challenge, "INVITE", uri)
        if cancel:
            return self.cancelled(uri, call_id, extra, body)
        status, text = p.ask("INVITE", uri, call_id, 2, body=body, extra=extra)
        to = header(text, "To")
        if status != 200:
            p.ack(uri, call_id, 2, to)
            return
        target = re.search(r"<([^>]+)>", header(text, "Contact"))[1]
        p.ack(target, call_id, 2, to)
        status, text = p.ask("INVITE", target, call_id, 3, to=to, body=body + "a=sendonly\r\n")
        p.ack(target, call_id, 3, to)
        p.ask("UPDATE", target, call_id, 4, to=to, body=body)
        p.ask("INFO", target, call_id, 5, to=to, extra="Content-Type: application/dtmf-relay\r\n")
        p.ask("BYE", target, call_id, 6, to=to)

    def cancelled(self, uri, call_id, extra, body):
        p, branch = self.phone, "z9hG4bKcancel" + call_id
        n = sum(x.count("INVITE") for x in self.puppet.values())
        p.ask("INVITE", uri, call_id, 2, body=body, extra=extra, final=False, branch=branch)
        until("the INVITE to cross", lambda: sum(x.count("INVITE") for x in self.puppet.values()) > n, 5)
        until("ringing", lambda: any(180 <= a[0] for a in p.answers.get((call_id, "2 INVITE"), ())), 5)
        p.ask("CANCEL", uri, call_id, 2, branch=branch)
        until("the end", lambda: p.final((call_id, "2 INVITE")), 40)
        p.ack(uri, call_id, 2, "")


def shown(bench):
    """[(who, what, credentials)] of all that arrived anywhere."""
    for who, p in bench.puppet.items():
        with p.lock:
            for r in p.got:
                for _, value in CREDENTIALS.findall(r.text):
                    yield who, r, dict(re.findall(r'(\w+)="?([^",]+)"?', value))
    for text in Victim.heard:
        for _, value in CREDENTIALS.findall(text):
            yield "phone", None, {"realm": "a phone saw", "username": value}


def longest_run(cseqs):
    """An answer has the next CSeq; a request of its own begins without credentials, which leaves a gap."""
    runs, last = [0], None
    for n in sorted(cseqs):
        runs.append(runs[-1] + 1 if last is not None and n == last + 1 else 1)
        last = n
    return max(runs)


def judge(bench):
    """(leaks, most answers to one endless challenge, how often rightly shown by kind of request)"""
    leaks, right, tries = [], collections.Counter(), collections.defaultdict(set)
    for who, r, c in shown(bench):
        given = bench.attack.given.get(c.get("nonce"), ("nobody",))
        if (who, c.get("realm")) not in MAY or given[0] != who:
            leaks.append(f"{kind(r) if r else ''} to {who}: {c}")
            continue
        right[kind(r)] += 1
        if given[1:] == (r.get("Call-ID"), kind(r)) and kind(r) not in ("REGISTER", "OPTIONS", "ACK"):
            tries[given[1:]].add(int(r.get("CSeq").split()[0]))
    return leaks, max(map(longest_run, tries.values()), default=0), right


def attack_inside(b):
    """Each request of a call, challenged for ever, by each peer, for each realm, with 401 and 407."""
    n = 0
    for who in ("right", "open", "third", "tls"):
        for realm in ("carrier.test", "third.test", "tls.test", "evil.test"):
            for status, more in ((401, ""), (407, ""), (407, ", stale=true")):
                for what in INSIDE:
                    b.attack.what, b.attack.status, b.attack.realm, b.attack.more = (what,), status, realm, more
                    b.puppet[who].hang = what == "CANCEL"
                    b.call(NUMBER[who], cancel=what in ("PRACK", "CANCEL"))
                    b.puppet[who].hang = False
                    n += 1
    return n


def attack_outside(b):
    """OPTIONS and REGISTER, for ever, all peers at once, from the start of the daemon on."""
    for realm in ("carrier.test", "third.test", "evil.test"):
        for status in (401, 407):
            b.attack.what, b.attack.status, b.attack.realm, b.attack.more = ("OPTIONS", "REGISTER"), status, realm, ""
            b.daemon.stop()
            since = time.monotonic()
            b.daemon.start()
            b.puppet["right"].wait("REGISTER", 1, 10, since)
            until("OPTIONS to all", lambda: all(b.puppet[w].count("OPTIONS", since) > 1 for w in NUMBER), 20)
    return 6


def attack_phone(b):
    """A phone that challenges what comes to it, in the name of a trunk's realm."""
    for status in (401, 407):
        for what in ("INVITE", "BYE", "re-INVITE"):
            b.attack.what, b.attack.status, b.attack.realm = (what,), status, "carrier.test"
            b.other.attack = b.attack
            b.call("1002")
    b.other.attack = None
    return 6


def attack_moved(b):
    """The right trunk says that the dialog goes on elsewhere; who is there asks for its realm."""
    n = 0
    places = [("right", "sip:x@127.0.0.5:5060", "carrier.test"), ("third", "sip:x@127.0.0.2:5060", "third.test"),
              ("tls", "sip:x@127.0.0.7:5067;transport=udp", "tls.test"), ("tls", "sip:x@evil.test:5066;transport=tls", "tls.test"),
              ("tls", "sip:x@127.0.0.5:5060;transport=udp", "tls.test")]
    for who, place, realm in places:
        for routed in (False, True):
            p = b.puppet[who]
            old = p.contact
            p.contact, p.record_route = (old, f"<{place};lr>") if routed else (f"<{place}>", "")
            for what in (("INVITE", "re-INVITE", "BYE"), ("BYE",), ("re-INVITE",)):
                b.attack.what, b.attack.status, b.attack.realm, b.attack.more = what, 407, realm, ""
                usual = p.rule
                p.rule = once_right(b, who, p, usual)
                b.call(NUMBER[who])
                p.rule = usual
                n += 1
            p.contact, p.record_route = old, ""
    return n


def once_right(b, who, p, usual):
    """The first INVITE is challenged as it should be, so that there are credentials to be lost."""
    asked = set()

    def answer(r):
        if kind(r) != "INVITE":
            return usual(r)
        if r.get("Call-ID") not in asked:
            asked.add(r.get("Call-ID"))
            return [p.reply(r, 407, b.attack.header(who, r))]
        p.pending = r
        return [p.reply(r, 180), p.reply(r, 200)]
    return answer


def attack_spoofed(b):
    """The challenge comes from another address than the request went to."""
    p, other = b.puppet["right"], b.puppet["moved"]
    usual = p.rule

    def answer(r):
        if kind(r) != "INVITE":
            return usual(r)
        other.sock.sendto(p.reply(r, 407, b.attack.header("moved", r)).encode(), r.source)
        return [""]
    b.attack.what, b.attack.realm, p.rule = (), "carrier.test", answer
    for _ in range(3):
        b.call(NUMBER["right"])
    p.rule = usual
    return 3


@measure("E8", "every request that Tandem sends (REGISTER, OPTIONS, INVITE, PRACK, ACK, re-INVITE, UPDATE, INFO, BYE, CANCEL) challenged by "
         "phones, by trunks without a password, by trunks with another, by the right one for the wrong realm, by whoever the right one "
         "says the dialog goes on at (other address, transport, TLS name), from a forged source, and for ever",
         "0 credentials to anybody but the trunk they are for, its realm, its address and name; at most 2 answers to endless challenges",
         "FreeSWITCH before 1.10.7 answers any 401 with its gateway's password (CVE-2021-41158)", limit_s=400)
def digest_leak():
    with Bed("digest") as bed:
        b = Bench(bed)
        n = sum(f(b) for f in (attack_inside, attack_phone, attack_moved, attack_spoofed, attack_outside))
        b.ready()
        leaks, most, right = judge(b)
        asked = collections.Counter(v[2] for v in b.attack.given.values())
        missing = [k for k in (*INSIDE, "OPTIONS", "REGISTER") if not asked[k]]
        ok = not leaks and most <= TRIES and not missing and right["INVITE"] > 0 and right["BYE"] > 0 and right["REGISTER"] > 0
        return Result(f"{n} attacks, {len(b.attack.given)} challenges: {len(leaks)} credentials to others; {sum(right.values())} to whom they are for, "
                      f"at most {most} answers to one that asks for ever" + (f"; never challenged: {missing}" if missing else ""), ok,
                      {"leaks": leaks[:20], "challenged": dict(asked), "rightly": dict(right)})
