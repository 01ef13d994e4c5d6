"""S4: what one more call, registration, absorbing transaction and idle TLS connection costs in memory.

PSS of the signalling process before and while there are many of them, on the real daemon; without
the record map, which is reserved whole at the start. Media's process is not counted: M has its figures.
"""
import time

from lib.bed import Bed, Failed, until
from lib.sipp import Sipp
from calls import HERE
from generator import Generator
from states import Identity, States

CALLS, PHONES, TRANSACTIONS, CONNECTIONS = 2000, 10000, 50000, 400     # one address may hold 512
GOAL = {"call": 12288, "registration": 819, "transaction": 256, "tls": 20480, "tls-mutual": 26624}


class Growth:
    """From the first few, after which everything that exists once is there, to all of them."""

    def __init__(self, s):
        self.s, self.pss, self.heap = s, s.pss_bytes(), s.status()["heap_bytes"]

    def per(self, n):
        return {"bytes": (self.s.pss_bytes() - self.pss) / n, "heap": (self.s.status()["heap_bytes"] - self.heap) / n, "n": n}


def quiet(s):
    """All transactions have gone and, as is looked for once a second, what they took was given
    back; what is left are the states themselves."""
    until("the last transaction to go", lambda: s.status()["transactions"] == 0, 90, 0.5)
    time.sleep(2)


def there(s, what, n):
    got = s.status()[what]
    if got != n:
        raise Failed(f"{got} {what} instead of {n}")


def calls(bed, identity):
    s, first = States(bed, identity, name="calls"), CALLS // 10

    def more(name, n, all_of_them):
        u = Sipp(bed, name, HERE / "uac.xml", f"127.0.0.1:{s.ports['near']}", rate=100, calls=n, limit=n,
                 keys={"dial": "4930100001", "from": "4989987654"}, extra=["-d", "300000"])
        until("all calls", lambda: s.status()["sessions"] == 2 * all_of_them or not u.child.alive(), 90, 0.5)
        return u
    more("calls-0", first, first)
    g = Growth(s)
    more("calls-1", CALLS, CALLS + first)
    quiet(s)
    there(s, "sessions", 2 * (CALLS + first))
    return g.per(CALLS)


def registrations(bed, identity):
    s, first = States(bed, identity, phones=PHONES, name="phones"), PHONES // 10

    def more(name, phones, n):
        Generator(bed, name, "gen", "register", s.ports["phones"], 500, n / 500, phones).reach(n, 90)
    more("register-0", first, first)
    quiet(s)
    g = Growth(s)
    more("register-1", PHONES, PHONES)
    quiet(s)
    there(s, "registrations", PHONES)
    return g.per(PHONES - first)


def transactions(bed, identity):
    """Less the message each keeps to repeat it, which the goal counts apart."""
    s, first = States(bed, identity, name="absorb"), TRANSACTIONS // 10

    def more(name, n):
        return Generator(bed, name, "gen", "options", s.ports["near"], 4000, n / 4000).reach(n, 60)["bytes"]
    more("options-0", first)
    g = Growth(s)
    message = more("options-1", TRANSACTIONS)
    there(s, "transactions", TRANSACTIONS + first)
    got = g.per(TRANSACTIONS)
    return {**got, "bytes": got["bytes"] - message, "message": message}


def connections(bed, identity, port, files=()):
    s, first = States(bed, identity, name=f"tls-{port}"), CONNECTIONS // 10

    def more(name, n):
        Generator(bed, f"{name}-{port}", "tls_client", "hold", s.ports[port], n, *files).reach(n, 240)
    more("hold-0", first)
    g = Growth(s)
    more("hold-1", CONNECTIONS)
    quiet(s)
    there(s, "connections", CONNECTIONS + first)
    return g.per(CONNECTIONS)


def one(fn, identity):
    with Bed("bench-s4") as bed:
        return fn(bed, identity)


def s4(_args):
    with Bed("bench-s4") as own:
        identity, got = Identity(own, "RSA"), {}
        for name, fn in (("call", calls), ("registration", registrations), ("transaction", transactions),
                         ("tls", lambda b, i: connections(b, i, "open")),
                         ("tls-mutual", lambda b, i: connections(b, i, "mutual", i.client))):
            m = one(fn, identity)
            ours = round(m["bytes"])
            got[f"S4-{name}"] = {"ours": ours, "goal": f"<= {GOAL[name]} B", "unit": "bytes", "runs": m["n"],
                                 "ok": ours <= GOAL[name], "ratio": round(ours / GOAL[name], 3),
                                 "heap": round(m["heap"]), **{k: m[k] for k in m if k == "message"}}
            print(f"  {name}: {ours} bytes (heap {m['heap']:.0f}), goal {GOAL[name]}", flush=True)
        worst = max(got.values(), key=lambda e: e["ratio"])
        return {**{k: worst[k] for k in ("ours", "goal", "unit", "runs", "ratio")},
                "ok": all(e["ok"] for e in got.values()), "detail": got}
