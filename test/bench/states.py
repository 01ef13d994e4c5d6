"""The bed of S4, S5, R1 and T1: one daemon with callers, a far end, phones and TLS listeners."""
import pathlib

from calls import Far, fill
from lib.certs import Authority
from lib.tandem import Daemon
from meter import GENERATOR, SUT, pin

def site(phones):
    """Trunk to trunk, and phones 100000, 100001, ...; password: the number."""
    rows = ["partitions: [ all ]", "spaces: [ { name: all, partitions: [ all ] } ]",
            'patterns: [ { pattern: "!", partition: all, trunks: [ far ] } ]']
    if phones:
        rows.append("phones:")
        rows += [f'  - {{ name: p{n}, auth-user: "{n}", password: "{n}" }}' for n in range(100000, 100000 + phones)]
    return "\n".join(rows) + "\n"


class Identity:
    """A server's and a client's certificate of one authority."""

    def __init__(self, bed, key):
        self.authority = Authority(bed.subdir(f"ca-{key}"), "root")
        self.cert, self.key = self.authority.leaf("server", names=("sbc.example",), key=key)
        self.client = self.authority.leaf("client", names=("client.example",), eku="serverAuth,clientAuth", key=key)
        self.root = self.authority.root


class States:
    def __init__(self, bed, identity, phones=0, name="tandem"):
        self.bed, self.identity, self.far = bed, identity, Far(bed, f"far-{name}")
        self.ports = {n: bed.port() for n in ("near", "away", "phones", "open", "mutual")}
        self.daemon = Daemon(bed, fill("states.yaml", far=self.far.port, cert=identity.cert, key=identity.key,
                                       roots=identity.root, **self.ports), name, limit_s=60)
        self.daemon.apply(site(phones))
        self.pid = self.daemon.child.pid
        pin(self.pid, SUT)
        pin(self.far.child.pid, GENERATOR)

    def status(self):
        return self.daemon.json("status")

    def pss_bytes(self):
        """Of the signalling process alone, for media has its own figures; and less the record map,
        which is reserved whole at the start: no call adds to it. By its name: where the run's
        directory is no tmpfs, its pages count as those of a file."""
        kib, ours = 0, True
        for line in pathlib.Path(f"/proc/{self.pid}/smaps").read_text().splitlines():
            if not line.split()[0].endswith(":"):
                ours = not line.endswith("/records.map")
            elif ours and line.startswith("Pss:"):
                kib += int(line.split()[1])
        return 1024 * kib
