#!/bin/sh
# The programs that `make test-ops` needs, from Debian's packages where they are missing.
# Each test starts its own on a free port of this machine; the packages' daemons are not used.
set -eu

missing=""
command -v prometheus >/dev/null && command -v promtool >/dev/null || missing="$missing prometheus"
ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || command -v initdb >/dev/null \
	|| missing="$missing postgresql"
[ -n "$missing" ] || exit 0

command -v apt-get >/dev/null || { echo "make test-ops needs$missing; install it" >&2; exit 1; }
as_root=""
[ "$(id -u)" = 0 ] || as_root=sudo
$as_root apt-get update -qq
# shellcheck disable=SC2086 # words on purpose
DEBIAN_FRONTEND=noninteractive $as_root apt-get install -qq -y --no-install-recommends $missing
for daemon in $missing; do
	$as_root systemctl disable --now "$daemon" >/dev/null 2>&1 || true
done
