"""A headless baresip (Debian: baresip-core) as a test phone.

It sends its own tone, records what it hears, rings until told to answer, and
reports every event. The recipe and what was measured: README.md beside this.
"""
import json
import re
import socket
import time

from lib import audio
from lib.bed import Failed, until

CONFIG = """\
poll_method epoll
sip_listen {host}:{sip}
{tls}call_local_timeout 120
call_max_calls 4
audio_source ausine,{hz}
audio_player nil,nil
audio_alert nil,nil
ausrc_srate 48000
ausrc_channels 2
audio_level no
rtp_ports {rtp}-{rtp_end}
rtcp_mux no
jitter_buffer_delay 2-10
rtp_stats no
net_interface {host}
module_path /usr/lib/baresip/modules
module g711.so
module sndfile.so
module ausine.so
module srtp.so
module_tmp account.so
module_app menu.so
module_app ctrl_tcp.so
{apps}ctrl_tcp_listen {host}:{ctrl}
snd_path {dir}
statmode_default off
"""


class Phone:
    """One account. hz is the tone it sends; heard(hz) is what it received.

    domain/proxy   register there and send everything there; None: a bare peer
    password       digest secret, user name = user
    transport      udp, tcp or tls (tls needs cert = PEM with key, and ca)
    srtp           offer and demand SDES-SRTP
    answer         "manual" (180, then answer()) or "auto"
    codecs         in order of preference
    mwi            subscribe to message-summary once registered; each NOTIFY is an
                   event MWI_NOTIFY
    """

    def __init__(self, bed, user, hz, *, domain=None, proxy=None, password=None,
                 transport="udp", cert=None, ca=None, srtp=False, answer="manual",
                 codecs="PCMA,PCMU", host="127.0.0.1", mwi=False):
        self.bed, self.user, self.hz, self.host = bed, user, hz, host
        self.events, self._buf, self._answers = [], b"", {}
        self.sip = bed.ports(2, host)           # TLS listens one above
        self.ctrl, rtp = bed.port(host), bed.ports(40, host)
        self.port = self.sip + 1 if transport == "tls" else self.sip
        self.dir = bed.subdir(f"phone-{user}")
        tls = f"sip_certificate {cert}\nsip_cafile {ca}\n" if transport == "tls" else ""
        (self.dir / "config").write_text(CONFIG.format(
            host=host, sip=self.sip, hz=hz, rtp=rtp, rtp_end=rtp + 39,
            ctrl=self.ctrl, dir=self.dir, tls=tls,
            apps="module_app mwi.so\n" if mwi else ""))
        self.uri = f"sip:{user}@{domain or f'{host}:{self.port}'};transport={transport}"
        line = f"<{self.uri}>;regint={60 if proxy else 0}"
        line += f";answermode={answer};audio_codecs={codecs}"
        if password:
            line += f";auth_user={user};auth_pass={password}"
        if proxy:
            line += f';outbound="sip:{proxy};transport={transport}"'
        if srtp:
            line += ";mediaenc=srtp-mand"
        (self.dir / "accounts").write_text(line + "\n")
        self._keep_recording()
        self.child = bed.spawn(["baresip", "-v", "-f", self.dir], f"phone-{user}",
                               env={"TZ": "UTC"})
        self.child.wait_text("baresip is ready")
        self.sock = socket.create_connection((host, self.ctrl), 5)
        self.sock.setblocking(False)

    def _keep_recording(self, ahead_s=900):
        """PEER: baresip 1.0.0, 2026: on hold it drops the receive filter and sets
        it up again only if the send filter is gone too, so a recording would
        end at the first hold. Directories in the place of the coming send
        recordings make that filter fail to open, and receive comes back."""
        now = int(time.time())
        for t in range(now - 1, now + ahead_s):
            stamp = time.strftime("%Y-%m-%d-%H-%M-%S", time.gmtime(t))
            (self.dir / f"dump-{stamp}-enc.wav").mkdir(exist_ok=True)

    # -- control ---------------------------------------------------------

    def _read(self):
        try:
            while True:
                d = self.sock.recv(65536)
                if not d:
                    break
                self._buf += d
        except BlockingIOError:
            pass
        while b":" in self._buf:                # netstrings: 12:{...},
            size, _, rest = self._buf.partition(b":")
            if len(rest) < int(size) + 1:
                break
            msg, self._buf = json.loads(rest[:int(size)]), rest[int(size) + 1:]
            if msg.get("event"):
                msg["at"] = time.monotonic()
                self.events.append(msg)
            else:
                self._answers[msg.get("token")] = msg

    def command(self, name, params=""):
        token = f"{name}-{len(self._answers)}"
        m = json.dumps({"command": name, "params": params, "token": token}).encode()
        self.sock.sendall(b"%d:%s," % (len(m), m))

        def answered():
            self._read()
            return self._answers.get(token)
        return until(f"{self.user}'s reply to {name}", answered)["data"]

    def wait_registered(self, limit_s=10.0):
        """Polls: the REGISTER_OK event may have passed before we connected."""
        until(f"{self.user} to register",
              lambda: re.search(r"OK\b", self.command("reginfo")), limit_s, 0.1)

    def dial(self, uri):
        return self.command("dial", uri)

    def digits(self, text):
        """RFC 4733 telephone-events, one after another."""
        for d in text:
            self.command("sndcode", d)

    def answer(self):
        return self.command("accept")

    def hangup(self):
        return self.command("hangup")

    def hold(self):
        return self.command("hold")

    def resume(self):
        return self.command("resume")

    # -- what happened ---------------------------------------------------

    def seen(self, kind):
        self._read()
        return [e for e in self.events if e["type"] == kind]

    def wait(self, kind, count=1, limit_s=10.0):
        """Wait for the count-th event of this type since the start."""
        return until(f"event {kind} at {self.user}",
                     lambda: len(self.seen(kind)) >= count and self.seen(kind)[count - 1],
                     limit_s)

    def recordings(self):
        """Paths of what was received, oldest first; one per media start."""
        return sorted(self.dir.glob("dump-*-dec.wav"))

    def heard(self, hz, since_s=0.0):
        """Seconds in which hz was the sound in the newest recording."""
        files = self.recordings()
        return audio.seconds_of(files[-1], hz, since_s) if files else 0.0

    def heard_ever(self, hz):
        return sum(audio.seconds_of(f, hz) for f in self.recordings())

    def mark(self):
        """Position in the newest recording, for heard(hz, since_s=...)."""
        files = self.recordings()
        return audio.length_of(files[-1]) if files else 0.0

    def wait_heard(self, hz, seconds=2.0, since_s=0.0, limit_s=10.0):
        try:
            until("audio", lambda: self.heard(hz, since_s) >= seconds, limit_s, 0.2)
        except Failed:
            raise Failed(f"{self.user} heard {hz} Hz for {self.heard(hz, since_s):.1f} s "
                         f"in {limit_s:g} s, wanted {seconds:g} s") from None
