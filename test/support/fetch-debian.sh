#!/bin/sh
# Brings Debian's own packages into a folder; installs nothing into the system.
#   fetch-debian.sh DIR SUITE PACKAGE...
set -eu
dir=${1:?usage: fetch-debian.sh DIR SUITE PACKAGE...}
suite=${2:?usage: fetch-debian.sh DIR SUITE PACKAGE...}
shift 2

uri=$(apt-get indextargets --format '$(REPO_URI)' | grep -m1 'debian/*$') ||
  { echo "fetch-debian: no Debian mirror is configured for apt here" >&2; exit 1; }
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
(cd "$tmp" && apt download "$@")
for package in "$tmp"/*.deb; do dpkg -x "$package" "$dir"; done
