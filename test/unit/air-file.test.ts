import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import type { AirRecord } from '../../daemon/core/port.ts';
import { AirFiles, type MachineClocks, type Moment, systemClocks } from '../../daemon/host/air-file.ts';

const HOUR = 3_600_000;

function inFolder(act: (folder: string) => void): () => void {
  return () => {
    const parent = mkdtempSync(join(tmpdir(), 'air-file-'));
    try {
      act(join(parent, 'deeper', 'air'));
    } finally {
      rmSync(parent, { recursive: true });
    }
  };
}

const noWarning = (message: string) => assert.fail(message);

function clocks(now: Partial<Moment>, keepsTimeWithoutPower = true): MachineClocks {
  return { now: () => ({ bootId: 'a', uptimeMs: 10_000, unixMs: 1.7e12, ...now }), keepsTimeWithoutPower };
}

const record = (ledger: string): AirRecord => ({ ledger, minutesMs: [1_000, 0, 400], intoMs: 500, reserveMs: 1_200 });

/** What is believed to have passed between two moments. */
function elapsed(folder: string, then: MachineClocks, now: MachineClocks): number | undefined {
  new AirFiles(folder, noWarning, then).write(record('rnode:///dev/ttyUSB0'));
  const [memory] = new AirFiles(folder, noWarning, now).memories();
  return memory?.elapsedMs;
}

test(
  'what was written is there again, for each radio',
  inFolder((folder) => {
    const files = new AirFiles(folder, noWarning, clocks({}));
    files.write(record('rnode:///dev/ttyUSB0'));
    files.write(record('rnode:///dev/ttyUSB0'));
    files.write(record('meshcore:///dev/ttyUSB1 EU868'));
    assert.equal(readdirSync(folder).length, 2);
    const { ledger, ...figures } = record('meshcore:///dev/ttyUSB1 EU868');
    const found = new AirFiles(folder, noWarning, clocks({ uptimeMs: 12_500 })).memories();
    const one = found.find((each) => each.record.ledger === ledger);
    assert.deepEqual(one, { record: { ledger, ...figures }, elapsedMs: 2_500 });
  }),
);

test(
  'while the system runs its own clock counts, wherever the wall clock jumps',
  inFolder((folder) => {
    for (const jumpMs of [-HOUR, 0, 24 * HOUR]) {
      const now = clocks({ uptimeMs: 70_000, unixMs: 1.7e12 + jumpMs });
      assert.equal(elapsed(folder, clocks({}), now), 60_000);
    }
  }),
);

test(
  'after another start of the system the wall clock counts where it runs on without power',
  inFolder((folder) => {
    const later = { bootId: 'b', uptimeMs: 30_000, unixMs: 1.7e12 + HOUR };
    assert.equal(elapsed(folder, clocks({}), clocks(later)), HOUR);
    assert.equal(elapsed(folder, clocks({}), clocks(later, false)), 30_000);
    assert.equal(elapsed(folder, clocks({}), clocks({ ...later, unixMs: 5 })), 30_000, 'a clock set back');
  }),
);

test(
  'where nobody tells one start of the system from another, the shorter time is believed',
  inFolder((folder) => {
    const then = clocks({ bootId: '', uptimeMs: 50_000 });
    assert.equal(elapsed(folder, then, clocks({ bootId: '', uptimeMs: 80_000, unixMs: 1.8e12 })), 30_000);
    assert.equal(elapsed(folder, then, clocks({ bootId: '', uptimeMs: 20_000 }, false)), 20_000);
  }),
);

test(
  'what no longer counts is removed',
  inFolder((folder) => {
    assert.equal(elapsed(folder, clocks({}), clocks({ uptimeMs: 3 * HOUR })), undefined);
    assert.deepEqual(readdirSync(folder), []);
  }),
);

test(
  'a folder that cannot be written to is told of once',
  inFolder((folder) => {
    const warnings: string[] = [];
    writeFileSync(join(folder, '..', '..', 'file'), '');
    const files = new AirFiles(join(folder, '..', '..', 'file', 'air'), (line) => warnings.push(line), clocks({}));
    files.write(record('r'));
    files.write(record('r'));
    assert.deepEqual(files.memories(), []);
    assert.equal(warnings.length, 1);
    assert.match(warnings[0] ?? '', /nobody would know what r has sent/);
  }),
);

test(
  'a file that holds anything else is told of, and nothing more',
  inFolder((folder) => {
    new AirFiles(folder, noWarning, clocks({})).write(record('r'));
    const path = join(folder, 'ab'.repeat(16));
    const content = fc.oneof(fc.string(), fc.json(), fc.constant('{"ledger":"r","minutesMs":[-1]}'));
    fc.assert(
      fc.property(content, (text) => {
        writeFileSync(path, text);
        const warnings: string[] = [];
        const files = new AirFiles(folder, (line) => warnings.push(line), clocks({}));
        assert.equal(files.memories().length, 1);
        assert.equal(warnings.length, 1);
      }),
    );
  }),
);

test('this system has a clock that only goes forward', () => {
  const { now } = systemClocks();
  const before = now();
  const after = now();
  assert.equal(before.bootId, after.bootId);
  assert.ok(before.uptimeMs > 0 && after.uptimeMs >= before.uptimeMs);
});
