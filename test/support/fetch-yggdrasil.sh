#!/bin/sh
# Brings the real Yggdrasil 0.5 daemon, from Debian's own packages, into a folder; installs nothing into the system.
#   fetch-yggdrasil.sh DIR [SUITE]      SUITE: trixie (0.5.12, default) or sid (newer)
# Prints the folder that holds `yggdrasil` and `yggdrasilctl`. Does nothing when they are already there.
# The tests look in `.tools/yggdrasil`, so: sh test/support/fetch-yggdrasil.sh .tools/yggdrasil
# Those that need the newer one look in `.tools/yggdrasil-sid`.
set -eu
dir=${1:?usage: fetch-yggdrasil.sh DIR [SUITE]}
suite=${2:-trixie}
bin=$dir/usr/sbin
if [ -x "$bin/yggdrasil" ]; then echo "$bin"; exit 0; fi

uri=$(apt-get indextargets --format '$(REPO_URI)' | grep -m1 'debian/*$') ||
  { echo "fetch-yggdrasil: no Debian mirror is configured for apt here" >&2; exit 1; }
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
chmod 755 "$tmp"
mkdir -p "$tmp/lists/partial" "$tmp/cache/archives/partial" "$dir"
echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $uri $suite main" >"$tmp/sources.list"
apt() {
  apt-get -qq -oDir::Etc::SourceList="$tmp/sources.list" -oDir::Etc::SourceParts=/dev/null \
    -oDir::State::Lists="$tmp/lists" -oDir::Cache="$tmp/cache" -oAPT::Sandbox::User=root "$@"
}
apt update
(cd "$tmp" && apt download yggdrasil)
dpkg -x "$tmp"/yggdrasil_*.deb "$dir"
echo "$bin"
