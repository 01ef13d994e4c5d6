#!/bin/sh
# tools/fuzz.sh SECONDS [NAME...]: run fuzz targets, every one when none is named.
# Starts from test/fuzz/corpus/NAME and keeps what it finds in build/fuzz/corpus/NAME.
# JOBS: how many at a time (default: one a core). SEED: a number makes runs alike, so that what
# a gate found is found again; without it every run looks elsewhere.
# The exit code is 0 only when every target ran its time without a finding.
set -eu
seconds=$1
shift
bin=build/fuzz

one() {
	name=$1
	seeds=test/fuzz/corpus/$name
	found=$bin/corpus/$name
	mkdir -p "$found" "$bin/findings"
	set -- "$found"
	[ -z "${SEED:-}" ] || set -- "-seed=$SEED" "$@"
	[ ! -d "$seeds" ] || set -- "$@" "$seeds"
	[ ! -f "test/fuzz/$name.dict" ] || set -- "$@" "-dict=test/fuzz/$name.dict"
	if "$bin/fz_$name" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 \
		-verbosity=0 -print_final_stats=1 -artifact_prefix="$bin/findings/$name-" \
		"$@" >"$bin/$name.log" 2>&1 </dev/null; then
		runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$bin/$name.log")
		echo "ok fuzz $name: ${runs:-?} runs in $seconds s"
		return 0
	fi
	tail -40 "$bin/$name.log"
	echo "not ok fuzz $name: see $bin/findings/$name-*"
	return 1
}

if [ $# -eq 1 ]; then
	one "$1"
	exit
fi
if [ $# -eq 0 ]; then
	for f in test/fuzz/fz_*.c; do
		[ ! -f "$f" ] || set -- "$@" "$(basename "$f" .c | sed 's/^fz_//')"
	done
fi
[ $# -gt 0 ] || { echo "no fuzz targets" >&2; exit 1; }
jobs=${JOBS:-$(nproc)}
echo "$# targets, $seconds s each, $jobs at a time: $((($# + jobs - 1) / jobs * seconds / 60 + 1)) minutes" >&2
# xargs ends with an error when one of them did.
printf '%s\n' "$@" | xargs -P "$jobs" -n 1 "$0" "$seconds"
