"""A Kamailio with a given configuration, as a registrar, proxy or baseline."""
import socket

from lib.bed import Failed, until


class Kamailio:
    """config: path; listens on UDP host:port only; ready when OPTIONS is answered."""

    def __init__(self, bed, config, name="kamailio", host="127.0.0.1", port=None, children=1):
        self.host, self.port = host, port or bed.port(host)
        run = bed.subdir(name)
        self.child = bed.spawn(
            ["kamailio", "-DD", "-E", "-m", "256", "-M", "16", "-n", children, "-f", config,
             "-l", f"udp:{host}:{self.port}", "-Y", run, "-w", run], name)
        until(f"{name} to answer on {host}:{self.port}", self._answers, 15.0, 0.2)

    def _answers(self):
        if not self.child.alive():
            raise Failed(f"kamailio ended:\n{self.child.text()[-1500:]}")
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.settimeout(0.3)
            s.bind((self.host, 0))
            here = "%s:%d" % s.getsockname()
            s.sendto((f"OPTIONS sip:{self.host}:{self.port} SIP/2.0\r\n"
                      f"Via: SIP/2.0/UDP {here};branch=z9hG4bKready;rport\r\n"
                      f"From: <sip:bed@{here}>;tag=1\r\nTo: <sip:{self.host}>\r\n"
                      f"Call-ID: ready@{here}\r\nCSeq: 1 OPTIONS\r\nMax-Forwards: 0\r\n"
                      "Content-Length: 0\r\n\r\n").encode(), (self.host, self.port))
            try:
                return s.recv(2048).startswith(b"SIP/2.0 ")
            except OSError:
                return False
