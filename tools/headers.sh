#!/bin/sh
# Every header compiles alone, with our warnings, by gcc and by clang.
set -eu
flags=$(pkg-config --cflags libuv openssl libcares sqlite3 yaml-0.1 libmicrohttpd libcurl jansson)
find src cli test/sim -name '*.h' 2>/dev/null | sort >build/headers.list
for cc in gcc clang-14; do
	command -v $cc >/dev/null || continue
	# shellcheck disable=SC2086,SC2016
	xargs -P 2 -I{} sh -c '
		cc=$1; h=$2; shift 2
		printf "#include \"%s\"\n#include \"%s\"\n" "$h" "$h" |
		"$cc" -std=c17 -D_GNU_SOURCE -DTANDEM_VERSION=\"0\" -Wall -Wextra -Werror \
			-fsyntax-only -I. -Isrc -Itest "$@" -x c - ||
		{ echo "$h does not compile alone with $cc"; exit 1; }' \
		sh $cc {} $flags <build/headers.list
done
