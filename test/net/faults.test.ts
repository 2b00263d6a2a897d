/** Something is wrong: the first line of `doctor`, `events` or `why` names the cause. On real daemons, each with its fault. */
import assert from 'node:assert/strict';
import { existsSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { Random } from '../sim/random.ts';
import { testIdentity } from '../support/identity.ts';
import { type Lab, withLab } from '../support/lab.ts';
import { at, settle, startMesh, startPair } from '../support/mesh.ts';
import { needs, needsMesh, needsTool } from '../support/needs.ts';
import { privateFolders, type TestNode } from '../support/node.ts';
import { assertPings } from '../support/ping.ts';
import { ratatoskMain } from '../support/places.ts';
import { Channel } from '../support/radio/channel.ts';
import { RealClock } from '../support/radio/clock.ts';
import { PtyPort } from '../support/radio/ports.ts';
import { RnodeModem } from '../support/radio/rnode-modem.ts';
import { layRouted, loadRules, startRouted } from '../support/routed.ts';
import { waitFor } from '../support/wait.ts';

/** Debian's package faketime. */
const FAKETIME = ['x86_64', 'aarch64', 'arm', 'riscv64']
  .map((arch) => `/usr/lib/${arch}-linux-gnu${arch === 'arm' ? 'eabihf' : ''}/faketime/libfaketimeMT.so.1`)
  .find((path) => existsSync(path));

type Question = { readonly node: TestNode; readonly verb: readonly string[]; readonly says: RegExp };

type Fault = {
  readonly name: string;
  readonly needs?: string | undefined;
  /** Brings it about, and names who is asked what. */
  readonly make: (lab: Lab, t: TestContext) => Promise<readonly Question[]>;
};

const two = ['ratatosk', 'ratatosk'] as const;
const PROBLEMS = ['events', '--problems'] as const;
const PATIENCE_MS = 60_000;

const FAULTS: readonly Fault[] = [
  {
    name: 'a peer with another key',
    make: async (lab) => {
      const link = { scheme: 'tls', isPinned: true, pinnedKeyHex: testIdentity(7).publicKeyHex } as const;
      const { b } = await startPair(lab, two, link);
      return [
        { node: b, verb: ['doctor'], says: /^✗ peers: tls:\S+: wrong key: another node answers there/ },
        { node: b, verb: PROBLEMS, says: /! link +not connected peer=tls:\S+ reason=key not pinned/ },
      ];
    },
  },
  {
    name: 'a peer with another key, over udp',
    make: async (lab) => {
      const { b } = await startPair(lab, two, { scheme: 'udp', pinnedKeyHex: testIdentity(7).publicKeyHex });
      return [{ node: b, verb: ['doctor'], says: /^✗ peers: udp:\S+: no answer: to a wrong key or password UDP/ }];
    },
  },
  {
    name: 'a peer with another password',
    make: async (lab) => {
      const { a, b } = await startPair(lab, two, { password: 'one', diallerPassword: 'two' });
      return [
        { node: b, verb: ['doctor'], says: /^✗ peers: tcp:\S+: wrong password/ },
        { node: b, verb: PROBLEMS, says: /! link +not connected peer=tcp:\S+ reason=signature invalid: the passwords/ },
        { node: a, verb: PROBLEMS, says: /! link +a link was refused: wrong password: .* latest=tcp:/ },
      ];
    },
  },
  {
    name: 'a way on which large packets vanish',
    make: async (lab) => {
      const path = await layRouted(lab);
      await startRouted(path);
      await assertPings(path.near, path.far);
      const hole = 'chain forward { type filter hook forward priority 0; meta length > 1300 drop; }';
      await loadRules(path.router, `table ip hole {\n${hole}\n}\n`);
      return [
        { node: path.near, verb: ['doctor'], says: /^✗ mtu: MTU hole on the way to \S+: packets of more than 1\d\d\d/ },
      ];
    },
  },
  {
    name: 'a port that the firewall keeps closed',
    make: async (lab) => {
      const { nodes } = await startMesh(lab, {
        kinds: two,
        node: () => ({ config: { Firewall: { Inbound: 'deny', Allow: [] } } }),
      });
      const [a, b] = [at(nodes, 0), at(nodes, 1)];
      await assertPings(b, a);
      const dial = `require('node:net').connect(8080, '${a.address}').on('error', () => {})`;
      lab.adopt(b.netns.start([process.execPath, '-e', dial]));
      const says = new RegExp(`! firewall firewall: refused tcp port 8080 to ${b.address}; .*firewall allow 8080`);
      return [{ node: a, verb: PROBLEMS, says }];
    },
  },
  {
    name: 'another root of the tree',
    make: async (lab) => {
      const { nodes } = await startMesh(lab, { kinds: [...two, 'ratatosk'] });
      await settle(nodes);
      const root = nodes.toSorted((a, b) =>
        a.identity.publicKeyHex < b.identity.publicKeyHex ? -1 : 1,
      )[0] as TestNode;
      const index = nodes.indexOf(root);
      const node = at(nodes, index === 0 ? 1 : index - 1);
      await root.kill();
      const gone = root.identity.publicKeyHex.slice(0, 16);
      const says = new RegExp(`! tree +the root of the tree changed from ${gone} to .*: the link to ${gone} has ended`);
      return [{ node, verb: [...PROBLEMS, '--kind', 'tree'], says }];
    },
  },
  {
    name: 'a next hop that is dead',
    make: async (lab) => {
      const { nodes } = await startMesh(lab, { kinds: [...two, 'ratatosk'] });
      const [a, b, c] = [at(nodes, 0), at(nodes, 1), at(nodes, 2)];
      await settle(nodes);
      await assertPings(c, a);
      b.signal('SIGSTOP');
      return [
        { node: c, verb: [...PROBLEMS, '--kind', 'link'], says: /! link +not connected any more .*reason=peer silent/ },
      ];
    },
  },
  {
    name: 'a queue that is full',
    make: async (lab) => {
      const config = { Limits: { trafficQueueBytes: 65_536 } };
      const relay = { loss: 0.02, delayMs: 50, seed: 5 };
      const { nodes } = await startMesh(lab, { kinds: two, relay, node: () => ({ config }) });
      const [a, b] = [at(nodes, 0), at(nodes, 1)];
      await assertPings(a, b);
      const flood = `const socket = require('node:dgram').createSocket('udp6');
        const send = () => { for (let i = 0; i < 50; i++) socket.send(Buffer.alloc(1200), 9, '${b.address}'); setTimeout(send, 5); };
        send();`;
      lab.adopt(a.netns.start([process.execPath, '-e', flood]));
      return [
        {
          node: a,
          verb: [...PROBLEMS, '--kind', 'limit'],
          says: /! limit +limit reached: the queue of a link is full .*link=tcp:/,
        },
        { node: a, verb: ['why', b.address], says: /^More is sent than (this link takes|the links take)/ },
      ];
    },
  },
  {
    name: 'a duty limit',
    needs: needsTool('stty', 'flock'),
    make: async (lab, t) => {
      const clock = new RealClock();
      const channel = new Channel(clock);
      const ports = [1, 2].map((seed) => new PtyPort(clock, new RnodeModem(channel, new Random(seed))));
      t.after(async () => {
        await Promise.all(ports.map((port) => port.close()));
        clock.stop();
      });
      const nodes: TestNode[] = [];
      for (const [i, port] of ports.entries()) {
        await port.plug();
        const netns = await lab.netns(`radio${i}`);
        // One hundredth of an hour.
        const uri = `rnode://${port.path}?freq=868.3&bw=125&sf=8&psk=${'5a'.repeat(32)}`;
        const config = { Radio: { Region: 'EU868', Share: 1 } };
        const identity = testIdentity(910 + i);
        nodes.push(lab.node(`r${i}`, { kind: 'ratatosk', netns, identity, peers: [uri], mtu: 1_280, config }));
      }
      const [a, b] = nodes as [TestNode, TestNode];
      await Promise.all([a.start(PATIENCE_MS), b.start(PATIENCE_MS)]);
      lab.adopt(a.netns.start(['ping', '-6', '-i', '0.5', '-s', '400', b.address]));
      const says = /! radio +duty limit reached on rnode:\S+: .* sent of 36 s allowed in any hour/;
      return [
        { node: a, verb: [...PROBLEMS, '--kind', 'radio'], says },
        { node: a, verb: ['why', b.address], says: /^The radio may not send more now: its air time is used up/ },
      ];
    },
  },
  {
    name: 'a clock that was set back by a year',
    needs: FAKETIME === undefined ? 'needs libfaketime (Debian: faketime)' : undefined,
    make: async (lab) => {
      const file = join(lab.folder, 'clock');
      const env = {
        LD_PRELOAD: FAKETIME,
        FAKETIME_TIMESTAMP_FILE: file,
        FAKETIME_DONT_FAKE_MONOTONIC: '1',
        FAKETIME_NO_CACHE: '1',
        NO_FAKE_STAT: '1',
      };
      writeFileSync(file, '+0');
      const netns = await lab.netns('late');
      const node = lab.node('late', { kind: 'ratatosk', netns, identity: testIdentity(3), hasTun: false, env });
      await node.start();
      await waitFor('events on disk', () => existsSync(join(node.stateFolder, 'events')));
      writeFileSync(file, '-365d');
      return [
        { node, verb: PROBLEMS, says: /! daemon +the clock was set back by 36[45]d/ },
        { node, verb: ['doctor'], says: /^✗ clock: the clock is 36[45]d .*back: it says / },
      ];
    },
  },
  {
    name: 'no right to a network interface',
    make: async (lab) => {
      const netns = await lab.netns('poor');
      const spec = { kind: 'ratatosk', netns, identity: testIdentity(3), isUnprivileged: true } as const;
      const node = lab.node('poor', spec);
      node.launch();
      await waitFor('the daemon', async () => (await node.self()).key !== '');
      return [{ node, verb: ['doctor'], says: /^✗ tun: the daemon has no right to a network interface/ }];
    },
  },
];

async function firstLine(node: TestNode, verb: readonly string[]): Promise<string> {
  const line = [process.execPath, ratatoskMain, ...verb, '--socket', node.adminPath];
  const env = { ...privateFolders(dirname(node.stateFolder)), ...node.env };
  const { stdout } = await node.netns.run(line, { env, limitMs: PATIENCE_MS });
  return stdout.split('\n\n')[0]?.replace(/\n +/g, ' ').split('\n')[0] ?? '';
}

describe('the first line names the cause', { concurrency: 2 }, () => {
  for (const fault of FAULTS) {
    test(
      fault.name,
      { skip: needs(needsMesh('ratatosk') || undefined, needsTool('nft', 'ping'), fault.needs), timeout: 240_000 },
      withLab(async (lab, t) => {
        for (const { node, verb, says } of await fault.make(lab, t)) {
          let line = '';
          const asked = async (): Promise<boolean> => {
            line = await firstLine(node, verb);
            return says.test(line);
          };
          await waitFor(`${verb.join(' ')} to say ${says}`, asked, { limitMs: 120_000, everyMs: 1_000 }).catch(() =>
            assert.match(line, says, verb.join(' ')),
          );
          t.diagnostic(`${verb.join(' ')}: ${line}`);
        }
      }),
    );
  }
});
