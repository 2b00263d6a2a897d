#!/bin/sh
# Brings the real Yggdrasil 0.5 daemon, from Debian's own packages, into a folder; installs nothing into the system.
#   fetch-yggdrasil.sh DIR [SUITE]      SUITE: trixie (0.5.12, default) or sid (newer)
# Prints the folder that holds `yggdrasil` and `yggdrasilctl`. Does nothing when they are already there.
# The tests look in `.tools/yggdrasil`, so: sh test/support/fetch-yggdrasil.sh .tools/yggdrasil
# Those that need the newer one look in `.tools/yggdrasil-sid`.
set -eu
dir=${1:?usage: fetch-yggdrasil.sh DIR [SUITE]}
bin=$dir/usr/sbin
[ -x "$bin/yggdrasil" ] || sh "$(dirname "$0")/fetch-debian.sh" "$dir" "${2:-trixie}" yggdrasil
echo "$bin"
