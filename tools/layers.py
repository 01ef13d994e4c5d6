#!/usr/bin/env python3
"""Who may include whom, and which folder may know which library.

tools/layers.py [ROOT]      prints FILE:LINE: what is wrong; exit code 1 if any

The tables are ARCHITECTURE.md's in a form a machine reads. A folder that is not
in them is an error: a new part of the house is drawn before it is built.
"""
import pathlib
import re
import sys

ISLANDS = "sip sdp media store directory trunk trace pki"
LEG = "leg sip sdp media io base"
SITE = "site directory trunk store conf io base"
SERVICE = "service site sip trunk directory store pki conf trace io base"
CALL = f"call {LEG} {SERVICE} {SITE} {ISLANDS}"

MAY = {                     # folder: folders it may include besides itself
    "base": "",
    "io": "base",
    "conf": "base",
    "pki": "base io",
    "trace": "base",
    "sdp": "base",
    "trunk": "base",
    "directory": "base",
    "sip": "base io",
    "media": "base io",
    "store": "base io",
    "leg": LEG,
    "site": SITE,
    "service": SERVICE,
    "call": CALL,
    "hub": "leg sip sdp media pki conf trace io base",
    "api": CALL,
    "app": f"{CALL} api hub",
    "cli": "app hub api conf base",
}

LIBRARY = {                 # header, or its folder: folders that may know it
    "uv.h": "io",
    "ares.h": "io",
    "openssl": "io pki media",
    "sqlite3.h": "store",
    "yaml.h": "conf",
    "microhttpd.h": "api",
    "curl": "cli service",
    "jansson.h": "api hub trace app cli",
    "pthread.h": "io store app",
    "threads.h": "io store app",
    "sys/epoll.h": "io media",
    "sys/socket.h": "base io media api app",
    "netinet/in.h": "base io media",
    "arpa/inet.h": "base io media app",
    "sys/un.h": "io api cli",
}
FOREIGN = {                 # never, anywhere in the program
    "re": "libre is a test's oracle, not a part of us",
    "srtp2": "libsrtp2 is a test's oracle, not a part of us",
    "cmocka.h": "tests only",
}

OURS = re.compile(r'\s*#\s*include\s+"(?:([\w-]+)/)?([\w./-]+)"')
THEIRS = re.compile(r'\s*#\s*include\s+<([\w./-]+)>')


def check_ours(here, line):
    m = OURS.match(line)
    if not m:
        return None
    there, name = m.groups()
    if there is None:
        return f'write "{here}/{name}": an include names its folder'
    if there == here:
        return None
    if there not in MAY:
        return f"no such folder in the table: {there}/"
    if there not in MAY[here].split():
        return f"{here}/ may not include {there}/{name}"
    if name.endswith("_int.h"):
        return f"{there}/{name} is private to {there}/"
    return None


def check_theirs(here, line):
    m = THEIRS.match(line)
    if not m:
        return None
    first = m[1].split("/")[0]
    for key in (m[1], first):
        if key in FOREIGN:
            return f"<{m[1]}>: {FOREIGN[key]}"
        if key in LIBRARY and here not in LIBRARY[key].split():
            return f"{here}/ may not know <{m[1]}>: only {', '.join(LIBRARY[key].split())}"
    return None


def main():
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else ".")
    bad = 0
    folders = [d for d in sorted((root / "src").iterdir()) if d.is_dir()]
    for d in folders + [root / "cli"]:
        files = sorted(d.rglob("*.[ch]")) if d.is_dir() else []
        if files and d.name not in MAY:
            print(f"{d}: unknown folder: add it to the tables of tools/layers.py")
            bad = 1
            continue
        for f in files:
            for n, line in enumerate(f.read_text().splitlines(), 1):
                why = check_ours(d.name, line) or check_theirs(d.name, line)
                if why:
                    print(f"{f}:{n}: {why}")
                    bad = 1
    sys.exit(bad)


if __name__ == "__main__":
    main()
