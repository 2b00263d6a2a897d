import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type FileHandle, open } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { Random } from '../sim/random.ts';
import { Schedule } from '../sim/schedule.ts';
import { needs, needsTool } from '../support/needs.ts';
import { Channel } from '../support/radio/channel.ts';
import { RealClock } from '../support/radio/clock.ts';
import { OctetLine } from '../support/radio/octet-line.ts';
import { PtyPort, TcpPort } from '../support/radio/ports.ts';
import { RnodeModem } from '../support/radio/rnode-modem.ts';

const DETECT = Uint8Array.of(0xc0, 0x08, 0x73, 0xc0);
const DETECTED = 'c00846c0';

function modem(clock: RealClock): RnodeModem {
  return new RnodeModem(new Channel(clock), new Random(1), { bootMs: 10 });
}

/** Reads until some octets have been said. */
async function untilSaid(socket: Socket, hex: string): Promise<void> {
  let all = '';
  for await (const octets of socket.iterator({ destroyOnReturn: false })) {
    all += (octets as Buffer).toString('hex');
    if (all.includes(hex)) return;
  }
  assert.fail(`${hex} is not in ${all}`);
}

async function atTcp(t: TestContext, silenceMs: number): Promise<Socket> {
  const clock = new RealClock();
  const port = new TcpPort(clock, modem(clock), {}, silenceMs);
  const socket = connect(await port.listen(), '127.0.0.1');
  t.after(async () => {
    socket.destroy();
    clock.stop();
    await port.close();
  });
  await once(socket, 'connect');
  return socket;
}

test('a modem answers by TCP', async (t) => {
  const socket = await atTcp(t, 60_000);
  await untilSaid(socket, 'c055f8c0');
  socket.write(DETECT);
  await untilSaid(socket, DETECTED);
});

test('a modem hangs up on a TCP client that is silent', async (t) => {
  const socket = await atTcp(t, 100);
  await once(socket.resume(), 'close');
});

test('a modem answers at a pseudo terminal, which goes and comes', { skip: needs(needsTool('python3')) }, async (t) => {
  const clock = new RealClock();
  const port = new PtyPort(clock, modem(clock));
  t.after(async () => {
    clock.stop();
    await port.close();
  });
  for (let round = 0; round < 2; round++) {
    await port.plug();
    const file = await open(port.path, 'r+');
    await untilRead(file, 'c055f8c0');
    await file.write(DETECT);
    await untilRead(file, DETECTED);
    await file.close();
    await port.unplug();
    assert.ok(!port.isThere);
  }
});

async function untilRead(file: FileHandle, hex: string): Promise<void> {
  for (let all = ''; !all.includes(hex); ) {
    const { bytesRead, buffer } = await file.read(new Uint8Array(256), 0, 256);
    all += Buffer.from(buffer.subarray(0, bytesRead)).toString('hex');
  }
}

test('a cable has its rate, its stalls and its chunks', () => {
  const schedule = new Schedule();
  const arrivals: [number, number][] = [];
  const line = new OctetLine(schedule, new Random(1), (octets) => arrivals.push([schedule.nowMs, octets.length]), {
    octetsPerMs: 10,
    delayMs: 1,
    chunk: 20,
  });
  line.write(new Uint8Array(50));
  schedule.runTo(10);
  line.stall(2_000);
  line.write(new Uint8Array(10));
  schedule.runTo(5_000);
  assert.deepEqual(arrivals, [
    [3, 20],
    [5, 20],
    [6, 10],
    [2_012, 10],
  ]);
});

test('noise on a cable has its share, and one octet may be lost on purpose', () => {
  const schedule = new Schedule();
  const octets: number[] = [];
  const line = new OctetLine(schedule, new Random(1), (part) => octets.push(...part));
  line.lose(7);
  line.write(Uint8Array.of(7, 8, 7));
  schedule.runTo(10);
  assert.deepEqual(octets.splice(0), [8, 7]);
  line.facts = { ...line.facts, noise: { flip: 0.01, drop: 0.01, insert: 0 } };
  line.write(new Uint8Array(100_000));
  schedule.runTo(100_000);
  assert.ok(Math.abs(octets.length - 99_000) < 200);
  assert.ok(Math.abs(octets.filter((octet) => octet !== 0).length - 990) < 200);
});
