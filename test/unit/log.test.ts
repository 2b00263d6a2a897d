import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Log, type LogOptions } from '../../daemon/host/log.ts';
import { printable } from '../../daemon/host/printable.ts';

type Fixture = { log: Log; lines: string[]; clock: { ms: number } };

function start(options: Partial<LogOptions> = {}): Fixture {
  const lines: string[] = [];
  const clock = { ms: 1_000_000 };
  const log = new Log({
    level: 'info',
    isJson: false,
    write: (line) => lines.push(line),
    stamp: 'none',
    hasColour: false,
    monotonicMs: () => clock.ms,
    unixMs: () => Date.UTC(2026, 0, 2, 3, 4, 5),
    ...options,
  });
  return { log, lines, clock };
}

test('writes one line an event, with its fields', () => {
  const { log, lines } = start();
  log.info('listening', { uri: 'tcp://[::]:1', links: 3 });
  log.warn('peer lost', { reason: 'it was silent' });
  log.debug('not at this level');
  assert.deepEqual(lines, ['listening uri=tcp://[::]:1 links=3\n', 'warn: peer lost reason="it was silent"\n']);
});

test('writes JSON for machines', () => {
  const { log, lines } = start({ isJson: true });
  log.error('peer lost', { reason: 'silent', level: 'fake' });
  assert.equal(lines.length, 1);
  const { time, message, reason } = JSON.parse(lines[0] ?? '');
  assert.deepEqual([time, message, reason], ['2026-01-02T03:04:05.000Z', 'peer lost', 'silent']);
  assert.ok(lines[0]?.startsWith('{"level":"error"'));
});

test('lets no control character through', () => {
  const { log, lines } = start();
  log.info('name \u001b[31mred\r\n\u009b1m\u202e', { name: 'a\u0000b' });
  assert.deepEqual(lines, ['name ·[31mred···1m· name=a·b\n']);
  assert.equal(printable('grün 木 🐿'), 'grün 木 🐿');
});

test('writes one line of a kind in ten seconds, and then how many were left out', () => {
  const { log, lines, clock } = start();
  for (let i = 0; i < 5; i++) log.warn('refused', { reason: 'own key' });
  log.warn('refused', { reason: 'other' });
  log.warn('refused', { reason: 'own key', peer: 'tcp://a:1' });
  assert.equal(lines.length, 3);
  clock.ms += 9_999;
  log.warn('refused', { reason: 'own key' });
  assert.equal(lines.length, 3);
  clock.ms += 1;
  log.warn('refused', { reason: 'own key' });
  assert.equal(lines[3], 'warn: refused reason="own key" leftOut=5\n');
  assert.equal(log.dropped, 5);
});

test('writes 100 lines a second at most, and counts the others', () => {
  const { log, lines, clock } = start();
  for (let i = 0; i < 150; i++) log.info(`line ${i}`);
  assert.equal(lines.length, 100);
  assert.equal(log.dropped, 50);
  clock.ms += 1000;
  log.info('next');
  assert.equal(lines.length, 101);
});
