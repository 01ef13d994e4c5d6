"""Message waiting between a voicemail system (SIPp) and a phone that subscribes (baresip)."""
import pathlib
import time

from lib import tap
from lib.baresip import Phone
from lib.bed import Bed, Failed, until
from lib.sipp import Sipp
from lib.tandem import Daemon

SCENARIOS = pathlib.Path(__file__).resolve().parent / "sipp"

CONFIG = """
store: t.db
runtime-dir: .
control-socket: control.sock
site: site.yaml
log-level: debug
digest: md5
zones:
  - {{ name: phones, kind: phones }}
  - {{ name: pbx, kind: pbx }}
listeners:
  - {{ name: phones, zone: phones, transport: udp, bind: "127.0.0.1:{sip}", media-ports: {m0}-{m1} }}
  - {{ name: pbx, zone: pbx, transport: udp, bind: "127.0.0.1:{pbx}", media-ports: {m2}-{m3} }}
trunks:
  - {{ name: cucm, profile: cucm, listener: pbx, options: no, mwi: {mwi}, hosts: [ "127.0.0.1:{far}" ] }}
"""

SITE = """
partitions: [ internal ]
users: [ { name: alice } ]
phones: [ { name: SEPA, user: alice, auth-user: "1001", password: secret } ]
lines: [ { number: "1001", partition: internal, e164: "+14255550101", user: alice, phones: [ SEPA ] } ]
"""


class House:
    def __init__(self, bed, mwi):
        self.bed, self.far = bed, bed.port()
        self.sip, self.pbx, m = bed.port(), bed.port(), bed.ports(200)
        (bed.subdir("tandem") / "site.yaml").write_text(SITE)
        self.daemon = Daemon(bed, CONFIG.format(sip=self.sip, pbx=self.pbx, far=self.far, mwi=mwi,
                                                m0=m, m1=m + 99, m2=m + 100, m3=m + 199))

    def phone(self):
        p = Phone(self.bed, "1001", 440, domain="tandem.test", proxy=f"127.0.0.1:{self.sip}",
                  password="secret", mwi=True)
        p.wait_registered()
        return p

    def notify(self, name, number, waiting, voice):
        Sipp(self.bed, name, SCENARIOS / "notify.xml", f"127.0.0.1:{self.pbx}", calls=1,
             keys={"number": number, "waiting": waiting, "voice": voice}).wait(20)


def shown(phone, text):
    """What baresip printed of the NOTIFYs it got has this in it."""
    until(f"the lamp to show {text!r}", lambda: text in phone.child.text(), 15)


def live_unsolicited():
    """a NOTIFY of the PBX lights the lamp of a phone that subscribed, and puts it out again"""
    with Bed("mwi") as bed:
        h = House(bed, "accept")
        p = h.phone()
        h.notify("on", "+14255550101", "yes", "3/1")
        shown(p, "Voice-Message: 3/1")
        h.notify("off", "1001", "no", "0/4")
        shown(p, "Voice-Message: 0/4")
        if "Messages-Waiting: yes" not in p.child.text():
            raise Failed("the lamp was never lit")


def live_told_before_the_phone_was_there():
    """what the PBX said before the phone subscribed is the first thing it is told"""
    with Bed("mwi") as bed:
        h = House(bed, "accept")
        h.notify("on", "1001", "yes", "7/0")
        shown(h.phone(), "Voice-Message: 7/0")


def live_another_password():
    """who subscribed with a password that is no more is told nothing more"""
    with Bed("mwi") as bed:
        h = House(bed, "accept")
        p = h.phone()
        h.notify("on", "1001", "yes", "3/1")
        shown(p, "Voice-Message: 3/1")
        h.daemon.apply(SITE.replace("secret", "another"))
        h.notify("off", "1001", "yes", "8/0")
        time.sleep(2)
        if "Voice-Message: 8/0" in p.child.text():
            raise Failed("it was told")


def live_subscribed():
    """with mwi: subscribe the voicemail system is asked, and its answer reaches the phone"""
    with Bed("mwi") as bed:
        h = House(bed, "subscribe")
        vm = Sipp(bed, "vm", SCENARIOS / "notifier.xml", port=h.far, calls=1)
        shown(h.phone(), "Voice-Message: 4/2")
        vm.wait(20)


if __name__ == "__main__":
    tap.main(globals())
