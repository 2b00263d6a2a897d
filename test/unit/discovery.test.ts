import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { type TestContext, test } from 'node:test';
import { type LinkId, linkId } from '../../daemon/core/port.ts';
import type { BeaconSocketEvents, BeaconSocketOptions } from '../../daemon/links/beacon-socket.ts';
import { Discovery } from '../../daemon/links/discovery.ts';
import { acceptedFacts, dialledFacts } from '../../daemon/links/facts.ts';
import type { DiscoveryRule, LocalInterface } from '../../daemon/links/interfaces.ts';
import type { Carrier, LinkUri } from '../../daemon/links/link.ts';
import { readBeacon, writeBeacon } from '../../daemon/wire/beacon.ts';
import { turns, VirtualTime } from '../support/virtual-time.ts';

const hash = (password: Uint8Array, key: Uint8Array): Uint8Array =>
  new Uint8Array(createHash('sha512').update(password).update(key).digest());
const NOTHING: Uint8Array = new Uint8Array(0);
const [OWN, THEIRS] = [new Uint8Array(32).fill(1), new Uint8Array(32).fill(2)];
const GROUP = 'ff02::114';
const ANY: DiscoveryRule = { regex: /./, beacon: true, listen: true, port: 0, priority: 0, password: NOTHING };
const eth0 = { name: 'eth0', address: 'fe80::1' };
const theirBeacon = (port = 4_000): Uint8Array => writeBeacon(THEIRS, port, hash(NOTHING, THEIRS));

type FakeSocket = BeaconSocketOptions & { events: BeaconSocketEvents; sentAtMs: number[]; isClosed: boolean };
type Watcher = { up?: () => void; down: (reason: string) => void };

/** Everything around discovery, as tables. */
class Around {
  interfaces: LocalInterface[] = [eth0];
  readonly sockets: FakeSocket[] = [];
  readonly listeners: { uri: LinkUri; isClosed: boolean; accept: (carrier: Carrier) => void }[] = [];
  readonly dials: { uri: LinkUri; source: string; signal: AbortSignal; finish: (error?: Error) => void }[] = [];
  readonly links = new Map<LinkId, Watcher>();
  readonly closed: Carrier[] = [];
  readonly reports: string[] = [];
  readonly datagrams: Uint8Array[] = [];
  listenError: Error | undefined;
  sendError: Error | undefined;
  /** Of what is kept beside the stations. */
  looks = 0;
  closes = 0;
  readonly time: VirtualTime;
  readonly discovery: Discovery;
  #links = 0;

  constructor(t: TestContext) {
    this.time = new VirtualTime(t);
    t.mock.method(Math, 'random', () => 0);
    this.discovery = new Discovery(
      {
        key: OWN,
        scheme: 'tls',
        hash,
        links: {
          dial: (uri, source, signal) =>
            new Promise((resolve, reject) => {
              const finish = (error?: Error): void => {
                if (error === undefined) resolve(this.carrier(uri, 'dialled'));
                else reject(error);
              };
              signal.addEventListener('abort', () => finish(new Error('called off')));
              this.dials.push({ uri, source, signal, finish });
            }),
          listen: async (uri, accept) => {
            if (this.listenError !== undefined) throw this.listenError;
            const listener = { uri, accept, isClosed: false };
            this.listeners.push(listener);
            const close = async (): Promise<void> => {
              listener.isClosed = true;
            };
            return { uri: `${uri.scheme}://[${uri.host}]:${uri.port === 0 ? 3_000 : uri.port}`, close };
          },
        },
        dialled: (_carrier, watcher) => this.#attach(watcher),
        accepted: (_carrier, down) => this.#attach({ down }),
        end: (link) => this.end(link, 'removed'),
        report: (level, message) => this.reports.push(`${level} ${message}`),
        beside: () => ({ look: () => this.looks++, close: () => this.closes++ }),
        openSocket: (options, events) => this.#openSocket(options, events),
      },
      () => this.interfaces,
    );
    t.after(() => this.discovery.stop());
  }

  carrier(uri: LinkUri, how: 'dialled' | 'accepted'): Carrier {
    const facts = how === 'dialled' ? dialledFacts(uri) : acceptedFacts(uri, 'tls://[fe80::2%eth0]:5');
    const carrier: Carrier = {
      facts,
      remoteHost: 'fe80::2%eth0',
      localHost: 'fe80::1%eth0',
      start: () => {},
      write: () => true,
      close: () => void this.closed.push(carrier),
    };
    return carrier;
  }

  end(link: LinkId, reason: string): void {
    const watcher = this.links.get(link);
    this.links.delete(link);
    watcher?.down(reason);
  }

  /** The socket that listens to the group on an interface. */
  hear(datagram: Uint8Array, from = 'fe80::2%eth0'): void {
    const socket = this.open().find(({ address }) => address === `${GROUP}%eth0`);
    assert.ok(socket !== undefined, 'nobody listens to the group on eth0');
    socket.events.heard(datagram, from, 9001);
  }

  open(): FakeSocket[] {
    return this.sockets.filter(({ isClosed }) => !isClosed);
  }

  /** When beacons left, from the start of the test on. */
  sentAtMs(): number[] {
    return this.sockets.flatMap(({ sentAtMs }) => sentAtMs).map((atMs) => atMs - 1_000_000);
  }

  #attach(watcher: Watcher): LinkId {
    const link = linkId(this.#links++);
    this.links.set(link, watcher);
    return link;
  }

  #openSocket(options: BeaconSocketOptions, events: BeaconSocketEvents) {
    const socket: FakeSocket = { ...options, events, sentAtMs: [], isClosed: false };
    this.sockets.push(socket);
    return {
      send: (datagram: Uint8Array, address: string, port: number): boolean => {
        assert.deepEqual([address, port], [`${GROUP}%${options.address.split('%')[1]}`, 9001]);
        const error = this.sendError;
        if (error !== undefined) {
          queueMicrotask(() => {
            socket.isClosed = true;
            events.failed(error);
          });
          return true;
        }
        this.datagrams.push(datagram);
        socket.sentAtMs.push(performance.now());
        events.works();
        return true;
      },
      close: () => {
        socket.isClosed = true;
      },
    };
  }
}

/** A link to their node, dialled after its beacon. */
async function linked(around: Around): Promise<void> {
  around.discovery.reload([ANY]);
  await turns(3);
  around.hear(theirBeacon());
  around.dials[0]?.finish();
  await turns(3);
  around.links.get(linkId(0))?.up?.();
}

// Telling

test('the first beacon leaves at once, and the pauses grow to 15 s', async (t) => {
  const around = new Around(t);
  around.discovery.reload([ANY]);
  await turns(3);
  await around.time.advance(200_000);
  const sent = around.sentAtMs();
  assert.equal(sent[0], 0);
  const pauses = sent.map((atMs, i) => atMs - (sent[i - 1] ?? 0)).slice(1);
  assert.deepEqual(
    pauses.slice(0, 16),
    [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 15].map((s) => s * 1_000),
  );
});

test('a beacon tells our key, the port of the listener and the hash of the password', async (t) => {
  const around = new Around(t);
  const password = new TextEncoder().encode('owls');
  around.discovery.reload([{ ...ANY, port: 7, password }]);
  await turns(3);
  const [datagram = NOTHING] = around.datagrams;
  assert.deepEqual(readBeacon(datagram), { major: 0, minor: 5, key: OWN, port: 7, hash: hash(password, OWN) });
});

test('neighbours connect to the interface itself, with the password and the priority of its rule', async (t) => {
  const around = new Around(t);
  const password = new TextEncoder().encode('owls');
  around.discovery.reload([{ ...ANY, priority: 3, password }]);
  await turns(3);
  const [{ uri } = assert.fail('no listener')] = around.listeners;
  assert.deepEqual([uri.scheme, uri.host, uri.port], ['tls', 'fe80::1%eth0', 0]);
  const facts = acceptedFacts(uri, 'tls://[fe80::2%eth0]:5');
  assert.deepEqual([facts.priority, facts.password, facts.isExemptFromAllowList], [3, password, true]);
  assert.deepEqual([facts.isConfigured, facts.isInbound], [false, true]);
});

test('a rule without Beacon listens to the group only, one without Listen sends only', async (t) => {
  const around = new Around(t);
  around.discovery.reload([{ ...ANY, beacon: false }]);
  await turns(3);
  assert.deepEqual([around.listeners.length, around.open().map(({ group }) => group)], [0, [GROUP]]);
  assert.equal(around.discovery.info()[0]?.address, '-');
  around.discovery.reload([{ ...ANY, listen: false }]);
  await turns(3);
  assert.deepEqual([around.listeners.length, around.open().map(({ group }) => group)], [1, [undefined]]);
  assert.equal(around.datagrams.length, 1);
});

test('the table of interfaces tells what is done on each', async (t) => {
  const around = new Around(t);
  around.interfaces = [{ name: 'wlan0', address: 'fe80::9' }, eth0, { name: 'tap7', address: 'fe80::7' }];
  const password = new TextEncoder().encode('owls');
  around.discovery.reload([
    { ...ANY, regex: /wlan/, beacon: false, password },
    { ...ANY, regex: /eth/ },
  ]);
  await turns(3);
  assert.deepEqual(around.discovery.info(), [
    { name: 'eth0', address: '[fe80::1%eth0]:3000', beacon: true, listen: true, hasPassword: false },
    { name: 'wlan0', address: '-', beacon: false, listen: true, hasPassword: true },
  ]);
});

// Hearing

test('whose beacon is heard is dialled with the key in it, over the interface', async (t) => {
  const around = new Around(t);
  const password = new TextEncoder().encode('owls');
  around.discovery.reload([{ ...ANY, priority: 4, password }]);
  await turns(3);
  around.hear(writeBeacon(THEIRS, 4_000, hash(password, THEIRS)));
  const [{ uri, source } = assert.fail('no dial')] = around.dials;
  assert.deepEqual([uri.name, source], ['tls://[fe80::2%eth0]:4000', 'eth0']);
  const facts = dialledFacts(uri);
  assert.deepEqual([facts.pinnedKeys, facts.password, facts.priority], [[THEIRS], password, 4]);
  assert.deepEqual([facts.isConfigured, facts.isInbound, facts.isExemptFromAllowList], [false, false, true]);
});

test('a dial that fails is not tried again before the next beacon', async (t) => {
  const around = new Around(t);
  around.discovery.reload([ANY]);
  await turns(3);
  around.hear(theirBeacon());
  around.dials[0]?.finish(new Error('refused'));
  await around.time.advance(60_000);
  assert.equal(around.dials.length, 1);
  around.hear(theirBeacon());
  assert.equal(around.dials.length, 2);
});

test('a neighbour that is linked is not dialled again, until the link ends', async (t) => {
  const around = new Around(t);
  await linked(around);
  await around.time.advance(60_000);
  around.hear(theirBeacon());
  assert.equal(around.dials.length, 1);
  around.end(linkId(0), 'silent');
  around.hear(theirBeacon());
  assert.equal(around.dials.length, 2);
});

test('what nobody can use is counted', async (t) => {
  const around = new Around(t);
  around.discovery.reload([ANY]);
  await turns(3);
  around.hear(new Uint8Array(5));
  around.hear(theirBeacon(), '2001:db8::1');
  const { dropped } = around.discovery;
  assert.deepEqual([dropped['beacon malformed'], dropped['beacon source not link-local']], [1, 1]);
});

// Interfaces that come and go

test('an interface that comes later is used within 3 s', async (t) => {
  const around = new Around(t);
  around.interfaces = [];
  around.discovery.reload([ANY]);
  await around.time.advance(10_000);
  assert.deepEqual([around.sockets, around.discovery.info()], [[], []]);
  around.interfaces = [eth0];
  await around.time.advance(2_050);
  assert.equal(around.datagrams.length > 0, true);
});

test('with an interface go its sockets, its listener, its links and its dials', async (t) => {
  const around = new Around(t);
  await linked(around);
  const [listener = assert.fail('no listener')] = around.listeners;
  listener.accept(around.carrier(listener.uri, 'accepted'));
  around.hear(writeBeacon(new Uint8Array(32).fill(3), 1, hash(NOTHING, new Uint8Array(32).fill(3))), 'fe80::3%eth0');
  assert.deepEqual([around.links.size, around.dials.length], [2, 2]);
  around.interfaces = [];
  await around.time.advance(2_050);
  assert.equal(around.links.size, 0);
  assert.equal(around.dials[1]?.signal.aborted, true);
  assert.equal(around.closes, 1);
  assert.equal(listener.isClosed, true);
  assert.deepEqual([around.open(), around.discovery.info()], [[], []]);
});

test('a link that is accepted or dialled as the interface goes is closed', async (t) => {
  const around = new Around(t);
  around.discovery.reload([ANY]);
  await turns(3);
  around.hear(theirBeacon());
  const [listener = assert.fail('no listener')] = around.listeners;
  around.dials[0]?.finish();
  around.discovery.stop();
  listener.accept(around.carrier(listener.uri, 'accepted'));
  await turns(3);
  assert.deepEqual([around.closed.length, around.links.size], [2, 0]);
});

test('an interface that takes another address is begun anew', async (t) => {
  const around = new Around(t);
  await linked(around);
  around.interfaces = [{ name: 'eth0', address: 'fe80::77' }];
  await around.time.advance(2_050);
  assert.equal(around.links.size, 0);
  assert.equal(around.discovery.info()[0]?.address, '[fe80::77%eth0]:3000');
});

// Changes of the configuration

test('a reload with the same rules touches nothing, another one begins anew what it changes', async (t) => {
  const around = new Around(t);
  around.interfaces = [eth0, { name: 'wlan0', address: 'fe80::9' }];
  const rules = [{ ...ANY, regex: /eth/ }, ANY];
  around.discovery.reload(rules);
  await turns(3);
  assert.deepEqual(around.discovery.reload(rules.map((rule) => ({ ...rule, regex: new RegExp(rule.regex) }))), []);
  assert.equal(around.sockets.length, 4);
  const changes = around.discovery.reload([{ ...ANY, regex: /eth/, priority: 1 }, ANY]);
  assert.equal(changes.length, 1);
  await turns(3);
  assert.deepEqual(
    around.sockets.map(({ address, isClosed }) => `${address} ${isClosed}`).filter((line) => line.includes('wlan0')),
    ['ff02::114%wlan0 false', 'fe80::9%wlan0 false'],
  );
  assert.equal(around.sockets.length, 6);
});

test('without rules nothing is looked at', async (t) => {
  const around = new Around(t);
  around.discovery.reload([]);
  around.discovery.reload([{ ...ANY, beacon: false, listen: false }]);
  const { fired } = around.time;
  await around.time.advance(60_000);
  assert.deepEqual([around.sockets, around.time.fired - fired], [[], 0]);
});

// Where it cannot work

test('a listener that fails while the address is new is tried at each look, in silence', async (t) => {
  const around = new Around(t);
  around.listenError = new Error('no such address');
  around.discovery.reload([ANY]);
  await around.time.advance(1_500);
  around.listenError = undefined;
  await around.time.advance(1_000);
  assert.deepEqual([around.reports, around.datagrams.length > 0], [[], true]);
});

test('a listener that never opens is told once, and tried ever more rarely', async (t) => {
  const around = new Around(t);
  around.listenError = new Error('not permitted');
  around.discovery.reload([ANY]);
  await around.time.advance(600_000);
  assert.deepEqual(around.reports, ['warn MulticastInterfaces: cannot look for neighbours on eth0: not permitted']);
  around.listenError = undefined;
  await around.time.advance(61_000);
  assert.equal(around.datagrams.length > 0, true);
});

test('a beacon that cannot be sent costs its socket; the next is made in time, and later ever more rarely', async (t) => {
  const around = new Around(t);
  around.discovery.reload([ANY]);
  await turns(3);
  around.sendError = new Error('no route');
  await around.time.advance(15_000);
  const senders = (): number => around.sockets.filter(({ group }) => group === undefined).length;
  assert.ok(senders() <= 7, `${senders()} sockets`);
  around.sendError = undefined;
  await around.time.advance(60_000);
  assert.equal(around.open().length, 2);
  const before = around.datagrams.length;
  await around.time.advance(16_000);
  assert.ok(around.datagrams.length > before);
});

test('after stop there is no timer, no socket and no listener', async (t) => {
  const around = new Around(t);
  await linked(around);
  around.discovery.stop();
  const { fired } = around.time;
  await around.time.advance(60_000);
  assert.deepEqual([around.time.fired - fired, around.open(), around.links.size], [0, [], 0]);
  assert.ok(around.listeners.every(({ isClosed }) => isClosed));
});
