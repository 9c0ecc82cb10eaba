#!/usr/bin/env bash
# Makes a Debian or Ubuntu machine without a Docker engine able to build and run the images, as root:
# installs buildah, podman, runc and debootstrap, and makes a base image by debootstrap where the
# usual one cannot be pulled. Does nothing that is done already. Exit status 77: this machine can't.
#
#     docker/scripts/prepare-host.sh [TAG]     (default: localhost/valence-base:bookworm)
set -euo pipefail

tag=${1:-localhost/valence-base:bookworm}
suite=bookworm # its python3 is 3.11, which the locks are made for
mirror=${DEBIAN_MIRROR:-http://deb.debian.org/debian}
tools="buildah podman runc debootstrap"

cannot() {
    echo "docker: cannot run here: $1"
    exit 77
}

[ "$(id -u)" = 0 ] || cannot "this needs root, for debootstrap and for containers without systemd"
missing=
for tool in $tools; do
    command -v "$tool" >/dev/null || missing="$missing $tool"
done
if [ -n "$missing" ]; then
    command -v apt-get >/dev/null || cannot "there is no$missing, and no apt-get to install them"
    echo "docker: installing$missing"
    apt-get update -qq || cannot "apt-get update failed"
    # shellcheck disable=SC2086 # one word a package
    DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends $missing ||
        cannot "apt-get could not install$missing"
fi

if podman image exists "$tag"; then
    echo "docker: the base image $tag is there"
    exit 0
fi
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
echo "docker: making $tag by debootstrap (a minute)"
log=$root.log
debootstrap --variant=minbase --include=ca-certificates,python3-venv \
    "$suite" "$root" "$mirror" >"$log" 2>&1 || {
    tail -n 20 "$log"
    cannot "debootstrap of $suite failed"
}
rm -rf "$log" "$root"/var/cache/apt/*.bin "$root"/var/cache/apt/archives/*.deb "$root"/var/lib/apt/lists/*
rm -rf "$root"/usr/share/{doc,man,info,locale,lintian}/* "$root"/var/log/*
tar -C "$root" --numeric-owner -c . |
    podman import --quiet --change "CMD [\"python3\"]" - "$tag" >/dev/null
echo "docker: made $tag"
