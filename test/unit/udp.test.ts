import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { existsSync, readFileSync } from 'node:fs';
import { type TestContext, test } from 'node:test';
import { DATAGRAM_ADDRESS, type DatagramBatch } from '../../daemon/core/port.ts';
import type { DatagramCarrier } from '../../daemon/links/datagram.ts';
import { familyOf, openUdp } from '../../daemon/links/udp.ts';
import { udpAddress } from '../../daemon/links/udp-address.ts';
import { type Addon, findAddon } from '../../native-bindings/addon.ts';
import { waitFor } from '../support/wait.ts';

const { addon, problem } = findAddon(process.env.RATATOSK_TEST_ADDON);

type Kind = { name: string; addon: Addon | undefined; skip: string | false };

const NATIVE: Kind = { name: 'addon', addon, skip: addon === undefined ? `needs the addon: ${problem}` : false };
const PORTABLE: Kind = { name: 'portable', addon: undefined, skip: false };

type End = {
  carrier: DatagramCarrier;
  port: number;
  received: { octets: Uint8Array; from: Uint8Array }[];
  /** Datagrams in each batch. */
  batches: number[];
  writable: number;
  closed: string[];
};

async function open(t: TestContext, kind: Kind, host = '127.0.0.1', device = ''): Promise<End> {
  const options = {
    family: familyOf(host),
    host,
    port: 0,
    device,
    psk: undefined,
    priority: 0,
    cost: undefined,
    isSlow: false,
  };
  const carrier = await openUdp(options, kind.addon);
  const end: End = {
    carrier,
    port: Number(/\d+$/.exec(carrier.facts.uri)?.[0]),
    received: [],
    batches: [],
    writable: 0,
    closed: [],
  };
  t.after(() => carrier.close());
  carrier.start({
    datagrams: ({ buffers, offsets, lengths, addresses, count }) => {
      end.batches.push(count);
      for (let i = 0; i < count; i++) {
        const at = offsets[i] as number;
        end.received.push({
          octets: Uint8Array.from((buffers[i] as Uint8Array).subarray(at, at + (lengths[i] as number))),
          from: addresses.slice(i * DATAGRAM_ADDRESS, (i + 1) * DATAGRAM_ADDRESS),
        });
      }
    },
    writable: () => {
      end.writable++;
    },
    closed: (reason) => end.closed.push(reason),
  });
  return end;
}

/** Datagrams of these sizes to addresses in turn; the first octets tell which one it is. */
function batchOf(sizes: readonly number[], ...to: Uint8Array[]): DatagramBatch {
  const lengths = Int32Array.from(sizes);
  const offsets = new Int32Array(sizes.length);
  let size = 7;
  for (const [i, length] of sizes.entries()) {
    offsets[i] = size;
    size += length;
  }
  const buffer = new Uint8Array(size);
  const addresses = new Uint8Array(sizes.length * DATAGRAM_ADDRESS);
  for (const [i, length] of sizes.entries()) {
    for (let at = 0; at < length; at++) buffer[(offsets[i] as number) + at] = i * 31 + at;
    addresses.set(to[i % to.length] as Uint8Array, i * DATAGRAM_ADDRESS);
  }
  return { buffers: sizes.map(() => buffer), offsets, lengths, addresses, count: sizes.length };
}

function addressOf(host: string, port: number): Uint8Array {
  const row = udpAddress(host, port);
  assert.ok(row !== undefined);
  return row;
}

function octetsOf(batch: DatagramBatch, i: number): Uint8Array {
  const at = batch.offsets[i] as number;
  return (batch.buffers[i] as Uint8Array).subarray(at, at + (batch.lengths[i] as number));
}

for (const kind of [NATIVE, PORTABLE]) {
  const { name, skip } = kind;
  for (const host of ['127.0.0.1', '::1']) {
    test(`${name}: datagrams arrive whole, in order and with their sender, ${host}`, { skip }, async (t) => {
      const [a, b] = [await open(t, kind, host), await open(t, kind, host)];
      const batch = batchOf([1, 1200, 1200, 1200, 7, 300, 300, 1], addressOf(host, b.port));
      assert.equal(a.carrier.send(batch), 8);
      await waitFor('eight datagrams', () => b.received.length === 8);
      for (const [i, { octets, from }] of b.received.entries()) {
        assert.deepEqual(octets, octetsOf(batch, i));
        assert.deepEqual(from, addressOf(host, a.port));
      }
    });
  }

  test(`${name}: a batch may go to many addresses`, { skip }, async (t) => {
    const [a, b, c] = [await open(t, kind), await open(t, kind), await open(t, kind)];
    const batch = batchOf([100, 200, 100, 200, 100], addressOf('127.0.0.1', b.port), addressOf('127.0.0.1', c.port));
    assert.equal(a.carrier.send(batch), 5);
    await waitFor('all of them', () => b.received.length === 3 && c.received.length === 2);
    assert.ok(b.received.every(({ octets }) => octets.length === 100));
    assert.ok(c.received.every(({ octets }) => octets.length === 200));
  });

  test(`${name}: a socket for both families speaks IPv4 by mapped addresses`, { skip }, async (t) => {
    const [a, b] = [await open(t, kind, '127.0.0.1'), await open(t, kind, '::')];
    a.carrier.send(batchOf([40], addressOf('127.0.0.1', b.port)));
    await waitFor('the question', () => b.received.length === 1);
    assert.deepEqual(b.received[0]?.from, addressOf('127.0.0.1', a.port));
    b.carrier.send(batchOf([50, 50, 50], addressOf('127.0.0.1', a.port)));
    await waitFor('the answer', () => a.received.length === 3);
    assert.deepEqual(a.received[0]?.from, addressOf('127.0.0.1', b.port));
  });

  test(`${name}: a datagram that nobody takes harms neither socket nor the others`, { skip }, async (t) => {
    const [a, b] = [await open(t, kind), await open(t, kind)];
    const silent = await open(t, kind);
    silent.carrier.close();
    const nobody = addressOf('127.0.0.1', silent.port);
    for (let round = 0; round < 5; round++) {
      assert.equal(a.carrier.send(batchOf([30, 30, 30, 30], nobody, addressOf('127.0.0.1', b.port))), 4);
    }
    await waitFor('what went to somebody', () => b.received.length === 10);
    b.carrier.send(batchOf([9], addressOf('127.0.0.1', a.port)));
    await waitFor('the answer', () => a.received.length === 1);
    assert.deepEqual([a.closed, b.closed], [[], []]);
  });

  test(`${name}: an address of the other family is a datagram lost`, { skip }, async (t) => {
    const [a, b] = [await open(t, kind, '127.0.0.1'), await open(t, kind, '127.0.0.1')];
    const batch = batchOf([30, 30, 30, 30], addressOf('::1', b.port), addressOf('127.0.0.1', b.port));
    assert.equal(a.carrier.send(batch), 4);
    await waitFor('the others', () => b.received.length === 2);
  });

  test(`${name}: after close nothing comes, and nothing that is sent fails`, { skip }, async (t) => {
    const [a, b] = [await open(t, kind), await open(t, kind)];
    const to = addressOf('127.0.0.1', b.port);
    b.carrier.close();
    b.carrier.close();
    assert.equal(a.carrier.send(batchOf([3], to)), 1);
    assert.equal(b.carrier.send(batchOf([3], addressOf('127.0.0.1', a.port))), 1);
    assert.deepEqual(b.closed, []);
  });

  test(`${name}: an empty datagram is none`, { skip }, async (t) => {
    const a = await open(t, kind);
    const socket = createSocket('udp4');
    t.after(() => socket.close());
    socket.send('', a.port, '127.0.0.1');
    socket.send('x', a.port, '127.0.0.1');
    await waitFor('the other one', () => a.received.length === 1);
    assert.equal(a.received[0]?.octets.length, 1);
  });

  test(`${name}: a taken port and a foreign address are told`, { skip }, async (t) => {
    const a = await open(t, kind);
    const place = { family: 'ipv4', device: '', psk: undefined, priority: 0, cost: undefined, isSlow: false } as const;
    const taken = openUdp({ ...place, host: '127.0.0.1', port: a.port }, kind.addon);
    await assert.rejects(taken, { code: 'LISTEN_FAILED', message: /EADDRINUSE/ });
    const foreign = openUdp({ ...place, host: '192.0.2.1', port: 0 }, kind.addon);
    await assert.rejects(foreign, { code: 'LISTEN_FAILED', message: /EADDRNOTAVAIL/ });
    const named = openUdp({ ...place, host: 'localhost', port: 0 }, kind.addon);
    await assert.rejects(named, { code: 'LISTEN_FAILED', message: /not a name/ });
  });
}

const { skip } = NATIVE;

test('the portable twin carries what every path carries, the addon what the interfaces do', { skip }, async (t) => {
  assert.equal((await open(t, PORTABLE)).carrier.facts.mtu, 1_200);
  assert.ok((await open(t, NATIVE)).carrier.facts.mtu >= 1_200);
});

test('addon: runs of one size cross the system as one and come out as many', { skip }, async (t) => {
  const [a, b] = [await open(t, NATIVE), await open(t, NATIVE)];
  const sizes = [...Array<number>(500).fill(1_300), 40];
  const batch = batchOf(sizes, addressOf('127.0.0.1', b.port));
  assert.equal(a.carrier.send(batch), 501);
  await waitFor('all of them', () => b.received.length === 501);
  for (const [i, { octets }] of b.received.entries()) assert.deepEqual(octets, octetsOf(batch, i));
  assert.ok(b.batches.length < 50, `${b.batches.length} batches`);
});

test('addon: a run too large for the interface goes one by one, and what fits arrives', { skip }, async (t) => {
  const [a, b] = [await open(t, NATIVE), await open(t, NATIVE)];
  // The loopback interface takes 65 536 octets with headers; no datagram has more than 65 507.
  const to = addressOf('127.0.0.1', b.port);
  assert.equal(a.carrier.send(batchOf([65_508, 100, 65_508, 65_507], to)), 4);
  await waitFor('those that fit', () => b.received.length === 2);
  assert.deepEqual(
    b.received.map(({ octets }) => octets.length),
    [100, 65_507],
  );
});

test('addon: a full buffer of the system is waited for, and nothing is lost or doubled', { skip }, async (t) => {
  const [a, b] = [await open(t, NATIVE), await open(t, NATIVE)];
  const batch = batchOf(Array<number>(64).fill(1_000), addressOf('127.0.0.1', b.port));
  // Loopback delivers at once, so the buffer is full only while the receiver's is: both ends of the count must agree.
  let sent = 0;
  for (let round = 0; round < 20; round++) sent += a.carrier.send(batch);
  assert.ok(sent > 0);
  await waitFor('what was sent', () => b.received.length === sent);
});

test('addon: the system says what it holds, and when it holds little', { skip }, async (t) => {
  assert.ok(addon !== undefined);
  const place = {
    family: 'ipv4',
    address: addressOf('127.0.0.1', 0),
    device: '',
    isShared: false,
    name: 'test',
  } as const;
  const udp = addon.openUdp(place);
  t.after(() => udp.close());
  assert.equal(udp.unsent(), 0);
  let isWritable = false;
  udp.start(
    () => {},
    () => {
      isWritable = true;
    },
  );
  udp.limitUnsent(64 * 1_024);
  // To itself, and nobody reads: on loopback that counts until it is read.
  const { buffers, offsets, lengths, addresses, count } = batchOf(
    Array<number>(20).fill(1_000),
    addressOf('127.0.0.1', udp.port),
  );
  assert.equal(udp.sendBatch(buffers, offsets, lengths, addresses, count), count);
  udp.awaitRoom();
  await waitFor('room', () => isWritable);
  udp.close();
  assert.equal(udp.unsent(), 0);
});

test('addon: rejects calls that would reach outside of a buffer', { skip }, async (t) => {
  assert.ok(addon !== undefined);
  const address = addressOf('127.0.0.1', 0);
  const place = { family: 'ipv4', address, device: '', isShared: false, name: 'a test' } as const;
  const udp = addon.openUdp(place);
  t.after(() => udp.close());
  const one = new Int32Array(1);
  const row = new Uint8Array(DATAGRAM_ADDRESS);
  const octets = [new Uint8Array(10)];
  const send = (...args: Parameters<typeof udp.sendBatch>) => assert.throws(() => udp.sendBatch(...args), RangeError);
  send(octets, one, Int32Array.of(11), row, 1);
  send(octets, Int32Array.of(-1), Int32Array.of(1), row, 1);
  send(octets, Int32Array.of(10), Int32Array.of(1), row, 1);
  send(octets, one, one, row, 2);
  send(octets, one, one, row.subarray(1), 1);
  send(octets, one, one, row, 5_000);
  const receive = (...args: Parameters<typeof udp.receiveBatch>) =>
    assert.throws(() => udp.receiveBatch(...args), RangeError);
  const arena = new Uint8Array(65_536);
  receive(arena.subarray(1), one, one, row, new Uint8Array(1));
  receive(arena, new Int32Array(2), one, row, new Uint8Array(1));
  receive(arena, one, one, row.subarray(1), new Uint8Array(1));
  receive(arena, one, one, row, new Uint8Array(0));
  assert.throws(() => addon?.openUdp({ ...place, address: row.subarray(1) }), RangeError);
});

test('addon: more datagrams than rows are cut off, not written elsewhere', { skip }, async (t) => {
  assert.ok(addon !== undefined);
  const address = addressOf('127.0.0.1', 0);
  const udp = addon.openUdp({ family: 'ipv4', address, device: '', isShared: false, name: 'a test' });
  t.after(() => udp.close());
  const a = await open(t, NATIVE);
  a.carrier.send(batchOf(Array<number>(20).fill(50), addressOf('127.0.0.1', udp.port)));
  const columns = [new Int32Array(8), new Int32Array(8), new Uint8Array(8 * DATAGRAM_ADDRESS)] as const;
  const count = await waitFor('datagrams', () =>
    udp.receiveBatch(new Uint8Array(65_536), ...columns, new Uint8Array(1)),
  );
  assert.ok(count >= 1 && count <= 8);
});

const noTun = process.getuid?.() === 0 && existsSync('/dev/net/tun') ? skip : 'needs root and /dev/net/tun';

test('addon: two sockets share a group, and hear what is sent to it on their interface', { skip: noTun }, async (t) => {
  assert.ok(addon !== undefined);
  const tun = addon.openTun(`rtu${process.pid}`);
  t.after(() => tun.close());
  const own = addressOf('fd7c:7c7c::1', 0).subarray(0, 16);
  new DataView(own.buffer).setUint32(4, process.pid);
  addon.configureInterface(tun.name, own, 64, 1_500);
  const index = Number(readFileSync(`/sys/class/net/${tun.name}/ifindex`, 'latin1'));
  const place = { family: 'ipv6', address: addressOf('::', 0), device: '', isShared: true, name: 'a test' } as const;
  const first = addon.openUdp(place);
  const second = addon.openUdp({ ...place, address: addressOf('::', first.port) });
  const sender = addon.openUdp({ ...place, isShared: false });
  t.after(() => {
    for (const udp of [first, second, sender]) udp.close();
  });
  const to = addressOf('ff02::5254', first.port);
  new DataView(to.buffer).setUint32(16, index);
  const heard = [0, 0];
  const columns = [new Int32Array(8), new Int32Array(8), new Uint8Array(8 * DATAGRAM_ADDRESS)] as const;
  for (const [i, udp] of [first, second].entries()) {
    udp.joinGroup(to.subarray(0, 16), index);
    const receive = () => udp.receiveBatch(new Uint8Array(65_536), ...columns, new Uint8Array(1));
    udp.start(
      () => {
        heard[i] = (heard[i] as number) + receive();
      },
      () => {},
    );
  }
  const { buffers, offsets, lengths } = batchOf([6], to);
  await waitFor('both to hear it', () => {
    // The interface sends from its address a moment after it has got it.
    sender.sendBatch(buffers, offsets, lengths, to, 1);
    return (heard[0] as number) > 0 && (heard[1] as number) > 0;
  });
});
