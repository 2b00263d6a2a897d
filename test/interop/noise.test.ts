import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { NoiseHandshake, type NoisePattern } from '../../daemon/core/noise.ts';
import { openOne, sealOne } from '../../daemon/core/one-aead.ts';
import type { KeyPair } from '../../daemon/core/port.ts';
import { crypto } from '../support/core.ts';
import { fromHex, toHex } from '../support/link-vectors.ts';
import { supportFile } from '../support/places.ts';

/** Debian's own: the other implementation is a package of its. */
const PYTHON = '/usr/bin/python3';
const ROUNDS = 125;
const HEAD = new TextEncoder().encode('head');
const RECORD = new TextEncoder().encode('record');

const isThere = spawnSync(PYTHON, ['-c', 'import dissononce']).status === 0;
const skip = isThere ? false : 'needs python3-dissononce (apt-get install python3-dissononce)';

type Answer = Partial<Record<'message' | 'payload' | 'remote' | 'hash' | 'sealed' | 'text', string>>;

/** The other side. */
class Other {
  readonly #child: ChildProcess;
  readonly #lines: AsyncIterator<string>;

  constructor() {
    const child = spawn(PYTHON, [supportFile('noise.py')], { stdio: ['pipe', 'pipe', 'inherit'] });
    this.#child = child;
    this.#lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  }

  async ask(question: object): Promise<Answer> {
    this.#child.stdin?.write(`${JSON.stringify(question)}\n`);
    const { value, done } = await this.#lines.next();
    assert.ok(done !== true, 'the other side has ended');
    return JSON.parse(value);
  }

  async end(): Promise<void> {
    const closed = once(this.#child, 'close');
    this.#child.stdin?.end();
    await closed;
  }
}

const octets = (count: number): Uint8Array => new Uint8Array(randomBytes(count));
const pair = (): KeyPair => crypto.x25519Pair(octets(32));
const hex = (text: string | undefined): Uint8Array => fromHex(text ?? assert.fail('nothing was answered'));

/** One handshake and one record each way, everything random. */
async function shake(other: Other, pattern: NoisePattern, isInitiator: boolean, psk: Uint8Array): Promise<void> {
  const [ours, theirs] = [pair(), pair()];
  const [prologue, payload, theirPayload] = [octets(54), octets(22), octets(20)];
  const knows = (isFirst: boolean) => pattern === 'KKpsk0' || isFirst;
  const handshake = new NoiseHandshake(crypto, {
    pattern,
    isInitiator,
    prologue,
    staticPair: ours,
    remoteStatic: knows(isInitiator) ? theirs.publicKey : undefined,
    psk,
  });
  const started = await other.ask({
    start: {
      pattern,
      isInitiator: !isInitiator,
      prologue: toHex(prologue),
      psk: toHex(psk),
      private: toHex(theirs.privateKey),
      remote: knows(!isInitiator) ? toHex(ours.publicKey) : null,
      payload: toHex(theirPayload),
    },
  });
  if (!isInitiator) assert.deepEqual(handshake.readMessage(hex(started.message)), theirPayload);
  const message = handshake.writeMessage(pair(), payload);
  const answer = await other.ask({ message: toHex(message ?? assert.fail('nothing was written')) });
  if (isInitiator) assert.deepEqual(handshake.readMessage(hex(answer.message)), theirPayload);
  assert.equal(answer.payload, toHex(payload));
  assert.equal(answer.remote, toHex(ours.publicKey));
  assert.deepEqual(handshake.remoteStatic, theirs.publicKey);
  assert.equal(answer.hash, toHex(handshake.handshakeHash));
  const { send, receive } = handshake.split();
  assert.deepEqual(openOne(crypto.aead, receive, 0, HEAD, hex(answer.sealed)), RECORD);
  const { text } = await other.ask({ sealed: toHex(sealOne(crypto.aead, send, 0, HEAD, RECORD)) });
  assert.equal(text, toHex(RECORD));
}

test('L2: 1000 of 1000 handshakes with another implementation succeed', { skip, timeout: 120_000 }, async (t) => {
  const other = new Other();
  let done = 0;
  for (const pattern of ['IKpsk1', 'KKpsk0'] as const) {
    for (const isInitiator of [true, false]) {
      for (const hasPassword of [false, true]) {
        for (let i = 0; i < ROUNDS; i++) {
          await shake(other, pattern, isInitiator, hasPassword ? octets(32) : new Uint8Array(32));
          done++;
        }
      }
    }
  }
  await other.end();
  t.diagnostic(`${done} handshakes, both patterns and roles, with and without a password`);
  assert.equal(done, 1_000);
});
