"""RFC 4475 and RFC 5118: the live test's messages and expectations, counted (A1, A2)."""
import torture
from lib.bed import Bed
from lib.measure import Result, measure


def counted(folder):
    """({transport: how many right}, how many messages, [what was wrong])"""
    names = {p.stem if folder == "rfc4475" else p.name for p in (torture.DATA / folder).iterdir() if p.name != "README.md"}
    right, wrong = {}, []
    for kind in ("udp", "tcp", "tls"):
        # A repeated branch is a repeated request: these meet a server that has not seen the other.
        groups = [names - set(torture.AGAIN)] + [{a} for a in torture.AGAIN if a in names] if kind == "udp" else [names]
        right[kind] = 0
        for group in groups:
            with Bed("torture") as bed:
                s = torture.Site(bed)
                for name, data in torture.messages():
                    if name not in group:
                        continue
                    want = torture.OF.get(name, torture.SERVED)
                    want = want if kind == "udp" else torture.STREAM.get(name, want)
                    why = torture.judge(name, s.udp(data) if kind == "udp" else s.stream(kind, data), want)
                    right[kind] += why is None
                    wrong += [f"{kind}: {why}"] if why else []
    return right, len(names), wrong


def result(folder):
    right, n, wrong = counted(folder)
    silent = [w for w in wrong if " None instead" in w]
    return Result(", ".join(f"{v}/{n} over {k.upper()}" for k, v in right.items()) + f"; {len(silent)} silent where an answer is due",
                  not wrong and all(v == n for v in right.values()), {"wrong": wrong})


@measure("A1", "the 49 torture messages of RFC 4475 over UDP, TCP and TLS, byte for byte as the RFC has them",
         "49 of 49 over each, no silence where the RFC asks for an answer",
         "Kamailio 5.6.3: 32 of 49 over UDP; libre and Sofia-SIP: 12 of the 13 valid ones")
def rfc4475():
    return result("rfc4475")


@measure("A2", "the 12 torture messages of RFC 5118 (IPv6) over UDP, TCP and TLS", "12 of 12 over each",
         "Kamailio 5.6.3: 9 of 12, three with SDP are refused for their Content-Length")
def rfc5118():
    return result("rfc5118")
