import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { Node } from '../../daemon/core/node.ts';
import type { CoreEvent, DatagramBatch, DialId, Input, LinkId, PublicKey, Sink } from '../../daemon/core/port.ts';
import { Driver } from '../../daemon/driver.ts';
import { resolveHost } from '../../daemon/links/connect.ts';
import type { DatagramCarrier, DatagramEvents } from '../../daemon/links/datagram.ts';
import type { UdpOptions } from '../../daemon/links/udp.ts';
import { parseUri } from '../../daemon/links/uri.ts';
import { Sockets } from '../../daemon/sockets.ts';
import { identity, nodeOptions } from '../support/core.ts';
import { turns } from '../support/virtual-time.ts';

/** A node that remembers what it was given and tells what the test says. */
class ScriptedNode extends Node {
  readonly inputs: Input[] = [];
  readonly closed: LinkId[] = [];
  #events: CoreEvent[] = [];
  driver: Driver | undefined;

  constructor() {
    super(nodeOptions(identity(0)));
  }

  override handle(input: Input): void {
    this.inputs.push({ ...input });
  }

  override drain(sink: Sink): void {
    for (const event of this.#events.splice(0)) sink.event(event);
  }

  override deadline(): number {
    return Number.POSITIVE_INFINITY;
  }

  override closeLink(link: LinkId): void {
    this.closed.push(link);
  }

  tell(event: CoreEvent): void {
    this.#events.push(event);
    this.driver?.feed({ kind: 'timer' });
  }

  of<K extends Input['kind']>(kind: K): Extract<Input, { kind: K }>[] {
    return this.inputs.filter((input): input is Extract<Input, { kind: K }> => input.kind === kind);
  }
}

class FakeSocket implements DatagramCarrier {
  readonly facts;
  readonly sent: DatagramBatch[] = [];
  events: DatagramEvents | undefined;
  isClosed = false;

  constructor(options: UdpOptions) {
    const { host, psk, priority, cost, isSlow } = options;
    const port = options.port === 0 ? 40_000 : options.port;
    const uri = `udp://${host.includes(':') ? `[${host}]` : host}:${port}`;
    this.facts = {
      uri,
      carrierClass: 'U' as const,
      mtu: 1_472,
      psk,
      priority,
      cost,
      isExemptFromAllowList: false,
      isSlow,
    };
  }

  start(events: DatagramEvents): void {
    this.events = events;
  }

  send(batch: DatagramBatch): number {
    this.sent.push(batch);
    return batch.count;
  }

  close(): void {
    this.isClosed = true;
  }
}

const KEY = '29acbae141bccaf0b22e1a94d34d0bc7361e526d0bfe12c89794bc9322966dd7';
const pskHex = (number: number) => number.toString(16).padStart(64, '0');

function scene(t: TestContext) {
  const node = new ScriptedNode();
  const driver = new Driver(node, undefined, () => {});
  node.driver = driver;
  t.after(() => driver.stop());
  const opened: { options: UdpOptions; socket: FakeSocket }[] = [];
  const lost: string[] = [];
  const sockets = new Sockets(driver, (uri, reason) => lost.push(`${uri} ${reason}`), {
    open: async (options) => {
      const socket = new FakeSocket(options);
      opened.push({ options, socket });
      return socket;
    },
    resolve: async (uri, signal) =>
      uri.host === 'two.example' ? ['192.0.2.1', '192.0.2.2'] : resolveHost(uri, signal),
  });
  const told: string[] = [];
  const dial = async (uri: string, sourceInterface = '') => {
    const abort = new AbortController();
    await sockets.dial(parseUri(uri, 'dial'), sourceInterface, abort.signal, {
      up: () => told.push('up'),
      down: (reason, code, retryAfterMs) => told.push(`down ${reason} (${code}, ${retryAfterMs})`),
      failed: (reason) => told.push(`failed ${reason}`),
    });
    return abort;
  };
  return { node, driver, sockets, opened, lost, told, dial };
}

const peer = (host: string, query = '') => `udp://${host}:9001?key=${KEY}${query}`;
const up = (dial: DialId, link = 70_000): CoreEvent => ({
  kind: 'datagramLinkUp',
  link: link as LinkId,
  key: Uint8Array.from(Buffer.from(KEY, 'hex')) as PublicKey,
  uri: 'udp://192.0.2.1:9001',
  dial,
});
const down = (dial: DialId, link = 70_000): CoreEvent => ({
  kind: 'datagramLinkDown',
  link: link as LinkId,
  dial,
  reason: 'peer silent',
  detail: 'for 6 s',
  retryAfterMs: 500,
});

test('a dial opens one socket a family, and others share it', async (t) => {
  const { node, opened, dial } = scene(t);
  await Promise.all([dial(peer('192.0.2.1')), dial(peer('192.0.2.2')), dial(peer('[2001:db8::1]'))]);
  assert.deepEqual(
    opened.map(({ options }) => [options.family, options.host, options.port, options.psk]),
    [
      ['ipv4', '0.0.0.0', 0, undefined],
      ['ipv6', '::', 0, undefined],
    ],
  );
  assert.deepEqual(
    node.of('dial').map(({ dial, socket, facts }) => [dial, socket, facts.uri, facts.attempts, facts.isConfigured]),
    [
      [0, 0, 'udp://192.0.2.1:9001', 0, true],
      [1, 0, 'udp://192.0.2.2:9001', 0, true],
      [2, 1, 'udp://[2001:db8::1]:9001', 0, true],
    ],
  );
});

test('a dial uses the socket of a listener for all addresses, and not that of one address', async (t) => {
  const { node, sockets, opened, dial } = scene(t);
  await sockets.listen(parseUri('udp://127.0.0.1:7', 'listen'));
  await sockets.listen(parseUri('udp://[::]:8?priority=2', 'listen'));
  await dial(peer('192.0.2.1'));
  await dial(peer('[2001:db8::1]'));
  assert.equal(opened.length, 2);
  assert.deepEqual(
    node.of('dial').map(({ socket }) => socket),
    [1, 1],
  );
  assert.deepEqual(node.of('socketOpened')[1]?.facts.psk, new Uint8Array(32));
  assert.equal(node.of('socketOpened')[1]?.facts.priority, 2);
});

test('another interface and slow links have sockets of their own', async (t) => {
  const { opened, dial } = scene(t);
  await dial(peer('192.0.2.1'));
  await dial(peer('192.0.2.1'), 'eth9');
  await dial(peer('192.0.2.1', '&slow=halow'));
  assert.deepEqual(
    opened.map(({ options }) => [options.device, options.isSlow]),
    [
      ['', false],
      ['eth9', false],
      ['', true],
    ],
  );
});

test('a ninth password goes to another socket', async (t) => {
  const { sockets, opened, dial } = scene(t);
  await sockets.listen(parseUri(`udp://[::]:8?psk=${pskHex(1)}`, 'listen'));
  for (let number = 1; number <= 8; number++) await dial(peer('192.0.2.1', `&psk=${pskHex(number)}`));
  assert.equal(opened.length, 1);
  await dial(peer('192.0.2.1', `&psk=${pskHex(9)}`));
  assert.equal(opened.length, 2);
  await dial(peer('192.0.2.1', `&psk=${pskHex(8)}`));
  assert.equal(opened.length, 2);
});

test('a socket that only dials is closed with its last link', async (t) => {
  const { node, opened, told, dial } = scene(t);
  await dial(peer('192.0.2.1'));
  await dial(peer('192.0.2.2'));
  node.tell(up(0 as DialId));
  node.tell(down(0 as DialId));
  await turns(3);
  assert.deepEqual(told, ['up', 'down peer silent: for 6 s (peer silent, 500)']);
  assert.equal(opened[0]?.socket.isClosed, false);
  node.tell({ kind: 'dialFailed', dial: 1 as DialId, reason: 'nobody answered' });
  await turns(3);
  assert.equal(told.at(-1), 'failed nobody answered');
  assert.equal(opened[0]?.socket.isClosed, true);
  assert.equal(node.of('socketClosed').length, 1);
});

test('a listener takes another password over; closed, it stays for those who dial from it', async (t) => {
  const { node, sockets, opened, dial } = scene(t);
  const uri = (options = '') => parseUri(`udp://[::]:8${options}`, 'listen');
  const listener = await sockets.listen(uri());
  assert.equal(await listener.change?.(uri(`?psk=${pskHex(1)}`)), true);
  assert.equal(await listener.change?.(uri('?priority=2')), false, 'other members of the facts are fixed');
  const abort = await dial(peer('192.0.2.1'));
  await listener.close();
  assert.equal(opened[0]?.socket.isClosed, false);
  assert.deepEqual(
    node.of('socketPsk').map(({ psk }) => psk?.at(-1)),
    [1, undefined],
  );
  const again = await sockets.listen(uri(`?psk=${pskHex(2)}`));
  assert.deepEqual([opened.length, again.uri, node.of('socketPsk').at(-1)?.psk?.at(-1)], [1, listener.uri, 2]);
  abort.abort();
  await turns(3);
  assert.equal(opened[0]?.socket.isClosed, false);
  await again.close();
  assert.equal(opened[0]?.socket.isClosed, true);
});

test('a listener knows eight passwords at most, those of before among them', async (t) => {
  const { sockets } = scene(t);
  const uri = (number: number) => parseUri(`udp://[::]:8?psk=${pskHex(number)}`, 'listen');
  const listener = await sockets.listen(uri(0));
  for (let number = 1; number < 8; number++) assert.equal(await listener.change?.(uri(number)), true);
  assert.equal(await listener.change?.(uri(8)), false);
  assert.equal(await listener.change?.(uri(3)), true);
});

test('an attempt and a link that are called off are cancelled, and nothing more is told', async (t) => {
  const { node, told, dial } = scene(t);
  const first = await dial(peer('192.0.2.1'));
  const second = await dial(peer('192.0.2.2'));
  node.tell(up(1 as DialId));
  first.abort();
  second.abort();
  assert.deepEqual(
    node.of('dialCancelled').map(({ dial }) => dial),
    [0, 1],
  );
  node.tell(down(1 as DialId));
  assert.deepEqual(told, ['up']);
});

test('every address of a name has its turn', async (t) => {
  const { node, told, dial } = scene(t);
  await dial(peer('two.example'));
  const [first] = node.of('dial');
  assert.equal(first?.facts.attempts, 1);
  node.tell({ kind: 'dialFailed', dial: 0 as DialId, reason: 'nobody answered' });
  await turns(3);
  assert.equal(node.of('dial').length, 2);
  assert.notDeepEqual(node.of('dial')[1]?.address, first?.address);
  assert.deepEqual(told, []);
  node.tell({ kind: 'dialFailed', dial: 1 as DialId, reason: 'nobody there either' });
  assert.deepEqual(told, ['failed nobody there either']);
});

test('an address inside the mesh is nobody a link may use', async (t) => {
  const { dial } = scene(t);
  for (const host of ['[200::1]', '[300::1]', '0.0.0.0', '224.0.0.1', '[ff02::1]']) {
    await assert.rejects(dial(peer(host)), { code: 'DIAL_FAILED' });
  }
});

test('datagrams, room and the end of a socket reach the node', async (t) => {
  const { node, sockets, opened, lost } = scene(t);
  const listener = await sockets.listen(parseUri('udp://[::]:8', 'listen'));
  assert.equal(listener.uri, 'udp://[::]:8');
  const { socket } = opened[0] as { socket: FakeSocket };
  const none = new Int32Array(0);
  const batch = { buffers: [], offsets: none, lengths: none, addresses: new Uint8Array(0), count: 0 };
  socket.events?.datagrams(batch);
  socket.events?.writable();
  socket.events?.closed('the interface is gone');
  assert.deepEqual(
    node.inputs.map(({ kind }) => kind),
    ['socketOpened', 'datagrams', 'socketWritable', 'socketClosed'],
  );
  assert.equal(node.of('datagrams')[0]?.batch, batch);
  assert.deepEqual(lost, ['udp://[::]:8 the interface is gone']);
});

test('what the node sends leaves through its socket, and is done with where there is none', async (t) => {
  const { driver, sockets, opened } = scene(t);
  await sockets.listen(parseUri('udp://[::]:8', 'listen'));
  const columns = { offsets: new Int32Array(2), lengths: new Int32Array(2), addresses: new Uint8Array(48) };
  const batch = { buffers: [], ...columns, count: 2 };
  const [id] = [0 as Parameters<typeof driver.send>[0]];
  assert.equal(driver.send(id, batch), 2);
  assert.equal(opened[0]?.socket.sent.length, 1);
  assert.equal(driver.send(7 as typeof id, batch), 2);
});

test('when the node stops, links are closed before their sockets', async (t) => {
  const { node, driver, opened, dial } = scene(t);
  await dial(peer('192.0.2.1'));
  node.tell(up(0 as DialId));
  node.tell(up(9 as DialId, 70_001));
  node.tell(down(9 as DialId, 70_001));
  assert.equal(opened[0]?.socket.isClosed, false);
  driver.stop();
  assert.deepEqual(node.closed, [70_000]);
  assert.equal(opened[0]?.socket.isClosed, true);
});
