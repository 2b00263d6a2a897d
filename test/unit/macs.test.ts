/** Vectors L1 for the MACs, cookies and whole packets of the handshake, both roles. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { carrierAddress } from '../../daemon/core/link/datagram/addresses.ts';
import { CookieJar } from '../../daemon/core/link/datagram/cookies.ts';
import { MacBatch } from '../../daemon/core/link/datagram/mac-batch.ts';
import { macKeys, openCookie, withMac2, withMacs } from '../../daemon/core/link/datagram/macs.ts';
import { prologueOf } from '../../daemon/core/link/datagram/prologue.ts';
import { NoiseHandshake } from '../../daemon/core/noise.ts';
import {
  COOKIE_NONCE_AT,
  INIT_MAC1_AT,
  NOISE_AT,
  PACKET,
  RESP_MAC1_AT,
  writeHead,
} from '../../daemon/wire/link-packets.ts';
import { Chance, contextOf, crypto, identity } from '../support/core.ts';
import { addressRowOf } from '../support/datagram-world.ts';
import { ephemeralPair, fromHex, identityKey, linkVectors, staticPair, toHex } from '../support/link-vectors.ts';

for (const vector of linkVectors.link) {
  const psk = fromHex(vector.psk);
  const towardsA = macKeys(crypto, psk, identityKey('A'));
  const towardsB = macKeys(crypto, psk, identityKey('B'));

  test(`INIT and RESP are those of the vectors in both roles, ${vector.name}`, () => {
    const head = writeHead(PACKET.init, vector.index_A);
    const prologue = prologueOf(identityKey('B'), head);
    assert.equal(toHex(prologue), vector.prologue);
    const a = new NoiseHandshake(crypto, {
      pattern: 'IKpsk1',
      isInitiator: true,
      prologue,
      staticPair: staticPair('A'),
      remoteStatic: staticPair('B').publicKey,
      psk,
    });
    const first = a.writeMessage(ephemeralPair('A', crypto.x25519Pair), fromHex(vector.payload1));
    assert.ok(first);
    const init = withMacs(crypto, towardsB, [head, first]);
    assert.equal(toHex(init), vector.INIT);
    assert.ok(hasMac(towardsB.mac1, init, INIT_MAC1_AT));

    const b = new NoiseHandshake(crypto, {
      pattern: 'IKpsk1',
      isInitiator: false,
      prologue: prologueOf(identityKey('B'), init),
      staticPair: staticPair('B'),
      remoteStatic: undefined,
      psk,
    });
    const message = init.subarray(NOISE_AT, INIT_MAC1_AT);
    assert.deepEqual(b.readStatic(message), staticPair('A').publicKey);
    assert.equal(toHex(b.readMessage(message) ?? message), vector.payload1);
    const second = b.writeMessage(ephemeralPair('B', crypto.x25519Pair), fromHex(vector.payload2));
    assert.ok(second);
    const resp = withMacs(crypto, towardsA, [writeHead(PACKET.resp, vector.index_A), second]);
    assert.equal(toHex(resp), vector.RESP);
    assert.ok(hasMac(towardsA.mac1, resp, RESP_MAC1_AT));
    assert.equal(toHex(a.readMessage(resp.subarray(NOISE_AT, RESP_MAC1_AT)) ?? message), vector.payload2);
    const keys = a.split();
    assert.equal(toHex(keys.send), vector.key_i2r);
    assert.deepEqual(b.split(), { send: keys.receive, receive: keys.send });
  });

  test(`COOKIE and mac2 are those of the vectors in both roles, ${vector.name}`, () => {
    const init = fromHex(vector.INIT);
    const { secret, address_bytes, nonce, COOKIE, INIT_with_mac2 } = vector.cookie;
    const cookie = fromHex(vector.cookie.cookie);
    // The hash seed of the context is drawn before.
    const drawn = ['00000000', secret, nonce];
    const jar = new CookieJar(
      contextOf(identity(1), { random: (octets) => octets.set(fromHex(drawn.shift() ?? '')) }),
      1,
    );
    const [packet = init] = jar.answers([
      { packet: init, mac1At: INIT_MAC1_AT, address: fromHex(address_bytes), password: { own: towardsB } },
    ]);
    assert.equal(toHex(packet), COOKIE);
    const mac1 = init.subarray(INIT_MAC1_AT);
    assert.deepEqual(openCookie(crypto, towardsB, packet, mac1), cookie);
    assert.equal(toHex(withMac2(crypto, cookie, init)), INIT_with_mac2);
    for (let i = COOKIE_NONCE_AT; i < packet.length; i++) {
      const changed = packet.slice();
      changed[i] = (changed[i] as number) ^ 1;
      assert.equal(openCookie(crypto, towardsB, changed, mac1), undefined);
    }
  });
}

test('a cookie is good for its address, for the life of two secrets', () => {
  const context = contextOf(identity(1));
  const jar = new CookieJar(context, 4);
  const keys = macKeys(crypto, new Uint8Array(32), context.key);
  const init = fromHex(linkVectors.link[0]?.INIT ?? '');
  const caller = (packet: Uint8Array, row: Uint8Array) => {
    return { packet, mac1At: INIT_MAC1_AT, address: carrierAddress(row), password: { own: keys } };
  };
  const [packet = init] = jar.answers([caller(init, addressRowOf(1))]);
  const cookie = openCookie(crypto, keys, packet, init.subarray(INIT_MAC1_AT));
  assert.ok(cookie);
  const shown = withMac2(crypto, cookie, init);
  const changed = shown.slice();
  changed[changed.length - 1] = (changed.at(-1) as number) ^ 1;
  const right = caller(shown, addressRowOf(1));
  const others = [
    caller(shown, addressRowOf(2)),
    caller(shown, addressRowOf(1, 9_001)),
    caller(changed, addressRowOf(1)),
  ];
  const without = caller(init, addressRowOf(1));
  assert.deepEqual([...jar.shown([...others, right])], [right]);
  assert.deepEqual([...jar.shown([without])], []);
  context.nowMs = 239_999;
  assert.deepEqual([...jar.shown([...others, right])], [right]);
  context.nowMs = 240_000;
  assert.deepEqual([...jar.shown([right])], []);
});

test('of many MACs each has its own key and text', () => {
  const chance = new Chance(3);
  const rows = Array.from({ length: 32 }, (_, i) => {
    return { key: chance.octets(i % 2 === 0 ? 32 : 16), text: chance.octets((i * 37) % 140) };
  });
  const macs = new MacBatch(crypto, rows.length);
  for (let round = 0; round < 2; round++) {
    macs.clear();
    for (const { key, text } of rows) macs.add(key, text);
    macs.sign();
    rows.forEach(({ key, text }, i) => {
      assert.equal(toHex(macs.digest(i)), toHex(crypto.hmacSha256(key, text)));
    });
    rows.reverse();
  }
});

test('the address in a cookie is that of the vectors: IPv4 and port in 6 octets, IPv6 and port in 18', () => {
  const row = new Uint8Array(24);
  row.set([0xff, 0xff, 192, 0, 2, 7], 10);
  row.set([0x9c, 0x40], 20);
  assert.equal(toHex(carrierAddress(row)), linkVectors.link[0]?.cookie.address_bytes);
  row.fill(0x20, 0, 16);
  assert.equal(toHex(carrierAddress(row)), `${'20'.repeat(16)}9c40`);
  assert.equal(carrierAddress(new Uint8Array(24)).length, 0);
});

function hasMac(key: Uint8Array, packet: Uint8Array, at: number): boolean {
  const macs = new MacBatch(crypto, 1);
  macs.add(key, packet.subarray(0, at));
  macs.sign();
  return macs.isAt(0, packet, at);
}
