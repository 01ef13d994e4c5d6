"""Words that break out of what they are put into (E11): SQL, shells, formats, lines, terminals, UTF-8, markup, our own
log's shape; in every header and SDP field that is read, in what an operator asks and in names of the configuration."""
import csv
import io
import json
import re
import socket
import sqlite3
import urllib.parse

from injectbed import Ends, cli, harmful, piped, read_back, value
from lib.bed import Bed, Failed
from lib.measure import Result, measure
from payloads import payloads

COUNT = 5000
STEP = 197                  # of the rotation: each payload comes to each field once
PLAIN = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.!~*'()")
WORD = PLAIN | frozenset(b"%+`<>:\\\"/[]?{}")
SHAPES = re.compile(rb"ready$|(info|warn|error|debug): (Call refused with \d\d\d: |Trunk .* is |Tandem |store: |Listener |media|The )")


def user(p):
    """At most what limits let pass: longer ones are refused with 400 or left aside, and fill no field."""
    p = p[:80]
    return b"".join(bytes([c]) if c in PLAIN else b"%%%02x" % c for c in p)


def quoted(p):
    """RFC 3261 25.1: what may not stand in quotes as it is stands behind a backslash; CR and LF may not stand at all."""
    return re.sub(rb'[\0-\x08\x0b-\x1f\x7f"\\]', lambda m: b"\\" + m[0], p.replace(b"\r", b"%0d").replace(b"\n", b"%0a"))


def freely(p):
    return re.sub(rb"[\0-\x08\x0b-\x1f\x7f]", lambda m: b"\\" + m[0], p.replace(b"\r", b"%0d").replace(b"\n", b"%0a")).strip() or b"-"


def kept(p, cap):
    """As a record keeps it: cut, and NUL written out."""
    if b"\0" not in p:
        return p[:cap - 1]
    out = b""
    for c in p:
        c = b"\\x00" if c == 0 else bytes([c])
        if len(out + c) > cap - 1:
            break
        out += c
    return out


class Words:
    """The payload of field `i` of call `n`."""

    def __init__(self, n, everything):
        self.n, self.all, self.i = n, everything, 0

    def next(self):
        self.i += 1
        return self.all[(self.n + self.i * STEP) % len(self.all)]


def sdp(w, port, whole=False):
    """Without control characters, unless `whole`: then 488 is a good answer (RFC 4566 9: byte-string, but no NUL, CR, LF)."""
    def free(p):
        return freely(p) if whole else re.sub(rb"[\0-\x1f\x7f]", b"", p).strip() or b"-"
    text = [b"v=0", b"o=" + (re.sub(rb"[ \t]", b"_", free(w.next())) or b"-") + b" 1 1 IN IP4 127.0.0.1", b"s=" + free(w.next()),
            b"i=" + free(w.next()), b"c=IN IP4 127.0.0.1", b"t=0 0", b"a=x-tool:" + free(w.next()),
            b"m=audio %d RTP/AVP 8" % port, b"i=" + free(w.next()), b"a=rtpmap:8 PCMA/8000", b"a=x-note:" + free(w.next())]
    return b"\r\n".join(text) + b"\r\n"


def loose(w):
    """Headers that are read or kept somewhere, and one that is not."""
    return b"".join(name + b": " + v + b"\r\n" for name, v in (
        (b"User-Agent", freely(w.next())), (b"Server", freely(w.next())), (b"Subject", freely(w.next())), (b"Organization", freely(w.next())),
        (b"Warning", b'399 a "' + quoted(w.next()) + b'"'), (b"Reason", b'Q.850;cause=16;text="' + quoted(w.next()) + b'"'),
        (b"Cisco-Guid", freely(w.next())), (b"Call-Info", b"<http://a>;x=\"" + quoted(w.next()) + b'"'), (b"Alert-Info", freely(w.next())),
        (b"Date", freely(w.next())), (b"X-" + re.sub(rb"[^A-Za-z]", b"", w.next())[:20] + b"a", freely(w.next()))))


def party(w, number):
    return b'"' + quoted(w.next()) + b'" <sip:' + user(number) + b"@127.0.0.1>"


def expected_caller(p):
    return b"" if p.lower() == b"anonymous" else kept(p[:80], 64)


def call(n, ends, everything):
    """(Call-ID, tcp, INVITE, BYE's headers, {column: bytes})"""
    w, tcp, call_id = Words(n, everything), n % 2 == 1, b""
    call_id = b"k%05d-" % n + bytes(c for c in w.next() if c in WORD)[:110]
    number = b"5001" if n % 8 == 0 else b"5000"
    name, who, by, sid = w.next(), w.next(), w.next(), freely(w.next())
    to_number = [who, w.next(), w.next()][n % 3]
    shown = b'"' + quoted(name) + b'" <sip:' + user(to_number) + b"@127.0.0.1>"
    more = [b"", b"P-Asserted-Identity: " + shown + b"\r\n", b"Remote-Party-ID: " + shown + b";party=calling;privacy=off\r\n"][n % 3]
    body = sdp(w, 30000 + 2 * (n % 1000), n % 10 == 9)
    via = b"SIP/2.0/" + (b"TCP " if tcp else b"UDP ") + ends.local(tcp) + b";branch=z9hG4bK%05d" % n
    data = (b"INVITE sip:" + number + b"@127.0.0.1:%d SIP/2.0\r\nVia: " % ends.near + via + b"\r\nMax-Forwards: 70\r\nFrom: " +
            (shown if n % 3 == 0 else party(w, who)) + b";tag=f%d\r\nTo: " % n + party(w, number) + b"\r\nCall-ID: " + call_id +
            b"\r\nCSeq: 1 INVITE\r\nContact: \"" + quoted(w.next()) + b"\" <sip:" + user(w.next()) + b"@" + ends.local(tcp) +
            (b";transport=tcp" if tcp else b"") + b">\r\n" + more + b"Diversion: " + party(w, by) + b";reason=unknown;x=\"" +
            quoted(w.next()) + b"\"\r\nSession-ID: " + sid + b"\r\n" + loose(w) + b"Content-Type: application/sdp\r\n"
            b"Content-Length: %d\r\n\r\n" % len(body) + body)
    want = {"caller_call_id": call_id[:127], "calling": expected_caller(to_number), "calling_name": kept(quoted(name), 64),
            "called": number, "redirected_by": kept(by[:80], 64)}
    own = sid.split(b";")[0].strip(b" \t")
    if own:
        want["session_local"] = kept(own, 33)
    return call_id, tcp, data, loose(w), want


def unknown(n, ends, everything):
    """Whom nobody has: the payload is the number that is asked for."""
    p, tcp = everything[n][:80], n % 2 == 1
    call_id = b"u%05d" % n
    data = (b"INVITE sip:" + user(p) + b"@127.0.0.1:%d SIP/2.0\r\nVia: SIP/2.0/" % ends.near + (b"TCP " if tcp else b"UDP ") +
            ends.local(tcp) + b";branch=z9hG4bKu%05d\r\nMax-Forwards: 70\r\nFrom: <sip:1@127.0.0.1>;tag=f\r\nTo: <sip:" % n + user(p) +
            b"@127.0.0.1>\r\nCall-ID: " + call_id + b"\r\nCSeq: 1 INVITE\r\nContact: <sip:1@" + ends.local(tcp) +
            b">\r\nContent-Length: 0\r\n\r\n")
    return call_id, tcp, data, b"", {"caller_call_id": call_id, "called": kept(p, 64)}


def answers(everything):
    """The called side: its words are hostile, too."""
    count = [0]

    def answer(request):
        count[0] += 1
        w = Words(count[0] + 31, everything)
        more = loose(w) + b"Session-ID: " + freely(w.next()) + b"\r\n"
        phrase = freely(w.next())
        if request.startswith(b"INVITE sip:7002@"):
            return b"480 " + phrase, more, b""
        contact = b'Contact: "' + quoted(w.next()) + b'" <sip:' + user(w.next()) + b"@127.0.0.1:%d>\r\n" % answers.port
        return b"200 " + phrase, contact + more + b"Content-Type: application/sdp\r\n", sdp(w, 32000)
    return answer


# --- judges -----------------------------------------------------------------------------------

TEXTS = ("calling", "calling_name", "caller_call_id", "called", "redirected_by", "session_local", "session_remote", "final_called")


def schema(store):
    with sqlite3.connect(f"file:{store}?mode=ro", uri=True) as db:
        return db.execute("SELECT type, name, sql FROM sqlite_master ORDER BY name").fetchall(), db.execute("PRAGMA user_version").fetchone()


def rows(store):
    """({Call-ID: {column: bytes}}, how many rows, what the database says of itself)"""
    with sqlite3.connect(f"file:{store}?mode=ro", uri=True) as db:
        cast = ", ".join(f"CAST({c} AS BLOB)" for c in TEXTS)
        got = db.execute(f"SELECT id, {cast} FROM cdr").fetchall()
        sane = db.execute("PRAGMA integrity_check").fetchone()[0]
    return {r[3]: dict(zip(("id", *TEXTS), r)) for r in got}, len(got), sane


def compare(got, wanted):
    """What is not byte for byte as it was sent."""
    wrong = []
    for want in wanted:
        row = got.get(want["caller_call_id"])
        if not row:
            wrong.append(f"no record of {want['caller_call_id']!r}")
            continue
        wrong += [f"{k}: {row[k]!r} instead of {v!r}" for k, v in want.items() if row[k] != v]
    return wrong


def text_pages(daemon, got):
    """JSON and CSV, by strict readers: each value gives the database's bytes back."""
    wrong, by_id = [], {str(r["id"]): r for r in got.values()}
    for fmt in ("json", "csv"):
        data = piped(daemon, "cdr", "--limit", "all", "--" + fmt)
        wrong += [f"{fmt}: {h}"] if (h := harmful(data.replace(b"\r\n", b"\n"))) else []
        text = data.decode("utf-8", "surrogateescape")
        records = json.loads(text)["records"] if fmt == "json" else list(csv.DictReader(io.StringIO(text, newline="")))
        if len(records) != len(got):
            wrong.append(f"{fmt}: {len(records)} records instead of {len(got)}")
        for r in records:
            for c in TEXTS:
                shown = r[c][1:] if fmt == "csv" and re.match(r"'[=@+-]", r[c]) else r[c]
                if read_back(shown) != by_id[r["id"]][c] and read_back(r[c]) != by_id[r["id"]][c]:
                    wrong.append(f"{fmt}: {c} {r[c]!r} is not {by_id[r['id']][c]!r}")
    return wrong


def argument(p):
    return p.replace(b"\0", b"%00") or b"-"


def terminal(daemon, got, everything):
    """Commands on a terminal: whatever they show and whatever they are asked."""
    words = [argument(p) for p in everything[::COUNT // 60]]
    ids = [str(r["id"]) for r in list(got.values())[::max(1, len(got) // 40)]]
    asked = [("cdr", "--limit", "600"), ("cdr", "--limit", "300", "--json"), ("cdr", "--limit", "300", "--csv"), ("status",), ("show", "trunks"),
             ("show", "calls"), ("show", "phones"), ("show", "users"), ("show", "guard")]
    asked += [("show", "call", i, *j) for i in ids for j in ((), ("--json",))]
    asked += [("dial", "--from", b"a" + p, "--to", b"a" + p, "--trunk", "near") for p in words]
    asked += [w for p in words for w in (("show", b"a" + p), (b"a" + p,), ("unban", b"a" + p), ("cdr", "--number", p), (b"status", b"--" + p))]
    wrong = []
    for a in asked:
        _, out = cli(daemon, *a)
        bad = harmful(out)
        forged = re.search(rb"^(error: store|warn: Trunk near|info: Call refused with 403: FORGED|ready FORGED|audit FORGED)", out, re.M)
        if bad or forged:
            wrong.append(f"tandem {a}: {bad or forged[0]!r}")
    return wrong, len(asked)


def ask_socket(daemon, everything):
    """Each payload as the argument of actions over the control socket: the answer is JSON and harmless."""
    wrong, path = [], str(daemon.dir / "control.sock")
    s = socket.socket(socket.AF_UNIX)
    s.connect(path)
    f = s.makefile("rb")
    for n, p in enumerate(everything):
        q = urllib.parse.quote_from_bytes(p, safe="")
        url = (f"/v1/dial?from={q}&to={q}&trunk=near", f"/v1/show/call?id={q}", f"/v1/cdr?number={q}&limit=1", f"/v1/dial?from=1&to=5000&trunk={q}",
               f"/v1/{q}", f"/v1/status?{q}={q}", f"/v1/cdr?reason={q}&limit=1&next={q}")[n % 7]
        s.sendall(f"GET {url} HTTP/1.1\r\nHost: tandem\r\n\r\n".encode())
        head, line = b"", b""
        while line != b"\r\n":
            line = f.readline()
            if not line:
                return [*wrong, f"{url}: the connection was closed"], n
            head += line
        body = f.read(int(value(b"\r\n" + head, b"Content-Length") or 0))
        try:
            json.loads(body)
        except ValueError:
            wrong.append(f"{url}: no JSON: {body[:80]!r}")
        if b"FORGED" in head or re.search(rb"[\0-\x08\x0b\x0c\x0e-\x1f\x7f-\xff]", head):
            wrong.append(f"{url}: in the header of the answer: {head!r}")
    s.close()
    return wrong, len(everything)


def raw(ends, everything):
    """Each payload as it is, wherever it falls, in requests that need no call; over UDP and TCP."""
    udp, head = socket.socket(socket.AF_INET, socket.SOCK_DGRAM), (
        b"OPTIONS sip:@0@@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:9;branch=z9hG4bKr%d@1@;rport\r\nMax-Forwards: 70@2@\r\n"
        b"From: @3@ <sip:@4@@a>;tag=@5@\r\nTo: @6@<sip:b@c>\r\nCall-ID: @7@r%d\r\nCSeq: 1@8@ OPTIONS\r\nContact: @9@\r\nUser-Agent: @A@\r\n"
        b"X@B@: @C@\r\nContent-Length: 0@D@\r\n\r\n@E@")
    udp.setblocking(False)
    tcp, closed = None, 0
    for n, p in enumerate(everything):
        spot = b"@%c@" % b"0123456789ABCDE"[n % 15]
        data = re.sub(rb"@[0-9A-E]@", lambda m, s=spot, p=p: p if m[0] == s else b"", head % (n, n))
        udp.sendto(data, ("127.0.0.1", ends.near))
        try:
            tcp = tcp or socket.create_connection(("127.0.0.1", ends.near), 5)
            tcp.sendall(data)
            tcp.setblocking(False)
            if not tcp.recv(65536):
                raise ConnectionError
        except BlockingIOError:
            tcp.setblocking(True)
        except OSError:
            closed, tcp = closed + 1, None
        try:
            while udp.recv(65536):
                pass
        except BlockingIOError:
            pass
    return closed


def names(daemon, everything):
    """Names of the configuration and of the site: what `check` and `apply` say of them."""
    wrong, at = [], 0
    for at in range(0, len(everything), 50):
        some = [json.dumps(p.decode("utf-8", "replace")) for p in everything[at:at + 50]]
        (daemon.dir / "names.yaml").write_text("store: t.db\nzones:\n" + "".join(f"  - {{ name: {n}, kind: {n} }}\n" for n in some) +
                                               "".join(f"{n}: 1\n" for n in some[:10]))
        (daemon.dir / "people.yaml").write_text("partitions: [ all ]\nusers:\n" + "".join(f"  - {{ name: {n}, display: {n}, x{n[1:3]}: 1 }}\n" for n in some
                                                                                         if n[1:3].isalpha()) +
                                                "lines:\n" + "".join(f"  - {{ number: {n}, partition: {n} }}\n" for n in some))
        for words in (("check", "-c", "names.yaml"), ("check", "-c", "tandem.yaml", "-f", "people.yaml")) + (
                (("apply", "-f", "people.yaml"), ("status", "-c", "names.yaml")) if at % 1000 == 0 else ()):
            bad = harmful(cli(daemon, *words)[1])
            wrong += [f"{words} with the names from {at}: {bad}"] if bad else []
    return wrong


def log_of(daemon):
    """([what is wrong], how many lines, how many tell of a refused call)"""
    data = daemon.child.log.read_bytes()
    lines = data.split(b"\n")[:-1]
    wrong = [f"log: {h}"] if (h := harmful(data)) else []
    wrong += [f"log: {l!r}" for l in lines if not SHAPES.match(l)]
    return wrong, len(lines), sum(1 for l in lines if b"Call refused with" in l[:40])


@measure("E11", f"{COUNT} payloads (SQL, shells, formats, lines, terminals, UTF-8, markup, our log's own shape) in turn in each of 45 header and SDP fields "
         f"of answered calls over UDP and TCP and of the answers, as numbers that nobody has, raw in any place, in what operators ask, in names of files",
         "one record a call, byte for byte as sent, schema untouched; JSON and CSV give the bytes back; nothing that acts in the log or on a terminal",
         "Asterisk 2026: SQL injection, LDAP filter, XSS (three advisories)", limit_s=600)
def injection():
    everything = payloads(COUNT)
    with Bed("inject") as bed:
        ends = Ends(bed, answers(everything))
        answers.port = ends.desk
        daemon, before = ends.daemon, schema(ends.daemon.store)
        calls = [call(n, ends, everything) for n in range(COUNT)]
        ends.run(c[:4] for c in calls)
        answered = sum(1 for s in ends.done.values() if s == 200)
        strange = [f"{c[0]!r} ended with {s}" for n, c in enumerate(calls)
                   if (s := ends.done[c[0]]) != (480 if n % 8 == 0 else 200) and not (s == 488 and n % 10 == 9)]
        nobody = [unknown(n, ends, everything) for n in range(COUNT)]
        ends.run((c[:4] for c in nobody), rate=180)
        strange += [f"{c[0]!r} ended with {ends.done[c[0]]}: {c[2][:200]!r}" for c in nobody if ends.done[c[0]] != 404]
        closed = raw(ends, everything)
        daemon.recorded(30)
        got, count, sane = rows(daemon.store)
        calls = [c for c in calls + nobody if ends.done[c[0]] != 400]       # 400: no call, and so no record
        wrong = compare(got, [c[4] for c in calls])
        wrong += [f"{count} records of {len(calls)} calls"] if count != len(calls) else []
        wrong += ["the schema changed"] if schema(daemon.store) != before else []
        wrong += [f"integrity: {sane}"] if sane != "ok" else []
        shown = text_pages(daemon, got)
        on_tty, commands = terminal(daemon, got, everything)
        sock, asked = ask_socket(daemon, everything)
        shown += on_tty + sock + names(daemon, everything)
        logged, lines, refusals = log_of(daemon)
        if not daemon.child.alive():
            raise Failed("the daemon died: " + daemon.child.text()[-500:])
        ends.stop()
        bad = len(wrong) + len(shown) + len(logged)
        ok = not bad and not strange and answered > COUNT * 0.8
        return Result(f"{answered} answered and {len(ends.done) - answered} refused calls, {len(strange)} ended otherwise; {count} records, {len(wrong)} "
                      f"differences; {commands} commands on a terminal and {asked} on the socket, {len(shown)} harmful or not read back; "
                      f"{lines} log lines, {len(logged)} harmful or forged", ok,
                      {"wrong": wrong[:20], "shown": shown[:20], "log": logged[:20], "strange": strange[:20], "closed": closed, "refusals": refusals})
