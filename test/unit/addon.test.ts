import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { type Addon, findAddon, loadAddon } from '../../native-bindings/addon.ts';

const addonFile = process.env.RATATOSK_TEST_ADDON;
const { addon, problem } = findAddon(addonFile);
const skip = addon === undefined ? `needs the addon: ${problem}` : false;
const buildScript = new URL('../../../native-bindings/build.mjs', import.meta.url);

function present(): Addon {
  assert.ok(addon !== undefined);
  return addon;
}

/** The columns of one job that is as it should be. */
function oneJob() {
  return {
    buffers: [new Uint8Array(100), new Uint8Array(116)],
    table: Int32Array.of(0, 0, 100, 1, 0, 0),
    keys: new Uint8Array(32),
    nonces: new Uint32Array(2),
    ok: new Uint8Array(1),
    count: 1,
  };
}

type Columns = ReturnType<typeof oneJob>;

function seal(change: Partial<Columns>): void {
  const { buffers, table, keys, nonces, ok, count } = { ...oneJob(), ...change };
  present().boxSeal(buffers, table, keys, nonces, ok, count);
}

function open(change: Partial<Columns>): void {
  const { buffers, table, keys, nonces, ok, count } = { ...oneJob(), ...change };
  present().boxOpen(buffers, table, keys, nonces, ok, count);
}

test('says why there is no addon', () => {
  const { addon: none, problem: reason } = findAddon('/nowhere/ratatosk.node');
  assert.equal(none, undefined);
  assert.match(reason ?? '', /\/nowhere\/ratatosk\.node does not load/);
  assert.equal(loadAddon('/nowhere/ratatosk.node'), undefined);
});

test('names the path the processor runs best, and keeps it when asked for another unknown', { skip }, () => {
  const best = present().kernel();
  assert.match(best, /^(base|avx2|avx512)$/);
  assert.equal(present().kernel('none'), best);
});

test('refuses a job outside of its buffers before any octet is written', { skip }, () => {
  seal({});
  const bad: number[][] = [
    [0, 0, 101, 1, 0],
    [0, 1, 100, 1, 0],
    [0, 0, 100, 1, 1],
    [0, -1, 100, 1, 0],
    [0, 0, -1, 1, 0],
    [0, 0, 100, 1, -1],
    [2, 0, 100, 1, 0],
    [0, 0, 100, 2, 0],
    [-1, 0, 100, 1, 0],
    [0, 0x7fffffff, 0x7fffffff, 1, 0x7fffffff],
    [0, 0, 100, 1, 0, 1],
    [0, 0, 100, 1, 0, -1],
  ];
  for (const row of bad) {
    const target = new Uint8Array(116);
    const change = { table: Int32Array.of(...row, 0).subarray(0, 6), buffers: [new Uint8Array(100), target] };
    assert.throws(() => seal(change), RangeError, String(row));
    assert.ok(target.every((octet) => octet === 0));
  }
});

test('refuses to open less than a tag, or into too little room', { skip }, () => {
  open({ table: Int32Array.of(0, 0, 100, 1, 0, 0) });
  assert.throws(() => open({ table: Int32Array.of(0, 0, 15, 1, 0, 0) }), RangeError);
  assert.throws(() => open({ table: Int32Array.of(0, 0, 100, 1, 33, 0) }), RangeError);
  assert.throws(() => open({ table: Int32Array.of(0, 0, 100, 1, 0, 1) }), RangeError);
  assert.throws(() => open({ ok: new Uint8Array(0) }), RangeError);
});

test('refuses columns shorter than the batch', { skip }, () => {
  assert.throws(() => seal({ table: new Int32Array(5) }), RangeError);
  assert.throws(() => seal({ keys: new Uint8Array(31) }), RangeError);
  assert.throws(() => seal({ nonces: new Uint32Array(1) }), RangeError);
  assert.throws(() => seal({ count: 2 }), RangeError);
  assert.throws(() => seal({ count: -1 }), RangeError);
  assert.throws(() => seal({ count: 1e9 }), RangeError);
});

test('refuses a buffer that was transferred away', { skip }, () => {
  const gone = new Uint8Array(200);
  structuredClone(gone.buffer, { transfer: [gone.buffer] });
  assert.throws(() => seal({ buffers: [gone, new Uint8Array(116)] }), RangeError);
  assert.throws(() => seal({ buffers: [new Uint8Array(100), gone] }), RangeError);
  const key = new Uint8Array(32);
  structuredClone(key.buffer, { transfer: [key.buffer] });
  assert.throws(() => seal({ keys: key }), RangeError);
});

test('refuses values of other types', { skip }, () => {
  const others: unknown[] = [undefined, null, 1, 'text', {}, [], new Float64Array(8), new ArrayBuffer(8), () => 1];
  const native: Record<string, (...values: unknown[]) => unknown> = Object.fromEntries(Object.entries(present()));
  const good: unknown[] = Object.values(oneJob());
  for (const name of ['boxSeal', 'boxOpen', 'aeadSeal', 'aeadOpen']) {
    const call = native[name];
    assert.ok(call !== undefined);
    assert.throws(() => call(), RangeError);
    for (let i = 0; i < good.length; i++) {
      for (const other of others) {
        if (i === 5 && other === 1) continue;
        assert.throws(() => call(...good.with(i, other)), RangeError, `${name}, argument ${i}, ${String(other)}`);
      }
    }
  }
  for (const other of others) {
    if (typeof other !== 'string') assert.throws(() => native.openTun?.(other));
    assert.throws(() => native.configureInterface?.('lo', other, 64, 1400));
    assert.throws(() => native.configureInterface?.('lo', new Uint8Array(15), 64, 1400));
    assert.throws(() => native.addRoute?.(other, new Uint8Array(16), 64));
  }
});

test('keeps the state of each thread apart', { skip }, async () => {
  const worker = new Worker(
    `const { workerData, parentPort } = require('node:worker_threads');
     import(workerData.module).then(({ findAddon }) => {
       const { addon } = findAddon(workerData.addonFile);
       addon.kernel('base');
       parentPort.postMessage(addon.kernel());
     });`,
    { eval: true, workerData: { module: new URL('../../native-bindings/addon.js', import.meta.url).href, addonFile } },
  );
  const before = present().kernel();
  const answer = await new Promise((resolve, reject) => worker.once('message', resolve).once('error', reject));
  await worker.terminate();
  assert.equal(answer, 'base');
  assert.equal(present().kernel(), before);
});

test('names the one command that helps when tools are missing', () => {
  const run = spawnSync(process.execPath, [buildScript.pathname, '--force'], {
    env: { PATH: '/nonexistent' },
    encoding: 'utf8',
  });
  assert.equal(run.status, 3);
  assert.match(run.stderr, /^The addon cannot be built: .*apt-get install g\+\+ make python3/);
  assert.equal(run.stderr.trim().split('\n').length, 1);
});
