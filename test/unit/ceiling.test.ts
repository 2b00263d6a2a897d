import assert from 'node:assert/strict';
import { test } from 'node:test';
import { benchLines } from '../../daemon/cli/bench.ts';
import { type Figure, type Measurement, measure } from '../../daemon/cli/ceiling/measure.ts';
import { ratatoskMain } from '../support/places.ts';
import { run } from '../support/process.ts';

/** Rounds of so many milliseconds of the processor, on a machine that gives us every third. */
function busyMachine(roundMs: number): {
  one: Measurement;
  clocks: Parameters<typeof measure>[2];
  wallMs: () => number;
} {
  let cpuMs = 0;
  const work = (): void => {
    cpuMs += roundMs;
  };
  const round = { count: 10, run: work };
  const wallMs = (): number => 3 * cpuMs;
  const one = { group: 'path', what: 'x', size: 100, prepare: () => round } as const;
  return { one, clocks: { wallMs, cpuMs: () => cpuMs }, wallMs };
}

test('counts by the time of the processor, and ends by the clock on the wall', () => {
  for (const roundMs of [0.001, 0.5, 40]) {
    const { one, clocks, wallMs } = busyMachine(roundMs);
    const figure = measure(one, 900, clocks);
    assert.ok(Math.abs(figure.packets / (10_000 / roundMs) - 1) < 1e-6, `${figure.packets}`);
    assert.equal(figure.rate, figure.packets * 100);
    assert.ok(wallMs() >= 900 && wallMs() < 900 + 6 * Math.max(40, roundMs) * 3, `${wallMs()}`);
  }
});

test('the table fits 80 columns, also on faster machines', () => {
  const figure: Figure = {
    group: 'path',
    what: '3 nodes, end-to-end',
    size: 65_535,
    rate: 123_456_789_012,
    packets: 1e9,
  };
  for (const line of benchLines([figure, { ...figure, group: 'ciphers', rate: 0.5, packets: 0.01 }])) {
    assert.ok(line.length <= 80, line);
    assert.doesNotMatch(line, /e\+/);
  }
});

test('bench gives a figure for every cipher and every path', async () => {
  const { code, stdout, stderr } = await run([process.execPath, ratatoskMain, 'bench', '--seconds', '2', '--json'], {
    limitMs: 120_000,
  });
  assert.equal(code, 0, stderr);
  const { figures, machine } = JSON.parse(stdout) as { figures: Figure[]; machine: { cores: number } };
  assert.ok(machine.cores >= 1);
  assert.equal(figures.filter(({ group }) => group === 'ciphers').length, 8);
  assert.equal(figures.filter(({ group }) => group === 'path').length, 9);
  for (const { what, packets } of figures) assert.ok(packets > 0 && Number.isFinite(packets), what);
});
