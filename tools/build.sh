#!/bin/sh
# tools/build.sh PRESET [TARGET...]: configure once, build, and say little.
# Ninja reruns CMake by itself when a CMakeLists.txt, or the list of files, changes; not when a package
# came that CMake looked for in vain, so this script does.
set -eu
preset=$1
shift
dir=build/$preset
packages=${DPKG_ADMINDIR:-/var/lib/dpkg}/status
if [ ! -f "$dir/build.ninja" ] || [ CMakePresets.json -nt "$dir/build.ninja" ] || [ "$packages" -nt "$dir/build.ninja" ]; then
	mkdir -p "$dir"
	if ! cmake --preset "$preset" >"$dir/configure.log" 2>&1; then
		cat "$dir/configure.log" >&2
		exit 1
	fi
fi
NINJA_STATUS="[$preset %f/%t] "
export NINJA_STATUS
exec cmake --build --preset "$preset" ${1:+--target "$@"}
