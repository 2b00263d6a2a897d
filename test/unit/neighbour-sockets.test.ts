import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { syncBuiltinESMExports } from 'node:module';
import os from 'node:os';
import { type TestContext, test } from 'node:test';
import { BEACON_PACE, Beacons } from '../../daemon/core/link/beacons.ts';
import type { DatagramBatch, DialFacts, DialId, SocketId } from '../../daemon/core/port.ts';
import type { DialWatcher } from '../../daemon/datagrams.ts';
import type { BeaconSocketEvents } from '../../daemon/links/beacon-socket.ts';
import type { DatagramCarrier, DatagramEvents } from '../../daemon/links/datagram.ts';
import type { Place } from '../../daemon/links/interfaces.ts';
import { NeighbourSockets } from '../../daemon/neighbour-sockets.ts';
import { readLinkBeacon, writeLinkBeacon } from '../../daemon/wire/link-beacon.ts';
import { turns, VirtualTime } from '../support/virtual-time.ts';

const hmac = (key: Uint8Array, data: Uint8Array): Uint8Array =>
  new Uint8Array(createHmac('sha256', key).update(data).digest());
const PSK: Uint8Array = new Uint8Array(32).fill(3);
const [OWN, LOWER, HIGHER] = [0x80, 0x01, 0xff].map((octet) => new Uint8Array(32).fill(octet)) as [
  Uint8Array,
  Uint8Array,
  Uint8Array,
];

const beaconOf = (key: Uint8Array, psk = PSK): Uint8Array =>
  writeLinkBeacon(key, 1_452, (body) => hmac(hmac(psk, Buffer.from('ratatosk beacon v1')), body));

const NAME = 'lan7';
const INDEX = 7;

/** This machine has one interface, until the test ends. */
function withInterface(t: TestContext): void {
  const mac = '02:00:00:00:00:01';
  const own = { address: 'fe80::1', netmask: 'ffff:ffff:ffff:ffff::', mac, internal: false, cidr: 'fe80::1/64' };
  const mock = t.mock.method(os, 'networkInterfaces', () => ({ [NAME]: [{ ...own, family: 'IPv6', scopeid: INDEX }] }));
  syncBuiltinESMExports();
  t.after(() => {
    mock.mock.restore();
    syncBuiltinESMExports();
  });
}

/** A row of a batch: where a neighbour is. */
function rowOf(first = 0xfe, port = 4_000): Uint8Array {
  const row = new Uint8Array(24);
  row.set([first, 0x80]);
  row[15] = 7;
  const view = new DataView(row.buffer);
  view.setUint32(16, INDEX);
  view.setUint16(20, port);
  return row;
}

type Sent = { to: string; packet: Uint8Array };
type Dialled = { row: Uint8Array; facts: DialFacts; watcher: DialWatcher };

class Around {
  readonly time: VirtualTime;
  readonly sent: Sent[] = [];
  readonly dials: Dialled[] = [];
  readonly drops: string[] = [];
  readonly reports: string[] = [];
  /** What the core is given: lengths of the datagrams. */
  readonly received: number[] = [];
  readonly linked = new Set<Uint8Array>();
  openError: Error | undefined;
  opened = 0;
  group: BeaconSocketEvents | undefined;
  carrierEvents: DatagramEvents | undefined;
  facts: DatagramCarrier['facts'] | undefined;
  ended: ((reason: string) => void) | undefined;
  closed: string[] = [];
  readonly sockets: NeighbourSockets;

  constructor(t: TestContext, rule: Partial<Place['rule']> = {}) {
    withInterface(t);
    this.time = new VirtualTime(t);
    const base = { regex: /./, beacon: true, listen: true, port: 0, priority: 4, password: new Uint8Array(0) };
    const place = { name: NAME, address: 'fe80::1', rule: { ...base, ...rule } };
    this.sockets = new NeighbourSockets(place, {
      datagrams: {
        open: (carrier, ended) => {
          this.facts = carrier.facts;
          this.ended = ended;
          carrier.start({
            datagrams: ({ lengths, count }) => void this.received.push(...lengths.subarray(0, count)),
            writable: () => {},
            closed: () => {},
          });
          return 5 as SocketId;
        },
        close: (_socket, reason) => void this.closed.push(reason),
        dial: (_socket, row, facts, watcher) => {
          this.dials.push({ row, facts, watcher });
          return 0 as DialId;
        },
        cancel: () => {},
      },
      psk: async () => PSK,
      openCarrier: async () => {
        this.opened++;
        if (this.openError !== undefined) throw this.openError;
        return this.#carrier();
      },
      openGroup: (_, events) => {
        this.group = events;
        return { close: () => void this.closed.push('group') };
      },
      beacons: (psk, rxMtu, isMute) =>
        new Beacons({ key: OWN, psk, rxMtu, pace: BEACON_PACE, isMute, hmac, chance: () => 0.5 }, performance.now()),
      isLinked: (key) => [...this.linked].some((one) => Buffer.compare(one, key) === 0),
      drop: (reason) => void this.drops.push(reason),
      report: (level, message) => void this.reports.push(`${level} ${message}`),
    });
    t.after(() => this.sockets.close());
  }

  async open(): Promise<this> {
    this.sockets.look();
    await turns(5);
    return this;
  }

  /** Datagrams on the socket of the links. */
  receive(...datagrams: readonly (readonly [octets: Uint8Array, row: Uint8Array])[]): void {
    const addresses = new Uint8Array(24 * datagrams.length);
    for (const [i, [, row]] of datagrams.entries()) addresses.set(row, 24 * i);
    const buffers = datagrams.map(([octets]) => octets);
    const lengths = Int32Array.from(buffers, ({ length }) => length);
    const offsets = new Int32Array(datagrams.length);
    this.carrierEvents?.datagrams({ buffers, offsets, lengths, addresses, count: datagrams.length });
  }

  #carrier(): DatagramCarrier {
    return {
      facts: {
        uri: 'udp://[fe80::1]:1',
        carrierClass: 'U',
        mtu: 1_452,
        psk: PSK,
        priority: 4,
        cost: undefined,
        isExemptFromAllowList: false,
        isSlow: false,
      },
      start: (events) => {
        this.carrierEvents = events;
      },
      send: ({ buffers, addresses }: DatagramBatch) => {
        this.sent.push({ to: Buffer.from(addresses).toString('hex'), packet: buffers[0] as Uint8Array });
        return 1;
      },
      close: () => void this.closed.push('carrier'),
    };
  }
}

const groupRow = (): string => `ff02${'00'.repeat(12)}5254${INDEX.toString(16).padStart(8, '0')}52540000`;

test('our beacon leaves to the group from the socket of the links, at 0, 1, 3 and 7 s', async (t) => {
  const around = await new Around(t).open();
  assert.equal(around.facts?.isExemptFromAllowList, true);
  assert.deepEqual(
    around.sent.map(({ to }) => to),
    [groupRow()],
  );
  const beacon = readLinkBeacon(around.sent[0]?.packet ?? PSK);
  assert.deepEqual([beacon?.key, beacon?.rxMtu], [OWN, 1_452]);
  await around.time.advance(8_000);
  assert.equal(around.sent.length, 4);
});

test('a higher key is dialled where its beacon came from, once, as nobody configured it', async (t) => {
  const around = await new Around(t).open();
  around.group?.heard(beaconOf(HIGHER), `fe80::7%${NAME}`, 4_000);
  const [{ row, facts } = assert.fail('no dial')] = around.dials;
  assert.deepEqual(row, rowOf());
  assert.deepEqual(facts, {
    uri: `udp://[fe80::7%${NAME}]:4000`,
    key: HIGHER,
    psk: PSK,
    priority: 4,
    cost: undefined,
    isConfigured: false,
    isExemptFromAllowList: true,
    attempts: 1,
  });
  around.group?.heard(beaconOf(HIGHER), `fe80::7%${NAME}`, 4_000);
  assert.equal(around.dials.length, 1);
});

test('a lower key is answered by our beacon, to it alone', async (t) => {
  const around = await new Around(t).open();
  around.group?.heard(beaconOf(LOWER), `fe80::7%${NAME}`, 4_000);
  assert.equal(around.dials.length, 0);
  await around.time.advance(600);
  assert.equal(around.sent[1]?.to, Buffer.from(rowOf()).toString('hex'));
});

test('a beacon on the socket of the links is heard, and the core gets the rest of its batch', async (t) => {
  const around = await new Around(t).open();
  around.receive([Uint8Array.of(1, 2, 3), rowOf()], [beaconOf(HIGHER), rowOf()], [Uint8Array.of(4), rowOf()]);
  assert.deepEqual([around.received, around.dials.length], [[3, 0, 1], 1]);
});

test('beacons from elsewhere are dropped, on either socket', async (t) => {
  const around = await new Around(t).open();
  around.receive([beaconOf(HIGHER), rowOf(0x20)]);
  around.group?.heard(beaconOf(HIGHER), '2001:db8::1', 4_000);
  around.group?.heard(beaconOf(HIGHER), 'fe80::7%other', 4_000);
  around.group?.heard(beaconOf(HIGHER, OWN), `fe80::7%${NAME}`, 4_000);
  const notNear = 'beacon source not link-local';
  assert.deepEqual(around.drops, [notNear, notNear, 'beacon of another interface', 'beacon mac']);
  assert.deepEqual([around.dials, around.received], [[], [0]]);
});

test('who is linked is not dialled, and again at once when the link has ended', async (t) => {
  const around = await new Around(t).open();
  const hear = (): void => around.group?.heard(beaconOf(HIGHER), `fe80::7%${NAME}`, 4_000);
  hear();
  around.linked.add(HIGHER);
  around.dials[0]?.watcher.up();
  hear();
  assert.equal(around.dials.length, 1);
  around.linked.clear();
  around.dials[0]?.watcher.down('silent', 'peer silent', 0);
  hear();
  assert.equal(around.dials.length, 2);
  around.dials[1]?.watcher.failed('no answer');
  hear();
  assert.deepEqual([around.dials.length, around.drops], [2, ['beacon identity lately']]);
});

test('without Beacon nothing is sent, and lower keys are dialled', async (t) => {
  const mute = await new Around(t, { beacon: false }).open();
  mute.group?.heard(beaconOf(LOWER), `fe80::7%${NAME}`, 4_000);
  assert.deepEqual([mute.sent, mute.dials.length], [[], 1]);
});

test('without Listen the group is not heard', async (t) => {
  const deaf = await new Around(t, { listen: false }).open();
  assert.deepEqual([deaf.group, deaf.sent.length], [undefined, 1]);
});

test('a socket that cannot be opened is told of once, at the second failure, and tried every 5 s', async (t) => {
  const around = new Around(t);
  around.openError = new Error('no such address');
  for (let i = 0; i < 20; i++) {
    await around.open();
    await around.time.advance(1_000);
  }
  assert.deepEqual(around.reports, [`warn MulticastInterfaces: no datagram links on ${NAME}: no such address`]);
  assert.ok(around.opened >= 4 && around.opened <= 6, `${around.opened} attempts`);
  around.openError = undefined;
  await around.time.advance(5_000);
  await around.open();
  assert.equal(around.sent.length, 1);
});

test('with the interface go both sockets and the timer, also while they open', async (t) => {
  const around = await new Around(t).open();
  around.sockets.close();
  const { fired } = around.time;
  await around.time.advance(30_000);
  assert.deepEqual([around.closed, around.time.fired - fired], [['group', 'the interface is gone'], 0]);
});

test('a socket that opens too late is closed', async (t) => {
  const late = new Around(t);
  late.sockets.look();
  late.sockets.close();
  await turns(5);
  assert.deepEqual([late.closed, late.sent], [['carrier'], []]);
});
