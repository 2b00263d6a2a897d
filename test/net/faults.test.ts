/** Links and ways with faults: each is named in the first line. */

import { type Fault, PROBLEMS, testFaults } from '../support/fault.ts';
import { testIdentity } from '../support/identity.ts';
import { at, settle, startMesh, startPair } from '../support/mesh.ts';
import type { TestNode } from '../support/node.ts';
import { assertPings } from '../support/ping.ts';
import { layRouted, loadRules, startRouted } from '../support/routed.ts';

const two = ['ratatosk', 'ratatosk'] as const;

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
];

testFaults(FAULTS);
