import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { AdminServer, parseEndpoint } from '../../daemon/host/admin.ts';
import type { CallContext } from '../../daemon/host/admin-call.ts';
import { adminCalls } from '../../daemon/host/admin-calls.ts';
import type { FirewallAnswer, RuleAnswer, StatsAnswer } from '../../daemon/host/answers.ts';
import { adminExchange, adminOctets, adminRequest } from '../support/admin.ts';
import { needs, needsYggdrasil } from '../support/needs.ts';
import { asNobody, needsOtherUser } from '../support/nobody.ts';
import { repoRoot, yggdrasilTool } from '../support/places.ts';
import { waitFor } from '../support/wait.ts';
import { contextOf, keyOf, linkedPeer, lonelyRouter, startAdmin, temporaryFolder } from './admin-fixture.ts';

type Item = {
  request: object;
  response: { status: string; request: unknown; response: Record<string, unknown> | null };
};
type Command = { command: string; fields?: string[] };

const vectors: { admin: { items: Item[] } } = JSON.parse(
  readFileSync(join(repoRoot, 'test/vectors/yggdrasil-0.5.json'), 'utf8'),
);

/** What the vectors have and we do not: product names, and free text. */
function comparable(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value), (name, member) => {
    return ['build_name', 'build_version', 'error', 'description'].includes(name) ? undefined : member;
  });
}

test('answers as the vectors do, members in their order', async (t) => {
  const path = await startAdmin(t);
  for (const { request, response } of vectors.admin.items) {
    if ('request' in request && request.request === 'list') continue;
    const answer = JSON.parse(await adminOctets(path, JSON.stringify(request)));
    assert.equal(JSON.stringify(comparable(answer)), JSON.stringify(comparable(response)));
  }
});

test('lists the commands of the vectors with their fields, sorted', async (t) => {
  const { list } = await adminRequest<{ list: Command[] }>(await startAdmin(t), 'list');
  const known = vectors.admin.items.flatMap(({ response }) => (response.response?.list ?? []) as Command[]);
  for (const { command, fields } of known) {
    const ours = list.find((entry) => entry.command === command);
    assert.ok(ours !== undefined, command);
    assert.deepEqual(ours.fields, fields, command);
  }
  assert.deepEqual(
    list.map(({ command }) => command),
    list.map(({ command }) => command).sort(),
  );
});

test('answers text as Go prints it, with a newline, and closes', async (t) => {
  const text = await adminOctets(await startAdmin(t), '{"request":"GETTUN"}');
  const lines = [
    '{',
    '  "status": "success",',
    '  "request": {',
    '    "request": "GETTUN",',
    '    "arguments": {}',
    '  },',
  ];
  assert.equal(text, [...lines, '  "response": {', '    "enabled": false', '  }', '}', ''].join('\n'));
});

test('shows peers with zeros left out, sorted, latency in nanoseconds', async (t) => {
  const down = linkedPeer(7, { isUp: false, link: undefined, lastError: 'refused', lastErrorAgeMs: 2.5 });
  const inbound = linkedPeer(1, { isInbound: true }, { bytesSent: 0, bytesReceived: 0, priority: 2 });
  const router = { ...lonelyRouter(), peers: () => [inbound, linkedPeer(3), down] };
  const { peers } = await adminRequest<{ peers: object[] }>(await startAdmin(t, router), 'getPeers');
  assert.deepEqual(peers, [
    {
      remote: 'tcp://192.0.2.7:1',
      up: false,
      inbound: false,
      key: '',
      port: 0,
      priority: 0,
      cost: 0,
      last_error_time: 2_500_000,
      last_error: 'refused',
      configured: true,
      kind: 'tcp',
      state: 'waiting',
    },
    {
      remote: 'tcp://192.0.2.3:1',
      up: true,
      inbound: false,
      address: '206:7e7e:7e7e:7e7e:7e7e:7e7e:7e7e:7e7e',
      key: '03'.repeat(32),
      port: 3,
      priority: 0,
      cost: 12,
      bytes_recvd: 614,
      bytes_sent: 567,
      uptime: 1.5,
      latency: 500_000,
      configured: true,
      kind: 'tcp',
      state: 'up',
    },
    {
      remote: 'tcp://192.0.2.1:1',
      up: true,
      inbound: true,
      address: '207:fefe:fefe:fefe:fefe:fefe:fefe:fefe',
      key: '01'.repeat(32),
      port: 1,
      priority: 2,
      cost: 12,
      uptime: 1.5,
      latency: 500_000,
      configured: true,
      kind: 'tcp',
      state: 'up',
    },
  ]);
});

test('sorts peers by cost or uptime when asked to', async (t) => {
  const near = linkedPeer(5, {}, { cost: 1, upMs: 10 });
  const path = await startAdmin(t, { ...lonelyRouter(), peers: () => [linkedPeer(3), near] });
  const first = async (sort: string): Promise<unknown> => {
    return (await adminRequest<{ peers: { port: number }[] }>(path, 'getpeers', { sort })).peers[0]?.port;
  };
  assert.deepEqual([await first('cost'), await first('uptime'), await first('whatever')], [5, 3, 3]);
});

test('shows rates once it has looked twice', () => {
  let received = 0;
  const router = { ...lonelyRouter(), peers: () => [linkedPeer(3, {}, { bytesReceived: received })] };
  const context = contextOf(router);
  const look = (atMs: number): void => context.rates.look(router.peers(), atMs);
  look(0);
  received = 5000;
  look(2000);
  assert.deepEqual(context.rates.of(linkedPeer(3)), { received: 2500, sent: 0 });
  look(2100);
  assert.equal(context.rates.of(linkedPeer(3)).received, 2500, 'a look too soon changes nothing');
});

test('keeps 64-bit numbers whole', async (t) => {
  const router = {
    ...lonelyRouter(),
    paths: () => [{ key: keyOf(2), ports: ['18446744073709551615'], seq: 2n ** 63n }],
  };
  const text = await adminOctets(await startAdmin(t, router), '{"request":"getPaths"}');
  assert.match(text, /^ {10}18446744073709551615$/m);
  assert.match(text, /"sequence": 9223372036854775808$/m);
});

test('serves one request after another on a connection that is to be kept', async (t) => {
  const path = await startAdmin(t);
  const text = await adminOctets(
    path,
    '{"request":"getTun","keepalive":true}\n{"request":"getTun","keepalive":true}{"request":"list"}',
  );
  const answers = text
    .split('\n}\n')
    .slice(0, -1)
    .map((part) => JSON.parse(`${part}}`));
  assert.deepEqual(
    answers.map(({ request }) => request.request),
    ['getTun', 'getTun', 'list'],
  );
  assert.equal(answers[0].request.keepalive, true);
  assert.equal('keepalive' in answers[2].request, false);
});

test('refuses what is no request, and unknown ones', async (t) => {
  const path = await startAdmin(t);
  for (const text of ['{"request":5}', '{]', '{"request":"x","keepalive":"yes"}', '{}', '{"request":"nosuch"}']) {
    const answer = JSON.parse(await adminOctets(path, text));
    assert.equal(answer.status, 'error', text);
    assert.equal(answer.response, null);
    assert.ok(answer.error.length > 0);
  }
});

test('closes without a word when the first octet is another, as a browser sends it', async (t) => {
  assert.equal(await adminOctets(await startAdmin(t), 'GET / HTTP/1.1\r\nHost: localhost\r\n\r\n'), '');
});

test('refuses arguments that are no strings, and for its own requests unknown ones', async (t) => {
  const path = await startAdmin(t);
  const statusOf = async (request: object): Promise<string> =>
    JSON.parse(await adminOctets(path, JSON.stringify(request))).status;
  assert.equal(await statusOf({ request: 'getPeers', arguments: { sort: 5 } }), 'error');
  assert.equal(await statusOf({ request: 'getPeers', arguments: { other: 5 } }), 'success');
  assert.equal(await statusOf({ request: 'getPeers', arguments: null }), 'success');
  assert.equal(await statusOf({ request: 'getPeers', arguments: [] }), 'error');
  assert.equal(await statusOf({ request: 'getStats', arguments: { other: 'x' } }), 'error');
  assert.equal(await statusOf({ request: 'addPeer', arguments: {} }), 'error');
});

test('tells counters, drops, limits, and how the loops of both threads do', async (t) => {
  const stats = await adminRequest<StatsAnswer>(await startAdmin(t), 'getStats');
  const { memory, limits, ...response } = stats;
  assert.deepEqual(response, {
    counters: { packets: 7 },
    drops: { 'too late': 3 },
    closes: { 'frame malformed': 1 },
    loops: {
      router: { busy: 0.5, lag_mean_ms: 1, lag_max_ms: 9 },
      host: { busy: 0, lag_mean_ms: 0, lag_max_ms: 0 },
    },
    queues: { tun: 0, links: 5 },
  });
  assert.deepEqual(
    [limits.links, limits.sessions],
    [
      { used: 1, max: 400 },
      { used: 5, max: 16_384 },
    ],
  );
  assert.deepEqual(memory.router, { used: 5, max: 512 });
  assert.ok(memory.host.used > 0 && memory.host.used < memory.host.max && memory.rss > memory.host.used);
});

test('pings by address, key and name, and says what it does not know', async (t) => {
  const path = await startAdmin(t);
  for (const target of ['200:1::2', '09'.repeat(32), 'Laptop']) {
    const answer = await adminExchange(path, 'ping', { target });
    assert.deepEqual([answer.status, answer.response?.latency], ['success', 1_500_000], target);
  }
  for (const target of ['', 'desktop', 'fe80::1', '2001:db8::1', 'constructor']) {
    assert.equal((await adminExchange(path, 'ping', { target })).status, 'error', target);
  }
});

test('refuses the seventeenth connection and serves again when one ends', async (t) => {
  const path = await startAdmin(t);
  const idle = await Promise.all(Array.from({ length: 16 }, () => connected(t, path)));
  assert.equal(await adminOctets(path, '{"request":"getTun"}').catch(() => ''), '');
  idle[0]?.destroy();
  await waitFor('a free place', async () => (await adminOctets(path, '{"request":"getTun"}').catch(() => '')) !== '');
});

test('lets 20 requests a second through and delays the rest', async (t) => {
  const path = await startAdmin(t);
  const startMs = performance.now();
  const text = await adminOctets(path, `${'{"request":"getTun","keepalive":true}'.repeat(29)}{"request":"getTun"}`);
  assert.equal(text.split('"success"').length - 1, 30);
  assert.ok(performance.now() - startMs > 400, `${performance.now() - startMs} ms`);
});

test('makes the socket for its owner and group alone, and removes it at the end', async (t) => {
  const path = join(temporaryFolder(t), 'deep/admin.sock');
  const server = await AdminServer.listen({ kind: 'unix', path }, []);
  assert.equal(statSync(path).mode & 0o777, 0o660);
  server.close();
  assert.equal(existsSync(path), false);
});

test('takes the place of a socket nobody answers on, and of nothing else', async (t) => {
  const folder = temporaryFolder(t);
  const stale = join(folder, 'stale.sock');
  spawnSync(process.execPath, [
    '-e',
    `require('net').createServer().listen(${JSON.stringify(stale)}, () => process.kill(process.pid, 'SIGKILL'))`,
  ]);
  assert.ok(statSync(stale).isSocket());
  (await AdminServer.listen({ kind: 'unix', path: stale }, [])).close();

  const file = join(folder, 'file');
  writeFileSync(file, 'precious');
  await assert.rejects(AdminServer.listen({ kind: 'unix', path: file }, []), { code: 'SOCKET_PATH' });
  assert.equal(readFileSync(file, 'utf8'), 'precious');

  const taken = await startAdmin(t);
  await assert.rejects(AdminServer.listen({ kind: 'unix', path: taken }, []), { code: 'ADMIN_IN_USE' });
  assert.equal((await adminExchange(taken, 'getTun')).status, 'success');
});

test('listens on abstract names', async (t) => {
  const endpoint = parseEndpoint(`unix://@rtsk-test-${process.pid}`);
  assert.ok(endpoint.kind === 'unix');
  const server = await AdminServer.listen(endpoint, adminCalls(contextOf(lonelyRouter())));
  t.after(() => server.close());
  assert.equal((await adminExchange(endpoint.path, 'getTun')).status, 'success');
  await assert.rejects(AdminServer.listen(endpoint, []), { code: 'SOCKET_LISTEN' });
});

test('serves over TCP only what changes nothing', async (t) => {
  const server = await AdminServer.listen(
    { kind: 'tcp', host: '127.0.0.1', port: 0 },
    adminCalls(contextOf(lonelyRouter())),
  );
  t.after(() => server.close());
  const exchange = (text: string): Promise<string> => {
    return new Promise((resolve, reject) => {
      const socket = connect({ host: '127.0.0.1', port: server.port }, () => socket.write(text));
      let answer = '';
      socket.on('data', (chunk) => (answer += String(chunk)));
      socket.on('error', reject);
      socket.on('close', () => resolve(answer));
    });
  };
  assert.equal(JSON.parse(await exchange('{"request":"getTun"}')).status, 'success');
  for (const request of ['addPeer', 'removePeer', 'reload', 'ping', 'allow', 'deny']) {
    const answer = JSON.parse(await exchange(JSON.stringify({ request, arguments: { uri: 'tcp://a:1' } })));
    assert.match(answer.error, /unknown here/, request);
  }
  await assert.rejects(AdminServer.listen({ kind: 'tcp', host: '127.0.0.1', port: server.port }, []), {
    code: 'ADMIN_IN_USE',
  });
});

test('understands AdminListen', () => {
  assert.deepEqual(parseEndpoint('none'), { kind: 'off' });
  assert.deepEqual(parseEndpoint(''), { kind: 'off' });
  assert.deepEqual(parseEndpoint('tcp://[::1]:9001'), { kind: 'tcp', host: '::1', port: 9001 });
  assert.deepEqual(parseEndpoint('tcp://localhost:9001'), { kind: 'tcp', host: 'localhost', port: 9001 });
  for (const text of ['localhost:9001', 'tcp://localhost', 'tcp://a:70000', 'udp://a:1', 'unix://']) {
    assert.throws(() => parseEndpoint(text), { code: 'ADMIN_LISTEN' }, text);
  }
});

test('the real yggdrasilctl prints its tables', { skip: needs(needsYggdrasil()) }, async (t) => {
  const router = {
    ...lonelyRouter(),
    peers: () => [linkedPeer(3)],
    tun: () => ({ isEnabled: true, name: 'ygg0', mtu: 9000 }),
  };
  const path = await startAdmin(t, router);
  const ctl = (...words: string[]): Promise<string> =>
    new Promise((resolve, reject) => {
      execFile(yggdrasilTool('yggdrasilctl') ?? '', [`-endpoint=unix://${path}`, ...words], (error, out) => {
        if (error) reject(error);
        else resolve(out);
      });
    });
  assert.match(await ctl('getSelf'), /Build name:\s+ratatosk[\s\S]*201:81c:718d:b459:af98:65b6:b7be:f17/);
  assert.match(
    await ctl('getPeers'),
    /tcp:\/\/192\.0\.2\.3:1\s+Up\s+Out\s+206:7e7e\S+\s+1s\s+0\.50ms\s+0\.6KB\s+0\.6KB/,
  );
  assert.match(await ctl('getTree'), /Parent[\s\S]*7df8e39c/);
  assert.match(await ctl('getTun'), /ygg0[\s\S]*9000/);
  for (const request of ['getPaths', 'getSessions', 'getMulticastInterfaces', 'list', 'getStatus']) {
    assert.ok((await ctl(request)).length > 0, request);
  }
  assert.equal(await ctl('addPeer', 'uri=tcp://192.0.2.1:1'), '');
  await assert.rejects(ctl('nosuch'));
});

test('a socket that may not be made is an error with a remedy', { skip: needsOtherUser() }, async (t) => {
  const folder = temporaryFolder(t);
  chmodSync(folder, 0o755);
  await asNobody(() =>
    assert.rejects(AdminServer.listen({ kind: 'unix', path: join(folder, 'a/admin.sock') }, []), {
      code: 'SOCKET_LISTEN',
      message: /root/,
    }),
  );
});

test('a peer that stops reading does not stop the others', async (t) => {
  const entries = Array.from({ length: 5000 }, (_, i) => ({ key: keyOf(i & 0xff), parent: keyOf(1), seq: BigInt(i) }));
  const path = await startAdmin(t, { ...lonelyRouter(), tree: () => entries });
  const lazy = await connected(t, path);
  lazy.pause();
  lazy.write('{"request":"getTree"}');
  assert.equal((await adminExchange(path, 'getTun')).status, 'success');
});

test('closes a connection that says nothing for the time it may', async (t) => {
  const path = join(temporaryFolder(t), 'admin.sock');
  const server = await AdminServer.listen({ kind: 'unix', path }, adminCalls(contextOf(lonelyRouter())), 100);
  t.after(() => server.close());
  const startMs = performance.now();
  assert.equal(await adminOctets(path, '{"request":"getT'), '');
  const tookMs = performance.now() - startMs;
  assert.ok(tookMs > 90 && tookMs < 5000, `${tookMs} ms`);
});

test('gives an error in place of an answer of more than 8 MiB', async (t) => {
  const entries = Array.from({ length: 45_000 }, (_, i) => ({
    key: keyOf(i & 0xff),
    parent: keyOf(1),
    seq: BigInt(i),
  }));
  const path = await startAdmin(t, { ...lonelyRouter(), tree: () => entries });
  assert.match((await adminExchange(path, 'getTree')).error ?? '', /8 MiB/);
});

async function connected(t: TestContext, path: string): Promise<Socket> {
  const socket = connect({ path });
  t.after(() => socket.destroy());
  await new Promise((resolve, reject) => socket.once('connect', resolve).once('error', reject));
  return socket;
}

// A server of another kind answers too, so its socket must stay.
test('leaves the socket of another program that lives', async (t) => {
  const path = join(temporaryFolder(t), 'other.sock');
  const other = createServer(() => undefined);
  await new Promise<void>((resolve) => other.listen(path, resolve));
  t.after(() => other.close());
  await assert.rejects(AdminServer.listen({ kind: 'unix', path }, []), { code: 'ADMIN_IN_USE' });
});

test('hands rules to the firewall and answers with its state', async (t) => {
  const rules: RuleAnswer[] = [];
  const add = (rule: string): void => void rules.push({ rule, by: 'command', open: true });
  const firewall: CallContext['firewall'] = {
    status: () => ({ inbound: 'deny', closed: true, rules }),
    latest: () => assert.fail('who asks is told what holds now'),
    allow: (rule) => add(`allow ${rule}`),
    deny: (rule) => add(`deny ${rule}`),
  };
  const path = await startAdmin(t, lonelyRouter(), { firewall });
  assert.deepEqual(await adminRequest(path, 'getFirewall'), { inbound: 'deny', closed: true, rules: [] });
  await adminRequest(path, 'allow', { rule: '22 from laptop' });
  const after = await adminRequest<FirewallAnswer>(path, 'deny', { rule: '80' });
  assert.deepEqual(
    after.rules.map(({ rule }) => rule),
    ['allow 22 from laptop', 'deny 80'],
  );
  await assert.rejects(adminRequest(path, 'allow', { port: '22' }), /port is unknown to this request/);
});
