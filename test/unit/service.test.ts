import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { needs, needsTool } from '../support/needs.ts';
import { repoRoot } from '../support/places.ts';

const UNIT = join(repoRoot, 'configs/ratatosk.service');
const skip = needs(needsTool('systemd-analyze'));

const analyze = (...args: string[]): string => execFileSync('systemd-analyze', args, { encoding: 'utf8' });

test('the unit exposes little: at most 2.0 by systemd-analyze', { skip }, (t) => {
  const line = analyze('security', '--offline=true', UNIT).trim().split('\n').at(-1) ?? '';
  t.diagnostic(line);
  const level = Number(/level for ratatosk\.service: ([\d.]+)/.exec(line)?.[1]);
  assert.ok(level <= 2.0, line);
});

test('the unit allows what `nft` needs: to be run, to speak netlink, to force its buffers', { skip }, () => {
  const unit = readFileSync(UNIT, 'utf8');
  assert.match(unit, /^AmbientCapabilities=CAP_NET_ADMIN$/m);
  assert.match(unit, /^RestrictAddressFamilies=.*\bAF_NETLINK\b/m);
  const [granted = '', denied = ''] = [...unit.matchAll(/^SystemCallFilter=~?(.*)$/gm)].map((match) => match[1] ?? '');
  const allowed = callsOf(granted.split(' '));
  for (const name of callsOf(denied.split(' '))) allowed.delete(name);
  const needed = ['clone', 'execve', 'wait4', 'pipe2', 'socket', 'bind', 'setsockopt', 'sendmsg', 'recvmsg', 'sendto'];
  assert.deepEqual(
    needed.filter((name) => !allowed.has(name)),
    [],
  );
});

function callsOf(groups: readonly string[]): Set<string> {
  const lines = groups.flatMap((group) => analyze('syscall-filter', group).split('\n').slice(1));
  const names = lines.map((line) => line.trim()).filter((line) => line !== '' && !line.startsWith('#'));
  const inner = names.filter((name) => name.startsWith('@'));
  return new Set([...names, ...(inner.length === 0 ? [] : callsOf(inner))]);
}
