"""Reliable ringing (RFC 3262) and UPDATE with SIPp as the PBX, in both directions."""
from lib import tap
from lib.baresip import Phone
from lib.bed import Bed
from lib.sipp import Sipp
from lib.tandem import Daemon

CONFIG = """
store: t.db
runtime-dir: .
control-socket: control.sock
site: site.yaml
digest: md5
zones:
  - {{ name: phones, kind: phones }}
  - {{ name: pbx, kind: pbx }}
listeners:
  - {{ name: phones, zone: phones, transport: udp, bind: "127.0.0.1:{sip}", media-ports: {m0}-{m1} }}
  - {{ name: pbx, zone: pbx, transport: udp, bind: "127.0.0.1:{pbx}", media-ports: {m2}-{m3} }}
trunks:
  - {{ name: pbx, profile: cucm, listener: pbx, options: no, inbound-css: staff, hosts: [ "127.0.0.1:{peer}" ] }}
"""

SITE = """
partitions: [ internal ]
spaces: [ { name: staff, partitions: [ internal ] } ]
users: [ { name: alice } ]
phones: [ { name: SEPA, user: alice, auth-user: "1001", password: secret } ]
lines: [ { number: "1001", partition: internal, user: alice, phones: [ SEPA ], css: staff } ]
patterns: [ { pattern: "5XXX", partition: internal, trunks: [ pbx ] } ]
"""

SDP = """v=0
      o=pbx 1 1 IN IP4 [local_ip]
      s=-
      c=IN IP4 [media_ip]
      t=0 0
      m=audio [media_port] RTP/AVP 8 0
      a=rtpmap:8 PCMA/8000
      a=rtpmap:0 PCMU/8000"""

PLAIN = """<send><![CDATA[
      SIP/2.0 200 OK
      [last_Via:]
      [last_From:]
      [last_To:]
      [last_Call-ID:]
      [last_CSeq:]
      Contact: <sip:pbx@[local_ip]:[local_port]>
      Content-Length: 0

    ]]></send>"""

FROM_INVITE = """
    <ereg regexp=" .*" search_in="hdr" header="Via:" check_it="true" assign_to="via"/>
    <ereg regexp=" .*" search_in="hdr" header="From:" check_it="true" assign_to="them"/>
    <ereg regexp=" .*" search_in="hdr" header="To:" check_it="true" assign_to="us"/>
    <ereg regexp=" .*" search_in="hdr" header="CSeq:" check_it="true" assign_to="cseq"/>
    <ereg regexp="sip:[^;>]*" search_in="hdr" header="Contact:" check_it="true" assign_to="target"/>"""

TO_INVITE = """Via:[$via]
      From:[$them]
      To:[$us];tag=[call_number]
      Call-ID: [call_id]
      CSeq:[$cseq]
      Contact: <sip:pbx@[local_ip]:[local_port]>
      Allow: INVITE, ACK, BYE, CANCEL, PRACK, UPDATE"""

BODY = f"""Content-Type: application/sdp
      Content-Length: [len]

      {SDP}
    ]]></send>"""

# Called: 183 with the answer, reliably; early UPDATE; 180 reliably; 200 without a body.
UAS = f"""<?xml version="1.0" encoding="ISO-8859-1" ?>
<scenario name="reliable uas">
  <recv request="INVITE"><action>
    <ereg regexp="100rel" search_in="hdr" header="Supported:" check_it="true" assign_to="rel"/>{FROM_INVITE}
  </action></recv>
  <Reference variables="rel"/>
  <send retrans="500"><![CDATA[
      SIP/2.0 183 Session Progress
      {TO_INVITE}
      Require: 100rel
      RSeq: 7
      {BODY}
  <recv request="PRACK"><action>
    <ereg regexp="7 [0-9]+ INVITE" search_in="hdr" header="RAck:" check_it="true" assign_to="rack"/>
  </action></recv>
  <Reference variables="rack"/>
  {PLAIN}
  <send retrans="500"><![CDATA[
      UPDATE [$target] SIP/2.0
      Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
      From:[$us];tag=[call_number]
      To:[$them]
      Call-ID: [call_id]
      CSeq: 1 UPDATE
      Contact: <sip:pbx@[local_ip]:[local_port]>
      Max-Forwards: 70
      {BODY}
  <recv response="200"/>
  <send retrans="500"><![CDATA[
      SIP/2.0 180 Ringing
      {TO_INVITE}
      Require: 100rel
      RSeq: 8
      Content-Length: 0

    ]]></send>
  <recv request="PRACK"><action>
    <ereg regexp="8 [0-9]+ INVITE" search_in="hdr" header="RAck:" check_it="true" assign_to="rack"/>
  </action></recv>
  {PLAIN}
  <pause milliseconds="500"/>
  <send retrans="500"><![CDATA[
      SIP/2.0 200 OK
      {TO_INVITE}
      Content-Length: 0

    ]]></send>
  <recv request="ACK"/>
  <recv request="BYE" timeout="20000"/>
  {PLAIN}
</scenario>
"""

IN_DIALOG = """Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
      From: <sip:2001@[local_ip]:[local_port]>;tag=[call_number]
      [last_To:]
      Call-ID: [call_id]
      Max-Forwards: 70"""

# Caller: demands reliable ringing; BYE when it was answered.
UAC = f"""<?xml version="1.0" encoding="ISO-8859-1" ?>
<scenario name="reliable uac">
  <send retrans="500"><![CDATA[
      INVITE sip:1001@[remote_ip]:[remote_port] SIP/2.0
      Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
      From: <sip:2001@[local_ip]:[local_port]>;tag=[call_number]
      To: <sip:1001@[remote_ip]:[remote_port]>
      Call-ID: [call_id]
      CSeq: 101 INVITE
      Contact: <sip:2001@[local_ip]:[local_port]>
      Max-Forwards: 70
      Require: 100rel
      Supported: timer
      {BODY}
  <recv response="100" optional="true"/>
  <recv response="180" rrs="true"><action>
    <ereg regexp="[0-9]+" search_in="hdr" header="RSeq:" check_it="true" assign_to="rseq"/>
  </action></recv>
  <send retrans="500"><![CDATA[
      PRACK [next_url] SIP/2.0
      {IN_DIALOG}
      CSeq: 102 PRACK
      RAck: [$rseq] 101 INVITE
      Content-Length: 0

    ]]></send>
  <recv response="200"/>
  <recv response="200" rtd="true" rrs="true" timeout="20000"/>
  <send><![CDATA[
      ACK [next_url] SIP/2.0
      {IN_DIALOG}
      CSeq: 101 ACK
      Content-Length: 0

    ]]></send>
  <pause milliseconds="1000"/>
  <send retrans="500"><![CDATA[
      BYE [next_url] SIP/2.0
      {IN_DIALOG}
      CSeq: 103 BYE
      Content-Length: 0

    ]]></send>
  <recv response="200"/>
</scenario>
"""


class Office:
    def __init__(self, bed):
        sip, m, self.peer, self.pbx = bed.port(), bed.ports(200), bed.port(), bed.port()
        (bed.subdir("tandem") / "site.yaml").write_text(SITE)
        self.daemon = Daemon(bed, CONFIG.format(
            sip=sip, pbx=self.pbx, peer=self.peer, m0=m, m1=m + 99, m2=m + 100, m3=m + 199))
        self.phone = Phone(bed, "1001", 440, domain="tandem.test", proxy=f"127.0.0.1:{sip}",
                           password="secret")
        self.phone.wait_registered()

    def sipp(self, bed, name, text, target=None):
        path = bed.subdir("scenario") / f"{name}.xml"
        path.write_text(text)
        return Sipp(bed, name, path, target, port=self.peer, calls=1)


def live_called_rings_reliably():
    """the called side rings reliably, with its answer in a 183, and moves it by UPDATE"""
    with Bed("reliable") as bed:
        o = Office(bed)
        far = o.sipp(bed, "far", UAS)
        o.phone.dial("5001")
        o.phone.wait("CALL_ESTABLISHED")
        o.phone.hangup()
        far.wait()


def live_caller_demands_reliable_ringing():
    """the caller demands reliable ringing"""
    with Bed("reliable") as bed:
        o = Office(bed)
        near = o.sipp(bed, "near", UAC, f"127.0.0.1:{o.pbx}")
        o.phone.wait("CALL_INCOMING")
        o.phone.answer()
        near.wait()


if __name__ == "__main__":
    tap.main(globals())
