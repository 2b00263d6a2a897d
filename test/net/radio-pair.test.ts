/** Two nodes in one process, each with its own driver at a modem of the laboratory: from the URI to the answer of an echo. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { addressForKey } from '../../daemon/core/identity.ts';
import { Node } from '../../daemon/core/node.ts';
import type { CoreEvent } from '../../daemon/core/port.ts';
import { Driver } from '../../daemon/driver.ts';
import { Peering } from '../../daemon/peering.ts';
import { Random } from '../sim/random.ts';
import { type Identity, identity, nodeOptions } from '../support/core.ts';
import { links } from '../support/links.ts';
import { Channel } from '../support/radio/channel.ts';
import { RealClock } from '../support/radio/clock.ts';
import { MeshcoreModem } from '../support/radio/meshcore-modem.ts';
import { TcpPort } from '../support/radio/ports.ts';
import { RnodeModem } from '../support/radio/rnode-modem.ts';
import { waitFor } from '../support/wait.ts';

const QUERY = 'freq=869.525&bw=500&sf=7';
const LABORATORY = { region: 'laboratory', share: 1 } as const;

class Daemon {
  readonly events: CoreEvent[] = [];
  readonly log: string[] = [];
  readonly node: Node;
  readonly driver: Driver;
  readonly peering: Peering;
  readonly address: Uint8Array;

  constructor(t: TestContext, owner: Identity) {
    this.address = addressForKey(owner.key);
    this.node = new Node(nodeOptions(owner, { mtu: 1_280, hasTun: false }));
    this.driver = new Driver(this.node, undefined, (event) => void this.events.push(event));
    const report = (_level: string, message: string): void => void this.log.push(message);
    const policy = { hasAllowList: false, requiresBound: false };
    this.peering = new Peering(this.driver, links, report, policy, LABORATORY);
    this.driver.start();
    t.after(async () => {
      this.driver.stop();
      await this.peering.stop();
    });
  }

  /** Round trips of the answers so far. */
  get answers(): number[] {
    return this.events.flatMap((event) => (event.kind === 'echoReply' ? [event.rttMs] : []));
  }
}

for (const kinds of [
  ['rnode', 'rnode'],
  ['rnode', 'meshcore'],
] as const) {
  test(`${kinds.join(' and ')}: neighbours by their beacons, an echo, a modem that goes and comes`, {
    timeout: 120_000,
  }, async (t) => {
    const clock = new RealClock();
    const channel = new Channel(clock);
    t.after(() => clock.stop());
    const daemons: Daemon[] = [];
    const ports: TcpPort[] = [];
    for (const [i, kind] of kinds.entries()) {
      const random = new Random(i + 1);
      const modem = kind === 'rnode' ? new RnodeModem(channel, random) : new MeshcoreModem(channel, random);
      const port = new TcpPort(clock, modem);
      const daemon = new Daemon(t, identity(i));
      daemon.peering.add({ uri: `${kind}://127.0.0.1:${await port.listen()}?${QUERY}`, sourceInterface: '' });
      t.after(() => port.close());
      daemons.push(daemon);
      ports.push(port);
    }
    const [a, b] = daemons as [Daemon, Daemon];
    const isLinked = ({ node }: Daemon): boolean => node.links().some(({ key }) => key !== undefined);
    await waitFor('the link', () => isLinked(a) && isLinked(b), { limitMs: 60_000 });
    let sequence = 0;
    const echo = (): boolean => {
      a.driver.feed({ kind: 'echo', target: b.address, sequence: sequence++, size: 64 });
      return a.answers.length > 0;
    };
    await waitFor('an answer', echo, { everyMs: 2_000, limitMs: 60_000 });
    t.diagnostic(`first answer after ${Math.round(a.answers[0] as number)} ms`);
    const [radio] = a.node.radios();
    assert.ok(Number.isFinite(radio?.report.rssi), 'reports reach the core');
    ports[0]?.hangUp();
    await waitFor('word of the modem', () => a.log.some((line) => /^waiting for 127.0.0.1:\d+: /.test(line)));
    assert.equal(isLinked(a), false);
    await waitFor('the link again', () => isLinked(a), { limitMs: 60_000 });
  });
}
