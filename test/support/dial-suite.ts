/** What dialling and listening promise, for every kind that runs over TCP. */
import assert from 'node:assert/strict';
import dns from 'node:dns/promises';
import { once } from 'node:events';
import { syncBuiltinESMExports } from 'node:module';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { RatatoskError } from '../../daemon/core/error.ts';
import type { Carrier, Listener } from '../../daemon/links/link.ts';
import { parseUri } from '../../daemon/links/uri.ts';
import { type Connect, started, until } from './link-suite.ts';
import { links } from './links.ts';
import { turns, VirtualTime } from './virtual-time.ts';
import { within } from './wait.ts';

const LIMIT_MS = 5_000;
/** Nobody listens there, and no test makes it listen. */
const DEAF_PORT = 9;

/** Ends with the test, as all that is made here. */
export async function listenOn(
  t: TestContext,
  uri: string,
  accept: (carrier: Carrier) => void = () => {},
): Promise<Listener> {
  const listener = await links.listen(parseUri(uri, 'listen'), (carrier) => {
    t.after(() => carrier.close());
    accept(carrier);
  });
  t.after(() => listener.close());
  return listener;
}

export async function dialTo(t: TestContext, uri: string, sourceInterface = ''): Promise<Carrier> {
  const dialling = links.dial(parseUri(uri, 'dial'), sourceInterface, new AbortController().signal);
  const carrier = await within(`dialling ${uri}`, LIMIT_MS, dialling);
  t.after(() => carrier.close());
  return carrier;
}

/** One connection of a kind, on a listener of its own. */
export function connectOver(scheme: string): Connect {
  return async (t) => {
    const accepted: Carrier[] = [];
    const listener = await listenOn(t, `${scheme}://127.0.0.1:0`, (carrier) => accepted.push(carrier));
    const dialled = await dialTo(t, listener.uri);
    await until('the accepted end', () => accepted.length === 1);
    return [dialled, accepted[0] as Carrier];
  };
}

export function portOf(uri: string): number {
  return Number(/:(\d+)(?:\/|$)/.exec(uri)?.[1]);
}

/** A plain server that treats each connection as the test wants. */
export async function serve(t: TestContext, accept: (socket: Socket) => void, host = '127.0.0.1'): Promise<number> {
  const sockets: Socket[] = [];
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.push(socket);
    socket.on('error', () => {});
    accept(socket);
  });
  server.listen(0, host);
  await once(server, 'listening');
  t.after(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return (server.address() as AddressInfo).port;
}

/** A port where connections are neither taken nor refused: its thread sleeps and its backlog is full. */
async function deafPort(t: TestContext): Promise<number> {
  const code = `
    const { parentPort } = require('node:worker_threads');
    const server = require('node:net').createServer().listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => {
      parentPort.postMessage(server.address().port);
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
    });`;
  const worker = new Worker(code, { eval: true });
  t.after(() => worker.terminate());
  const [port] = (await once(worker, 'message')) as [number];
  // As many as the backlog takes, and one that it does not.
  for (let waiting = 0; waiting < 8; waiting++) {
    let isTaken = false;
    const socket = connect({ host: '127.0.0.1', port }, () => {
      isTaken = true;
    });
    socket.on('error', () => {});
    t.after(() => socket.destroy());
    await turns(200);
    if (!isTaken) return port;
  }
  return assert.fail('the backlog takes everything');
}

/** Names resolve to what the test says. */
function resolveTo(t: TestContext, ...addresses: string[]): void {
  const answer = addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }));
  t.mock.method(dns, 'lookup', async () => answer);
  syncBuiltinESMExports();
  t.after(() => {
    t.mock.restoreAll();
    syncBuiltinESMExports();
  });
}

const dialFailed = (says: RegExp) => (error: unknown) => {
  assert.ok(error instanceof RatatoskError);
  assert.equal(error.code, 'DIAL_FAILED');
  assert.match(error.message, says);
  return true;
};

export function dialSuite(scheme: string): void {
  const never = new AbortController().signal;
  const dial = (address: string, sourceInterface = '', signal = never): Promise<Carrier> => {
    const uri = parseUri(`${scheme}://${address}`, 'dial');
    return within(`dialling ${address}`, LIMIT_MS, links.dial(uri, sourceInterface, signal));
  };

  test(`${scheme}: a listener shows the port that it really has`, async (t) => {
    const listener = await listenOn(t, `${scheme}://127.0.0.1:0?password=hunter2`);
    assert.match(listener.uri, new RegExp(`^${scheme}://127\\.0\\.0\\.1:[1-9]\\d*$`));
    await dialTo(t, listener.uri);
  });

  test(`${scheme}: a listener on an IPv6 address shows its brackets`, async (t) => {
    const listener = await listenOn(t, `${scheme}://[::1]:0`);
    assert.match(listener.uri, new RegExp(`^${scheme}://\\[::1\\]:\\d+$`));
    const carrier = await dialTo(t, listener.uri);
    assert.equal(carrier.remoteHost, '::1');
  });

  test(`${scheme}: a listener without a host takes connections over IPv4 and IPv6`, async (t) => {
    const hosts: string[] = [];
    const listener = await listenOn(t, `${scheme}://:0`, ({ remoteHost }) => hosts.push(remoteHost));
    await dialTo(t, `${scheme}://127.0.0.1:${portOf(listener.uri)}`);
    await dialTo(t, `${scheme}://[::1]:${portOf(listener.uri)}`);
    await until('both', () => hosts.length === 2);
    assert.deepEqual(hosts, ['::ffff:127.0.0.1', '::1']);
  });

  test(`${scheme}: an accepted link names the other end, its options are the listener's`, async (t) => {
    const accepted: Carrier[] = [];
    const listener = await listenOn(t, `${scheme}://127.0.0.1:0?password=pw&priority=3`, (one) => accepted.push(one));
    await dialTo(t, `${listener.uri}?password=other`);
    await until('the accepted end', () => accepted.length === 1);
    const [{ facts, remoteHost }] = accepted as [Carrier];
    assert.match(facts.uri, new RegExp(`^${scheme}://127\\.0\\.0\\.1:\\d+$`));
    assert.equal(remoteHost, '127.0.0.1');
    assert.deepEqual([facts.priority, Buffer.from(facts.password).toString()], [3, 'pw']);
    assert.deepEqual([facts.pinnedKeys, facts.isExemptFromAllowList], [[], false]);
  });

  test(`${scheme}: a dialled link has the options of its URI, and not in its name`, async (t) => {
    const listener = await listenOn(t, `${scheme}://127.0.0.1:0`);
    const key = 'ab'.repeat(32);
    const { facts } = await dialTo(t, `${listener.uri}?key=${key}&priority=9&password=pw`);
    assert.equal(facts.uri, listener.uri);
    assert.deepEqual([facts.priority, Buffer.from(facts.password).toString()], [9, 'pw']);
    assert.deepEqual(
      facts.pinnedKeys.map((pinned) => Buffer.from(pinned).toString('hex')),
      [key],
    );
  });

  test(`${scheme}: a port in use is an error with a remedy`, async (t) => {
    const { uri } = await listenOn(t, `${scheme}://127.0.0.1:0`);
    await assert.rejects(listenOn(t, uri), (error: unknown) => {
      assert.ok(error instanceof RatatoskError);
      assert.equal(error.code, 'LISTEN_FAILED');
      assert.equal(error.message, `Cannot listen on ${uri}: another process uses this port: stop it or choose another`);
      return true;
    });
  });

  test(`${scheme}: an address of another machine cannot be listened on`, async (t) => {
    await assert.rejects(listenOn(t, `${scheme}://198.51.100.7:0`), { code: 'LISTEN_FAILED', message: /no interface/ });
  });

  test(`${scheme}: closing a listener waits for no link, ends none, and frees the port`, async (t) => {
    const accepted: Carrier[] = [];
    const listener = await listenOn(t, `${scheme}://127.0.0.1:0`, (carrier) => accepted.push(carrier));
    const near = started(await dialTo(t, listener.uri));
    await until('the accepted end', () => accepted.length === 1);
    const far = accepted[0] as Carrier;
    const farEar = started(far);
    await within('closing the listener', LIMIT_MS, listener.close());
    await assert.rejects(dial(`127.0.0.1:${portOf(listener.uri)}`), { code: 'DIAL_FAILED' });
    await listenOn(t, listener.uri);
    far.write(Uint8Array.of(7));
    await near.heard(1);
    assert.deepEqual([near.reasons, farEar.reasons], [[], []]);
  });

  test(`${scheme}: closing a listener twice is harmless`, async (t) => {
    const listener = await listenOn(t, `${scheme}://127.0.0.1:0`);
    await listener.close();
    await within('closing it again', LIMIT_MS, listener.close());
  });

  test(`${scheme}: a refused connection is an error that names the address`, async () => {
    await assert.rejects(dial(`127.0.0.1:${DEAF_PORT}`), dialFailed(/ECONNREFUSED 127\.0\.0\.1:9/));
  });

  test(`${scheme}: a connect that nobody answers ends after 5 s`, async (t) => {
    const port = await deafPort(t);
    const time = new VirtualTime(t);
    const dialling = links.dial(parseUri(`${scheme}://127.0.0.1:${port}`, 'dial'), '', never);
    let error: unknown;
    dialling.catch((reason: unknown) => {
      error = reason;
    });
    await turns();
    time.tick(4_999);
    await turns();
    assert.equal(error, undefined);
    time.tick(1);
    await turns();
    dialFailed(/connecting to 127\.0\.0\.1 took longer than 5 s/)(error);
  });

  test(`${scheme}: a dial that is called off ends at once`, async (t) => {
    const port = await deafPort(t);
    const stop = new AbortController();
    const dialling = dial(`127.0.0.1:${port}`, '', stop.signal);
    const refused = assert.rejects(dialling, dialFailed(/called off/));
    await turns();
    stop.abort();
    await refused;
  });

  test(`${scheme}: a dial that was called off beforehand connects to nobody`, async (t) => {
    let connections = 0;
    const port = await serve(t, () => connections++);
    await assert.rejects(dial(`127.0.0.1:${port}`, '', AbortSignal.abort()), dialFailed(/called off/));
    await turns();
    assert.equal(connections, 0);
  });

  test(`${scheme}: a dial that is called off while a name is looked up ends at once`, async (t) => {
    t.mock.method(dns, 'lookup', () => new Promise(() => {}));
    syncBuiltinESMExports();
    t.after(() => {
      t.mock.restoreAll();
      syncBuiltinESMExports();
    });
    const stop = new AbortController();
    const refused = assert.rejects(dial('mesh.example:1', '', stop.signal), dialFailed(/called off/));
    await turns();
    stop.abort();
    await refused;
  });

  const forbidden = [
    '[200::1]',
    '[2ff:ffff::1]',
    '[300::1]',
    '[3ff::1]',
    '[ff02::1]',
    '[::]',
    '0.0.0.0',
    '224.0.0.1',
    '239.255.255.255',
    '[::ffff:0.0.0.0]',
    '[::ffff:224.0.0.1]',
    '[200::1%lo]',
  ];
  for (const host of forbidden) {
    test(`${scheme}: ${host} is never dialled`, async () => {
      await assert.rejects(dial(`${host}:1`), dialFailed(/no address that a link may use/));
    });
  }

  test(`${scheme}: a name whose addresses are all forbidden is not dialled`, async (t) => {
    resolveTo(t, '200::1', '0.0.0.0');
    await assert.rejects(dial('mesh.example:1'), dialFailed(/mesh\.example has no address that a link may use/));
  });

  test(`${scheme}: the addresses of a name are tried in order, forbidden ones left out`, async (t) => {
    const listener = await listenOn(t, `${scheme}://127.0.0.1:0`);
    resolveTo(t, '200::1', '127.0.0.2', '::1', '127.0.0.1');
    const carrier = await dialTo(t, `${scheme}://mesh.example:${portOf(listener.uri)}`);
    assert.equal(carrier.remoteHost, '127.0.0.1');
    assert.equal(carrier.facts.uri, `${scheme}://mesh.example:${portOf(listener.uri)}`);
  });

  test(`${scheme}: an address that is silent for 250 ms is not waited for, the next one is tried`, async (t) => {
    const port = await deafPort(t);
    const accepted: Carrier[] = [];
    await listenOn(t, `${scheme}://127.0.0.2:${port}`, (carrier) => accepted.push(carrier));
    resolveTo(t, '127.0.0.1', '127.0.0.2');
    const time = new VirtualTime(t);
    const dialled: Carrier[] = [];
    links.dial(parseUri(`${scheme}://mesh.example:${port}`, 'dial'), '', never).then((carrier) => {
      t.after(() => carrier.close());
      dialled.push(carrier);
    }, assert.fail);
    await turns();
    time.tick(249);
    await turns();
    assert.equal(dialled.length, 0);
    time.tick(1);
    for (let i = 0; i < 100 && dialled.length + accepted.length < 2; i++) await turns();
    assert.equal(dialled[0]?.remoteHost, '127.0.0.2');
  });

  test(`${scheme}: when every address fails the last one is named`, async (t) => {
    resolveTo(t, '127.0.0.3', '127.0.0.2');
    await assert.rejects(dial(`mesh.example:${DEAF_PORT}`), dialFailed(/127\.0\.0\.2/));
  });

  test(`${scheme}: a name that does not resolve is an error that says so`, async (t) => {
    t.mock.method(dns, 'lookup', () => Promise.reject(new Error('ENOTFOUND')));
    syncBuiltinESMExports();
    t.after(() => {
      t.mock.restoreAll();
      syncBuiltinESMExports();
    });
    await assert.rejects(dial('mesh.example:1'), dialFailed(/the name mesh\.example does not resolve/));
  });

  test(`${scheme}: a source interface gives the address to connect from`, async (t) => {
    const accepted: Carrier[] = [];
    const listener = await listenOn(t, `${scheme}://127.0.0.1:0`, (carrier) => accepted.push(carrier));
    await dialTo(t, listener.uri, 'lo');
    await until('the accepted end', () => accepted.length === 1);
    assert.equal(accepted[0]?.remoteHost, '127.0.0.1');
  });

  test(`${scheme}: a source interface that is not there is an error that names it`, async () => {
    await assert.rejects(
      dial(`127.0.0.1:${DEAF_PORT}`, 'nowhere0'),
      dialFailed(/interface nowhere0 has no IPv4 address/),
    );
  });
}

/** What the dialler does with a server that takes the connection and never says a word. `what` is what it waits for. */
export function silenceSuite(what: string, uriOf: (port: number) => string): void {
  async function dialSilent(t: TestContext, signal = new AbortController().signal) {
    const sockets: Socket[] = [];
    const port = await serve(t, (socket) => sockets.push(socket.resume()));
    const dialling = links.dial(parseUri(uriOf(port), 'dial'), '', signal);
    const isEnded = (): boolean => sockets.every((socket) => socket.readableEnded || socket.destroyed);
    return { dialling, isOpen: () => sockets.length === 1, isEnded };
  }

  test(`${what}: what is not answered ends after 10 s, and the connection with it`, async (t) => {
    const time = new VirtualTime(t);
    const { dialling, isOpen, isEnded } = await dialSilent(t);
    let error: unknown;
    dialling.catch((reason: unknown) => {
      error = reason;
    });
    while (!isOpen()) await turns(1);
    await turns();
    time.tick(9_999);
    await turns();
    assert.equal(error, undefined);
    time.tick(1);
    await turns();
    assert.match(String(error), new RegExp(`${what} took longer than 10 s`));
    while (!isEnded()) await turns(1);
  });

  test(`${what}: what is called off ends at once`, async (t) => {
    const stop = new AbortController();
    const { dialling, isOpen, isEnded } = await dialSilent(t, stop.signal);
    const refused = assert.rejects(dialling, dialFailed(/called off/));
    await until('the connection', isOpen);
    stop.abort();
    await within('the end', LIMIT_MS, refused);
    await until('its end', isEnded);
  });
}
