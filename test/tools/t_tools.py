#!/usr/bin/env python3
"""The checkers find what they are for, and let good code pass."""
import os
import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
CASES = []


def case(fn):
    CASES.append(fn)
    return fn


def tree(files):
    """A temporary source tree; the caller keeps the object alive."""
    tmp = tempfile.TemporaryDirectory()
    for path, text in files.items():
        p = pathlib.Path(tmp.name, path)
        p.parent.mkdir(parents=True, exist_ok=True)
        p.write_text(text)
    return tmp


def run(tool, files):
    with tree(files) as root:
        r = subprocess.run([sys.executable, ROOT / "tools" / tool, root], text=True,
                           capture_output=True, check=False)
    return r.returncode, r.stdout


def bad(tool, files, needle):
    code, out = run(tool, files)
    assert code == 1 and needle in out, (code, out)


@case
def an_upward_include_is_found():
    bad("layers.py", {"src/sip/a.c": '#include "call/call.h"\n'}, "sip/ may not include call/")


@case
def islands_do_not_know_each_other():
    bad("layers.py", {"src/sip/a.c": '#include "sdp/sdp.h"\n'}, "sip/ may not include sdp/")


@case
def an_unknown_folder_is_found():
    bad("layers.py", {"src/misc/a.c": "int a;\n"}, "unknown folder")


@case
def a_library_outside_its_folder_is_found():
    bad("layers.py", {"src/call/a.c": "#include <uv.h>\n"}, "call/ may not know <uv.h>")


@case
def openssl_is_known_by_its_folder():
    bad("layers.py", {"src/sip/a.c": "#include <openssl/evp.h>\n"}, "only io, pki, media")


@case
def a_private_header_stays_private():
    bad("layers.py", {"src/call/a.c": '#include "sip/tsx_int.h"\n'}, "private to sip/")


@case
def an_include_without_its_folder_is_found():
    bad("layers.py", {"src/sip/a.c": '#include "msg.h"\n'}, "names its folder")


@case
def the_right_layers_pass():
    code, out = run("layers.py", {"src/call/a.c": '#include "sip/msg.h"\n#include <stdio.h>\n',
                                  "src/io/b.c": "#include <uv.h>\n"})
    assert code == 0 and out == "", out


@case
def a_length_counted_by_hand_is_found():
    bad("banned.py", {"src/sip/a.c": 'struct str s = { "abc\\"", 5 };\n'}, "STR_INIT")
    assert run("banned.py", {"src/sip/a.c": 'struct row r = { "PCMU", 80 };\n'})[0] == 0


@case
def a_banned_function_is_found():
    bad("banned.py", {"src/sip/a.c": "void f(char *d) { sprintf(d, x); }\n"}, "a.c:1: sprintf()")


@case
def malloc_is_for_base_alone():
    bad("banned.py", {"src/sip/a.c": "\tp = malloc(3);\n"}, "only in base/")
    assert run("banned.py", {"src/base/mem.c": "\tp = malloc(3);\n"})[0] == 0


@case
def sql_takes_values_by_binding_only():
    bad("banned.py", {"src/store/a.c": '\tbuf_fmt(&b, "DELETE FROM cdr WHERE id=%u", id);\n'}, "bind values")
    bad("banned.py", {"src/store/a.c": '\tbuf_fmt(&b, " AND x IN (SELECT y FROM z WHERE w=%.*s)", STRF(s));\n'}, "bind values")
    bad("banned.py", {"src/store/a.c": "\tsqlite3_exec(h, sql, NULL, NULL, NULL);\n"}, "is a constant")
    bad("banned.py", {"src/api/a.c": '\tz = sqlite3_mprintf("SELECT %Q", s);\n'}, "sqlite3_mprintf()")
    assert run("banned.py", {"src/store/a.c": '\tsqlite3_exec(h, "COMMIT", NULL, NULL, NULL);\n\tsqlite3_exec(h, "PRAGMA a=1;"\n'
                                              '\t\t"PRAGMA b=2", NULL, NULL, NULL);\n'
                                              '\tbuf_lit(b, "DELETE FROM cdr WHERE id=?1");\n'})[0] == 0


@case
def comments_strings_and_members_may_name_them():
    code, out = run("banned.py", {"src/sip/a.c": '/* sleep(3)\n * exit(1) */\n\tputs("sprintf(");\n'
                                                 "\tt->time(3);\n\tsip_time(3);\n"})
    assert code == 0, out


@case
def a_reason_on_the_line_lifts_the_ban():
    assert run("banned.py", {"src/sip/a.c": "\tabort();\t/* banned: test hook */\n"})[0] == 0


@case
def a_file_that_grew_too_long_is_found():
    bad("banned.py", {"src/sip/a.c": "int a;\n" * 801}, "801 lines")


@case
def unfinished_work_is_found():
    bad("banned.py", {"src/sip/a.c": "/* TO" "DO later */\n"}, "finish it")


def with_fake_apt(installed, fake_apt="echo apt-get >>$TRACE\n"):
    """Runs the installer where dpkg knows `installed`; (code, stdout, apt's trace)."""
    with tempfile.TemporaryDirectory() as tmp:
        bin_dir = pathlib.Path(tmp, "bin")
        bin_dir.mkdir()
        trace = pathlib.Path(tmp, "trace")
        trace.write_text("")
        lines = "\n".join(f"installed {p}" for p in installed)
        for name, body in (("dpkg-query", f"cat <<'E'\n{lines}\nE\n"), ("apt-get", fake_apt),
                           ("id", "echo 1000\n"), ("sudo", 'echo "sudo $1" >>$TRACE; exit 0\n')):
            p = bin_dir / name
            p.write_text(f"#!/bin/sh\n{body}")
            p.chmod(0o755)
        env = dict(os.environ, PATH=f"{bin_dir}:{os.environ['PATH']}", TRACE=str(trace))
        r = subprocess.run([ROOT / "tools/install-deps.sh", "demo"], env=env, text=True,
                           capture_output=True, check=False, stdin=subprocess.DEVNULL)
        return r.returncode, r.stdout, trace.read_text()


def demo_packages():
    return subprocess.run([ROOT / "tools/install-deps.sh", "--list", "demo"], text=True,
                          capture_output=True, check=True).stdout.split()


@case
def the_installer_is_silent_when_nothing_is_missing():
    assert with_fake_apt(demo_packages()) == (0, "", "")


@case
def the_installer_names_what_is_missing_and_uses_sudo():
    have = [p for p in demo_packages() if p not in ("baresip-core", "nftables")]
    code, out, trace = with_fake_apt(have)
    assert code == 0 and "missing packages: baresip-core nftables\n" in out, (code, out)
    assert trace.count("sudo env") == 2, trace


@case
def the_demo_needs_few_packages_beside_the_build():
    build = subprocess.run([ROOT / "tools/install-deps.sh", "--list", "build"], text=True,
                           capture_output=True, check=True).stdout.split()
    assert sorted(set(demo_packages()) - set(build)) == ["baresip-core", "iproute2", "nftables"]


def times_configured(after):
    """How often a tree that is built twice is configured; after() is done to it between the two."""
    files = {"CMakePresets.json": '''{ "version": 6, "configurePresets": [{ "name": "rel", "generator": "Ninja",
               "binaryDir": "${sourceDir}/build/rel" }], "buildPresets": [{ "name": "rel", "configurePreset": "rel" }] }''',
             "CMakeLists.txt": "cmake_minimum_required(VERSION 3.25)\nproject(p NONE)\n"
                               "file(APPEND ${CMAKE_SOURCE_DIR}/configured x)\n",
             "dpkg/status": ""}
    with tree(files) as root:
        env = dict(os.environ, DPKG_ADMINDIR=f"{root}/dpkg")
        os.utime(pathlib.Path(root, "dpkg/status"), (0, 0))
        for turn in range(3):
            subprocess.run([ROOT / "tools/build.sh", "rel"], cwd=root, env=env, check=True, capture_output=True)
            if turn == 0:
                after(pathlib.Path(root))
        return len(pathlib.Path(root, "configured").read_text())


@case
def a_tree_is_configured_once():
    assert times_configured(lambda root: None) == 1


@case
def a_tree_is_configured_again_when_a_package_came():
    # What a benchmark needs may be installed after the first build: it must be looked for again, once.
    assert times_configured(lambda root: os.utime(root / "dpkg/status")) == 2


@case
def every_word_of_the_flow_language_is_explained():
    words = re.findall(r'\{ "([a-z]+)", (?:true|false), ', (ROOT / "test/sim/flow_script.c").read_text())
    text = (ROOT / "doc/flow.md").read_text()
    missing = [w for w in words if not re.search(rf"^\| `{w}\b", text, re.M)]
    assert len(words) > 15 and not missing, missing


def main():
    failed = 0
    for fn in CASES:
        name = fn.__name__.replace("_", " ")
        try:
            fn()
            print(f"ok {name}")
        except AssertionError as e:
            failed = 1
            print(f"not ok {name}\n# {e}")
    sys.exit(failed)


if __name__ == "__main__":
    main()
