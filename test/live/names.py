"""Names through the real resolver: the daemon asks the hub's DNS, whose answers change and die."""
from lib import tap
from lib.bed import Bed, Failed, until
from lib.hub import Hub
from lib.tandem import Daemon

HOSTS = ("sip.pstnhub.microsoft.com", "sip2.pstnhub.microsoft.com", "sip3.pstnhub.microsoft.com")
CONFIG = """
store: t.db
runtime-dir: .
control-socket: control.sock
dns-servers: "127.0.0.1:{dns}"
zones:
  - {{ name: teams, kind: teams }}
certificates:
  - {{ name: sbc, cert: "{hub}/sbc.pem", key: "{hub}/sbc.key", roots: "{hub}/root.pem" }}
listeners:
  - {{ name: teams, zone: teams, transport: tls, bind: "127.0.0.1:{tls}", certificate: sbc, media-ports: {m}-{n} }}
trunks:
  - name: teams
    profile: teams
    listener: teams
    fqdn: sbc.contoso.com
    options-up: 1
    options-down: 1
    hosts: [ "{h[0]}:{sip}", "{h[1]}:{sip}", "{h[2]}:{sip}" ]
"""


class Names:
    def __init__(self, bed):
        tls, m = bed.port(), bed.ports(20)
        self.hub = Hub(bed, tls, options_ms=500)
        self.text = CONFIG.format(dns=self.hub.dns, hub=self.hub.dir, tls=tls, sip=self.hub.sip, m=m,
                                  n=m + 19, h=HOSTS)
        self.bed, self.daemon = bed, None

    def start(self):
        self.daemon = Daemon(self.bed, self.text)

    def name(self, i, addr=None, ttl=1):
        self.hub.ok(command="name", name=HOSTS[i], ttl=ttl, **({"addr": addr} if addr else {}))

    def host(self, i):
        return self.daemon.json("show", "trunks")["trunks"][0]["hosts"][i]

    def wait(self, i, what, **want):
        def look():
            h = self.host(i)
            return all(h[k] == v for k, v in want.items())
        try:
            until(what, look, 15, 0.2)
        except Failed:
            raise Failed(f"{what}: {self.daemon.cli('show', 'trunks')}") from None


def live_unknown_name():
    """a name that does not exist is told as that; once it does, the host is up within its interval"""
    with Bed("names") as bed:
        n = Names(bed)
        n.name(0)
        n.start()
        n.wait(0, "the dead name to be told", state="down", reason="dns-failed")
        n.wait(1, "the others to be up", state="up")
        n.name(0, "127.0.0.1")
        n.wait(0, "the born name to be used", state="up")


def live_silent_resolver():
    """no resolver answers: told as that, nothing hangs; names that were known go on to be used"""
    with Bed("names") as bed:
        n = Names(bed)
        n.hub.ok(command="name", mute=True)
        n.start()
        n.wait(0, "the silence to be told", state="down", reason="dns-failed")
        n.hub.ok(command="name", mute=False)
        for i in range(len(HOSTS)):
            n.wait(i, "all to be up", state="up")
        n.hub.ok(command="name", mute=True)
        before = n.hub.report()["hosts"][0]["options_received"]
        until("OPTIONS to go on without DNS",
              lambda: n.hub.report()["hosts"][0]["options_received"] >= before + 4, 15, 0.3)


def live_changed_address():
    """a name moves: after its TTL new connections go to the new address, and back"""
    with Bed("names") as bed:
        n = Names(bed)
        n.name(0, "127.0.0.9")          # nobody listens there
        n.start()
        n.wait(0, "the empty address to be told", state="down", reason="tcp-refused")
        n.name(0, "127.0.0.1")
        n.wait(0, "the new address to be used after the TTL", state="up")


if __name__ == "__main__":
    tap.main(globals())
