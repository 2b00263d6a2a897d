#!/usr/bin/env bash
# Runs the addon's tests with AddressSanitizer and UndefinedBehaviorSanitizer. The addon is built in a folder of its
# own, so that the one in use stays as it is. Needs: npm run build, g++ with libasan. As root it covers the TUN too.
set -euo pipefail
cd "$(dirname "$0")/.."

copy=dist/sanitize
mkdir -p "$copy"
rm -rf "$copy/src"
cp -r native-bindings/binding.gyp native-bindings/src "$copy/"

node --input-type=module -e "
  import { buildAddon } from './native-bindings/build.mjs';
  const result = buildAddon({ directory: '$PWD/$copy', isSanitized: true });
  if (result.problem !== undefined) {
    console.error(result.problem);
    process.exit(1);
  }
"

# V8 leaves memory to the end of the process: leaks of ours show in the tests' workers instead.
export ASAN_OPTIONS=detect_leaks=0:abort_on_error=1:halt_on_error=1
export UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1
export RATATOSK_TEST_ADDON="$PWD/$copy/build/Release/ratatosk.node"
LD_PRELOAD="$("${CXX:-g++}" -print-file-name=libasan.so) $("${CXX:-g++}" -print-file-name=libubsan.so)" \
  node --test dist/test/unit/{addon,aead,box,hmac,mask,netlink,network,segments,tun,tun-offloads,udp,unix-datagram}.test.js
