#!/bin/sh
# Names the Debian packages this machine misses and installs them.
#
#   tools/install-deps.sh GROUP...     build demo test lint fuzz bench measure valgrind
#   tools/install-deps.sh --list GROUP...      all packages of these groups
#   tools/install-deps.sh --missing GROUP...   only those missing; installs nothing
#
# Says nothing and touches no network when nothing is missing. No service starts
# because of us: neither now nor at the next boot. What was there stays as it is.
# Lists are words in a string, so word splitting is wanted:
# shellcheck disable=SC2086
set -eu

build="gcc libc6-dev make cmake ninja-build pkg-config libuv1-dev libssl-dev
 libc-ares-dev libsqlite3-dev libyaml-dev libmicrohttpd-dev
 libcurl4-openssl-dev libjansson-dev"
demo="$build baresip-core iproute2 nftables"
test="$demo libcmocka-dev python3 openssl sip-tester kamailio kamailio-tls-modules
 libre-dev libsrtp2-dev valgrind"
lint="$build python3 clang-14 clang-tidy-14 git"
fuzz="$build clang-14 llvm-14 libclang-rt-14-dev"
valgrind="valgrind"
measure="$test faketime libsofia-sip-ua-dev sipvicious"
bench="$build python3 openssl sip-tester kamailio libre-dev strace"

die() {
	echo "install-deps: $*" >&2
	exit 1
}

group() {
	case $1 in
	build) echo $build ;;
	demo)  echo $demo ;;
	test)  echo $test ;;
	lint)  echo $lint ;;
	fuzz)  echo $fuzz ;;
	bench) echo $bench ;;
	measure) echo $measure ;;
	valgrind) echo $valgrind ;;
	*) die "no such group: $1 (build demo test lint fuzz bench measure valgrind)" ;;
	esac
}

installed() {
	dpkg-query -W -f '${db:Status-Status} ${Package}\n' 2>/dev/null |
		sed -n 's/^installed //p' | sort -u
}

# stdin: package names; stdout: those not installed
missing() {
	have=$(installed)
	while read -r p; do
		printf '%s\n' "$have" | grep -qxF -- "$p" || echo "$p"
	done
}

as_root() {
	if [ "$(id -u)" = 0 ]; then
		"$@"
	else
		sudo "$@"
	fi
}

# Quiet unless it fails.
run() {
	as_root "$@" >"$log" 2>&1 </dev/null || {
		cat "$log" >&2
		return 1
	}
}

# policy-rc.d is how Debian asks "may this service start?". Ours says no, and only
# exists while apt runs; one that is there already is not ours to change.
forbid_start() {
	policy=/usr/sbin/policy-rc.d
	[ -e $policy ] && return
	printf '#!/bin/sh\nexit 101\n' >"$tmp/policy"
	chmod 755 "$tmp/policy"
	as_root cp "$tmp/policy" $policy
	as_root chmod 755 $policy
	ours=$policy
}

# A package enables its service for the next boot, too: undo that for the packages
# that have just come, and for no other.
forbid_boot() {
	installed >"$tmp/after"
	comm -13 "$tmp/before" "$tmp/after" | while read -r p; do
		dpkg-query -L "$p" 2>/dev/null |
			sed -n 's#^\(/usr\)\{0,1\}/lib/systemd/system/\([^/@]*\.\(service\|socket\|timer\)\)$#\2#p'
	done | sort -u >"$tmp/units"
	while read -r unit; do
		as_root deb-systemd-helper disable "$unit" >/dev/null 2>&1 </dev/null || true
		case $unit in
		*.service) as_root update-rc.d "${unit%.service}" disable >/dev/null 2>&1 </dev/null || true ;;
		esac
	done <"$tmp/units"
}

clean_up() {
	[ -z "${ours:-}" ] || as_root rm -f "$ours"
	[ -z "${tmp:-}" ] || rm -rf "$tmp"
}

mode=install
case ${1:-} in
--list)    mode=list; shift ;;
--missing) mode=missing; shift ;;
esac
[ $# -gt 0 ] || die "which group? build demo test lint fuzz bench measure valgrind"
all=
for g in "$@"; do
	all="$all $(group "$g")"
done
all=$(printf '%s\n' $all | sort -u)
if [ $mode = list ]; then
	printf '%s\n' "$all"
	exit 0
fi
if ! command -v dpkg-query >/dev/null; then
	echo "install-deps: not a Debian system; needed here are what Debian calls:" $all >&2
	exit 0
fi
need=$(printf '%s\n' "$all" | missing)
if [ $mode = missing ]; then
	[ -z "$need" ] || printf '%s\n' "$need"
	exit 0
fi
[ -n "$need" ] || exit 0

echo "missing packages:" $need
if [ "$(id -u)" != 0 ] && ! command -v sudo >/dev/null; then
	die "please run as root: apt-get install --no-install-recommends" $need
fi
tmp=$(mktemp -d)
log=$tmp/log
trap clean_up EXIT
trap 'exit 1' HUP INT TERM
installed >"$tmp/before"
forbid_start
apt="env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o Acquire::Retries=3 -o DPkg::Lock::Timeout=600"
echo "installing them with apt-get"
# One unreachable foreign source must not stop us: the install below decides.
run $apt update || echo "install-deps: apt-get update failed, trying all the same" >&2
run $apt install --no-install-recommends $need || die "apt-get could not install:" $need
forbid_boot
