import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { withLab } from '../support/lab.ts';
import {
  becomeNeighbours,
  droppedBeacons,
  LAN_DEVICE,
  layLan,
  linksBetween,
  setLanDevice,
  startLan,
} from '../support/lan.ts';
import { at } from '../support/mesh.ts';
import { needs, needsMesh, needsOpenFolder } from '../support/needs.ts';
import { assertPings, ping } from '../support/ping.ts';
import { ratatoskMain } from '../support/places.ts';
import { waitFor } from '../support/wait.ts';

const options = { skip: needsMesh('ratatosk'), timeout: 90_000 };
const mayNotRead = needs(await needsOpenFolder());
const kind = 'ratatosk' as const;

describe('neighbours on a LAN', { concurrency: 3 }, () => {
  test(
    'three nodes without configuration are neighbours in seconds, and carry pings',
    options,
    withLab(async (lab, t) => {
      const nodes = await startLan(lab, [{ kind }, { kind }, { kind }]);
      t.diagnostic(`neighbours ${Math.round(await becomeNeighbours(nodes))} ms after the last had started`);
      for (const [i, node] of nodes.entries()) await assertPings(node, at(nodes, (i + 1) % 3));
    }),
  );

  test(
    'the tables say what was discovered, and where neighbours are looked for',
    options,
    withLab(async (lab) => {
      const nodes = await startLan(lab, [{ kind }, { kind, entry: { Port: 4_004, Priority: 3, Password: 'owls' } }]);
      const [a, b] = [at(nodes, 0), at(nodes, 1)];
      const interfacesOf = async (node: typeof a) =>
        (
          await node.admin<{ multicast_interfaces: { name: string; address: string; password: boolean }[] }>(
            'getmulticastinterfaces',
          )
        ).multicast_interfaces;
      const listening = (node: typeof a) =>
        waitFor('the listener', async () => {
          const rows = await interfacesOf(node);
          return rows.some(({ address }) => address !== '-') && rows;
        });
      const [own = assert.fail('none')] = await listening(b);
      assert.match(own.address, new RegExp(`^\\[fe80::[0-9a-f:]+%${LAN_DEVICE}\\]:4004$`));
      assert.deepEqual([own.name, own.password], [LAN_DEVICE, true]);
      // The mesh's own interface is none of them.
      assert.deepEqual(
        (await listening(a)).map(({ name }) => name),
        [LAN_DEVICE],
      );
      b.writeConfig({ MulticastInterfaces: [{ Regex: 'lan', Beacon: true, Listen: true, Priority: 3 }] });
      b.signal('SIGHUP');
      await becomeNeighbours(nodes);
      const shown = await a.netns.mustRun([process.execPath, ratatoskMain, 'peers', '--socket', a.adminPath]);
      assert.match(shown, /tls:\/\/\[fe80::.*%lan0\]:\d+\n(.*\n)+? .*priority 3 .*discovered/);
      const status = await a.netns.mustRun([process.execPath, ratatoskMain, 'status', '--socket', a.adminPath]);
      assert.match(status, /ok {2}discovery of neighbours on lan0/);
    }),
  );

  test(
    'a password keeps those out who have another or none, and the links use it',
    options,
    withLab(async (lab) => {
      const entry = { Password: 'four owls' };
      const nodes = await startLan(lab, [
        { kind, entry },
        { kind, entry },
        { kind },
        { kind, entry: { Password: 'x' } },
      ]);
      const [a, b, none, other] = [at(nodes, 0), at(nodes, 1), at(nodes, 2), at(nodes, 3)];
      await becomeNeighbours([a, b]);
      for (const node of nodes) {
        await waitFor('beacons to be dropped', async () => (await droppedBeacons(node, 'beacon password')) >= 2);
      }
      assert.deepEqual(
        (await Promise.all([none, other].map((node) => node.peers()))).map((peers) => peers.length),
        [0, 0],
      );
      assert.ok((await a.peers()).every(({ key }) => key === b.identity.publicKeyHex));
    }),
  );

  test(
    'one tells and the other listens: who listens dials, and AllowedPublicKeys does not stand in its way',
    options,
    withLab(async (lab) => {
      const config = { AllowedPublicKeys: ['ab'.repeat(32)] };
      const nodes = await startLan(lab, [
        { kind, config, entry: { Listen: false } },
        { kind, config, entry: { Beacon: false } },
      ]);
      const [teller, listener] = [at(nodes, 0), at(nodes, 1)];
      await becomeNeighbours(nodes);
      const ways = async (node: typeof teller, to: typeof teller) =>
        new Set((await linksBetween(node, to)).map(({ inbound }) => inbound));
      const both = [await ways(teller, listener), await ways(listener, teller)];
      assert.deepEqual(both, [new Set([true]), new Set([false])]);
    }),
  );

  test(
    'with the interface go the links, and with its return they come back',
    options,
    withLab(async (lab, t) => {
      const nodes = await startLan(lab, [{ kind }, { kind }]);
      const [a, b] = [at(nodes, 0), at(nodes, 1)];
      await becomeNeighbours(nodes);
      const links = await b.netns.mustRun(['ss', '-6tnoH', 'state', 'established']);
      for (const link of links.trim().split('\n')) assert.match(link, /timer:/, 'an idle link is asked by the kernel');
      await setLanDevice(a, 'down');
      await waitFor('the links to go', async () => (await a.peers()).length === 0);
      // Who says nothing need not notice for 40 s.
      await ping(b, a, { count: 3 });
      await waitFor('the other end', async () => (await b.peers()).length === 0, { limitMs: 10_000 });
      await setLanDevice(a, 'up');
      t.diagnostic(`back after ${Math.round(await becomeNeighbours(nodes))} ms`);
      await assertPings(a, b);
    }),
  );

  test(
    'an address that the kernel still asks the LAN about is waited for',
    options,
    withLab(async (lab) => {
      const nodes = await layLan(lab, [
        { kind, hasTun: false },
        { kind, hasTun: false },
      ]);
      for (const node of nodes) {
        // Three questions, a second each.
        await node.netns.mustRun(['sh', '-c', `echo 3 > /proc/sys/net/ipv6/conf/${LAN_DEVICE}/dad_transmits`]);
        await setLanDevice(node, 'down');
        await setLanDevice(node, 'up');
      }
      await Promise.all(nodes.map((node) => node.start()));
      await becomeNeighbours(nodes);
      for (const node of nodes) assert.doesNotMatch(node.log, /EADDRNOTAVAIL/);
    }),
  );

  test(
    'a node without rights finds its neighbours too',
    { ...options, skip: options.skip || mayNotRead },
    withLab(async (lab) => {
      const nodes = await startLan(lab, [
        { kind, isUnprivileged: true, hasTun: false },
        { kind, hasTun: false },
      ]);
      await becomeNeighbours(nodes);
    }),
  );

  test(
    'without IPv6 the daemon says so and works',
    options,
    withLab(async (lab) => {
      const [node = assert.fail('no node')] = await layLan(lab, [{ kind, hasTun: false }]);
      await node.netns.mustRun(['sh', '-c', 'for f in /proc/sys/net/ipv6/conf/*/disable_ipv6; do echo 1 > $f; done']);
      await node.start();
      const status = await node.netns.mustRun([process.execPath, ratatoskMain, 'status', '--socket', node.adminPath]);
      assert.match(status, /-- {2}discovery on no interface/);
      assert.doesNotMatch(node.log, /warn|error/i);
    }),
  );
});
