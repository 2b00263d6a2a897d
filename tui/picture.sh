#!/bin/sh
# Makes tui/dashboard.svg: the dashboard of a made-up session, on a real screen of tmux. Needs tmux and a build.
set -eu
cd "$(dirname "$0")/.."
folder=$(mktemp -d)
server="ratatosk-picture-$$"
trap 'tmux -L "$server" kill-server 2>/dev/null || true; rm -rf "$folder"' EXIT
export LC_ALL=C.UTF-8
node --input-type=module -e "
  import { sessionEntries } from '$PWD/dist/test/support/top-session.js';
  for (const entry of sessionEntries()) console.log(JSON.stringify(entry));
" >"$folder/session.jsonl"
tmux -L "$server" -f /dev/null new-session -d -x 120 -y 40 \
  "TERM=tmux-256color TZ=UTC node dist/daemon/main.js top --replay '$folder/session.jsonl' --speed 0"
until tmux -L "$server" capture-pane -p | grep -q 'q quit'; do sleep 0.1; done
tmux -L "$server" capture-pane -e -p >"$folder/screen.txt"
tmux -L "$server" send-keys q
node --input-type=module -e "
  import { readFileSync, writeFileSync } from 'node:fs';
  import { svgOf } from '$PWD/dist/tui/svg.js';
  const screen = readFileSync('$folder/screen.txt', 'utf8');
  writeFileSync('tui/dashboard.svg', svgOf(screen, 'ratatosk top: the overview'));
"
