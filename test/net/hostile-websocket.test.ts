import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { test } from 'node:test';
import { WebSocket } from 'ws';
import { openGate } from '../support/gate.ts';
import { greeting } from '../support/greeting.ts';
import { testIdentity } from '../support/identity.ts';
import { withLab } from '../support/lab.ts';
import { needsMesh } from '../support/needs.ts';
import { waitFor, within } from '../support/wait.ts';

const PORT = 9300;
const LIMIT_MS = 5000;

test(
  'a ws listener answers what is no peer as the reference does, and still takes a peer',
  { skip: needsMesh('ratatosk'), timeout: 60_000 },
  withLab(async (lab, t) => {
    const netns = await lab.netns('ws');
    const listen = [`ws://127.0.0.1:${PORT}`];
    const node = lab.node('ws', { kind: 'ratatosk', netns, identity: testIdentity(0), listen, hasTun: false });
    await node.start();
    const gate = await openGate(lab, netns, '127.0.0.1', PORT);
    const dial = (protocols: string[], headers: Record<string, string> = {}) =>
      new WebSocket(`ws+unix:${gate}:/`, protocols, {
        headers: { Host: 'mesh', ...headers },
        handshakeTimeout: LIMIT_MS,
      });

    for (const path of ['/health', '/healthz']) {
      await t.test(`${path} is answered with OK`, async () => {
        assert.deepEqual(await httpGet(gate, path), { status: 200, body: 'OK' });
      });
    }
    await t.test('a request that is no upgrade gets 426', async () => {
      assert.equal((await httpGet(gate, '/')).status, 426);
    });
    await t.test('a foreign origin gets 403', async () => {
      const [, response] = await event<[unknown, IncomingMessage]>(
        dial(['ygg-ws'], { Origin: 'http://elsewhere.example' }),
        'unexpected-response',
      );
      assert.equal(response.statusCode, 403);
    });
    await t.test('without the sub-protocol the connection is closed with 1008', async () => {
      assert.equal((await event<[number]>(dial([]), 'close'))[0], 1008);
    });
    await t.test('a text message ends the link with 1003', async () => {
      const socket = dial(['ygg-ws']);
      await event(socket, 'open');
      socket.send('meta');
      assert.equal((await event<[number]>(socket, 'close'))[0], 1003);
    });
    await t.test('a greeting in single octets is taken', async () => {
      const socket = dial(['ygg-ws']);
      let octets = 0;
      socket.on('message', (data: Buffer) => {
        octets += data.length;
      });
      await event(socket, 'open');
      for (const octet of greeting(testIdentity(7))) socket.send(Uint8Array.of(octet));
      // The greeting of the daemon has 123 octets; what follows is the first frame.
      await waitFor('a frame', () => octets > 123);
      socket.terminate();
    });
  }),
);

async function httpGet(socketPath: string, path: string): Promise<{ status: number | undefined; body: string }> {
  const asked = request({ socketPath, path, headers: { Host: 'mesh' } });
  asked.end();
  const [response] = (await within(`GET ${path}`, LIMIT_MS, once(asked, 'response'))) as [IncomingMessage];
  let body = '';
  for await (const chunk of response) body += chunk;
  return { status: response.statusCode, body };
}

/** `once` would take an error for the answer to every question. */
function event<T extends unknown[]>(socket: WebSocket, name: string): Promise<T> {
  socket.on('error', () => undefined);
  const happened = new Promise<T>((resolve) => socket.once(name, (...args: unknown[]) => resolve(args as T)));
  return within(`the event ${name}`, LIMIT_MS, happened);
}
