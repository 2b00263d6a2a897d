/** What every carrier promises (`daemon/links/link.ts`), whatever it is made of: one suite for all kinds. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { Carrier, CarrierEvents } from '../../daemon/links/link.ts';
import { Chance } from './core.ts';
import { turns } from './virtual-time.ts';
import { waitFor } from './wait.ts';

/** Both ends of one connection: who dialled, who accepted. Neither has been started. */
export type Ends = readonly [Carrier, Carrier];
export type Connect = (t: TestContext) => Promise<Ends>;

const KIB = 1024;
const MIB = 1024 * KIB;
/** As much as the core hands over at once. */
const WRITE = 256 * KIB;
/** No system holds this much for one connection. */
const FLOOD = 64 * MIB;

/** What a carrier tells, copied: like the core, it overwrites what it is given. */
export class Ear implements CarrierEvents {
  readonly #chunks: Uint8Array[] = [];
  length = 0;
  writables = 0;
  readonly reasons: string[] = [];
  /** Events of any kind. */
  count = 0;
  onBytes: (octets: Uint8Array) => void = () => {};

  bytes(octets: Uint8Array): void {
    this.count++;
    this.length += octets.length;
    // A `slice` of what the system gave would share its memory.
    this.#chunks.push(Uint8Array.from(octets));
    octets.fill(0xdb);
    this.onBytes(octets);
  }

  writable(): void {
    this.count++;
    this.writables++;
  }

  closed(reason: string): void {
    this.count++;
    this.reasons.push(reason);
  }

  get octets(): Uint8Array {
    return Uint8Array.from(Buffer.concat(this.#chunks));
  }

  async heard(length: number): Promise<void> {
    await until(`${length} octets`, () => this.length >= length);
  }

  async ended(): Promise<void> {
    await until('the end of the carrier', () => this.reasons.length > 0);
  }
}

export function until(what: string, condition: () => boolean): Promise<true> {
  return waitFor(what, condition, { everyMs: 1 });
}

export function started(carrier: Carrier): Ear {
  const ear = new Ear();
  carrier.start(ear);
  return ear;
}

export function someOctets(length: number): Uint8Array {
  return new Chance(length).octets(length);
}

/** Writes as the core does: what was taken is overwritten at once, after false nothing is written until `writable`. */
export async function send(carrier: Carrier, ear: Ear, octets: Uint8Array, sizes: readonly number[]): Promise<void> {
  for (let at = 0, i = 0; at < octets.length; i++) {
    const size = sizes[i % sizes.length] as number;
    const piece = octets.slice(at, at + size);
    const { writables } = ear;
    if (!carrier.write(piece)) await until('writable', () => ear.writables > writables);
    piece.fill(0xdb);
    at += size;
  }
}

/** Writes the same buffer again and again, until it is held; how many octets that were. */
export function fill(carrier: Carrier, octets: Uint8Array = new Uint8Array(WRITE)): number {
  for (let written = octets.length; written <= FLOOD; written += octets.length) {
    if (!carrier.write(octets)) return written;
  }
  return assert.fail(`${FLOOD} octets were taken from a writer whom nobody reads`);
}

/** The same for kinds that hold a write for a turn although the system takes it: until one stays held. */
async function fillUp(carrier: Carrier, ear: Ear, octets: Uint8Array = new Uint8Array(WRITE)): Promise<number> {
  for (let written = octets.length; written <= FLOOD; written += octets.length) {
    const { writables } = ear;
    if (carrier.write(octets)) continue;
    await turns();
    if (ear.writables === writables) return written;
  }
  return assert.fail(`${FLOOD} octets were taken from a writer whom nobody reads`);
}

/** `acceptedAs` is what the accepting end calls itself, if a proxy stands between. */
export function linkSuite(name: string, connect: Connect, acceptedAs = name): void {
  const directions = [
    { way: 'from dialler to listener', order: ([dialled, accepted]: Ends): Ends => [dialled, accepted] },
    { way: 'from listener to dialler', order: ([dialled, accepted]: Ends): Ends => [accepted, dialled] },
  ];
  const sizes: readonly { length: number; pieces: readonly number[] }[] = [
    { length: 1, pieces: [1] },
    { length: 1_000, pieces: [1, 2, 3, 5, 7] },
    { length: 70_000, pieces: [65_535, 1, 4_464] },
    { length: 5 * MIB, pieces: [WRITE] },
    { length: 5 * MIB, pieces: [131_073, 17, 65_536, 90_001] },
  ];

  test(`${name}: says who it is and that it is the other's end`, async (t) => {
    const [dialled, accepted] = await connect(t);
    assert.equal(dialled.facts.isInbound, false);
    assert.equal(dialled.facts.isConfigured, true);
    assert.equal(accepted.facts.isInbound, true);
    assert.equal(accepted.facts.isConfigured, false);
    assert.match(dialled.facts.uri, new RegExp(`^${name}://`));
    assert.match(accepted.facts.uri, new RegExp(`^${acceptedAs}://`));
  });

  for (const { way, order } of directions) {
    for (const { length, pieces } of sizes) {
      test(`${name}: ${length} octets arrive ${way} in order, in pieces of ${pieces.join(', ')}`, async (t) => {
        const [near, far] = order(await connect(t));
        const [nearEar, farEar] = [started(near), started(far)];
        const octets = someOctets(length);
        await send(near, nearEar, octets, pieces);
        await farEar.heard(length);
        assert.ok(Buffer.compare(farEar.octets, octets) === 0);
        assert.deepEqual([nearEar.length, nearEar.reasons, farEar.reasons], [0, [], []]);
      });
    }

    test(`${name}: what is not read is not taken without end, and goes on when it is read, ${way}`, async (t) => {
      const [near, far] = order(await connect(t));
      const ear = started(near);
      const octets = someOctets(WRITE);
      const written = await fillUp(near, ear, octets);
      const { writables } = ear;
      await turns();
      assert.deepEqual([ear.writables, ear.reasons], [writables, []]);
      const farEar = started(far);
      await until('writable', () => ear.writables === writables + 1);
      const rest = someOctets(3 * MIB + 1);
      await send(near, ear, rest, [WRITE]);
      await farEar.heard(written + rest.length);
      const heard = farEar.octets;
      for (let at = 0; at < written; at += WRITE) {
        assert.ok(Buffer.compare(heard.subarray(at, at + WRITE), octets) === 0, `the octets at ${at}`);
      }
      assert.ok(Buffer.compare(heard.subarray(written), rest) === 0);
    });

    test(`${name}: a write that was taken is not followed by writable, ${way}`, async (t) => {
      const [near, far] = order(await connect(t));
      const [ear, farEar] = [started(near), started(far)];
      for (let i = 0; i < 20; i++) {
        assert.equal(near.write(someOctets(100)), true);
        await farEar.heard(100 * (i + 1));
      }
      await turns();
      assert.equal(ear.writables, 0);
    });

    test(`${name}: what was written before it was started arrives, and nothing is told within start, ${way}`, async (t) => {
      const [near, far] = order(await connect(t));
      near.write(someOctets(123));
      await turns();
      const farEar = new Ear();
      far.start(farEar);
      assert.equal(farEar.count, 0);
      await farEar.heard(123);
      assert.deepEqual(farEar.octets, someOctets(123));
    });

    test(`${name}: close lets what was written arrive, then the other side is told once, ${way}`, async (t) => {
      const [near, far] = order(await connect(t));
      const [ear, farEar] = [started(near), started(far)];
      const octets = someOctets(MIB);
      await send(near, ear, octets.subarray(0, MIB - WRITE), [WRITE]);
      const before = ear.count;
      near.write(octets.slice(MIB - WRITE));
      near.close();
      await farEar.ended();
      assert.ok(Buffer.compare(farEar.octets, octets) === 0);
      await turns();
      assert.equal(farEar.reasons.length, 1);
      assert.match(farEar.reasons[0] ?? '', /^[^\r\n]+$/);
      assert.equal(ear.count, before);
    });

    test(`${name}: close twice is close once, and writes after it are swallowed, ${way}`, async (t) => {
      const [near, far] = order(await connect(t));
      const [ear, farEar] = [started(near), started(far)];
      near.close();
      near.close();
      assert.equal(near.write(someOctets(10)), true);
      await farEar.ended();
      near.close();
      far.close();
      assert.equal(far.write(someOctets(10)), true);
      await turns();
      assert.deepEqual([ear.count, farEar.length, farEar.reasons.length], [0, 0, 1]);
    });

    test(`${name}: after close nothing more is told, although the other side goes on, ${way}`, async (t) => {
      const [near, far] = order(await connect(t));
      const [ear, farEar] = [started(near), started(far)];
      far.write(someOctets(1_000));
      near.close();
      far.write(someOctets(1_000));
      await farEar.ended();
      await turns();
      assert.equal(ear.count, 0);
    });

    test(`${name}: closed while it tells of octets, it tells no more, ${way}`, async (t) => {
      const [near, far] = order(await connect(t));
      const ear = new Ear();
      ear.onBytes = () => near.close();
      for (let i = 0; i < 8; i++) far.write(someOctets(40_000));
      near.start(ear);
      await started(far).ended();
      await turns();
      assert.equal(ear.count, 1);
    });

    test(`${name}: both ends may close at once, ${way}`, async (t) => {
      const [near, far] = order(await connect(t));
      const [ear, farEar] = [started(near), started(far)];
      near.close();
      far.close();
      await turns();
      assert.deepEqual([ear.count, farEar.count], [0, 0]);
    });

    test(`${name}: an end that was closed before it was started tells the other, ${way}`, async (t) => {
      const [near, far] = order(await connect(t));
      near.close();
      await started(far).ended();
    });

    test(`${name}: an end that came before start is told after it, behind the octets, ${way}`, async (t) => {
      const [near, far] = order(await connect(t));
      near.write(someOctets(500));
      near.close();
      await turns();
      const farEar = new Ear();
      far.start(farEar);
      assert.equal(farEar.count, 0);
      await farEar.ended();
      await turns();
      assert.deepEqual([farEar.octets, farEar.reasons.length], [someOctets(500), 1]);
    });

    test(`${name}: the end of the other side is told although a write is held, ${way}`, async (t) => {
      const [near, far] = order(await connect(t));
      const ear = started(near);
      await fillUp(near, ear);
      far.close();
      await ear.ended();
      await turns();
      assert.equal(ear.reasons.length, 1);
    });
  }

  test(`${name}: 5 MiB each way at the same time arrive in order`, async (t) => {
    const [near, far] = await connect(t);
    const [ear, farEar] = [started(near), started(far)];
    const [there, back] = [someOctets(5 * MIB), someOctets(5 * MIB + 1)];
    await Promise.all([
      send(near, ear, there, [WRITE]),
      send(far, farEar, back, [WRITE, 100]),
      farEar.heard(there.length),
      ear.heard(back.length),
    ]);
    assert.ok(Buffer.compare(farEar.octets, there) === 0);
    assert.ok(Buffer.compare(ear.octets, back) === 0);
  });
}
