import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Guard } from '../../daemon/cli/guard.ts';
import { summaryLines } from '../../daemon/cli/summary.ts';
import { RatatoskError } from '../../daemon/core/error.ts';
import { addressForKey } from '../../daemon/core/identity.ts';
import { parseConfig } from '../../daemon/host/config.ts';
import { Firewall } from '../../daemon/host/firewall.ts';
import { NOTHING_KEPT } from '../../daemon/host/firewall-rules.ts';
import { Log } from '../../daemon/host/log.ts';
import type { Nft } from '../../daemon/host/nft.ts';
import { firewallPolicy } from '../../daemon/host/settings.ts';
import { keyOf } from './admin-fixture.ts';

const COUNTER = '{"nftables":[{"counter":{"packets":0}}]}';

function guard(text: string, nft: Nft = () => COUNTER) {
  const lines: string[] = [];
  const log = new Log({
    level: 'debug',
    isJson: false,
    write: (line) => lines.push(line.trimEnd()),
    stamp: 'none',
    hasColour: false,
    monotonicMs: () => 0,
    unixMs: () => 0,
  });
  const { config } = parseConfig(text, 'file');
  const store = { load: () => NOTHING_KEPT, save: () => undefined };
  const firewall = new Firewall(
    { publicKey: keyOf(1), addressOf: addressForKey, store, nft: (args, input) => nft(args, input) },
    firewallPolicy(config),
  );
  return { lines, guard: new Guard(log, firewall, config) };
}

/** The rows of `up` and `status`. */
function rows(of: Guard): string {
  const tun = { enabled: true, name: 'tun0', mtu: 65535 };
  const peers = { configured: 0, up: 0 };
  const rest = {
    api: 1 as const,
    version: '',
    uptime: 0,
    key: '',
    address: '',
    subnet: '',
    config: '',
    admin: '',
    listening: [],
  };
  return summaryLines({ ...rest, peers, tun, firewall: of.summary() })
    .join(' ')
    .replace(/\s+/g, ' ');
}

test('the first line says that inbound is closed and how to open it', () => {
  const { lines, guard: one } = guard('');
  one.prepare();
  one.close('tun0');
  assert.equal(lines.length, 1);
  assert.match(lines[0] ?? '', /^firewall: inbound .* closed; .*`ratatosk firewall allow PORT`.*Inbound: "allow"/);
  assert.match(rows(one), /ok firewall inbound connections are closed; to open a port: `ratatosk firewall allow PORT`/);
  one.allow('22');
  assert.match(rows(one), /ok firewall inbound connections are closed but for 22 /);
});

test('says loudly and once that it could not close, with the remedy, and says when it could', () => {
  let failure: Error | undefined = new RatatoskError('NFT_MISSING', 'nft is not installed: apt install nftables');
  const { lines, guard: one } = guard('', () => {
    if (failure !== undefined) throw failure;
    return COUNTER;
  });
  one.prepare();
  assert.deepEqual(lines, [], 'there may be no interface, and then nothing is open');
  one.close('tun0');
  one.look();
  assert.equal(lines.length, 1);
  assert.match(lines[0] ?? '', /^error: firewall: NOT CLOSED: .*every service.*: apt install nftables$/);
  assert.match(rows(one), /-- firewall NOT CLOSED, .*apt install nftables/);
  failure = undefined;
  one.look();
  assert.equal(lines[1], 'firewall: inbound connections are closed now');
});

test('says when all is open by configuration, and nothing when there is no interface', () => {
  const open = guard('Firewall: { Inbound: "allow" }');
  open.guard.prepare();
  open.guard.close('tun0');
  assert.match(open.lines.join('\n'), /^warn: firewall: off \(Firewall\.Inbound is "allow"\): [^\n]*$/);
  assert.match(rows(open.guard), /-- firewall off/);
  const without = guard('IfName: none');
  without.guard.prepare();
  assert.deepEqual(without.lines, []);
});

test('a fault of ours is not taken for one of the world', () => {
  const { guard: one } = guard('', () => {
    throw new TypeError('ours');
  });
  assert.throws(() => one.prepare(), TypeError);
});

test('nobody is asked for refusals that cannot have been, nor for the state that is shown each second', () => {
  const asked: string[] = [];
  const { guard: one } = guard('', (args) => {
    asked.push(args.join(' '));
    return args.includes('set') ? '{"nftables":[{"set":{}}]}' : COUNTER.replace('0', '7');
  });
  one.close('tun0');
  asked.length = 0;
  one.lookForRefusals(0);
  one.summary();
  assert.deepEqual([asked, one.latest().refused], [[], undefined], 'the interface was given nothing');
  one.lookForRefusals(3);
  assert.deepEqual([asked.length, one.latest().refused], [2, 7], 'the counter, and then who it was');
  one.lookForRefusals(3);
  assert.equal(asked.length, 2);
});
