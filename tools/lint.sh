#!/bin/sh
# All static checks; every one runs, and the exit code is 0 when all were content.
set -u
bad=0

check() {
	name=$1
	shift
	if "$@"; then
		echo "ok lint $name"
	else
		echo "not ok lint $name"
		bad=1
	fi
}

mkdir -p build
check layers tools/layers.py
check banned tools/banned.py
check headers tools/headers.sh
check clang tools/build.sh clang
check globals tools/globals.sh build/clang
check tidy tools/tidy.py build/clang
exit $bad
