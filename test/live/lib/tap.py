"""Runs a file's scenarios and says `ok name` or `not ok name - why`.

A test file ends with `if __name__ == "__main__": tap.main(globals())`. Every
function live_* is one scenario; its docstring's first line is its name, a
sentence. Arguments select scenarios by a part of their function's name, and
--first=N takes the first N only.
Where the machine allows it, the whole file runs in its own network namespace.
"""
import ctypes
import fcntl
import os
import socket
import struct
import sys
import traceback

from lib.bed import Failed

CLONE_NEWNET, CLONE_NEWUSER = 0x40000000, 0x10000000
SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP = 0x8913, 0x8914, 1


class Skip(Exception):
    """This machine cannot run the scenario; the text says what is missing."""


def own_network():
    """True when this process now has a network of its own with a loopback."""
    if os.environ.get("TANDEM_NO_NETNS"):
        return False
    libc = ctypes.CDLL(None, use_errno=True)
    uid, gid = os.getuid(), os.getgid()
    if libc.unshare(CLONE_NEWNET) != 0:
        if libc.unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0:
            return False
        for path, text in (("setgroups", "deny"), ("uid_map", f"0 {uid} 1"),
                           ("gid_map", f"0 {gid} 1")):
            with open(f"/proc/self/{path}", "w", encoding="ascii") as f:
                f.write(text)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        req = bytearray(struct.pack("16sH22x", b"lo", 0))
        fcntl.ioctl(s, SIOCGIFFLAGS, req)
        flags = struct.unpack_from("H", req, 16)[0]
        struct.pack_into("H", req, 16, flags | IFF_UP)
        fcntl.ioctl(s, SIOCSIFFLAGS, req)
    return True


def run_one(fn):
    name = (fn.__doc__ or fn.__name__).strip().splitlines()[0].rstrip(".")
    try:
        fn()
    except Skip as e:
        print(f"skip {name} - {e}", flush=True)
        return True
    except Failed as e:
        first, _, rest = str(e).partition("\n")
        print(f"not ok {name} - {first}", flush=True)
        for line in rest.splitlines():
            print(f"# {line}")
        return False
    except Exception as e:              # a fault of the test, not of the daemon
        print(f"not ok {name} - {type(e).__name__}: {e}", flush=True)
        for line in traceback.format_exc().splitlines():
            print(f"# {line}")
        return False
    print(f"ok {name}", flush=True)
    return True


def main(names):
    first = [int(w[8:]) for w in sys.argv[1:] if w.startswith("--first=")]
    want = [w for w in sys.argv[1:] if not w.startswith("--")]
    todo = [f for n, f in names.items()
            if n.startswith("live_") and (not want or any(w in n for w in want))]
    todo = todo[:first[0]] if first else todo
    own_network()
    good = [run_one(f) for f in todo]
    sys.exit(0 if todo and all(good) else 1)
