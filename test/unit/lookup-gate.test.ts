import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bloomItem } from '../../daemon/core/identity.ts';
import { filterAdd, filterPositions } from '../../daemon/core/routing/bloom.ts';
import { LookupGate } from '../../daemon/core/routing/lookup-gate.ts';
import { emptyFilter, writeFilter } from '../../daemon/wire/filter.ts';
import { encodeFrame, FRAME } from '../../daemon/wire/frame.ts';
import {
  notifySigned,
  readPathNotify,
  WATERMARK_FRESH,
  writePathBroken,
  writePathLookup,
  writePathNotify,
} from '../../daemon/wire/lookup.ts';
import { type FakePipe, type Identity, identities, nameless } from '../support/core.ts';
import { Stage } from '../support/core-stage.ts';

const PACE_MS = 600;
const [low, us, leaf, far, asker, stranger] = identities(6) as [
  Identity,
  Identity,
  Identity,
  Identity,
  Identity,
  Identity,
];
const keyOf = (number: number): Uint8Array => nameless(number).key;

test('one item is asked for ever more rarely while nobody answers', () => {
  const gate = new LookupGate(1);
  const asked: number[] = [];
  for (let second = 0; second <= 300; second++) {
    if (gate.mayAsk(keyOf(1), keyOf(second), PACE_MS, 1_000 * second)) asked.push(second);
  }
  assert.deepEqual(asked, [0, 4, 12, 28, 60, 120, 180, 240, 300]);
});

test('with an answer, and after a minute in which nobody asks, it begins anew', () => {
  const gate = new LookupGate(1);
  const ask = (second: number): boolean => gate.mayAsk(keyOf(1), keyOf(2), PACE_MS, 1_000 * second);
  assert.deepEqual([0, 4, 11].map(ask), [true, true, false]);
  gate.answered(keyOf(1), keyOf(3), { seq: 1n, path: new Uint8Array(1), sig: new Uint8Array(64) }, 11_000);
  assert.deepEqual([11, 14, 15].map(ask), [true, false, true]);
  assert.deepEqual([90, 93, 94].map(ask), [true, false, true]);
});

test('one source gets six at once, and one in ten seconds', () => {
  const gate = new LookupGate(1);
  let crossed = 0;
  for (let i = 0; i < 20; i++) if (gate.mayAsk(keyOf(i), keyOf(99), 0, 0)) crossed++;
  assert.equal(crossed, 6);
  assert.ok(gate.mayAsk(keyOf(30), keyOf(98), 0, 0), 'another source is not concerned');
  assert.ok(!gate.mayAsk(keyOf(31), keyOf(99), 0, 9_999));
  assert.ok(gate.mayAsk(keyOf(31), keyOf(99), 0, 10_000));
});

for (const [paceMs, everyMs] of [
  [0, 2_000],
  [600, 2_000],
  [10_000, 30_000],
] as const) {
  test(`all together get sixteen at once, then one in ${everyMs} ms at a round trip of ${paceMs} ms`, () => {
    const gate = new LookupGate(1);
    let crossed = 0;
    for (let i = 0; i < 100; i++) if (gate.mayAsk(keyOf(i), keyOf(1_000 + i), paceMs, 0)) crossed++;
    assert.equal(crossed, 16);
    assert.ok(!gate.mayAsk(keyOf(200), keyOf(2_000), paceMs, everyMs - 1));
    assert.ok(gate.mayAsk(keyOf(200), keyOf(2_000), paceMs, everyMs));
  });
}

test('256 answers are remembered, not one more', () => {
  const gate = new LookupGate(1);
  const info = { seq: 1n, path: new Uint8Array(1), sig: new Uint8Array(64) };
  for (let i = 0; i <= 256; i++) gate.answered(keyOf(i), keyOf(i), info, 0);
  assert.equal(gate.answer(keyOf(0)), undefined);
  assert.ok(gate.answer(keyOf(1)));
  assert.ok(gate.answer(keyOf(256)));
});

test('what was signed is copied: the octets it came in are used again', () => {
  const gate = new LookupGate(1);
  const info = { seq: 1n, path: Uint8Array.of(5), sig: new Uint8Array(64) };
  gate.answered(keyOf(1), keyOf(1), info, 0);
  info.path.fill(9);
  info.sig.fill(9);
  assert.deepEqual(gate.answer(keyOf(1))?.info, { seq: 1n, path: Uint8Array.of(5), sig: new Uint8Array(64) });
});

/** We are the gateway, at port 7 of a plain root; behind our radio is a leaf, and behind that somebody else. */
class Scene {
  readonly stage = new Stage(us);
  readonly parent: FakePipe;
  readonly radio: FakePipe;
  readonly leafPort: number;

  constructor() {
    this.parent = this.stage.plain(low);
    this.stage.announce(this.parent, low, low, { seq: 1n });
    this.stage.run(1_000);
    this.stage.sign(this.parent, low);
    this.radio = this.stage.radio(leaf);
    this.stage.stance(this.radio, leaf.key);
    this.leafPort = [...this.stage.router.peers.all()].find(({ key }) => key === leaf.key)?.port ?? 0;
    this.stage.announce(this.radio, leaf, us, { seq: 5n, port: BigInt(this.leafPort) });
    const filter = emptyFilter();
    for (const { key } of [leaf, far]) filterAdd(filter, filterPositions(bloomItem(key)));
    const body = encodeFrame(FRAME.bloomFilter, (writer) => writeFilter(writer, filter));
    this.stage.give(this.radio, FRAME.bloomFilter, body.slice(body.length > 129 ? 3 : 2));
    this.stage.run(1_000);
    this.parent.take();
    this.radio.take();
  }

  get place(): Uint8Array {
    return Uint8Array.of(7, this.leafPort);
  }

  /** From a node beside us in the tree. Returns what crosses the radio, and who is answered for. */
  lookup(dest: Identity, source: Identity = asker): { crossed: number; answered: Uint8Array[] } {
    const body = frameBody(FRAME.pathLookup, (writer) =>
      writePathLookup(writer, { source: source.key, dest: dest.key, from: Uint8Array.of(3) }),
    );
    this.stage.give(this.parent, FRAME.pathLookup, body);
    const answered = this.parent.take(FRAME.pathNotify).map((frame) => readPathNotify(frame.body)?.source);
    return { crossed: this.radio.take(FRAME.pathLookup).length, answered: answered as Uint8Array[] };
  }

  /** The answer of somebody behind the radio. */
  notify(of: Identity, path: Uint8Array): void {
    const info = { seq: 10n, path, sig: of.signer.sign(notifySigned(10n, path)) };
    const message = { path: Uint8Array.of(3), watermark: WATERMARK_FRESH, source: of.key, dest: asker.key, info };
    this.stage.give(
      this.radio,
      FRAME.pathNotify,
      frameBody(FRAME.pathNotify, (w) => writePathNotify(w, message)),
    );
    this.parent.take();
  }
}

function frameBody(type: number, write: Parameters<typeof encodeFrame>[1]): Uint8Array {
  const frame = encodeFrame(type, write);
  return frame.slice((frame[0] as number) < 0x80 ? 2 : 3);
}

test('the first lookup for a leaf crosses the radio; then its answer serves others, as long as it has not moved', () => {
  const scene = new Scene();
  assert.equal(scene.lookup(leaf).crossed, 1);
  scene.notify(leaf, scene.place);
  scene.stage.run(30_000);
  for (const source of [asker, stranger]) {
    assert.deepEqual(scene.lookup(leaf, source), { crossed: 0, answered: [leaf.key] });
  }
  scene.stage.announce(scene.radio, leaf, us, { seq: 6n, port: 99n });
  assert.deepEqual(scene.lookup(leaf), { crossed: 1, answered: [] });
});

test('for whoever is further away it serves a minute', () => {
  const scene = new Scene();
  assert.equal(scene.lookup(far).crossed, 1);
  scene.notify(far, Uint8Array.of(...scene.place, 4));
  scene.stage.run(59_000);
  assert.deepEqual(scene.lookup(far), { crossed: 0, answered: [far.key] });
  scene.stage.run(1_000);
  assert.deepEqual(scene.lookup(far), { crossed: 1, answered: [] });
});

test('nobody is answered for who was not found where it was said to be', () => {
  const scene = new Scene();
  scene.lookup(far);
  scene.notify(far, Uint8Array.of(...scene.place, 4));
  const broken = { path: Uint8Array.of(3), watermark: WATERMARK_FRESH, source: asker.key, dest: far.key };
  scene.stage.give(
    scene.radio,
    FRAME.pathBroken,
    frameBody(FRAME.pathBroken, (w) => writePathBroken(w, broken)),
  );
  scene.parent.take();
  assert.deepEqual(scene.lookup(far).crossed, 1);
});

test('lookups for nobody behind the radio do not cross it, and repeated ones are held and counted', () => {
  const scene = new Scene();
  assert.equal(scene.lookup(stranger).crossed, 0);
  assert.deepEqual([scene.lookup(leaf).crossed, scene.lookup(leaf).crossed], [1, 0]);
  assert.equal(scene.stage.context.stats.drops['lookup held'], 1);
});

test('answers for others count against the same budget as our own', () => {
  const scene = new Scene();
  scene.lookup(leaf);
  scene.notify(leaf, scene.place);
  let answered = 0;
  for (let i = 0; i < 30; i++) answered += scene.lookup(leaf).answered.length;
  assert.ok(answered <= 4, `${answered} answers to one source at once`);
});

test('a neighbour behind our radio is found without asking, by key, address and subnet', () => {
  const scene = new Scene();
  scene.stage.router.paths.lookup(leaf.key);
  assert.deepEqual(scene.stage.found, [leaf.key]);
  assert.ok(scene.stage.router.begin(leaf.key, 10));
  assert.equal(scene.radio.reserved.length, 1, 'a packet, and no lookup');
});
