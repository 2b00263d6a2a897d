/**
 * The firewall against real traffic. Two hosts, of which `b` is closed as by default; `a` is open, and mean.
 */
import assert from 'node:assert/strict';
import { chownSync, existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { testIdentity } from '../support/identity.ts';
import { type Lab, withLab } from '../support/lab.ts';
import { at, startMesh } from '../support/mesh.ts';
import { needs, needsMesh, needsOpenFolder, needsTool } from '../support/needs.ts';
import type { Netns } from '../support/netns.ts';
import { privateFolders, type TestNode, TUN_NAME } from '../support/node.ts';
import { assertPings } from '../support/ping.ts';
import { python, ratatoskMain, supportScript } from '../support/places.ts';
import { waitFor } from '../support/wait.ts';

const options = { skip: needsMesh('ratatosk') || needs(needsTool('nft')), timeout: 120_000 };
const mayNotRead = needs(await needsOpenFolder());
const PORT = 8080;
const NOBODY = 65534;
const OTHERS_TABLE = 'table inet others { chain c { type filter hook input priority 5; policy accept; counter; }; }';
const CLOSED = { Inbound: 'deny' };

/** Both hosts up, pinging each other: echo passes although nothing is allowed. */
async function startHosts(lab: Lab, firewall: object = CLOSED): Promise<[open: TestNode, closed: TestNode]> {
  const { nodes } = await startMesh(lab, {
    kinds: ['ratatosk', 'ratatosk'],
    node: (i) => (i === 1 ? { config: { Firewall: firewall } } : {}),
  });
  const [a, b] = [at(nodes, 0), at(nodes, 1)];
  await assertPings(a, b);
  return [a, b];
}

async function serve(lab: Lab, node: TestNode, address = node.address): Promise<void> {
  const line = [process.execPath, supportScript('http-tool.js'), 'serve', address, String(PORT)];
  await lab.adopt(node.netns.start(line)).says('ready');
}

const reaches = (from: Netns, address: string, port = PORT): Promise<boolean> => connects(from, address, port, 10_000);
/** A connection that is dropped is given up after a second. */
const isShutOut = async (from: Netns, address: string, port = PORT): Promise<boolean> =>
  !(await connects(from, address, port, 1_000));

/** Whether a TCP connection comes about. */
async function connects(from: Netns, address: string, port: number, limitMs: number): Promise<boolean> {
  const script =
    'const s = require("node:net").connect(+process.argv[2], process.argv[1]); s.on("connect", () => process.exit(0)); s.on("error", () => process.exit(2)); setTimeout(() => process.exit(1), +process.argv[3])';
  const line = [process.execPath, '-e', script, address, String(port), String(limitMs)];
  return (await from.run(line)).code === 0;
}

const rules = (netns: Netns): Promise<string> => netns.mustRun(['nft', 'list', 'ruleset']);
const tables = async (netns: Netns): Promise<string[]> =>
  (await netns.mustRun(['nft', 'list', 'tables'])).split('\n').filter((line) => line !== '');
const tableOf = (index: number): string => `table inet ratatosk-${testIdentity(index).publicKeyHex.slice(0, 16)}`;

const refusedBy = async (node: TestNode): Promise<number> => {
  return (await node.admin<{ refused: number }>('getFirewall')).refused;
};

function verb(node: TestNode, ...words: string[]) {
  const line = [process.execPath, ratatoskMain, 'firewall', ...words, '--socket', node.adminPath];
  return node.netns.mustRun(line);
}

describe('the firewall', { concurrency: 3 }, () => {
  test(
    'a web server on the mesh address is reached while it is allowed, and not before nor after',
    options,
    withLab(async (lab) => {
      const [a, b] = await startHosts(lab);
      await serve(lab, b);
      await serve(lab, a);
      const [firstLine = ''] = b.log.split('\n').filter((line) => /^\d{4}-\d\d-/.test(line));
      assert.match(firstLine, /firewall: inbound connections over the mesh are closed; open one with/);
      assert.ok(await isShutOut(a.netns, b.address));
      assert.ok(await reaches(b.netns, a.address), 'out of the closed host');
      assert.ok(await reaches(b.netns, b.address), 'from the host itself');

      assert.match(await verb(b, 'allow', String(PORT)), /open +8080/);
      assert.ok(await reaches(a.netns, b.address));
      assert.ok(await isShutOut(a.netns, b.address, PORT + 1));
      await verb(b, 'deny', String(PORT));
      assert.ok(await isShutOut(a.netns, b.address));

      await verb(b, 'allow', String(PORT), 'from', testIdentity(5).publicKeyHex);
      assert.ok(await isShutOut(a.netns, b.address), 'another node is allowed');
      await verb(b, 'allow', String(PORT), 'from', testIdentity(0).publicKeyHex);
      assert.ok(await reaches(a.netns, b.address));
      assert.ok((await refusedBy(b)) >= 4);
    }),
  );

  test(
    'rules of commands and configuration last over a restart, and a command overrules the configuration',
    options,
    withLab(async (lab) => {
      const [a, b] = await startHosts(lab, { Allow: ['8080', '8081'] });
      await serve(lab, b);
      assert.ok(await reaches(a.netns, b.address));
      await verb(b, 'deny', '8080');
      await verb(b, 'allow', '22');
      assert.ok(await isShutOut(a.netns, b.address));
      await b.terminate();
      await b.start();
      await assertPings(a, b);
      assert.ok(await isShutOut(a.netns, b.address));
      assert.match(await verb(b, 'show'), /closed +8080[^\n]*\n +taken back by a command\nopen +8081[^\n]*\nopen +22 /);
    }),
  );

  test(
    'open connections live through reloads and changes of rules, and other tables are never touched',
    options,
    withLab(async (lab) => {
      const [a, b] = await startHosts(lab);
      await b.netns.mustRun(['nft', OTHERS_TABLE]);
      const others = async () => (await b.netns.mustRun(['nft', '-s', 'list', 'table', 'inet', 'others'])).trim();
      const before = await others();
      await serve(lab, b);
      await verb(b, 'allow', '8080');
      // Slow readers in both directions: what is open stays open while rules come and go.
      const inward = lab.adopt(a.netns.start(slowFetch(b.address)));
      await inward.says('first');
      await serve(lab, a);
      const outward = lab.adopt(b.netns.start(slowFetch(a.address)));
      await outward.says('first');

      await verb(b, 'deny', '8080');
      b.writeConfig({ Firewall: { Allow: ['9'] } });
      await b.admin('reload');
      assert.match(await rules(b.netns), /tcp dport 9 accept/);
      b.writeConfig({ Firewall: { Inbound: 'allow' } });
      await b.admin('reload');
      assert.ok(!(await tables(b.netns)).includes(tableOf(1)));
      b.writeConfig({});
      await b.admin('reload');
      assert.ok(await isShutOut(a.netns, b.address), 'new connections');
      for (const running of [inward, outward]) {
        const mark = running.stdout.length;
        await waitFor('octets after the reloads', () => running.stdout.length > mark + 10);
        assert.equal(running.end, undefined, running.output);
      }
      assert.equal(await others(), before);
      await b.terminate();
      assert.equal(await others(), before);
      assert.deepEqual(await tables(b.netns), ['table inet others']);
    }),
  );

  test(
    'the table is gone after SIGTERM, replaced after SIGKILL, and put back when it was flushed',
    options,
    withLab(async (lab) => {
      const [a, b] = await startHosts(lab);
      await serve(lab, b, '::');
      await b.kill();
      assert.deepEqual(await tables(b.netns), [tableOf(1)], 'left behind');
      // The name of the interface is free again: what was left behind must not guard another one.
      await b.netns.mustRun(['ip', 'tuntap', 'add', 'dev', TUN_NAME, 'mode', 'tun']);
      assert.doesNotMatch(await rules(b.netns), new RegExp(`iif "${TUN_NAME}"`));
      await b.netns.mustRun(['ip', 'link', 'del', TUN_NAME]);
      await b.start();
      await assertPings(a, b);
      assert.deepEqual(await tables(b.netns), [tableOf(1)]);
      assert.match(await rules(b.netns), new RegExp(`iif "${TUN_NAME}" goto inbound`));
      assert.ok(await isShutOut(a.netns, b.address));

      await b.netns.mustRun(['nft', 'flush', 'ruleset']);
      await waitFor('the table to come back', async () => (await tables(b.netns)).length === 1);
      await waitFor('a word on it', () => /its table was gone/.test(b.log));
      assert.ok(await isShutOut(a.netns, b.address));

      await b.terminate();
      assert.deepEqual(await tables(b.netns), []);
    }),
  );

  test(
    'no packet comes in before the table is there',
    options,
    withLab(async (lab) => {
      const [a, b] = await startHosts(lab);
      await serve(lab, b, '::');
      for (let round = 0; round < 2; round++) {
        await b.terminate();
        // A stranger that tries all the time, from before the start until well after it.
        const knocking = lab.adopt(a.netns.start([python, '-c', KNOCK, b.address, String(PORT)]));
        await knocking.says('knocking');
        await b.start();
        await waitFor('a knock at the closed door', async () => (await refusedBy(b)) > 0);
        await knocking.stop('SIGKILL');
        assert.doesNotMatch(knocking.stdout, /connected/, `round ${round}`);
      }
    }),
  );

  test(
    'machines behind a closed node are as closed as it is, and can go out',
    options,
    withLab(async (lab) => {
      const [a, b] = await startHosts(lab);
      const lan = await lab.netns('lan');
      const cable = await lab.cable(b.netns, lan);
      const prefix = b.identity.subnet.replace('::/64', '');
      const inner = `${prefix}::2`;
      await b.netns.mustRun(['sysctl', '-qw', 'net.ipv6.conf.all.forwarding=1']);
      await b.netns.mustRun(['ip', 'addr', 'add', `${prefix}::1/64`, 'dev', cable.a.device, 'nodad']);
      await lan.mustRun(['ip', 'addr', 'add', `${inner}/64`, 'dev', cable.b.device, 'nodad']);
      await lan.mustRun(['ip', 'route', 'add', '200::/7', 'via', `${prefix}::1`]);
      const line = [process.execPath, supportScript('http-tool.js'), 'serve', inner, String(PORT)];
      await lab.adopt(lan.start(line)).says('ready');
      await serve(lab, a);
      await assertPings(a, { label: 'lan', netns: lan, address: inner });
      assert.ok(await reaches(lan, a.address), 'out');
      assert.ok(await reaches(b.netns, inner), 'from the node itself');
      assert.ok(await isShutOut(a.netns, inner));
      await verb(b, 'allow', '8080');
      assert.ok(await reaches(a.netns, inner));
    }),
  );

  test(
    'two daemons in one namespace do not disturb each other',
    options,
    withLab(async (lab) => {
      const netns = await lab.netns('both');
      const [one, two] = [0, 1].map((i) =>
        lab.node(`n${i}`, { kind: 'ratatosk', netns, identity: testIdentity(i), hasTun: false, config: twin(i) }),
      );
      assert.ok(one !== undefined && two !== undefined);
      for (const node of [one, two]) {
        await node.start();
        await waitFor('its table', async () => (await tables(netns)).length === (node === one ? 1 : 2));
      }
      await verb(one, 'allow', '22');
      await two.terminate();
      assert.deepEqual(await tables(netns), [tableOf(0)]);
      assert.match(await rules(netns), /tcp dport 22 accept[\s\S]*iif "twin0" goto inbound/);
      await two.start();
      await waitFor('both tables', async () => (await tables(netns)).length === 2);
      await one.terminate();
      assert.deepEqual(await tables(netns), [tableOf(1)]);
    }),
  );

  test(
    'a service that is not root closes too',
    { ...options, skip: options.skip || mayNotRead },
    withLab(async (lab) => {
      const netns = await lab.netns('service');
      const path = join(lab.folder, 'node.conf');
      const config = { PrivateKey: testIdentity(0).privateKeyHex, MulticastInterfaces: [], IfName: TUN_NAME };
      writeFileSync(path, JSON.stringify(config), { mode: 0o600 });
      for (const name of [lab.folder, path]) chownSync(name, NOBODY, NOBODY);
      // Where only root may open the device, a private one stands in; then the rights that configs/ratatosk.service gives.
      const device = 'mount -t tmpfs tmpfs /dev/net && mknod -m 666 /dev/net/tun c 10 200 && exec "$@"';
      const rights = ['inh-caps', 'ambient-caps', 'bounding-set'].map((set) => `--${set}=-all,+net_admin`);
      const user = ['setpriv', `--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups', ...rights, '--no-new-privs'];
      const up = [process.execPath, ratatoskMain, 'up', '--config', path];
      const line = ['sh', '-c', device, 'sh', ...user, '--', ...up];
      const daemon = lab.adopt(netns.start(line, { env: privateFolders(lab.folder) }));
      await daemon.says('is up');
      assert.match(daemon.stdout, /ok {2}firewall {2}inbound connections are closed/);
      assert.deepEqual(await tables(netns), [tableOf(0)]);
      await netns.mustRun(['nft', 'flush', 'ruleset']);
      await waitFor('the table to come back', async () => (await tables(netns)).length === 1);
      await daemon.stop('SIGTERM');
      assert.deepEqual(await tables(netns), []);
    }),
  );

  test(
    'without nft the daemon runs on, open, and says so loudly with the remedy',
    options,
    withLab(async (lab) => {
      const netns = await lab.netns('bare');
      const path = join(lab.folder, 'node.conf');
      const config = { PrivateKey: testIdentity(0).privateKeyHex, MulticastInterfaces: [], IfName: TUN_NAME };
      writeFileSync(path, JSON.stringify(config), { mode: 0o600 });
      // Hidden in the mount namespace that `ip netns exec` gives each command.
      const hide = 'for p in /usr/sbin/nft /sbin/nft; do [ -e "$p" ] && mount --bind /dev/null "$p"; done; exec "$@"';
      const up = [process.execPath, ratatoskMain, 'up', '--config', path];
      const daemon = lab.adopt(netns.start(['sh', '-c', hide, 'sh', ...up], { env: privateFolders(lab.folder) }));
      await daemon.says('is up');
      assert.match(daemon.stderr.split('\n')[0] ?? '', /error: firewall: NOT CLOSED: .*`?nft/);
      assert.match(daemon.stdout, /-- {2}firewall {2}NOT CLOSED/);
      assert.match(daemon.stdout, /ok {2}tun/);
      assert.ok(existsSync('/usr/sbin/nft'), 'hidden from the daemon only');
    }),
  );
});

function twin(index: number): Record<string, unknown> {
  return { IfName: `twin${index}`, Firewall: CLOSED };
}

/** Fetches for ever, a piece every 20 ms, and prints a mark for each. */
function slowFetch(address: string): string[] {
  const script = `require("node:http").get("http://[${address}]:${PORT}/7/1000000000", async (r) => {
    console.log("first");
    for await (const piece of r) { console.log(piece.length); await new Promise((f) => setTimeout(f, 20)); }
  });`;
  return [process.execPath, '-e', script];
}

/** Tries to connect every 5 ms, and says so if it ever succeeds. */
const KNOCK = `
import select, socket, sys, time
print('knocking', flush=True)
waiting = []
while True:
    s = socket.socket(socket.AF_INET6, socket.SOCK_STREAM)
    s.setblocking(False)
    try:
        s.connect((sys.argv[1], int(sys.argv[2])))
    except BlockingIOError:
        waiting.append(s)
    except OSError:
        pass
    for one in select.select([], waiting, [], 0)[1]:
        if one.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0:
            print('connected', flush=True)
        waiting.remove(one)
    waiting = waiting[-200:]
    time.sleep(0.005)
`;
