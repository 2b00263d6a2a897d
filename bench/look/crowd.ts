/**
 * The nodes around the one that is looked at, all in this process: `links` of them dial it by TCP, the others stand behind
 * those, joined in memory. Each is a whole node of ours, with keys, tree, filters and a session to the target, and pings it.
 *
 *   crowd.js HOST PORT TARGET_ADDRESS LINKS SESSIONS INTERVAL_MS    a line of JSON each second: `CrowdLine`
 */
import { randomFillSync } from 'node:crypto';
import { connect } from 'node:net';
import { DEFAULT_LIMITS } from '../../daemon/core/limits.ts';
import { Node } from '../../daemon/core/node.ts';
import type { LinkFacts } from '../../daemon/core/port.ts';
import { chooseCrypto } from '../../daemon/crypto/choose.ts';
import { Driver } from '../../daemon/driver.ts';
import { parseAddress } from '../../daemon/host/address.ts';
import { inBulk } from '../../daemon/links/bulk-socket.ts';
import { memoryPair } from '../../daemon/links/memory.ts';
import { SocketCarrier } from '../../daemon/links/socket-carrier.ts';
import { linkFacts, NOTHING } from '../../test/support/core.ts';

export type CrowdLine = {
  /** Links to the target that are up; nodes that the target has answered within the last three rounds of pings. */
  readonly links: number;
  readonly answered: number;
  /** Pings since the start. */
  readonly sent: number;
  readonly received: number;
};

const BEGIN_PER_SECOND = 150;
const SETTLE_MS = 3_000;
const DIAL_EVERY_MS = 20;
const AGAIN_MS = 1_000;
const TICK_MS = 5;
const PING_OCTETS = 56;
const ROUNDS = 3;

const [host = '', port = '', address = '', links = '', sessions = '', interval = ''] = process.argv.slice(2);
const target = parseAddress(address) ?? NOTHING;
const intervalMs = Number(interval);
const { crypto } = chooseCrypto();

const members: { driver: Driver; answeredMs: number; sequence: number }[] = [];
let linksUp = 0;
let sent = 0;
let received = 0;

function begin(): Driver {
  const member = { answeredMs: Number.NEGATIVE_INFINITY, sequence: 0 };
  const node = new Node({
    seed: weakSeed(),
    crypto,
    random: (octets) => randomFillSync(octets),
    allowedKeys: [],
    requiresBound: false,
    groupPassword: NOTHING,
    e2e: 'prefer',
    e2eKnown: [],
    mtu: 65_535,
    hasTun: false,
    nodeInfo: NOTHING,
    limits: DEFAULT_LIMITS,
  });
  const driver = new Driver(node, undefined, (event) => {
    if (event.kind !== 'echoReply') return;
    received++;
    member.answeredMs = performance.now();
  });
  driver.start();
  members.push(Object.assign(member, { driver }));
  return driver;
}

/** Of a key that cannot be the root: the target is, so that nothing moves when one of these has to come back. */
function weakSeed(): Uint8Array {
  const seed = randomFillSync(new Uint8Array(32));
  return crypto.ed25519Signer(seed).publicKey[0] === 0 ? weakSeed() : seed;
}

/** From an address of its own: of one host the target takes few links. A link that ends, on a busy machine, is dialled again. */
function dial(driver: Driver, index: number): void {
  const localAddress = `127.1.${index >> 8}.${index & 255}`;
  const facts: LinkFacts = linkFacts({ uri: `tcp://${host}:${port}`, isInbound: false, isConfigured: true });
  const again = (): void => void setTimeout(() => dial(driver, index), AGAIN_MS);
  const socket = connect({ host, port: Number(port), localAddress, noDelay: true });
  socket.once('error', again);
  socket.once('connect', () => {
    let isUp = false;
    const up = (): void => {
      isUp = true;
      linksUp++;
    };
    const down = (): void => {
      if (isUp) linksUp--;
      again();
    };
    driver.attach(new SocketCarrier(inBulk(socket), facts), { up, down });
  });
}

function join(leaf: Driver, gateway: Driver): void {
  const [near, far] = memoryPair(linkFacts({ isInbound: false }), linkFacts(), setImmediate);
  const down = (): void => void setTimeout(() => join(leaf, gateway), AGAIN_MS);
  leaf.attach(near, { up: () => {}, down });
  gateway.attach(far, { up: () => {}, down: () => {} });
}

/** Evenly over the interval, each in its turn; at first so many more each second. */
function ping(): void {
  let next = 0;
  const startMs = performance.now();
  let dueMs = startMs;
  setInterval(() => {
    const nowMs = performance.now();
    const count = Math.min(members.length, Math.ceil(((nowMs - startMs) / 1_000) * BEGIN_PER_SECOND));
    for (; dueMs <= nowMs; dueMs += intervalMs / count) {
      const member = members[next++ % count];
      if (member === undefined) continue;
      sent++;
      member.driver.feed({ kind: 'echo', target, sequence: member.sequence++ & 0xffff, size: PING_OCTETS });
    }
  }, TICK_MS);
}

function tell(): void {
  const sinceMs = performance.now() - ROUNDS * intervalMs;
  const answered = members.filter(({ answeredMs }) => answeredMs > sinceMs).length;
  const line: CrowdLine = { links: linksUp, answered, sent, received };
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

const rest = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

setInterval(tell, 1_000);
// First among themselves: while nodes come, filters change, and each second all have to hear of it.
const gateways = Array.from({ length: Number(links) }, begin);
for (let i = gateways.length; i < Number(sessions); i++) {
  join(begin(), gateways[i % gateways.length] as Driver);
  await rest(0);
}
for (const [i, gateway] of gateways.entries()) {
  dial(gateway, i);
  await rest(DIAL_EVERY_MS);
}
await rest(SETTLE_MS);
ping();
