#!/usr/bin/env python3
"""Functions and words that do not come into the house, and sizes that must not.

tools/banned.py [ROOT]      prints FILE:LINE: what is wrong; exit code 1 if any

A line that has to break a rule says so: /* banned: why */ on the same line.
"""
import pathlib
import re
import sys

MAX_LINES = 800
MAX_COLUMNS = 120           # tabs count 8; sentences in tables may be longer

EVERYWHERE = {
    "no bound": "sprintf vsprintf strcpy strcat stpcpy gets",
    "hides errors: use str_* with a maximum": "sscanf atoi atol atoll atof strtok "
    "strtol strtoul strtoll strtoull strtod",
    "shared state": "asctime ctime gmtime localtime inet_ntoa gethostbyname",
    "the loop must not wait": "sleep usleep nanosleep",
    "use base/rng": "rand srand random srandom drand48",
    "starts a shell": "system popen",
    "no bound on the stack": "alloca",
    "leaves without closing": "longjmp setjmp",
    "SQL takes values by binding only": "sqlite3_mprintf sqlite3_vmprintf sqlite3_snprintf sqlite3_vsnprintf sqlite3_get_table "
    "sqlite3_str_appendf sqlite3_str_vappendf",
}
ONLY_IN = {                 # function: (folders or files that may, instead use)
    "malloc": ("base/", "mem_*"),
    "calloc": ("base/", "mem_*"),
    "realloc": ("base/", "mem_*"),
    "strdup": ("base/", "mem_*"),
    "strndup": ("base/", "mem_*"),
    "asprintf": ("base/", "a buf"),
    "time": ("io/", "the turn's time"),
    "gettimeofday": ("io/", "the turn's time"),
    "clock_gettime": ("io/ media/worker", "the turn's time"),
    "getrandom": ("base/rng", "rng_*"),
    "getenv": ("app/ cli/", "the option table"),
    "exit": ("app/ cli/ base/", "enum err"),
    "abort": ("base/ io/ pki/ media/", "assert() or enum err"),
}
CONSTANT = {                # functions whose second argument is written there, or says why not
    "sqlite3_exec": "SQL that is run without bindings is a constant; prepare it and bind the values",
}
# SQL with a place for text: names of our own tables may stand there, values may not.
SQL = re.compile(r'"[^"]*?\b(SELECT|INSERT|REPLACE|INTO|UPDATE|DELETE|CREATE|ALTER|DROP|PRAGMA|ATTACH|FROM|WHERE|VALUES|SET)\b'
                 r'(?:\\.|[^"\\])*%[-.*\d]*(?:l|ll|z)?[a-zA-Z]')
WORDS = {                   # in code and comments alike
    r"\b(TODO|FIXME|XXX|HACK)\b": "finish it, or write an issue",
    r"^\s*typedef\s+(struct|union)\b": "a struct keeps its tag",
    r"^\s*#\s*if\s+0\b": "dead code",
    r"[ \t]+$": "space at the end of the line",
    r"^ {8}": "indent with tabs",
}
WORDS = {re.compile(k): v for k, v in WORDS.items()}
COUNTED = re.compile(r'\{\s*"((?:\\.|[^"\\\n])+)",\s*(\d+)\s*\}')
STRING = re.compile(r'"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'')
COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*", re.S)
CALL = re.compile(r"(?<![\w>.])(\w+)\s*\(")


def bare(text):
    """The text without comments and string contents, its lines where they were."""
    keep = re.compile(f"({STRING.pattern})|({COMMENT.pattern})", re.S)

    def blank(m):
        if m[1]:
            return m[1][0] + m[1][-1]
        return "\n" * m[2].count("\n")
    return keep.sub(blank, text)


def why_not(function, where):
    for reason, names in EVERYWHERE.items():
        if function in names.split():
            return f"{function}(): {reason}"
    if function in ONLY_IN and not where.startswith("test/"):
        places, instead = ONLY_IN[function]
        if not any(where.startswith(p) for p in places.split()):
            return f"{function}(): only in {places.strip()}; use {instead}"
    return None


def check(path, where):
    text = path.read_text()
    lines, code = text.splitlines(), bare(text).splitlines()
    if len(lines) > MAX_LINES:
        yield len(lines), f"{len(lines)} lines: a file is one idea and at most {MAX_LINES}"
    for n, (line, stripped) in enumerate(zip(lines, code), 1):
        if "banned:" in line:
            continue
        for m in CALL.finditer(stripped):
            why = why_not(m[1], where)
            if why:
                yield n, why
            if m[1] in CONSTANT and not re.match(r'\w+\s*\([^,]*,\s*"[^,]*$|\w+\s*\([^,]*,\s*"[^"]*",', stripped[m.start():]):
                yield n, f"{m[1]}(): {CONSTANT[m[1]]}"
        if SQL.search(line) and where.startswith(("store/", "site/", "api/", "service/", "app/")):
            yield n, "SQL made from text: bind values; where it is the name of a table of ours, say so"
        for pattern, why in WORDS.items():
            if pattern.search(line):
                yield n, why
        for m in COUNTED.finditer(line):
            if abs(int(m[2]) - len(re.sub(r"\\\\.", "c", m[1]))) <= 3:
                yield n, "a length counted by hand: STR_INIT()"
        if '"' not in line and len(line.expandtabs(8)) > MAX_COLUMNS:
            yield n, f"{len(line.expandtabs(8))} columns, at most {MAX_COLUMNS}"


def main():
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else ".")
    bad = 0
    for top in ("src", "cli", "test/unit", "test/sim", "test/fuzz", "test/bench"):
        inside = "" if top == "src" else top + "/"
        for f in sorted((root / top).rglob("*.[ch]")):
            where = inside + str(f.relative_to(root / top))
            for n, why in check(f, where):
                print(f"{f}:{n}: {why}")
                bad = 1
    sys.exit(bad)


if __name__ == "__main__":
    main()
