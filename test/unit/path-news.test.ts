import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CoreEvent } from '../../daemon/core/port.ts';
import { FRAME } from '../../daemon/wire/frame.ts';
import { identity, pathOf, UNIX_SECONDS } from '../support/core.ts';
import { FULL_FILTER, Mesh, others } from '../support/core-mesh.ts';
import type { Host } from '../support/core-world.ts';

const [far, child] = others as [(typeof others)[0], (typeof others)[0]];
const KINDS = ['pathFound', 'pathBroken', 'nextHopChanged', 'lookupFailed'] as const;

function news(host: Host): CoreEvent[] {
  const found = host.events.filter(({ kind }) => KINDS.some((known) => known === kind));
  host.events.splice(0);
  return found;
}

/** A node is at these ports since so many seconds after the last word about it. */
function tell(mesh: Mesh, seconds: number, ports: readonly number[], who = far): void {
  mesh.parent.notify(who, UNIX_SECONDS + 100n + BigInt(seconds), pathOf(...ports), {
    path: pathOf(7),
    dest: mesh.host.key,
  });
}

function look(mesh: Mesh, who = far): void {
  mesh.host.feed({ kind: 'locate', key: who.key });
}

test('a path that is found is told once, and again where it leads elsewhere', () => {
  const mesh = new Mesh();
  look(mesh);
  tell(mesh, 1, [3, 4]);
  assert.deepEqual(news(mesh.host), [{ kind: 'pathFound', key: far.key, coords: pathOf(3, 4), isNew: true }]);
  tell(mesh, 2, [3, 4]);
  assert.deepEqual(news(mesh.host), []);
  tell(mesh, 3, [5]);
  assert.deepEqual(news(mesh.host), [{ kind: 'pathFound', key: far.key, coords: pathOf(5), isNew: false }]);
});

test('a path that breaks is told once, and that it is whole again', () => {
  const mesh = new Mesh();
  look(mesh);
  tell(mesh, 1, [3, 4]);
  news(mesh.host);
  const breaks = (): void =>
    mesh.parent.frame(FRAME.pathBroken, (writer) => {
      writer.octets(pathOf(7)).u8(0).uvarint(1).octets(mesh.host.key).octets(far.key);
    });
  breaks();
  breaks();
  assert.deepEqual(news(mesh.host), [{ kind: 'pathBroken', key: far.key }]);
  tell(mesh, 2, [3, 4]);
  assert.deepEqual(
    news(mesh.host).map(({ kind }) => kind),
    ['pathFound'],
  );
});

test('a lookup that nobody answers for 10 s is told once', () => {
  const mesh = new Mesh();
  look(mesh);
  mesh.world.run(9_000);
  assert.deepEqual(news(mesh.host), []);
  mesh.world.run(50_000);
  const [failed, ...rest] = news(mesh.host);
  assert.deepEqual(rest, []);
  assert.ok(failed?.kind === 'lookupFailed' && failed.asked > 1);
  assert.deepEqual(failed.target, Uint8Array.from(far.key));
});

test('one that is answered in time is no failure', () => {
  const mesh = new Mesh();
  look(mesh);
  mesh.world.run(8_000);
  tell(mesh, 1, [3, 4]);
  mesh.world.run(40_000);
  assert.deepEqual(
    news(mesh.host).map(({ kind }) => kind),
    ['pathFound'],
  );
});

test('packets that leave by another peer are told, with both, and packets that do not are not', () => {
  const mesh = new Mesh();
  look(mesh);
  tell(mesh, 1, [3, 4]);
  const send = (): void => mesh.host.feed({ kind: 'query', key: far.key, topic: 'self' });
  send();
  mesh.world.run(5_000);
  news(mesh.host);
  const near = mesh.child(child);
  near.frame(FRAME.bloomFilter, FULL_FILTER);
  tell(mesh, 2, [7, Number(mesh.portOf(near)), 9]);
  mesh.world.run(7_000);
  send();
  mesh.world.run(5_000);
  const changes = news(mesh.host).filter(({ kind }) => kind === 'nextHopChanged');
  assert.deepEqual(changes, [{ kind: 'nextHopChanged', key: far.key, before: mesh.parent.self.key, after: child.key }]);
});

test('a mesh that flaps is told of so often, and no more', () => {
  const mesh = new Mesh();
  for (let i = 0; i < 80; i++) {
    look(mesh, identity(100 + i));
    tell(mesh, i, [3, 4], identity(100 + i));
  }
  const first = news(mesh.host).length;
  assert.equal(first, 80);
  for (let i = 0; i < 80; i++) tell(mesh, 100 + i, [5], identity(100 + (i % 80)));
  assert.equal(news(mesh.host).length, 20);
});
