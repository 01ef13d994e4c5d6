"""What Tandem lets pass, read again by two other parsers (A6)."""
import concurrent.futures
import json
import subprocess

from lib.bed import Failed
from lib.measure import Result, measure
from lib.tandem import ROOT

PARTS, EACH = 8, 15000
PROGRAMS = ROOT / "build" / "rel"


def part(seed):
    """The sums of one seed, and the first examples of what was wrong."""
    files = sorted((ROOT / "test/data/rfc4475").glob("*.dat")) + sorted((ROOT / "test/data/direct-routing").glob("*.sip"))
    mutants = subprocess.Popen([PROGRAMS / "measure_mutants", str(seed), str(EACH), *map(str, files)], stdout=subprocess.PIPE)
    differ = subprocess.run([PROGRAMS / "measure_differ"], stdin=mutants.stdout, capture_output=True, check=False)
    mutants.stdout.close()
    if mutants.wait() or differ.returncode:
        raise Failed(f"seed {seed}: mutants ended with {mutants.returncode}, differ with {differ.returncode}: {differ.stderr[-500:]}")
    return json.loads(differ.stdout), differ.stderr.decode(errors="replace")[:2000]


@measure("A6", f"{PARTS * EACH} mutated INVITEs, requests in dialogs and responses, with lines of RFC 4475 and of Direct Routing, through a whole "
         "server; what leaves on the other side is read by libre and by Sofia-SIP: method, URI, Call-ID, CSeq, tags, headers, body",
         "both understand all of it alike, no header that is not written by Tandem, nothing passes that both would reject",
         "Kamailio CVE-2020-28361 and Asterisk AST-2016-009: headers smuggled past; no published comparison", limit_s=900)
def differ():
    subprocess.run([ROOT / "tools/build.sh", "rel", "measure_mutants", "measure_differ"], check=True, capture_output=True)
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        got = list(pool.map(part, range(1, PARTS + 1)))
    t = {k: sum(g[0][k] for g in got) for k in got[0][0]}
    ok = (t["messages"] >= 100000 and t["forwarded"] > t["messages"] / 4 and
          not (t["differ"] or t["smuggled"] or t["unread"] or t["both_reject"]))
    return Result(f"{t['messages']} messages, {t['forwarded']} passed and made {t['left']} on the other side: {t['differ']} understood differently, "
                  f"{t['unread']} not read by one, {t['smuggled']} headers smuggled, {t['both_reject']} passed that both reject; {t['not_needed']} only for a "
                  "header that is not needed, which RFC 3261 8.2.2 wants ignored "
                  f"(libre rejects {t['libre_rejects']} of what came, Sofia-SIP {t['sofia_rejects']})", ok,
                  t | {"examples": [g[1] for g in got if g[1]]})
