/** The dashboard's line to its daemon, and the verbs it runs. */
import assert from 'node:assert/strict';
import { createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { runErrand } from '../../tui/errand.ts';
import type { Entry } from '../../tui/recording.ts';
import { Source } from '../../tui/source.ts';
import { svgOf } from '../../tui/svg.ts';
import { waitFor } from '../support/wait.ts';
import { temporaryFolder } from './admin-fixture.ts';

type Request = { readonly request: string; readonly arguments: Readonly<Record<string, string>> };

/** A daemon that is played; gives what was asked and what the dashboard was told. */
async function play(t: TestContext, answer: (request: Request, socket: Socket, count: number) => void) {
  const path = join(temporaryFolder(t), 'admin.sock');
  const asked: Request[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.once('data', (text) => {
      const request: Request = JSON.parse(text.toString());
      asked.push(request);
      answer(request, socket, asked.filter(({ request: name }) => name === request.request).length);
    });
  });
  await new Promise<void>((resolve) => server.listen({ path }, resolve));
  const told: Entry[] = [];
  const endpoint = { name: 'played', to: { path } };
  const source = new Source({ endpoint, intervalMs: 500, most: 7, told: (entry) => told.push(entry) });
  t.after(() => {
    source.end();
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return { asked, told };
}

const said = (response: unknown): string => `${JSON.stringify({ status: 'success', response })}\n`;

test('subscribes to everything, and asks for what was before', async (t) => {
  const { asked, told } = await play(t, ({ request }, socket) => {
    if (request === 'getEvents')
      socket.end(JSON.stringify({ status: 'success', response: { events: [{ seq: 1 }] } }, undefined, 2));
    else
      for (const piece of [said({ topic: 'status' }).slice(0, 20), said({ topic: 'status' }).slice(20)])
        socket.write(piece);
  });
  await waitFor('the events of before', () => told.some((entry) => 'recall' in entry));
  const { topics, interval, most } = asked[0]?.arguments ?? {};
  assert.deepEqual([interval, most], ['500', '7']);
  assert.match(topics ?? '', /^events,status,stats,peers,/);
  assert.deepEqual(
    told.map((entry) => Object.keys(entry)[1]),
    ['live', 'push', 'recall'],
  );
});

test('a daemon that goes is waited for, and its return is a new beginning', async (t) => {
  const { told } = await play(t, ({ request }, socket, count) => {
    if (request === 'getEvents') socket.end(said({ events: [] }));
    else if (count === 1) socket.end(said({ topic: 'status' }));
    else socket.write(said({ topic: 'status' }));
  });
  await waitFor('the second life', () => told.filter((entry) => 'live' in entry).length === 2);
  const lost = told.find((entry) => 'lost' in entry);
  assert.equal(lost !== undefined && 'lost' in lost && lost.lost, 'played: the connection has ended');
});

test('refusals and nonsense are told as the reason', async (t) => {
  const { told } = await play(t, (_, socket, count) => {
    socket.write(count === 1 ? '{"status":"error","error":"unknown topic"}\n' : 'HTTP/1.1 400 Bad Request\r\n');
  });
  await waitFor('both', () => told.filter((entry) => 'lost' in entry).length === 2);
  const reasons = told.map((entry) => ('lost' in entry ? entry.lost : ''));
  assert.deepEqual(reasons, ['played: it refuses: unknown topic', 'played: its answer is not JSON']);
});

test('a verb runs to its end, and what it says is bounded', async () => {
  const script =
    "for (let i = 0; i < 3000; i++) console.log('line ' + i + '\\t' + process.argv.slice(1)); process.exitCode = 3";
  const { errand } = runErrand(
    [process.execPath, '-e', script, '--'],
    ['why', 'it'],
    ['--socket', 'x'],
    () => undefined,
  );
  await waitFor('its end', () => errand.code !== undefined);
  assert.deepEqual([errand.code, errand.lines.length], [3, 2_000]);
  assert.equal(errand.lines.at(-1), 'line 2999    why,it,--socket,x');
});

test('a verb that is left ends, and one that cannot start says so', async () => {
  const left = runErrand([process.execPath, '-e', 'setInterval(() => {}, 1000)'], [], [], () => undefined);
  left.stop();
  const missing = runErrand(['/no/such/program'], [], [], () => undefined);
  await waitFor('both ends', () => left.errand.code !== undefined && missing.errand.code !== undefined);
  assert.match(missing.errand.lines.join(), /ENOENT/);
});

test('a captured screen becomes a picture of the same texts', () => {
  const svg = svgOf('\u001b[1;38;5;203ma<b\u001b[0m 世界 x\n\u001b[48;5;24m⣿─█\u001b[7m & \u001b[m\n', 'a "title"');
  assert.match(svg, /^<svg [^>]+ aria-label="a &quot;title&quot;">/);
  assert.match(svg, /fill="#ff5f5f" font-weight="bold">a&lt;b<\/text>/);
  assert.match(svg, /x="47.6" [^>]+>世界 x<\/text>/);
  assert.match(svg, /stroke="#d5dae2" fill="none"/);
  // Drawn, not written.
  assert.doesNotMatch(svg, /[⣿─█]/);
  assert.ok(!svg.includes('\u001b'));
});
