"""Certificates by OpenSSL's own tool: a root, an intermediate, good leaves and wrong ones."""
import subprocess

from lib.bed import Failed


def openssl(*words, stdin=b""):
    r = subprocess.run(["openssl", *map(str, words)], input=stdin, capture_output=True, check=False,
                       timeout=60)
    if r.returncode:
        raise Failed(f"openssl {words[0]} failed:\n{r.stderr.decode(errors='replace')}")
    return r.stdout


def der_names(*names):
    """subjectAltName as DER, so that a name may hold any byte, NUL too."""
    body = b"".join(b"\x82" + bytes([len(n)]) + n for n in names)
    return "DER:" + ":".join(f"{b:02x}" for b in b"\x30" + bytes([len(body)]) + body)


class Authority:
    """dir/NAME.pem is the certificate with its chain, dir/NAME.key its key, root.pem the root."""

    def __init__(self, directory, name="root"):
        self.dir, self.name = directory, name
        self._key(name)
        self._sign(name, None, "Root " + name, ["basicConstraints=critical,CA:TRUE",
                                                "keyUsage=critical,keyCertSign"])
        self._key(f"{name}-mid")
        self._sign(f"{name}-mid", name, "Intermediate " + name,
                   ["basicConstraints=critical,CA:TRUE", "keyUsage=critical,keyCertSign"])
        self.root = directory / f"{name}.pem"
        self.mid = directory / f"{name}-mid.pem"

    def _key(self, name, kind="EC"):
        how = ["-pkeyopt", "ec_paramgen_curve:P-256"] if kind == "EC" else \
            ["-pkeyopt", "rsa_keygen_bits:2048"]
        openssl("genpkey", "-algorithm", kind, *how, "-out", self.dir / f"{name}.key")

    def _sign(self, name, issuer, subject, extensions, days=("20240101000000Z", "20490101000000Z")):
        ext = self.dir / f"{name}.ext"
        ext.write_text("[v]\n" + "\n".join(extensions) + "\n")
        req = openssl("req", "-new", "-key", self.dir / f"{name}.key", "-subj", f"/CN={subject}")
        self._issue(name, issuer, req, ext, days)

    def _issue(self, name, issuer, req, ext, days):
        """`openssl ca` is the one that takes dates."""
        conf = self.dir / f"{name}.cnf"
        work = self.dir / f"{name}.db"
        work.write_text("")
        (self.dir / f"{name}.db.attr").write_text("unique_subject = no\n")
        (self.dir / f"{name}.serial").write_text(f"{abs(hash(name)) % 10**15 + 1:016x}\n")
        conf.write_text(f"""[ca]
default_ca = d
[d]
database = {work}
serial = {self.dir}/{name}.serial
new_certs_dir = {self.dir}
default_md = sha256
policy = p
unique_subject = no
[p]
commonName = optional
""")
        (self.dir / f"{name}.csr").write_bytes(req)
        signer = ["-selfsign", "-keyfile", self.dir / f"{name}.key"] if not issuer else \
            ["-cert", self.dir / f"{issuer}.pem", "-keyfile", self.dir / f"{issuer}.key"]
        openssl("ca", "-batch", "-notext", "-config", conf, "-in", self.dir / f"{name}.csr",
                "-out", self.dir / f"{name}.pem", "-extfile", ext, "-extensions", "v",
                "-startdate", days[0], "-enddate", days[1], *signer)

    def leaf(self, name, *, cn="leaf", names=(), raw_names=None, eku="serverAuth", chain=True,
             days=("20240101000000Z", "20490101000000Z"), key="EC", selfsigned=False):
        """Makes a leaf; returns (certificate with chain, key)."""
        self._key(name, key)
        ext = ["basicConstraints=CA:FALSE"]
        if eku:
            ext.append(f"extendedKeyUsage={eku}")
        if raw_names:
            ext.append(f"subjectAltName={der_names(*raw_names)}")
        elif names:
            ext.append("subjectAltName=" + ",".join(
                ("IP:" if n[0].isdigit() else "DNS:") + n for n in names))
        self._sign(name, None if selfsigned else f"{self.name}-mid", cn, ext, days)
        pem = self.dir / f"{name}.pem"
        if chain and not selfsigned:
            pem.write_bytes(pem.read_bytes() + self.mid.read_bytes())
        return pem, self.dir / f"{name}.key"
