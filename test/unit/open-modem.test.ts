/** Every dialect over TCP and over a pseudo terminal, at the laboratory's modems in real time. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { DATAGRAM_ADDRESS, type DatagramBatch } from '../../daemon/core/port.ts';
import type { ModemFacts } from '../../daemon/links/dialect.ts';
import type { Modem, ModemUser } from '../../daemon/links/modem.ts';
import { openModemAt } from '../../daemon/links/open-modem.ts';
import { parseUri } from '../../daemon/links/uri.ts';
import { Random } from '../sim/random.ts';
import { socketFacts } from '../support/datagram-world.ts';
import { needs, needsTool } from '../support/needs.ts';
import { Channel } from '../support/radio/channel.ts';
import { RealClock } from '../support/radio/clock.ts';
import { DIALECT_TOOLS } from '../support/radio/dialect-desk.ts';
import { KissModem } from '../support/radio/kiss-modem.ts';
import { MeshcoreModem } from '../support/radio/meshcore-modem.ts';
import type { Modem as Emulator } from '../support/radio/modem.ts';
import type { LineFacts } from '../support/radio/octet-line.ts';
import { PipeModem } from '../support/radio/pipe-modem.ts';
import { PtyPort, TcpPort } from '../support/radio/ports.ts';
import { RnodeModem } from '../support/radio/rnode-modem.ts';
import { waitFor } from '../support/wait.ts';

const LORA = 'freq=869.525&bw=500&sf=7';

type Kind = {
  readonly scheme: string;
  readonly query: string;
  make(channel: Channel, random: Random): Emulator;
};

/** A module that takes 62.5 kbit/s on the air, at 115 200 Bd. */
const FAST_MODULE = { 3: 0xe7 };

const KINDS: readonly Kind[] = [
  { scheme: 'rnode', query: LORA, make: (channel, random) => new RnodeModem(channel, random, { bootMs: 50 }) },
  { scheme: 'meshcore', query: LORA, make: (channel, random) => new MeshcoreModem(channel, random) },
  {
    scheme: 'kiss',
    query: 'rate=9600&txdelay=1&persistence=255&call=N0CALL',
    make: (channel, random) => new KissModem(channel, random, { kind: 'rate', bitsPerSecond: 9_600, frameMs: 5 }),
  },
  { scheme: 'serial', query: 'rate=29000', make: (channel, random) => new PipeModem(channel, random, FAST_MODULE) },
];

const USER: ModemUser = {
  hourShare: undefined,
  socketFacts: ({ carrierClass, mtu }: ModemFacts) => socketFacts({ carrierClass, mtu }),
  note: () => {},
};

function open(uri: string): Promise<Modem> {
  return openModemAt(parseUri(uri, 'dial'), USER, DIALECT_TOOLS, AbortSignal.timeout(15_000));
}

/** What a modem hears, and how it ended. */
function listen(modem: Modem): { frames: number[][]; writables: number; end: string } {
  const heard = { frames: [] as number[][], writables: 0, end: '' };
  modem.start({
    datagrams: ({ buffers, lengths, addresses, count }) => {
      assert.equal(count, 1);
      assert.ok(addresses.every((octet) => octet === 0));
      heard.frames.push([...(buffers[0] as Uint8Array).subarray(0, lengths[0] as number)]);
    },
    writable: () => {
      heard.writables++;
    },
    closed: (reason) => {
      heard.end = reason;
    },
  });
  return heard;
}

function batchOf(frame: Uint8Array): DatagramBatch {
  const one = (value: number): Int32Array => Int32Array.of(value);
  const addresses = new Uint8Array(DATAGRAM_ADDRESS);
  return { buffers: [frame], offsets: one(0), lengths: one(frame.length), addresses, count: 1 };
}

type Pair = { readonly uris: [string, string]; unplug(): Promise<void>; plug(): Promise<void> };

async function plugIn(t: TestContext, { scheme, query, make }: Kind, isPty: boolean): Promise<Pair> {
  const clock = new RealClock();
  const channel = new Channel(clock);
  // Partial reads: octet by octet.
  const line: Partial<LineFacts> = { chunk: 1, octetsPerMs: Number.POSITIVE_INFINITY, delayMs: 0 };
  const modems = [1, 2].map((seed) => make(channel, new Random(seed)));
  t.after(() => clock.stop());
  if (isPty) {
    const ports = modems.map((modem) => new PtyPort(clock, modem, line));
    for (const port of ports) {
      await port.plug();
      t.after(() => port.close());
    }
    const [a, b] = ports as [PtyPort, PtyPort];
    const uris: [string, string] = [`${scheme}://${a.path}?${query}`, `${scheme}://${b.path}?${query}`];
    return { uris, unplug: () => a.unplug(), plug: () => a.plug() };
  }
  const ports = modems.map((modem) => new TcpPort(clock, modem, line));
  const uris: string[] = [];
  for (const port of ports) {
    uris.push(`${scheme}://127.0.0.1:${await port.listen()}?${query}`);
    t.after(() => port.close());
  }
  return { uris: uris as [string, string], unplug: async () => ports[0]?.hangUp(), plug: async () => {} };
}

for (const kind of KINDS) {
  for (const isPty of [false, true]) {
    const skip = isPty ? needs(needsTool('python3', 'stty', 'flock')) : false;
    test(`${kind.scheme} over ${isPty ? 'a terminal' : 'TCP'}`, { skip, timeout: 60_000 }, async (t) => {
      const pair = await plugIn(t, kind, isPty);
      const [a, b] = await Promise.all(pair.uris.map(open));
      assert.ok(a !== undefined && b !== undefined);
      t.after(() => b.close());
      const [atA, atB] = [listen(a), listen(b)];
      const frames = [
        Uint8Array.of(0xc0, 0xdb, 0, 1, 0, 0),
        new Uint8Array(150).fill(0xc0),
        new Uint8Array(220).fill(0),
      ];
      for (const frame of frames) {
        await waitFor('room', () => a.send(batchOf(frame)) === 1);
        await waitFor('all of it to leave', () => atA.writables > 0, { limitMs: 30_000 });
        atA.writables = 0;
      }
      await waitFor('the frames', () => atB.frames.length === frames.length);
      assert.deepEqual(
        atB.frames,
        frames.map((frame) => [...frame]),
      );
      await pair.unplug();
      await waitFor('word of the end', () => atA.end !== '');
      assert.equal(a.send(batchOf(new Uint8Array(10))), 1, 'what is sent then is lost');
      await pair.plug();
      const again = await open(pair.uris[0]);
      again.close();
    });
  }
}

test('an attempt that is called off ends, and leaves the device to others', { timeout: 30_000 }, async (t) => {
  const pair = await plugIn(t, KINDS[0] as Kind, false);
  const abort = new AbortController();
  const opening = openModemAt(parseUri(pair.uris[0], 'dial'), USER, DIALECT_TOOLS, abort.signal);
  setTimeout(() => abort.abort(), 20);
  await assert.rejects(opening, /called off/);
  const modem = await open(pair.uris[0]);
  modem.close();
});
