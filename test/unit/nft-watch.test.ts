import assert from 'node:assert/strict';
import { endianness } from 'node:os';
import { test } from 'node:test';
import { tellsTableDeleted, watchTables } from '../../daemon/host/nft-watch.ts';
import { type Addon, findAddon } from '../../native-bindings/addon.ts';
import { needs, needsRoot, needsTool } from '../support/needs.ts';
import { run } from '../support/process.ts';
import { VirtualTime } from '../support/virtual-time.ts';
import { anyOctets, fc } from './wire-property.ts';

const isLittle = endianness() === 'LE';
const [DELETED, NEW] = [0x0a02, 0x0a00];

function message(type: number, bodySize = 20, length = 16 + bodySize): Uint8Array {
  const octets = new Uint8Array((16 + bodySize + 3) & ~3);
  const view = new DataView(octets.buffer);
  view.setUint32(0, length, isLittle);
  view.setUint16(4, type, isLittle);
  return octets;
}

test('finds a deleted table among other messages, also one that was cut off', () => {
  const joined = (...parts: Uint8Array[]): Uint8Array => Buffer.concat(parts);
  assert.equal(tellsTableDeleted(joined(message(NEW, 21), message(DELETED))), true);
  assert.equal(tellsTableDeleted(message(DELETED, 4, 70_000)), true);
  assert.equal(tellsTableDeleted(joined(message(NEW, 21), message(NEW))), false);
  assert.equal(tellsTableDeleted(joined(message(NEW, 4, 0), message(DELETED))), false);
  assert.equal(tellsTableDeleted(joined(message(NEW, 4, 0xffff_fffd), message(DELETED))), false);
});

test('ends on whatever it is given', () => {
  fc.assert(fc.property(anyOctets(0, 200), (octets) => assert.equal(typeof tellsTableDeleted(octets), 'boolean')));
});

/** An addon whose kernel says what the test wants; undefined: messages were lost. */
function kernel(): { addon: Addon; say: (...news: (Uint8Array | undefined)[]) => void; isClosed: () => boolean } {
  let waiting: (Uint8Array | undefined)[] = [];
  let wake = (): void => {};
  let isClosed = false;
  const read = (buffer: Uint8Array): number | undefined => {
    if (waiting.length === 0) return 0;
    const octets = waiting.shift();
    buffer.set(octets ?? []);
    return octets?.length;
  };
  const close = (): void => {
    isClosed = true;
  };
  const watchNftables = (onReadable: () => void) => {
    wake = onReadable;
    return { read, close };
  };
  const say = (...news: (Uint8Array | undefined)[]): void => {
    waiting = news;
    wake();
  };
  return { addon: { watchNftables } as unknown as Addon, say, isClosed: () => isClosed };
}

test('tells 50 ms after a table has gone or messages were lost, and twice a second at most', (t) => {
  const time = new VirtualTime(t);
  const { addon, say, isClosed } = kernel();
  let told = 0;
  const watch = watchTables(() => told++, addon);
  say(message(NEW));
  time.tick(1_000);
  assert.equal(told, 0);
  say(message(DELETED), message(DELETED));
  time.tick(49);
  assert.equal(told, 0);
  time.tick(1);
  assert.equal(told, 1);
  for (let i = 0; i < 90; i++) {
    say(undefined);
    time.tick(10);
  }
  assert.equal(told, 2);
  say(message(DELETED));
  watch.close();
  time.tick(1_000);
  assert.deepEqual([told, isClosed()], [2, true]);
});

test('without the addon, or the right to watch, nothing is told', () => {
  watchTables(assert.fail, undefined).close();
  const watchNftables = () => assert.fail('no right');
  watchTables(assert.fail, { watchNftables } as unknown as Addon).close();
});

const skip = needs(needsRoot(), needsTool('unshare', 'nft'), findAddon().problem);

test('the kernel tells of tables that go', { skip }, async () => {
  const file = new URL('../../daemon/host/nft-watch.js', import.meta.url);
  const script = `
    import { execFileSync } from 'node:child_process';
    import { watchTables } from '${file}';
    const watch = watchTables(() => { console.log('gone'); watch.close(); });
    execFileSync('nft', ['add', 'table', 'inet', 'one']);
    execFileSync('nft', ['flush', 'ruleset']);`;
  const { code, stdout } = await run(['unshare', '--net', process.execPath, '--input-type=module', '-e', script]);
  assert.deepEqual([code, stdout], [0, 'gone\n']);
});
