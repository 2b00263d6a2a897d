/** Machines, radios and queues with faults: each is named in the first line. */
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Random } from '../sim/random.ts';
import { type Fault, PROBLEMS, testFaults } from '../support/fault.ts';
import { testIdentity } from '../support/identity.ts';
import { at, startMesh } from '../support/mesh.ts';
import { needsTool } from '../support/needs.ts';
import type { TestNode } from '../support/node.ts';
import { assertPings } from '../support/ping.ts';
import { Channel } from '../support/radio/channel.ts';
import { RealClock } from '../support/radio/clock.ts';
import { PtyPort } from '../support/radio/ports.ts';
import { RnodeModem } from '../support/radio/rnode-modem.ts';
import { waitFor } from '../support/wait.ts';

/** Debian's package faketime. */
const FAKETIME = ['x86_64', 'aarch64', 'arm', 'riscv64']
  .map((arch) => `/usr/lib/${arch}-linux-gnu${arch === 'arm' ? 'eabihf' : ''}/faketime/libfaketimeMT.so.1`)
  .find((path) => existsSync(path));

const two = ['ratatosk', 'ratatosk'] as const;
const PATIENCE_MS = 60_000;

const FAULTS: readonly Fault[] = [
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
          // Both fill up, now this one first, now that one.
          says: /! limit +limit reached: the queue (of a link|from the network interface) is full .*link=tcp:/,
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

testFaults(FAULTS);
