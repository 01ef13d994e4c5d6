"""Trunks at a registrar that asks for a password: Kamailio, with baresip behind it."""
from lib import tap
from lib.baresip import Phone
from lib.bed import Bed, Failed, until
from lib.kamailio import Kamailio
from lib.tandem import Daemon

# A registrar and proxy in one that challenges REGISTER (401), INVITE and BYE (407) of the
# trunk's account; `far` is a phone behind it, whose calls go to the registered Contact.
CARRIER = """
debug=1
log_stderror=yes
mpath="/usr/lib/x86_64-linux-gnu/kamailio/modules/:/usr/lib64/kamailio/modules/:/usr/lib/kamailio/modules/"
loadmodule "tm.so"
loadmodule "sl.so"
loadmodule "rr.so"
loadmodule "pv.so"
loadmodule "maxfwd.so"
loadmodule "textops.so"
loadmodule "siputils.so"
loadmodule "usrloc.so"
loadmodule "registrar.so"
loadmodule "auth.so"
modparam("auth", "nonce_count", 1)
modparam("auth", "qop", "auth")
modparam("auth", "nonce_expire", 30)
modparam("auth", "algorithm", "ALGORITHM")
modparam("usrloc", "db_mode", 0)
modparam("registrar", "max_expires", 12)
modparam("registrar", "min_expires", 5)

request_route {
	if (is_method("OPTIONS") && uri == myself) { sl_send_reply("200", "OK"); exit; }
	if (!mf_process_maxfwd_header("10")) { sl_send_reply("483", "Too Many Hops"); exit; }
	if (is_method("CANCEL")) { if (t_check_trans()) t_relay(); exit; }
	if (is_method("ACK")) { if (loose_route()) t_relay(); else if (t_check_trans()) t_relay(); exit; }
	if (is_method("REGISTER")) {
		if (!pv_www_authenticate("carrier.test", "zanzibar", "0")) {
			www_challenge("carrier.test", "1");
			exit;
		}
		append_to_reply("Service-Route: <sip:127.0.0.1:PORT;lr>\\r\\n");
		save("location");
		exit;
	}
	if ($fU == "far") {
		if (is_method("INVITE")) record_route();
		if (!has_totag()) {
			$rU = "tandem";
			if (!lookup("location")) { sl_send_reply("404", "Not Found"); exit; }
		} else loose_route();
		t_relay();
		exit;
	}
	if (!pv_proxy_authenticate("carrier.test", "zanzibar", "0")) {
		proxy_challenge("carrier.test", "1");
		exit;
	}
	consume_credentials();
	if ($rU == "5901" || $rU == "5902") {
		if ($rU == "5901") $rU = "1001";
		record_route();
		$du = "sip:127.0.0.1:BACK";
		t_relay();
		exit;
	}
	if (has_totag()) { loose_route(); t_relay(); exit; }
	loose_route();
	record_route();
	$rU = "far";
	$du = "sip:127.0.0.1:FAR";
	t_relay();
}
"""

CONFIG = """
store: t.db
runtime-dir: .
control-socket: control.sock
site: site.yaml
log-level: debug
digest: md5
zones:
  - {{ name: phones, kind: phones }}
  - {{ name: carrier, kind: carrier }}
listeners:
  - {{ name: phones, zone: phones, transport: udp, bind: "127.0.0.1:{sip}", media-ports: {m0}-{m1} }}
  - {{ name: carrier, zone: carrier, transport: udp, bind: "127.0.0.1:{pbx}", media-ports: {m2}-{m3} }}
trunks:
  - name: carrier
    profile: generic
    listener: carrier
    options: no
    inbound-css: staff
    auth-user: tandem
    auth-password: "{password}"
    register: yes
    register-as: "sip:tandem@carrier.test"
    hosts: [ "127.0.0.1:{carrier}" ]
"""

SITE = """
partitions: [ internal ]
spaces: [ { name: staff, partitions: [ internal ] } ]
users: [ { name: alice } ]
phones: [ { name: SEPA, user: alice, auth-user: "1001", password: secret } ]
lines: [ { number: "1001", partition: internal, user: alice, phones: [ SEPA ], css: staff } ]
patterns: [ { pattern: "5XXX", partition: internal, trunks: [ carrier ] } ]
"""


class Carrier:
    def __init__(self, bed, password="zanzibar", algorithm="SHA-256"):
        sip, pbx, port, m = bed.port(), bed.port(), bed.port(), bed.ports(200)
        self.far = Phone(bed, "far", 1000)
        config = bed.subdir("carrier") / "kamailio.cfg"
        config.write_text(CARRIER.replace("PORT", str(port)).replace("FAR", str(self.far.sip)).replace("BACK", str(pbx))
                          .replace("ALGORITHM", algorithm))
        self.kamailio = Kamailio(bed, config, name="carrier", port=port)
        (bed.subdir("tandem") / "site.yaml").write_text(SITE)
        self.daemon = Daemon(bed, CONFIG.format(
            sip=sip, pbx=pbx, carrier=port, password=password,
            m0=m, m1=m + 99, m2=m + 100, m3=m + 199))
        self.desk = Phone(bed, "1001", 440, domain="tandem.test", proxy=f"127.0.0.1:{sip}",
                          password="secret")
        self.desk.wait_registered()

    def trunk(self):
        return self.daemon.json("show", "trunks")["trunks"][0]


def calls_both_ways(bed, algorithm):
    c = Carrier(bed, algorithm=algorithm)
    until("the trunk to be registered", lambda: c.trunk()["state"] == "up")
    c.desk.dial("5001")
    c.far.wait("CALL_INCOMING")
    c.far.answer()
    c.desk.wait("CALL_ESTABLISHED")
    c.far.wait_heard(440, 1.5)
    c.desk.hangup()                     # its BYE is challenged as well
    c.far.wait("CALL_CLOSED")
    c.far.dial(f"sip:1001@127.0.0.1:{c.kamailio.port}")
    c.desk.wait("CALL_INCOMING")
    c.desk.answer()
    c.far.wait("CALL_ESTABLISHED", 2)
    c.desk.wait_heard(1000, 1.5, c.desk.mark())
    c.far.hangup()
    c.desk.wait("CALL_CLOSED", 2)


def live_carrier_challenges_register_invite_and_bye_with_sha256():
    """a registrar that asks for a password, SHA-256: REGISTER, INVITE, BYE, and calls back"""
    with Bed("carrier") as bed:
        calls_both_ways(bed, "SHA-256")


def live_carrier_challenges_with_md5():
    """the same with MD5"""
    with Bed("carrier") as bed:
        calls_both_ways(bed, "MD5")


def live_carrier_hands_a_call_back():
    """a call that comes back for another number passes, one for the same number is a loop"""
    with Bed("carrier") as bed:
        c = Carrier(bed)
        until("the trunk to be registered", lambda: c.trunk()["state"] == "up")
        c.desk.dial("5902")
        c.desk.wait("CALL_CLOSED")
        until("the record", lambda: c.daemon.json("cdr")["records"])
        record = c.daemon.json("cdr")["records"][0]
        if record["legs"][0]["status"] != 482:
            raise Failed(f"a loop must end with 482, not {record['legs'][0]['status']}")
        c.desk.dial("5901")
        c.desk.wait("CALL_INCOMING")
        c.desk.hangup()


def live_carrier_wrong_password_is_told():
    """a wrong password is told in show trunks"""
    with Bed("carrier") as bed:
        c = Carrier(bed, password="wrong")
        until("the trunk to say why", lambda: c.trunk()["reason"] == "auth-wrong")
        assert c.trunk()["registration"]["state"] == "down"


if __name__ == "__main__":
    tap.main(globals())
