import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Node } from '../../daemon/core/node.ts';
import {
  type CloseReason,
  type CoreEvent,
  type DeliveryBatch,
  type Input,
  type LinkId,
  linkId,
  type PublicKey,
  type Sink,
} from '../../daemon/core/port.ts';
import { Driver, type LinkWatcher } from '../../daemon/driver.ts';
import type { TunBatch, TunDevice } from '../../daemon/host/tun.ts';
import type { Carrier, CarrierEvents } from '../../daemon/links/link.ts';
import { memoryPair } from '../../daemon/links/memory.ts';
import { identity, linkFacts, nodeOptions } from '../support/core.ts';
import { started, until } from '../support/link-suite.ts';
import { turns } from '../support/virtual-time.ts';

/** A node that does what the test says and remembers what it was given. */
class ScriptedNode extends Node {
  readonly inputs: Input[] = [];
  /** What the next drains do. */
  acts: ((sink: Sink) => void)[] = [];
  deadlineMs = Number.POSITIVE_INFINITY;
  queued = 0;
  onInput: (input: Input) => void = () => {};

  constructor() {
    super(nodeOptions(identity(0)));
  }

  override handle(input: Input): void {
    this.inputs.push({ ...input });
    this.onInput(input);
  }

  override drain(sink: Sink): void {
    for (const act of this.acts.splice(0)) act(sink);
  }

  override deadline(): number {
    return this.deadlineMs;
  }

  override queuedBytes(): number {
    return this.queued;
  }

  override closeLink(link: LinkId, reason: CloseReason): void {
    this.acts.push((sink) => sink.close(link, reason, 'by the operator'));
  }

  kinds(): Input['kind'][] {
    return this.inputs.map(({ kind }) => kind);
  }
}

/** A carrier whose events the test makes. */
class ScriptedCarrier implements Carrier {
  readonly facts = linkFacts();
  readonly remoteHost = '';
  readonly localHost = '';
  readonly written: Uint8Array[] = [];
  takes = true;
  closes = 0;
  events: CarrierEvents | undefined;

  start(events: CarrierEvents): void {
    this.events = events;
  }

  write(bytes: Uint8Array): boolean {
    this.written.push(bytes.slice());
    return this.takes;
  }

  close(): void {
    this.closes++;
  }
}

/** What was told of one carrier, in order. */
class Told implements LinkWatcher {
  readonly lines: string[] = [];

  up(key: PublicKey): void {
    this.lines.push(`up ${key.length}`);
  }

  down(reason: string, code: CloseReason | undefined): void {
    this.lines.push(`down ${reason} (${code})`);
  }
}

class FakeTun implements TunDevice {
  readonly calls: string[] = [];
  readonly delivered: number[] = [];
  reads = 0;
  /** Counts of the batches to come; one of 32 is full. */
  batches: number[] = [];
  onReadable: () => void = () => {};

  start(onReadable: () => void): void {
    this.calls.push('start');
    this.onReadable = onReadable;
  }

  pause(): void {
    this.calls.push('pause');
  }

  resume(): void {
    this.calls.push('resume');
  }

  close(): void {
    this.calls.push('close');
  }

  write({ count }: DeliveryBatch): void {
    this.delivered.push(count);
  }

  read(): TunBatch {
    this.reads++;
    const count = this.batches.shift() ?? 0;
    const empty = { arena: new Uint8Array(0), offsets: new Int32Array(0), lengths: new Int32Array(0) };
    return { ...empty, count, isFull: count === 32 };
  }
}

function scene(device?: FakeTun): { node: ScriptedNode; driver: Driver; events: CoreEvent[] } {
  const node = new ScriptedNode();
  const events: CoreEvent[] = [];
  return { node, driver: new Driver(node, device, (event) => events.push(event)), events };
}

function attached(driver: Driver): { carrier: ScriptedCarrier; told: Told; link: LinkId } {
  const carrier = new ScriptedCarrier();
  const told = new Told();
  const link = driver.attach(carrier, told);
  assert.ok(link !== undefined);
  return { carrier, told, link };
}

// Links

test('the node is given the wall clock before anything else', () => {
  const { node, driver } = scene();
  driver.start();
  const [first] = node.inputs;
  assert.ok(first?.kind === 'wallClock');
  assert.ok(Math.abs(first.unixMs - Date.now()) < 10_000);
});

test('a carrier is opened with its facts and then started', () => {
  const { node, driver } = scene();
  const { carrier, link } = attached(driver);
  assert.deepEqual(node.inputs, [{ kind: 'linkOpened', link, facts: carrier.facts }]);
  assert.ok(carrier.events !== undefined);
});

test('what the node writes at the opening reaches the carrier before it is started', () => {
  const { node, driver } = scene();
  node.acts.push((sink) => void sink.write(linkId(0), Uint8Array.of(1, 2)));
  const { carrier } = attached(driver);
  assert.deepEqual(carrier.written, [Uint8Array.of(1, 2)]);
});

test('octets, writability and the end of a carrier reach the node with its link', () => {
  const { node, driver } = scene();
  attached(driver);
  const { carrier, link } = attached(driver);
  node.inputs.length = 0;
  carrier.events?.bytes(Uint8Array.of(1));
  carrier.events?.bytes(Uint8Array.of(2, 3));
  carrier.events?.writable();
  carrier.events?.closed('gone');
  assert.deepEqual(node.inputs, [
    { kind: 'linkBytes', link, bytes: Uint8Array.of(1) },
    { kind: 'linkBytes', link, bytes: Uint8Array.of(2, 3) },
    { kind: 'linkWritable', link },
    { kind: 'linkClosed', link, reason: 'gone' },
  ]);
});

test('a write goes to its carrier and answers what the carrier answers', () => {
  const { driver } = scene();
  const [a, b] = [attached(driver), attached(driver)];
  b.carrier.takes = false;
  assert.equal(driver.write(a.link, Uint8Array.of(1)), true);
  assert.equal(driver.write(b.link, Uint8Array.of(2)), false);
  assert.deepEqual([a.carrier.written, b.carrier.written], [[Uint8Array.of(1)], [Uint8Array.of(2)]]);
});

test('a write to a link that is no more is swallowed', () => {
  const { driver } = scene();
  const { carrier, link } = attached(driver);
  carrier.events?.closed('gone');
  assert.equal(driver.write(link, Uint8Array.of(1)), true);
  assert.equal(driver.write(linkId(7), Uint8Array.of(1)), true);
  assert.equal(carrier.written.length, 0);
});

test('each link has an id of its own; ids of ended ones are used again, the lowest first', () => {
  const { driver } = scene();
  const links = Array.from({ length: 4 }, () => attached(driver));
  assert.deepEqual(
    links.map(({ link }) => link),
    [0, 1, 2, 3],
  );
  links[2]?.carrier.events?.closed('gone');
  driver.close(linkId(1), 'peer silent', 'nothing');
  assert.deepEqual([attached(driver).link, attached(driver).link, attached(driver).link], [1, 2, 4]);
});

test('what is told of a new link with an old id concerns the new one only', () => {
  const { node, driver } = scene();
  const old = attached(driver);
  old.carrier.events?.closed('gone');
  const young = attached(driver);
  assert.equal(young.link, old.link);
  node.acts.push((sink) => sink.event({ kind: 'linkUp', link: young.link, key: identity(1).key }));
  young.carrier.events?.bytes(Uint8Array.of(1));
  assert.deepEqual([old.told.lines, young.told.lines], [['down gone (undefined)'], ['up 32']]);
});

test('a link that is refused at once is closed, told down, and never started', () => {
  const { node, driver } = scene();
  const carrier = new ScriptedCarrier();
  const told = new Told();
  node.acts.push((sink) => sink.close(linkId(0), 'too many links', '512 links are open'));
  assert.equal(driver.attach(carrier, told), undefined);
  assert.deepEqual([carrier.closes, carrier.events], [1, undefined]);
  assert.deepEqual(told.lines, ['down too many links: 512 links are open (too many links)']);
  assert.equal(attached(driver).link, 0);
});

test('a link that the node closes is told down once, with the code, and the node is not told', () => {
  const { node, driver } = scene();
  const { carrier, told, link } = attached(driver);
  node.acts.push((sink) => sink.close(link, 'frame malformed', 'a length'));
  carrier.events?.bytes(Uint8Array.of(1));
  assert.deepEqual(told.lines, ['down frame malformed: a length (frame malformed)']);
  assert.equal(carrier.closes, 1);
  assert.equal(node.kinds().includes('linkClosed'), false);
});

test('a link that ended by itself and is then closed by the node is told down once', () => {
  const { node, driver } = scene();
  const { carrier, told, link } = attached(driver);
  node.acts.push((sink) => sink.close(link, 'peer silent', 'nothing'));
  carrier.events?.closed('gone');
  assert.deepEqual(told.lines, ['down gone (undefined)']);
  driver.close(link, 'peer silent', 'nothing');
  assert.deepEqual([told.lines.length, carrier.closes], [1, 0]);
});

test('a link that came up and ended in one go is only told down', () => {
  const { node, driver } = scene();
  const { carrier, told, link } = attached(driver);
  node.acts.push((sink) => {
    sink.close(link, 'frame malformed', 'a length');
    sink.event({ kind: 'linkUp', link, key: identity(1).key });
  });
  carrier.events?.bytes(Uint8Array.of(1));
  assert.deepEqual(told.lines, ['down frame malformed: a length (frame malformed)']);
});

test('a link that the operator removes is closed and told down', () => {
  const { driver } = scene();
  const { carrier, told, link } = attached(driver);
  driver.detach(link);
  assert.deepEqual(told.lines, ['down removed: by the operator (removed)']);
  assert.equal(carrier.closes, 1);
});

test('every event is passed on', () => {
  const { node, driver, events } = scene();
  const event: CoreEvent = { kind: 'peerUp', key: identity(1).key, port: 1 };
  node.acts.push((sink) => sink.event(event));
  driver.feed({ kind: 'timer' });
  assert.deepEqual(events, [event]);
});

// Time

test('when its deadline has passed the node is given the wall clock and then the timer', async (t) => {
  const { node, driver } = scene();
  t.after(() => driver.stop());
  node.onInput = ({ kind }) => {
    if (kind === 'timer') node.deadlineMs = Number.POSITIVE_INFINITY;
  };
  const atMs = performance.now() + 10;
  node.deadlineMs = atMs;
  driver.feed({ kind: 'linkWritable', link: linkId(0) });
  await until('the timer', () => node.kinds().includes('timer'));
  assert.ok(performance.now() >= atMs - 1);
  assert.deepEqual(node.kinds(), ['linkWritable', 'wallClock', 'timer']);
});

test('an earlier deadline is waited for instead, a later one changes nothing', async (t) => {
  const { node, driver } = scene();
  t.after(() => driver.stop());
  node.onInput = ({ kind }) => {
    if (kind === 'timer') node.deadlineMs = Number.POSITIVE_INFINITY;
  };
  for (const waitMs of [60_000, 5, 30_000]) {
    node.deadlineMs = performance.now() + waitMs;
    driver.feed({ kind: 'linkWritable', link: linkId(0) });
  }
  await until('the timer', () => node.kinds().includes('timer'));
});

test('a deadline that stays is not a loop without a pause', async (t) => {
  const { node, driver } = scene();
  t.after(() => driver.stop());
  node.deadlineMs = 0;
  driver.feed({ kind: 'timer' });
  await turns(200);
  assert.ok(node.inputs.length < 200);
});

test('after stop nothing is fed, and all that is open is closed', async () => {
  const device = new FakeTun();
  const { node, driver } = scene(device);
  driver.start();
  const { carrier } = attached(driver);
  node.deadlineMs = performance.now() + 5;
  driver.feed({ kind: 'timer' });
  driver.stop();
  const count = node.inputs.length;
  driver.feed({ kind: 'timer' });
  const lateMs = performance.now() + 20;
  await until('the deadline', () => performance.now() > lateMs);
  assert.equal(node.inputs.length, count);
  assert.equal(carrier.closes, 1);
  assert.deepEqual(device.calls, ['start', 'close']);
});

test('a carrier that comes after stop is closed and told down', () => {
  const { node, driver } = scene();
  driver.stop();
  const carrier = new ScriptedCarrier();
  const told = new Told();
  assert.equal(driver.attach(carrier, told), undefined);
  assert.deepEqual([carrier.closes, carrier.events, node.inputs], [1, undefined, []]);
  assert.equal(told.lines.length, 1);
});

// The device

/** A driver with a started device that has these batches. */
function reading(batches: number[]): { node: ScriptedNode; driver: Driver; device: FakeTun; count: () => number } {
  const device = new FakeTun();
  const { node, driver } = scene(device);
  driver.start();
  device.calls.length = 0;
  device.batches = batches;
  return { node, driver, device, count: () => node.kinds().filter((kind) => kind === 'packets').length };
}

test('packets are read until a batch is not full', () => {
  const { device, count } = reading([32, 32, 5, 1]);
  device.onReadable();
  assert.deepEqual([device.reads, count()], [3, 3]);
});

test('at most four batches are read in a row: others get their turn', () => {
  const { device, count } = reading([32, 32, 32, 32, 32, 32]);
  device.onReadable();
  assert.deepEqual([device.reads, count()], [4, 4]);
  device.onReadable();
  assert.equal(count(), 6);
});

test('an empty batch is not fed', () => {
  const { device, count } = reading([]);
  device.onReadable();
  assert.deepEqual([device.reads, count()], [1, 0]);
});

test('what the node delivers is written to the device', () => {
  const { node, driver, device } = reading([]);
  node.acts.push((sink) => sink.deliver(deliveries(3)));
  driver.feed({ kind: 'timer' });
  assert.deepEqual(device.delivered, [3]);
});

test('without a device deliveries are dropped', () => {
  const { node, driver } = scene();
  node.acts.push((sink) => sink.deliver(deliveries(0)));
  driver.feed({ kind: 'timer' });
});

// Two real nodes

test('two nodes over a carrier in memory come up, and each end is told once when one goes', async (t) => {
  const drivers = [0, 1].map((i) => new Driver(new Node(nodeOptions(identity(i))), undefined, () => {}));
  const [a, b] = drivers as [Driver, Driver];
  t.after(() => {
    for (const driver of drivers) driver.stop();
  });
  for (const driver of drivers) driver.start();
  const told = [new Told(), new Told()] as const;
  const ends = memoryPair(linkFacts({ isInbound: false }), linkFacts());
  const link = a.attach(ends[0], told[0]);
  b.attach(ends[1], told[1]);
  await until('both up', () => told.every(({ lines }) => lines.length === 1));
  assert.deepEqual([told[0].lines, told[1].lines], [['up 32'], ['up 32']]);
  a.detach(link as LinkId);
  await until('both down', () => told.every(({ lines }) => lines.length === 2));
  assert.equal(told[0].lines[1], 'down removed: by the operator (removed)');
  assert.equal(told[1].lines[1], 'down the other side closed the connection (undefined)');
});

test('a carrier that speaks something else is closed and told down', async (t) => {
  const driver = new Driver(new Node(nodeOptions(identity(0))), undefined, () => {});
  t.after(() => driver.stop());
  driver.start();
  const told = new Told();
  const [near, far] = memoryPair(linkFacts(), linkFacts());
  driver.attach(near, told);
  const ear = started(far);
  far.write(Buffer.from('GET / HTTP/1.1\r\n\r\n'));
  await ear.ended();
  assert.match(told.lines.join(), /^down greeting malformed: .* \(greeting malformed\)$/);
});

function deliveries(count: number): DeliveryBatch {
  return { buffers: [], offsets: new Int32Array(), lengths: new Int32Array(), unfinished: new Uint8Array(), count };
}
