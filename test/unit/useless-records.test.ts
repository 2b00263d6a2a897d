import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import type { Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { type TLSSocket, connect as tlsConnect } from 'node:tls';
import type { Carrier } from '../../daemon/links/link.ts';
import { boundUselessRecords } from '../../daemon/links/useless-records.ts';
import { listenOn, portOf } from '../support/dial-suite.ts';
import { started, until } from '../support/link-suite.ts';
import { needsTool } from '../support/needs.ts';
import { python, supportFile } from '../support/places.ts';
import { turns, VirtualTime } from '../support/virtual-time.ts';

const MAX = 262_144;

/** What the bound sees of a connection. */
class FakeSocket extends EventEmitter {
  bytesRead = 452;
  destroyed = false;
  reason = '';

  constructor() {
    super();
    boundUselessRecords(this as unknown as TLSSocket, this as unknown as Socket);
  }

  record(size: number): void {
    this.bytesRead += size + 22;
    if (size > 0) this.emit('data', new Uint8Array(size));
  }

  destroy(error: Error): void {
    this.reason = error.message;
    this.emit('close');
  }
}

test('256 KiB without a message are borne, one octet more ends the connection', (t) => {
  const time = new VirtualTime(t);
  const socket = new FakeSocket();
  for (let i = 0; i < 20_000; i++) socket.record(1 + (i % 16_384));
  socket.bytesRead += MAX;
  time.tick(2_000);
  assert.equal(socket.reason, '');
  socket.bytesRead++;
  time.tick(1_000);
  assert.equal(socket.reason, 'too many TLS records without a message');
  const { fired } = time;
  time.tick(10_000);
  assert.equal(time.fired, fired, 'no timer is left');
});

test('messages between them do not pay for more', (t) => {
  const time = new VirtualTime(t);
  const socket = new FakeSocket();
  for (let i = 0; i < 11_915; i++) {
    socket.record(0);
    socket.record(16_384);
  }
  time.tick(1_000);
  assert.equal(socket.reason, '');
  socket.record(0);
  time.tick(1_000);
  assert.notEqual(socket.reason, '');
});

async function accepted(t: TestContext): Promise<{ port: number; carriers: Carrier[] }> {
  const carriers: Carrier[] = [];
  const listener = await listenOn(t, 'tls://127.0.0.1:0', (carrier) => carriers.push(carrier));
  return { port: portOf(listener.uri), carriers };
}

test('a link of 15 000 tiny records lives on: what TLS adds to them is not counted', async (t) => {
  const { port, carriers } = await accepted(t);
  const time = new VirtualTime(t);
  const socket = tlsConnect({ port, host: '127.0.0.1', rejectUnauthorized: false });
  t.after(() => socket.destroy());
  await once(socket, 'secureConnect');
  await until('the accepted end', () => carriers.length === 1);
  const ear = started(carriers[0] as Carrier);
  for (let i = 0; i < 15_000; i++) {
    socket.write('a');
    await turns(1);
  }
  await ear.heard(15_000);
  time.tick(1_000);
  await turns();
  assert.deepEqual(ear.reasons, []);
});

const skip = needsTool('python3') ?? false;

test('who floods with KeyUpdate and reads no answer is cut off', { skip }, async (t) => {
  const { port, carriers } = await accepted(t);
  const flood = execFile(python, [supportFile('key-updates.py'), String(port)]);
  t.after(() => flood.kill());
  const left = once(flood, 'close') as Promise<[number]>;
  const isMissing = left.then(([code]) => code === 77);
  await Promise.race([isMissing, until('the accepted end', () => carriers.length === 1)]);
  if (carriers.length === 0) return t.skip('needs libssl.so.3');
  const ear = started(carriers[0] as Carrier);
  await ear.ended();
  assert.deepEqual(ear.reasons, ['too many TLS records without a message']);
  assert.equal(ear.length, 0);
});
