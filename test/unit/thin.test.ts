import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeFrame, FRAME } from '../../daemon/wire/frame.ts';
import { notifySigned, readPathNotify, writePathLookup } from '../../daemon/wire/lookup.ts';
import { pathPorts } from '../../daemon/wire/path.ts';
import { readPlace, THIN, writeCard, writePlace } from '../../daemon/wire/thin.ts';
import { type FakePipe, type Identity, identities, pathOf } from '../support/core.ts';
import { announcedTo, nameOf, Stage, stancesTo } from '../support/core-stage.ts';

const MINUTE = 60_000;
/** Ours in the middle: the first two are roots in waiting. */
const [low, second, us, child, other, far] = identities(6) as [
  Identity,
  Identity,
  Identity,
  Identity,
  Identity,
  Identity,
];

const under = (of: Identity, parent: Identity): string => `${nameOf(of.key)} under ${nameOf(parent.key)}`;

/** We are the child, at port 7, of a plain node that is the root's child. */
function settledUnder(): { stage: Stage; parent: FakePipe } {
  const stage = new Stage(us);
  const parent = stage.plain(second);
  stage.announce(parent, low, low, { seq: 1n });
  stage.announce(parent, second, low, { seq: 1n, port: 3n });
  stage.run(1_000);
  stage.sign(parent, second);
  parent.take();
  assert.deepEqual(pathPorts(stage.router.coords), ['3', '7']);
  return { stage, parent };
}

/** We are a leaf, at port 9 of a gateway behind a radio. */
function settledLeaf(): { stage: Stage; gateway: FakePipe } {
  const stage = new Stage(us);
  const gateway = stage.radio(second);
  stage.stance(gateway, low.key);
  givePlace(stage, gateway, 3, 9);
  return { stage, gateway };
}

function givePlace(stage: Stage, pipe: FakePipe, ...ports: number[]): void {
  const place = { root: low.key, coords: Uint8Array.from(ports) };
  stage.give(pipe, THIN.place, encodeFrame(THIN.place, (writer) => writePlace(writer, place)).slice(2));
}

function placesTo(pipe: FakePipe): string[] {
  return pipe.take(THIN.place).map(({ body }) => {
    const place = readPlace(body);
    assert.ok(place);
    return `${nameOf(place.root)} ${pathPorts(place.coords).join(' ')}`;
  });
}

test('to a new radio peer it says what it wants, and no more', () => {
  const stage = new Stage(us);
  const pipe = stage.radio(child);
  const frames = pipe.take();
  assert.deepEqual(
    frames.map(({ type }) => type),
    [THIN.stance],
  );
  stage.run(20_000);
  assert.deepEqual(pipe.take(), []);
});

test('whoever has a place in the tree asks nobody behind a radio without need', () => {
  const { stage } = settledUnder();
  const pipe = stage.radio(child);
  assert.deepEqual(stancesTo(pipe), [{ isLeaf: false, wantsRenewals: false, root: low.key }]);
  stage.stance(pipe, child.key);
  assert.equal(pipe.take(FRAME.sigReq).length, 0);
});

test('a candidate in the same tree is asked after fifteen minutes', () => {
  const { stage, parent } = settledUnder();
  const pipe = stage.radio(other);
  stage.stance(pipe, low.key);
  const asked: number[] = [];
  for (let minutes = 1; minutes <= 31; minutes++) {
    stage.announce(parent, low, low, { seq: BigInt(1 + minutes) });
    stage.announce(parent, second, low, { seq: BigInt(1 + minutes), port: 3n });
    stage.run(MINUTE);
    stage.sign(parent, second);
    for (const _ of pipe.take(FRAME.sigReq)) asked.push(minutes);
  }
  assert.deepEqual(asked, [15, 30]);
});

test('a leaf hears where its gateway is, and no announcements', () => {
  const { stage } = settledUnder();
  const pipe = stage.radio(child);
  stage.stance(pipe, child.key, { isLeaf: true });
  assert.deepEqual(placesTo(pipe), [`${nameOf(low.key)} 3 7 2`]);
  assert.deepEqual(pathPorts(stage.router.tree.coords(child.key)), ['3', '7', '2']);
  stage.run(10 * MINUTE);
  assert.deepEqual(announcedTo(pipe), []);
});

test('others hear the ancestry from the root down, once they have said what they want', () => {
  const { stage } = settledUnder();
  const pipe = stage.radio(child);
  stage.run(2_000);
  assert.deepEqual(announcedTo(pipe), []);
  stage.stance(pipe, child.key);
  assert.deepEqual(announcedTo(pipe), [under(low, low), under(second, low), under(us, second)]);
});

test('what waits for the air is not made before it can leave', () => {
  const { stage } = settledUnder();
  const pipe = stage.radio(child);
  pipe.controlBytes = 1_024;
  stage.stance(pipe, child.key);
  stage.run(5_000);
  assert.deepEqual(announcedTo(pipe), []);
  pipe.controlBytes = 1_023;
  stage.run(1_000);
  assert.equal(announcedTo(pipe).length, 3);
});

test('renewals cross a radio only where they are wanted', () => {
  const { stage, parent } = settledUnder();
  const pipe = stage.radio(child);
  stage.stance(pipe, child.key);
  pipe.take();
  stage.announce(parent, low, low, { seq: 2n });
  stage.announce(parent, second, low, { seq: 2n, port: 3n });
  assert.deepEqual(announcedTo(pipe), []);
  stage.announce(parent, second, low, { seq: 3n, port: 4n });
  assert.deepEqual(announcedTo(pipe), [under(second, low)], 'another port is no renewal');
  stage.stance(pipe, child.key, { wantsRenewals: true });
  stage.announce(parent, low, low, { seq: 3n });
  assert.deepEqual(announcedTo(pipe), [under(low, low)]);
});

test('who gives us an announcement first vouches for it, as long as it is there', () => {
  const stage = new Stage(us);
  const pipe = stage.radio(second);
  stage.stance(pipe, low.key);
  stage.announce(pipe, low, low, { seq: 1n });
  stage.announce(pipe, second, low, { seq: 1n, port: 3n });
  stage.run(30 * MINUTE);
  assert.equal(stage.router.tree.get(second.key)?.seq, 1n);
  stage.gone(pipe);
  stage.run(4 * MINUTE);
  assert.ok(stage.router.tree.get(second.key));
  stage.run(MINUTE + 1_000);
  assert.equal(stage.router.tree.get(second.key), undefined);
});

test('what it vouches for is forgotten when it says so, and asked for again when its voucher has gone', () => {
  const stage = new Stage(us);
  const pipe = stage.radio(second);
  const plain = stage.plain(far);
  stage.stance(pipe, low.key);
  stage.announce(plain, low, low, { seq: 1n });
  stage.announce(pipe, low, low, { seq: 1n });
  stage.announce(pipe, second, low, { seq: 1n, port: 3n });
  stage.sign(pipe, second);
  stage.gone(plain);
  pipe.take();
  stage.run(5 * MINUTE - 30_000);
  assert.deepEqual(
    pipe.take(THIN.forget).map(({ body }) => nameOf(body)),
    [nameOf(low.key)],
  );
  stage.announce(pipe, low, low, { seq: 1n });
  stage.run(20 * MINUTE);
  assert.ok(stage.router.tree.get(low.key), 'it vouches from now on');
  stage.give(pipe, THIN.forget, low.key);
  stage.run(2_000);
  assert.equal(stage.router.tree.get(low.key), undefined);
});

test('what the other side has lost is told again', () => {
  const { stage } = settledUnder();
  const pipe = stage.radio(child);
  stage.stance(pipe, child.key);
  pipe.take();
  stage.give(pipe, THIN.forget, second.key);
  assert.deepEqual(announcedTo(pipe), [under(second, low)]);
});

test('a leaf takes the place of its gateway for its own ancestry', () => {
  const { stage, gateway } = settledLeaf();
  assert.deepEqual(pathPorts(stage.router.coords), ['3', '9']);
  assert.deepEqual(stage.router.tree.rootOf(us.key), low.key);
  assert.deepEqual(
    gateway.take().map(({ type }) => type),
    [THIN.stance, THIN.card],
    'and says no more than it must',
  );
  givePlace(stage, gateway, 4, 1, 9);
  assert.deepEqual(pathPorts(stage.router.coords), ['4', '1', '9']);
  gateway.take();
  stage.run(60 * MINUTE);
  assert.deepEqual(pathPorts(stage.router.coords), ['4', '1', '9']);
  assert.deepEqual(gateway.take(), [], 'an hour of silence');
});

test('a leaf that gets a second peer says so, and says nothing of its ancestry before it knows it', () => {
  const { stage, gateway } = settledLeaf();
  gateway.take();
  const plain = stage.plain(child);
  stage.run(2_000);
  const frames = gateway.take();
  assert.deepEqual(
    stancesTo(gateway, frames).map(({ isLeaf, wantsRenewals }) => [isLeaf, wantsRenewals]),
    [[false, true]],
  );
  assert.deepEqual(announcedTo(plain), []);
  stage.announce(gateway, low, low, { seq: 5n });
  stage.announce(gateway, second, low, { seq: 5n, port: 6n });
  stage.sign(gateway, second, 9n, frames);
  stage.run(1_000);
  assert.deepEqual(pathPorts(stage.router.coords), ['6', '9']);
  assert.deepEqual(announcedTo(plain).slice(0, 2), [under(low, low), under(second, low)]);
});

test('a child that is no leaf gives its card behind its announcement, and none for a renewal; its filter comes later', () => {
  const stage = new Stage(us);
  const pipe = stage.radio(second);
  stage.plain(child);
  stage.stance(pipe, low.key);
  stage.announce(pipe, low, low, { seq: 5n });
  stage.announce(pipe, second, low, { seq: 5n, port: 6n });
  const types = (): number[] => pipe.take().map(({ type }) => type);
  stage.sign(pipe, second, 9n);
  assert.deepEqual(types(), [FRAME.sigReq, THIN.stance, FRAME.announce, THIN.card]);
  stage.run(7_000);
  assert.deepEqual(types(), []);
  stage.run(14_000);
  assert.deepEqual(types(), [FRAME.bloomFilter]);
  stage.run(20 * MINUTE);
  assert.ok(!types().includes(THIN.card));
});

test('a child is looked for behind its radio before its filter has come, and answered for with its card', () => {
  const { stage, parent } = settledUnder();
  const pipe = stage.radio(child);
  stage.stance(pipe, child.key);
  stage.announce(pipe, child, us, { seq: 9n, port: 2n });
  stage.router.paths.lookup(other.key);
  assert.equal(pipe.take(FRAME.pathLookup).length, 0);
  pipe.take();
  const lookup = { source: low.key, dest: child.key, from: pathOf() };
  const ask = (): void =>
    stage.give(
      parent,
      FRAME.pathLookup,
      encodeFrame(FRAME.pathLookup, (writer) => writePathLookup(writer, lookup)).slice(2),
    );
  ask();
  assert.equal(pipe.take(FRAME.pathLookup).length, 1);
  const give = (path: Uint8Array): Uint8Array => {
    const card = { seq: 4n, sig: child.signer.sign(notifySigned(4n, path)) };
    stage.give(pipe, THIN.card, encodeFrame(THIN.card, (writer) => writeCard(writer, card)).slice(2));
    return card.sig;
  };
  give(pathOf(3, 1, 2));
  parent.take();
  ask();
  assert.deepEqual(parent.take(FRAME.pathNotify), [], 'that was signed for another place');
  const sig = give(pathOf(3, 7, 2));
  ask();
  assert.equal(pipe.take(FRAME.pathLookup).length, 0);
  const [notify] = parent.take(FRAME.pathNotify).map(({ body }) => readPathNotify(body));
  assert.deepEqual([notify?.source, notify?.info.seq, notify?.info.sig], [new Uint8Array(child.key), 4n, sig]);
});

test('a place told to who is no leaf does nothing', () => {
  const { stage } = settledUnder();
  const pipe = stage.radio(child);
  givePlace(stage, pipe, 1, 2, 3);
  assert.equal(stage.router.tree.rootOf(child.key), child.key);
});

test('a plain peer behind us makes us want renewals, at once; that it went is said a minute later', () => {
  const { stage, gateway } = settledLeaf();
  stage.run(2 * MINUTE);
  gateway.take();
  const plain = stage.plain(child);
  assert.deepEqual(stancesTo(gateway).at(-1)?.wantsRenewals, true);
  stage.gone(plain);
  stage.run(58_000);
  assert.deepEqual(stancesTo(gateway), []);
  stage.run(3_000);
  assert.deepEqual(stancesTo(gateway).at(-1)?.wantsRenewals, false);
});

test('to a child no filter goes down a radio, and a parent behind one counts as the way to everything', () => {
  const { stage, gateway } = settledLeaf();
  stage.run(10_000);
  assert.equal(gateway.take(FRAME.bloomFilter).length, 0, 'what a leaf has its gateway knows');
  stage.router.paths.lookup(far.key);
  assert.equal(gateway.take(FRAME.pathLookup).length, 1);
  const { stage: above } = settledUnder();
  const pipe = above.radio(child);
  above.stance(pipe, child.key);
  above.announce(pipe, child, us, { seq: 9n, port: 2n });
  above.run(10_000);
  assert.equal(pipe.take(FRAME.bloomFilter).length, 0);
});

test('a leaf that gets a second peer sends what both have, also when it did so before', () => {
  const { stage, gateway } = settledLeaf();
  for (let i = 0; i < 2; i++) {
    const plain = stage.plain(child);
    stage.run(3_000);
    stage.announce(gateway, low, low, { seq: BigInt(5 + i) });
    stage.announce(gateway, second, low, { seq: BigInt(5 + i), port: 6n });
    const frames = gateway.take();
    stage.sign(gateway, second, 9n, frames);
    stage.run(40_000);
    assert.ok([...frames, ...gateway.take()].some(({ type }) => type === FRAME.bloomFilter));
    stage.gone(plain);
    stage.run(2 * MINUTE);
    givePlace(stage, gateway, 6, 9);
    gateway.take();
  }
});

test('the 65th frame of thin gossip at once is not heard', () => {
  const { stage } = settledUnder();
  const pipe = stage.radio(child);
  stage.stance(pipe, child.key);
  for (let i = 0; i < 63; i++) stage.give(pipe, THIN.forget, far.key);
  assert.equal(stage.context.stats.drops['thin gossip rate'], 0);
  stage.give(pipe, THIN.forget, far.key);
  assert.equal(stage.context.stats.drops['thin gossip rate'], 1);
});

for (const type of Object.values(THIN)) {
  test(`a plain link ends with a frame of type ${type}`, () => {
    const { stage, parent } = settledUnder();
    stage.give(parent, type, low.key);
    assert.equal(parent.closed, 'frame type unknown');
  });

  test(`a malformed frame of type ${type} ends the link`, () => {
    const { stage } = settledUnder();
    const pipe = stage.radio(child);
    stage.stance(pipe, child.key);
    stage.give(pipe, type, low.key.slice(0, 31));
    assert.equal(pipe.closed, 'frame malformed');
  });
}
