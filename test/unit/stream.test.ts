import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CloseReason, LinkFacts } from '../../daemon/core/port.ts';
import { Writer } from '../../daemon/wire/cursor.ts';
import { FRAME } from '../../daemon/wire/frame.ts';
import { crypto, type Identity, identities, linkFacts, NOTHING, nodeOptions, vectorsOf } from '../support/core.ts';
import { announceBody, greetingOf, RawPeer } from '../support/core-peer.ts';
import { type Host, World } from '../support/core-world.ts';

const [us, them, third] = identities(3) as [Identity, Identity, Identity];
const PASSWORD = Uint8Array.from([1, 2, 3]);

/** A greeting with fields as a test wants them, rightly signed. */
function greetingWith(fields: readonly (readonly [type: number, value: readonly number[]])[], rest = NOTHING) {
  const writer = new Writer(new Uint8Array(4_200));
  for (const letter of 'meta') writer.u8(letter.charCodeAt(0));
  const size = fields.reduce((sum, [, value]) => sum + 4 + value.length, 0) + rest.length + 64;
  writer.u16(size);
  for (const [type, value] of fields) writer.u16(type).u16(value.length).octets(Uint8Array.from(value));
  return writer
    .octets(rest)
    .octets(them.signer.sign(crypto.blake2b512(NOTHING, them.key)))
    .written();
}

const MAJOR = [0, [0, 0]] as const;
const MINOR = [1, [0, 5]] as const;
const KEY = [2, [...them.key]] as const;
const PRIORITY = [3, [7]] as const;

function answerTo(greeting: Uint8Array, facts: Partial<LinkFacts> = {}): { peer: RawPeer; host: Host } {
  const host = new World().host(us);
  const peer = new RawPeer(host, them, facts);
  peer.send(greeting);
  return { peer, host };
}

function priorityOf(host: Host): number | undefined {
  return host.node.links()[0]?.priority;
}

// One entry for each line of the vectors' table; a line nobody treats fails the last test.
const OUTCOMES: Record<string, { greetings: Uint8Array[]; closed?: CloseReason; priority?: number }> = {
  'minor version 4 or 6': {
    greetings: [greetingWith([MAJOR, [1, [0, 4]], KEY, PRIORITY]), greetingWith([MAJOR, [1, [0, 6]], KEY, PRIORITY])],
    closed: 'version mismatch',
  },
  'unknown field type 99 present': { greetings: [greetingWith([MAJOR, [99, [1, 2, 3]], MINOR, KEY, PRIORITY])] },
  'priority field absent': { greetings: [greetingWith([MAJOR, MINOR, KEY])], priority: 0 },
  'priority field twice': { greetings: [greetingWith([MAJOR, MINOR, KEY, [3, [9]], [3, [4]]])], priority: 4 },
  'fields in another order': { greetings: [greetingWith([PRIORITY, KEY, MINOR, MAJOR])], priority: 7 },
  'priority field of 2 octets': {
    greetings: [greetingWith([MAJOR, MINOR, KEY, [3, [0, 0]]])],
    closed: 'greeting malformed',
  },
  '1 to 3 octets left over after the last field': {
    greetings: [1, 2, 3].map((count) => greetingWith([MAJOR, MINOR, KEY, PRIORITY], new Uint8Array(count))),
    closed: 'greeting malformed',
  },
  'length below 64': { greetings: [Uint8Array.from([0x6d, 0x65, 0x74, 0x61, 0, 63])], closed: 'greeting malformed' },
  'wrong password, either direction': { greetings: [greetingOf(them, PASSWORD)], closed: 'signature invalid' },
  'own public key': { greetings: [greetingOf(us)], closed: 'own key' },
};

const outcomes = vectorsOf<{ outcomes_of_the_reference_listener: { case: string; result: string }[] }>('handshake');
for (const { case: name, result } of outcomes.outcomes_of_the_reference_listener) {
  if (name === 'silence') continue;
  test(`a greeting with ${name} is ${result}`, () => {
    const outcome = OUTCOMES[name];
    assert.ok(outcome, 'the case is known');
    assert.equal(result.startsWith('closed'), outcome.closed !== undefined);
    for (const greeting of outcome.greetings) {
      const { peer, host } = answerTo(greeting);
      assert.equal(peer.closed, outcome.closed);
      assert.equal(peer.greeting.length, 123, 'it has received ours');
      if (outcome.priority !== undefined) assert.equal(priorityOf(host), outcome.priority);
    }
  });
}

test('sends the greeting of the vectors at once', () => {
  type Item = { seed: string; password: string; priority: number; message: string };
  for (const item of vectorsOf<{ items: Item[] }>('handshake').items) {
    const seed = new Uint8Array(Buffer.from(item.seed, 'hex'));
    const host = new World().host({ ...us, seed }, { random: nodeOptions(us).random });
    const password = new TextEncoder().encode(item.password);
    const peer = new RawPeer(host, them, { password, priority: item.priority });
    assert.equal(Buffer.from(peer.greeting).toString('hex'), item.message);
  }
});

test('takes a greeting that comes in two pieces, cut anywhere', () => {
  const greeting = greetingOf(them);
  for (let cut = 1; cut < greeting.length; cut++) {
    const { peer, host } = answerTo(greeting.slice(0, cut));
    peer.send(greeting.slice(cut));
    assert.equal(host.count('linkUp'), 1, `cut after ${cut} octets`);
  }
});

test('takes a greeting octet by octet', () => {
  const { peer, host } = answerTo(NOTHING);
  for (const octet of greetingOf(them)) peer.send(Uint8Array.of(octet));
  assert.equal(host.count('linkUp'), 1);
});

test('refuses a long tail behind the first octets of a broken greeting, and lives', () => {
  const { peer } = answerTo(greetingOf(them).slice(0, 10));
  peer.send(new Uint8Array(5_000));
  assert.equal(peer.closed, 'greeting malformed');
});

test('reads frames that follow the greeting in the same chunk', () => {
  const world = new World();
  const peer = new RawPeer(world.host(us), them);
  peer.send(Buffer.concat([greetingOf(them), Uint8Array.from([3, FRAME.sigReq, 9, 4])]));
  assert.equal(peer.take(FRAME.sigRes).length, 1);
});

test('refuses a greeting longer than 4096 octets without reading it', () => {
  const { peer } = answerTo(Uint8Array.from([0x6d, 0x65, 0x74, 0x61, 0x0f, 0xfb]));
  assert.equal(peer.closed, 'greeting too large');
});

test('takes a greeting of 4096 octets', () => {
  const filler = new Array(4096 - 6 - 53 - 4 - 64).fill(0);
  const greeting = greetingWith([MAJOR, MINOR, KEY, PRIORITY, [99, filler]]);
  assert.equal(greeting.length, 4096);
  assert.equal(answerTo(greeting).host.count('linkUp'), 1);
});

test('takes a password that both sides have', () => {
  assert.equal(answerTo(greetingOf(them, PASSWORD), { password: PASSWORD }).host.count('linkUp'), 1);
});

test('gives up after six seconds of silence', () => {
  const { peer, host } = answerTo(NOTHING);
  host.world.run(5_999);
  assert.equal(peer.closed, undefined);
  host.world.run(1);
  assert.equal(peer.closed, 'greeting timeout');
});

test('gives up after six seconds, however slowly the greeting drips', () => {
  const { peer, host } = answerTo(NOTHING);
  for (const octet of greetingOf(them)) {
    if (peer.closed !== undefined) break;
    peer.send(Uint8Array.of(octet));
    host.world.run(100);
  }
  assert.equal(peer.closed, 'greeting timeout');
  assert.equal(host.world.nowMs, 7_000);
});

test('a link has the higher number of both priorities', () => {
  for (const [own, theirs] of [
    [3, 9],
    [9, 3],
  ] as const) {
    const { host } = answerTo(greetingOf(them, NOTHING, theirs), { priority: own });
    assert.equal(priorityOf(host), 9);
  }
});

test('a pinned key must be the one that greets', () => {
  assert.equal(answerTo(greetingOf(them), { pinnedKeys: [third.key] }).peer.closed, 'key not pinned');
});

test('one of several pinned keys is enough', () => {
  assert.equal(answerTo(greetingOf(them), { pinnedKeys: [third.key, them.key] }).peer.closed, undefined);
});

for (const { what, facts, closed } of [
  { what: 'keeps others away from listeners', facts: { isInbound: true }, closed: 'key not allowed' },
  { what: 'does not apply to what we dial', facts: { isInbound: false }, closed: undefined },
  { what: 'does not apply to discovery', facts: { isExemptFromAllowList: true }, closed: undefined },
]) {
  test(`the list of allowed keys ${what}`, () => {
    const host = new World().host(us, { allowedKeys: [third.key] });
    const peer = new RawPeer(host, them, { ...linkFacts(), ...facts });
    peer.greet();
    assert.equal(peer.closed, closed);
  });
}

test('a key on the list of allowed keys may enter', () => {
  const host = new World().host(us, { allowedKeys: [third.key, them.key] });
  const peer = new RawPeer(host, them);
  peer.greet();
  assert.equal(peer.closed, undefined);
});

// Section 4.9

/** Greeted, proven, every request answered; nothing is owed by either side. */
function quietPeer(): { peer: RawPeer; world: World } {
  const world = new World();
  const peer = RawPeer.up(world.host(us), them);
  world.run(2_000);
  peer.politePort = undefined;
  peer.take();
  return { peer, world };
}

test('closes a link 3 s after a frame that nothing answers', () => {
  const { peer, world } = quietPeer();
  peer.request(1n, 1n);
  assert.equal(peer.take(FRAME.sigRes).length, 1);
  world.run(2_999);
  assert.equal(peer.closed, undefined);
  world.run(1);
  assert.equal(peer.closed, 'peer silent');
});

test('a probe asks at once, and closes a link that stays silent for 3 s', () => {
  const { peer, world } = quietPeer();
  world.run(60_000);
  peer.take();
  peer.host.feed({ kind: 'probeLinks' });
  assert.equal(peer.take(FRAME.sigReq).length, 1);
  world.run(2_999);
  assert.equal(peer.closed, undefined);
  world.run(1);
  assert.equal(peer.closed, 'peer silent');
});

test('a frame that may answer what was sent before a probe is no answer to it', () => {
  const { peer, world } = quietPeer();
  peer.host.feed({ kind: 'probeLinks' });
  for (const type of [FRAME.keepAlive, FRAME.keepAlive, FRAME.dummy]) {
    world.run(480);
    peer.frame(type);
  }
  world.run(1_560);
  assert.equal(peer.closed, 'peer silent');
});

test('a frame that comes 1.5 s after a probe answers it, however slow the way is', () => {
  const { peer, world } = quietPeer();
  peer.host.feed({ kind: 'probeLinks' });
  world.run(1_500);
  peer.frame(FRAME.keepAlive);
  world.run(10_000);
  assert.equal(peer.closed, undefined);
});

test('a probe that is answered leaves the link as it was', () => {
  const { peer, world } = quietPeer();
  peer.politePort = 1n;
  for (let i = 0; i < 5; i++) {
    peer.host.feed({ kind: 'probeLinks' });
    world.run(700);
  }
  world.run(60_000);
  assert.equal(peer.closed, undefined);
});

test('after a long sleep what was awaited before is awaited anew: its answer may lie unread', () => {
  const { peer, world } = quietPeer();
  peer.request(1n, 1n);
  world.nowMs += 3_600_000;
  peer.host.feed({ kind: 'probeLinks' });
  assert.equal(peer.closed, undefined);
  world.run(2_000);
  peer.frame(FRAME.keepAlive);
  world.run(2_000);
  assert.equal(peer.closed, undefined);
});

test('a probe leaves a greeting its six seconds', () => {
  const { peer, host } = answerTo(NOTHING);
  host.feed({ kind: 'probeLinks' });
  host.world.run(5_999);
  assert.equal(peer.closed, undefined);
  host.world.run(1);
  assert.equal(peer.closed, 'greeting timeout');
});

test('any frame at all is an answer', () => {
  const { peer, world } = quietPeer();
  peer.request(1n, 1n);
  world.run(2_999);
  peer.frame(FRAME.dummy);
  world.run(60_000);
  assert.equal(peer.closed, undefined);
});

test('a frame that is not whole is no answer', () => {
  const { peer, world } = quietPeer();
  peer.request(1n, 1n);
  world.run(2_000);
  peer.send(Uint8Array.of(50, FRAME.dummy));
  world.run(1_000);
  assert.equal(peer.closed, 'peer silent');
});

test('counts the silence from the first frame that is unanswered', () => {
  const { peer, world } = quietPeer();
  const second = RawPeer.up(peer.host, them);
  world.run(2_000);
  peer.frame(FRAME.keepAlive);
  peer.request(1n, 1n);
  world.run(2_000);
  peer.take();
  peer.host.detach(second.link);
  assert.equal(peer.take(FRAME.bloomFilter).length, 1, 'the second frame');
  world.run(1_000);
  assert.equal(peer.closed, 'peer silent');
});

test('an idle link stays up and carries nothing', () => {
  const { peer, world } = quietPeer();
  world.run(100_000);
  assert.equal(peer.closed, undefined);
  assert.deepEqual(peer.take(), []);
});

test('sends a KeepAlive one second after a frame that it need not answer', () => {
  const { peer, world } = quietPeer();
  peer.frame(FRAME.announce, announceBody(third, third, { seq: 1n }));
  world.run(999);
  assert.deepEqual(peer.take(), []);
  world.run(1);
  assert.deepEqual(peer.frames, [{ type: FRAME.keepAlive, body: new Uint8Array(0) }]);
});

test('sends one KeepAlive for several frames', () => {
  const { peer, world } = quietPeer();
  for (let seq = 1n; seq < 4n; seq++) {
    peer.frame(FRAME.announce, announceBody(third, third, { seq }));
    world.run(300);
  }
  world.run(5_000);
  assert.equal(peer.take(FRAME.keepAlive).length, 1);
});

test('needs no KeepAlive when something else was sent', () => {
  const { peer, world } = quietPeer();
  peer.request(1n, 1n);
  peer.frame(FRAME.keepAlive);
  world.run(5_000);
  assert.equal(peer.take(FRAME.keepAlive).length, 0);
});

for (const type of [FRAME.dummy, FRAME.keepAlive]) {
  test(`answers no frame of type ${type}`, () => {
    const { peer, world } = quietPeer();
    peer.frame(type, Uint8Array.of(1, 2, 3));
    world.run(10_000);
    assert.deepEqual(peer.take(), []);
  });
}

test('a KeepAlive calls for no answer', () => {
  const { peer, world } = quietPeer();
  peer.frame(FRAME.announce, announceBody(third, third, { seq: 1n }));
  world.run(60_000);
  assert.equal(peer.take(FRAME.keepAlive).length, 1);
  assert.equal(peer.closed, undefined);
});

test('closes a link when a frame was begun 15 s ago and is not whole', () => {
  const { peer, world } = quietPeer();
  peer.send(Uint8Array.of(50, FRAME.dummy));
  for (let i = 0; i < 14; i++) {
    world.run(1_000);
    peer.send(Uint8Array.of(i));
  }
  world.run(999);
  assert.equal(peer.closed, undefined);
  world.run(1);
  assert.equal(peer.closed, 'frame timeout');
});

test('keeps a link on which every chunk ends inside a frame', () => {
  const { peer, world } = quietPeer();
  const frame = Uint8Array.of(3, FRAME.dummy, 0, 0);
  peer.send(frame.slice(0, 2));
  for (let i = 0; i < 40; i++) {
    world.run(1_000);
    peer.send(Buffer.concat([frame.slice(2), frame.slice(0, 2)]));
  }
  assert.equal(peer.closed, undefined);
});

test('counts octets in both directions', () => {
  const { peer, world } = quietPeer();
  const before = peer.host.node.links()[0];
  peer.request(1n, 1n);
  world.run(1);
  const after = peer.host.node.links()[0];
  assert.equal((after?.bytesReceived ?? 0) - (before?.bytesReceived ?? 0), 4);
  assert.equal((after?.bytesSent ?? 0) - (before?.bytesSent ?? 0), 1 + 1 + 2 + 1 + 64);
});

test('says for how long a link has been up', () => {
  const { peer, world } = quietPeer();
  world.run(10_000);
  peer.frame(FRAME.keepAlive);
  assert.equal(peer.host.node.links()[0]?.upMs, 12_002);
});
