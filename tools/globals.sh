#!/bin/sh
# tools/globals.sh BUILD_DIR: no mutable globals. Lists every object that sits in a
# writable section of our libraries (.data.rel.ro is read-only once linked).
set -eu
found=$(for lib in "$1"/lib*.a; do
	[ -f "$lib" ] || continue
	case $lib in */libsim.a) continue ;; esac
	objdump -t "$lib" | awk -v lib="$(basename "$lib" .a)" '
		/file format/ { obj = $1 }
		$2 ~ /^[gl]/ && $NF !~ /^\./ {
			for (i = 1; i < NF; i++)
				if ($i ~ /^(\.data|\.bss|\.tdata|\.tbss|\*COM\*)/ && $i !~ /^\.data\.rel\.ro/)
					print lib "/" obj " " $NF
		}'
done | sort -u)
[ -z "$found" ] && exit 0
echo "mutable globals:"
echo "$found"
exit 1
