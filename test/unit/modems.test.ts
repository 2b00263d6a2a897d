import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { DialFacts, DialId, SocketFacts, SocketId } from '../../daemon/core/port.ts';
import type { DialWatcher } from '../../daemon/datagrams.ts';
import type { DatagramCarrier, DatagramEvents } from '../../daemon/links/datagram.ts';
import type { ModemUser } from '../../daemon/links/modem.ts';
import { parseUri } from '../../daemon/links/uri.ts';
import { type AirRules, Modems, type OpenedModem } from '../../daemon/modems.ts';
import { rnodeAirFacts, rnodeModulation } from '../support/radio/frame-modem.ts';
import { VirtualTime } from '../support/virtual-time.ts';
import { waitFor } from '../support/wait.ts';

const KEY = 'ab'.repeat(32);
const RULES: AirRules = { limits: [], share: 1, ledger: 'x', refusal: undefined };

class FakeModem implements OpenedModem {
  readonly about = 'a modem';
  readonly facts: SocketFacts;
  sent = 0;
  isClosed = false;
  events: DatagramEvents | undefined;

  constructor(user: ModemUser) {
    const { limits: _, share: __, ledger: ___, ...air } = rnodeAirFacts(rnodeModulation(7));
    this.facts = user.socketFacts({ carrierClass: 'R', mtu: 254, air, about: this.about });
  }

  start(events: DatagramEvents): void {
    this.events = events;
  }

  send({ count }: { count: number }): number {
    this.sent += count;
    return count;
  }

  close(): void {
    this.isClosed = true;
  }
}

/** The node around, which remembers. */
class World {
  readonly modems: Modems;
  readonly opened: FakeModem[] = [];
  readonly carriers: (DatagramCarrier | undefined)[] = [];
  readonly closed: string[] = [];
  readonly dials: { facts: DialFacts; watcher: DialWatcher }[] = [];
  readonly cancelled: number[] = [];
  readonly log: string[] = [];
  rules = RULES;
  tries = 0;
  /** Undefined: it opens. */
  trouble: string | undefined;
  #ends: ((reason: string) => void)[] = [];

  constructor() {
    this.modems = new Modems({
      open: async (_uri, user, signal) => {
        this.tries++;
        if (this.trouble === 'never') await new Promise((_, reject) => signal.addEventListener('abort', reject));
        if (this.trouble !== undefined) throw new Error(this.trouble);
        const modem = new FakeModem(user);
        this.opened.push(modem);
        return modem;
      },
      rules: () => this.rules,
      report: (_level, message) => void this.log.push(message),
      datagrams: {
        open: (carrier, closed) => {
          this.#ends.push(closed);
          return (this.carriers.push(carrier) - 1) as SocketId;
        },
        close: (_socket, reason) => void this.closed.push(reason),
        dial: (_socket, _address, facts, watcher) => (this.dials.push({ facts, watcher }) - 1) as DialId,
        cancel: (dial) => void this.cancelled.push(dial),
      },
    });
  }

  add(query = '', path = '/dev/ttyNOBODY'): void {
    this.modems.add(parseUri(`rnode://${path}?freq=869.525${query}`, 'dial'));
  }

  remove(path = '/dev/ttyNOBODY'): void {
    this.modems.remove(parseUri(`rnode://${path}?freq=869.525`, 'dial'));
  }

  /** The device of the first modem is pulled. */
  pull(): void {
    this.#ends[0]?.('the device is gone');
  }
}

test('waits for a device, with back-off, and says so once', async (t) => {
  const time = new VirtualTime(t);
  const world = new World();
  world.trouble = 'no such device';
  world.add();
  await time.advance(1);
  const { lastError } = world.modems.troubles(() => false)[0] ?? {};
  assert.equal(lastError, 'waiting for /dev/ttyNOBODY: no such device');
  assert.deepEqual(
    world.modems.info().map(({ state }) => state),
    ['waiting'],
  );
  const tries: number[] = [];
  for (let second = 0; second < 100; second++) {
    await time.advance(1_000);
    tries.push(world.tries);
  }
  // At 0, 1, 3, 7, 15, 31, then every 30 s.
  assert.deepEqual([tries[1], tries[4], tries[8], tries[32], tries[99]], [2, 3, 4, 6, 8]);
  assert.deepEqual(world.log, ['waiting for /dev/ttyNOBODY: no such device']);
  world.trouble = undefined;
  await time.advance(30_000);
  assert.deepEqual(world.modems.info(), [
    { uri: 'rnode:///dev/ttyNOBODY', state: 'open', text: 'a modem', silence: undefined },
  ]);
  world.remove();
  assert.deepEqual(world.closed, ['rnode:///dev/ttyNOBODY is not wanted any more']);
});

test('a device that is pulled is waited for, and opened again', async (t) => {
  const time = new VirtualTime(t);
  const world = new World();
  world.add();
  await time.advance(1);
  world.pull();
  assert.match(world.modems.troubles(() => false)[0]?.lastError ?? '', /the device is gone/);
  await time.advance(1_100);
  assert.equal(world.opened.length, 2);
  assert.equal(world.modems.troubles(() => false)[0]?.lastError, 'nobody has been heard yet');
  assert.deepEqual(
    world.modems.troubles(() => true),
    [],
  );
  world.modems.stop();
});

test('something new beside the device is reason enough to try at once', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'rtsk-dev-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const world = new World();
  t.after(() => world.modems.stop());
  world.trouble = 'no such device';
  world.add('', join(folder, 'ttyX'));
  await waitFor('three tries', () => world.tries === 3, { limitMs: 10_000 });
  world.trouble = undefined;
  // The next try would come 4 s later.
  const startMs = performance.now();
  writeFileSync(join(folder, 'ttyX'), '');
  await waitFor('the modem', () => world.opened.length === 1);
  assert.ok(performance.now() - startMs < 3_000);
});

test('dials whom the URI names, again and again, and listens to nobody else', async (t) => {
  const time = new VirtualTime(t);
  const world = new World();
  world.add(`&key=${KEY}&psk=${KEY}`);
  await time.advance(1);
  assert.equal(world.opened[0]?.facts.psk, undefined);
  const [first] = world.dials;
  assert.equal(Buffer.from(first?.facts.key ?? []).toString('hex'), KEY);
  assert.deepEqual([first?.facts.attempts, first?.facts.isConfigured], [0, true]);
  first?.watcher.failed('no answer');
  await time.advance(1_900);
  assert.equal(world.dials.length, 1);
  await time.advance(200);
  assert.equal(world.dials.length, 2);
  assert.equal(world.modems.troubles(() => false)[0]?.lastError, 'no answer');
  world.dials[1]?.watcher.up();
  world.dials[1]?.watcher.down('peer silent', 'peer silent', 500);
  await time.advance(600);
  assert.equal(world.dials.length, 3);
  world.remove();
  assert.deepEqual(world.cancelled, [2]);
  await time.advance(60_000);
  assert.equal(world.dials.length, 3);
});

test('a peer that is this node itself is not dialled again', async (t) => {
  const time = new VirtualTime(t);
  const world = new World();
  world.add(`&key=${KEY}`);
  await time.advance(1);
  world.dials[0]?.watcher.failed('own key: this is the node itself', 'own key');
  await time.advance(60_000);
  assert.equal(world.dials.length, 1);
  world.modems.stop();
});

test('without keys it takes whoever has the same psk', async (t) => {
  const time = new VirtualTime(t);
  const world = new World();
  world.add(`&psk=${KEY}`);
  await time.advance(1);
  assert.equal(Buffer.from(world.opened[0]?.facts.psk ?? []).toString('hex'), KEY);
  assert.equal(world.dials.length, 0);
  world.modems.stop();
});

test('what must not transmit listens, says nothing, and says why', async (t) => {
  const time = new VirtualTime(t);
  const world = new World();
  world.rules = { ...RULES, refusal: 'no region is set' };
  world.add(`&key=${KEY}`);
  await time.advance(1);
  assert.equal(world.dials.length, 0);
  const carrier = world.carriers[0];
  const batch = { buffers: [new Uint8Array(9)], offsets: Int32Array.of(0), lengths: Int32Array.of(9) };
  assert.equal(carrier?.send({ ...batch, addresses: new Uint8Array(24), count: 1 }), 1);
  assert.equal(world.opened[0]?.sent, 0);
  assert.equal(world.modems.info()[0]?.silence, 'no region is set');
  assert.equal(world.modems.troubles(() => false)[0]?.lastError, 'no region is set');
  assert.ok(world.log.includes('it does not transmit: no region is set'));
  world.modems.stop();
});

test('peers and listeners may name the same modem, with the same options', async (t) => {
  const time = new VirtualTime(t);
  const world = new World();
  world.add();
  const listener = world.modems.listen(parseUri('rnode:///dev/ttyNOBODY?freq=869.525', 'listen'));
  await time.advance(1);
  assert.equal(world.opened.length, 1);
  assert.throws(() => world.add('&sf=8'), { code: 'PEER_EXISTS' });
  await listener.close();
  assert.equal(world.closed.length, 0);
  world.remove();
  assert.equal(world.closed.length, 1);
  assert.throws(() => world.remove(), { code: 'PEER_UNKNOWN' });
});

test('what is removed while it opens is given up', async (t) => {
  const time = new VirtualTime(t);
  const world = new World();
  world.trouble = 'never';
  world.add();
  await time.advance(1);
  assert.equal(world.modems.info()[0]?.state, 'opening');
  world.remove();
  await time.advance(60_000);
  assert.equal(world.tries, 1);
  assert.deepEqual(world.log, []);
});
