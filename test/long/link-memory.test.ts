import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LinkTarget, rowOf } from '../support/link-target.ts';

test('4096 INITs are known again: the oldest is forgotten', () => {
  const target = new LinkTarget();
  const stranger = target.stranger(1);
  const packets = Array.from({ length: 4_097 }, (_, i) => stranger.init({ instance: 0x1234_0000 + i + 1 }).packet);
  for (const [i, packet] of packets.slice(0, 4_096).entries()) {
    target.world.run(12);
    target.host.receive(rowOf(i), packet);
  }
  const answered = (): number => target.host.node.stats().counters.initsAnswered as number;
  assert.equal(answered(), 4_096);
  target.world.run(12);
  target.host.receive(rowOf(5_000), packets[0] as Uint8Array);
  assert.equal(target.host.drops('handshake repeated'), 1);
  target.world.run(12);
  target.host.receive(rowOf(5_000), packets[4_096] as Uint8Array);
  target.world.run(12);
  target.host.receive(rowOf(5_000), packets[0] as Uint8Array);
  assert.equal(target.host.drops('handshake repeated'), 1, 'the first is unknown now');
  assert.equal(answered(), 4_098);
});
