import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { inBulk } from '../../daemon/links/bulk-socket.ts';
import { until } from '../support/link-suite.ts';

/** Both ends of a connection, and the server that took it. */
async function connection(t: TestContext): Promise<{ dialled: Socket; accepted: Socket; server: Server }> {
  const server = createServer({ pauseOnConnect: true });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  assert.ok(typeof address === 'object' && address !== null);
  const taken = once(server, 'connection') as Promise<[Socket]>;
  const dialled = connect(address.port, '127.0.0.1');
  const [accepted] = await taken;
  await until('the connection', () => !dialled.connecting);
  t.after(() => {
    dialled.destroy();
    server.close();
  });
  return { dialled, accepted, server };
}

test('every read goes to the same buffer, in order and whole', async (t) => {
  const { dialled, accepted } = await connection(t);
  const bulk = inBulk(accepted);
  t.after(() => bulk.destroy());
  const buffers = new Set<ArrayBufferLike>();
  const sent = Buffer.from(Array.from({ length: 2_000_000 }, (_, i) => (i * 31) >>> 3));
  const heard: Buffer[] = [];
  bulk.on('data', (octets) => {
    buffers.add(octets.buffer);
    heard.push(Buffer.from(octets));
  });
  bulk.resume();
  dialled.end(sent);
  await once(bulk, 'end');
  assert.equal(buffers.size, 1);
  assert.ok(Buffer.concat(heard).equals(sent));
});

test('it is the same connection: its addresses, its other direction, its pauses', async (t) => {
  const { dialled, accepted } = await connection(t);
  const port = accepted.remotePort;
  const bulk = inBulk(accepted);
  t.after(() => bulk.destroy());
  assert.deepEqual([bulk.remoteAddress, bulk.remotePort], ['127.0.0.1', port]);
  const answer = once(dialled, 'data') as Promise<[Buffer]>;
  bulk.write('hello');
  assert.equal(String((await answer)[0]), 'hello');
  let size = 0;
  bulk.on('data', (octets) => {
    size += octets.length;
    bulk.pause();
  });
  bulk.resume();
  dialled.write(Buffer.alloc(3_000_000));
  await until('the first octets', () => size > 0);
  assert.ok(size <= 262_144);
  bulk.on('pause', () => setImmediate(() => bulk.resume()));
  bulk.resume();
  await until('all of them', () => size === 3_000_000);
});

test('what had been read before it was taken over comes first', async (t) => {
  const { dialled, accepted } = await connection(t);
  accepted.write('first');
  await until('the octets in the socket', () => dialled.readableLength > 0);
  const bulk = inBulk(dialled);
  t.after(() => bulk.destroy());
  accepted.write('second');
  let heard = '';
  bulk.on('data', (octets) => {
    heard += octets.toString();
  });
  bulk.resume();
  await until('both', () => heard.length === 11);
  assert.equal(heard, 'firstsecond');
});

test('the server that took the connection counts it no longer, and lets it live', async (t) => {
  const { dialled, accepted, server } = await connection(t);
  const bulk = inBulk(accepted);
  t.after(() => bulk.destroy());
  server.close();
  await once(server, 'close');
  bulk.write('still here');
  assert.equal(String(((await once(dialled, 'data')) as [Buffer])[0]), 'still here');
});

test('a connection that is gone stays as it is', async (t) => {
  const { accepted } = await connection(t);
  accepted.destroy();
  assert.equal(inBulk(accepted), accepted);
});
