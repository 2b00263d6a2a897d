import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { openDevice } from '../../daemon/links/device.ts';
import { withLab } from '../support/lab.ts';
import { needs, needsTool } from '../support/needs.ts';
import { SerialCable } from '../support/serial-cable.ts';
import { waitFor } from '../support/wait.ts';

const options = { skip: needs(needsTool('socat', 'stty', 'flock')), timeout: 30_000 };
const IGNORED = { drained: () => {}, closed: () => {}, octets: () => {} };

test('says what is wrong with what is no serial device', { skip: options.skip }, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'rtsk-device-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'file');
  writeFileSync(file, '');
  await assert.rejects(openDevice(join(folder, 'nothing'), 9_600, false), { message: 'no such device' });
  await assert.rejects(openDevice(file, 9_600, false), { code: 'DEVICE_FAILED', message: 'it is no serial device' });
});

test(
  'carries every octet both ways, is busy for others, and tells of its end',
  options,
  withLab(async (lab) => {
    const cable = new SerialCable(lab, join(lab.folder, 'a'), join(lab.folder, 'b'));
    await cable.plug();
    const [a, b] = await Promise.all(cable.ends.map((end) => openDevice(end, 115_200, false)));
    assert.ok(a !== undefined && b !== undefined);
    await assert.rejects(openDevice(cable.ends[0], 9_600, false), { message: /^it is busy: another program has it/ });
    const received: number[] = [];
    let end = '';
    const closed = (reason: string): void => {
      end = reason;
    };
    a.start({ ...IGNORED, closed });
    b.start({ ...IGNORED, octets: (octets) => void received.push(...octets) });
    const all = Uint8Array.from({ length: 256 }, (_, i) => i);
    a.write(all);
    await waitFor('all octets', () => received.length === 256);
    assert.deepEqual(received, [...all]);
    b.close();
    const again = await waitFor('the device to be free', () => openDevice(cable.ends[1], 115_200, false));
    again.close();
    await cable.unplug();
    await waitFor('word of the end', () => end !== '');
  }),
);

test(
  'a device that takes nothing does not stop the thread',
  options,
  withLab(async (lab) => {
    const cable = new SerialCable(lab, join(lab.folder, 'a'), join(lab.folder, 'b'));
    await cable.plug();
    const port = await openDevice(cable.ends[0], 115_200, false);
    let isDrained = false;
    const drained = (): void => {
      isDrained = true;
    };
    port.start({ ...IGNORED, drained });
    const startMs = performance.now();
    port.write(new Uint8Array(1_000_000));
    assert.ok(performance.now() - startMs < 1_000);
    assert.ok(port.unsent > 0);
    const other = await openDevice(cable.ends[1], 115_200, false);
    other.start(IGNORED);
    await waitFor('all of it to leave', () => isDrained);
    port.close();
    other.close();
  }),
);

test(
  'works in a worker thread',
  options,
  withLab(async (lab) => {
    const cable = new SerialCable(lab, join(lab.folder, 'a'), join(lab.folder, 'b'));
    await cable.plug();
    const url = new URL('../../daemon/links/device.js', import.meta.url);
    const code = `
      const { parentPort, workerData } = require('node:worker_threads');
      import(workerData.url).then(async ({ openDevice }) => {
        const port = await openDevice(workerData.path, 115200, false);
        port.start({ octets: (octets) => port.write(octets), drained() {}, closed() {} });
        parentPort.postMessage('open');
      });`;
    const workerData = { url: url.href, path: cable.ends[1] };
    const worker = new Worker(code, { eval: true, workerData });
    await new Promise((resolve) => worker.once('message', resolve));
    const port = await openDevice(cable.ends[0], 115_200, false);
    const received: number[] = [];
    port.start({ ...IGNORED, octets: (octets) => void received.push(...octets) });
    port.write(Uint8Array.of(1, 2, 3));
    await waitFor('the echo', () => received.length === 3);
    await worker.terminate();
    port.close();
  }),
);
