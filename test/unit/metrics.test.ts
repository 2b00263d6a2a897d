import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { DEFAULT_LIMITS } from '../../daemon/core/limits.ts';
import { HOUR_MS } from '../../daemon/core/radio/ledger.ts';
import { Ledgers } from '../../daemon/core/radio/ledgers.ts';
import { newCounts } from '../../daemon/core/radio/transmitter.ts';
import { COUNTERS } from '../../daemon/core/stats.ts';
import { LoopLag } from '../../daemon/host/loop.ts';
import { Metrics } from '../../daemon/host/metrics.ts';
import { MetricsServer } from '../../daemon/host/metrics-server.ts';
import type { MetricsSource } from '../../daemon/host/snapshot.ts';
import { repoRoot } from '../support/places.ts';
import { type Answers, contextOf, linkedPeer, lonelyRouter } from './admin-fixture.ts';
import { AIR } from './radio-fixture.ts';

function sourceOf(more: Answers = {}): MetricsSource {
  const { ask } = contextOf({ ...lonelyRouter(), ...more });
  return { ask, version: '1.2.3', loop: () => new LoopLag().info(), limits: () => DEFAULT_LIMITS, refused: () => 3 };
}

async function serve(t: TestContext, more: Answers = {}, health = (): string | undefined => undefined) {
  const server = await MetricsServer.listen('127.0.0.1:0', sourceOf(more), health, 100);
  t.after(() => server.close());
  return `http://127.0.0.1:${server.port}`;
}

test('every counter of the core is a series, and says what the router says', async () => {
  const text = await new Metrics(sourceOf()).text();
  for (const name of COUNTERS) {
    const series = `ratatosk_${name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)}_total`;
    assert.match(text, new RegExp(`^${series} 0$`, 'm'));
  }
  assert.match(text, /^ratatosk_drops_total\{reason="too late"\} 3$/m);
  assert.match(text, /^ratatosk_links_closed_total\{reason="frame malformed"\} 1$/m);
  assert.match(text, /^ratatosk_sessions\{kind="e2e"\} 3$/m);
  assert.match(text, /^ratatosk_limit_used\{limit="sessions"\} 5$/m);
  assert.match(text, /^ratatosk_limit_max\{limit="sessions"\} 16384$/m);
  assert.match(text, /^ratatosk_loop_lag_max_seconds\{thread="router"\} 0.009$/m);
  assert.match(text, /^ratatosk_is_root 1$/m);
});

test('a scrape shows what there is now, not what there was', async () => {
  const rows = [linkedPeer(1), linkedPeer(2)];
  const metrics = new Metrics(sourceOf({ peers: () => rows }));
  const before = await metrics.text();
  assert.match(before, /^ratatosk_peer_received_bytes_total\{peer="tcp:\/\/192.0.2.2:1"\} 614$/m);
  rows.pop();
  const after = await metrics.text();
  assert.match(after, /^ratatosk_peer_received_bytes_total\{peer="tcp:\/\/192.0.2.1:1"\} 614$/m);
  assert.doesNotMatch(after, /192\.0\.2\.2/);
});

test('whoever connects here makes no series: only peers of the configuration have names', async () => {
  const inbound = linkedPeer(3, { isConfigured: false, isInbound: true });
  const text = await new Metrics(sourceOf({ peers: () => [inbound] })).text();
  assert.doesNotMatch(text, /192\.0\.2/);
  assert.match(text, /^ratatosk_peers\{state="up"\} 1$/m);
});

test('a modem is one peer, however many are met there', async () => {
  const uri = 'rnode:///dev/ttyUSB0';
  const rows = [linkedPeer(3, { uri }, { rttMs: 900 }), linkedPeer(4, { uri }, { rttMs: 400, lossShare: 0.25 })];
  const text = await new Metrics(sourceOf({ peers: () => rows })).text();
  const told = (name: string): string | undefined => new RegExp(`^${name} (.*)$`, 'm').exec(text)?.[1];
  const peer = '\\{peer="rnode:///dev/ttyUSB0"\\}';
  assert.equal(told('ratatosk_peers\\{state="configured"\\}'), '1');
  assert.equal(told('ratatosk_peers\\{state="up"\\}'), '2');
  assert.equal(told(`ratatosk_peer_up${peer}`), '1');
  assert.equal(told(`ratatosk_peer_rtt_seconds${peer}`), '0.4');
  assert.equal(told(`ratatosk_peer_received_bytes_total${peer}`), '1228');
  assert.equal(told(`ratatosk_peer_loss_ratio${peer}`), '0.25');
  assert.equal(told('ratatosk_links\\{kind="rnode",direction="out"\\}'), '2');
});

test('radios tell their time on the air by class, and how much of each limit is used', async () => {
  const limits = [
    { windowMs: HOUR_MS, airMs: 36_000, frameMs: Number.POSITIVE_INFINITY },
    { windowMs: HOUR_MS, airMs: 360_000, frameMs: 1_000 },
  ];
  const radio = new Ledgers([]).transmitter({ ...AIR, limits }, 254, 0);
  radio.sent('bulk', 416, 0);
  radio.reported({ rssi: -97, channelLoad: 0.5 });
  const info = radio.info('rnode:///dev/ttyUSB0', newCounts(), 1_000);
  const text = await new Metrics(sourceOf({ radios: () => [info] })).text();
  const name = 'radio="rnode:///dev/ttyUSB0"';
  for (const line of [
    `ratatosk_radio_air_seconds_total{${name},class="bulk"} 0.416`,
    `ratatosk_radio_limit_used_seconds{${name},limit="0",window="3600s"} 0.416`,
    `ratatosk_radio_limit_seconds{${name},limit="1",window="3600s"} 360`,
    `ratatosk_radio_rssi_dbm{${name}} -97`,
    `ratatosk_radio_channel_load_ratio{${name}} 0.5`,
  ]) {
    assert.ok(text.includes(`${line}\n`), line);
  }
  assert.doesNotMatch(text, /snr_db\{/, 'what was not told');
});

test('heaps, batches and what the firewall has refused are told', async () => {
  const text = await new Metrics(sourceOf()).text();
  assert.match(text, /^ratatosk_heap_max_bytes\{thread="router"\} 512$/m);
  assert.match(text, /^ratatosk_heap_used_bytes\{thread="host"\} \d{6,}$/m);
  assert.match(text, /^ratatosk_firewall_refused_packets_total 3$/m);
});

test('a peer that is down has no round trip', async () => {
  const down = linkedPeer(4, { isUp: false, link: undefined });
  const text = await new Metrics(sourceOf({ peers: () => [down] })).text();
  assert.match(text, /^ratatosk_peer_up\{peer="tcp:\/\/192.0.2.4:1"\} 0$/m);
  assert.doesNotMatch(text, /rtt_seconds\{/);
});

test('two scrapes at once ask the router once', async () => {
  let asked = 0;
  const peers = () => {
    asked++;
    return [];
  };
  const metrics = new Metrics(sourceOf({ peers }));
  const [one, other] = await Promise.all([metrics.text(), metrics.text()]);
  assert.equal(one, other);
  assert.equal(asked, 1);
});

test('/metrics and /healthz answer GET and HEAD, nothing else does', async (t) => {
  const at = await serve(t);
  const metrics = await fetch(`${at}/metrics?x=1`);
  assert.match(metrics.headers.get('content-type') ?? '', /^text\/plain; version=0\.0\.4/);
  assert.match(await metrics.text(), /^ratatosk_build_info\{version="1\.2\.3",node="v[\d.]+"\} 1$/m);
  assert.deepEqual([(await fetch(`${at}/healthz`)).status, await (await fetch(`${at}/healthz`)).text()], [200, 'ok\n']);
  assert.equal((await fetch(`${at}/metrics`, { method: 'HEAD' })).status, 200);
  assert.equal((await fetch(`${at}/`)).status, 404);
  assert.equal((await fetch(`${at}/metrics`, { method: 'POST', body: 'x' })).status, 405);
});

test('/healthz says what does not work', async (t) => {
  const at = await serve(t, {}, () => 'no TUN: not permitted');
  const answer = await fetch(`${at}/healthz`);
  assert.deepEqual([answer.status, await answer.text()], [503, 'no TUN: not permitted\n']);
  assert.equal((await fetch(`${at}/metrics`)).status, 200);
});

test('a router that is ending, or stuck, is an answer', async (t) => {
  const refusing = await serve(t, { stats: () => Promise.reject(new Error('the daemon is ending')) });
  assert.equal((await fetch(`${refusing}/healthz`)).status, 503);
  const silent = await serve(t, { stats: () => new Promise(() => {}) });
  const answer = await fetch(`${silent}/metrics`);
  assert.deepEqual([answer.status, await answer.text()], [503, 'the router thread does not answer\n']);
});

test('a port that is taken is said, and by which setting', async (t) => {
  const at = await serve(t);
  const taken = MetricsServer.listen(new URL(at).host, sourceOf(), () => undefined);
  await assert.rejects(taken, {
    message: `Cannot serve metrics on ${new URL(at).host}: another process uses this port`,
  });
});

test('rules and dashboard name series that there are', async () => {
  const text = await new Metrics(sourceOf({ peers: () => [linkedPeer(1)] })).text();
  for (const file of ['ratatosk-alerts.yml', 'grafana.json']) {
    const names = readFileSync(join(repoRoot, 'configs', file), 'utf8').match(/\b(ratatosk|process)_[a-z_0-9]+/g) ?? [];
    assert.ok(names.length > 8, file);
    for (const name of names) assert.ok(text.includes(`# TYPE ${name} `), `${file}: ${name}`);
  }
});
