import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readTcp, readUdp, type Segment, tcpPacket, udpPacket } from '../../bench/radio/segments.ts';
import { STOP_AND_WAIT } from '../../bench/radio/stop-and-wait.ts';
import { MSS, TcpSocket } from '../../bench/radio/tcp.ts';
import { TRIALS } from '../../bench/radio/trials.ts';
import { Random } from '../sim/random.ts';
import { Schedule } from '../sim/schedule.ts';

test('a lone stop-and-wait link scores what theory says, within 5 %', () => {
  for (const { name, run } of STOP_AND_WAIT) {
    const rounds = [1, 2, 3].map(run);
    const mean = rounds.reduce((sum, { raw }) => sum + (raw as number), 0) / rounds.length;
    const theory = rounds[0]?.theory as number;
    assert.ok(Math.abs(mean / theory - 1) < 0.05, `${name}: ${mean} instead of ${theory}`);
  }
});

test('segments and datagrams are read as they were written', () => {
  const [from, to] = [new Uint8Array(16).fill(2), new Uint8Array(16).fill(3)];
  const segment: Segment = {
    fromPort: 40_000,
    toPort: 80,
    seq: 3_000_000_000,
    ack: 7,
    isSyn: false,
    isAck: true,
    stampMs: 4_000_000_000,
    echoMs: 5,
    sacks: [
      [10, 20],
      [30, 40],
    ],
    length: 5,
    windowOctets: 65_535,
  };
  assert.deepEqual(readTcp(tcpPacket(from, to, segment)), segment);
  assert.deepEqual(readUdp(udpPacket(from, to, 9, 12, 100)), { port: 9, sequence: 12, length: 100 });
  const spoilt = tcpPacket(from, to, segment);
  spoilt[70] = 1 ^ (spoilt[70] as number);
  assert.throws(() => readTcp(spoilt), /checksum/);
});

/** Two sockets with a pipe between them: its rate, its delay, its queue, and what it loses. */
function sockets(
  octetsPerMs: number,
  delayMs: number,
  queueMs: number,
  loss: number,
): [Schedule, TcpSocket, TcpSocket] {
  const schedule = new Schedule();
  const random = new Random(1);
  const pipe = (to: () => TcpSocket): ((segment: Segment) => void) => {
    let freeMs = 0;
    return (segment) => {
      freeMs = Math.max(freeMs, schedule.nowMs);
      if (freeMs - schedule.nowMs > queueMs || random.chance(loss)) return;
      freeMs += (segment.length + 72) / octetsPerMs;
      schedule.at(freeMs + delayMs, () => to().input(segment));
    };
  };
  const b: TcpSocket = new TcpSocket(
    schedule,
    { fromPort: 80, toPort: 1 },
    true,
    pipe(() => a),
  );
  const a: TcpSocket = new TcpSocket(
    schedule,
    { fromPort: 1, toPort: 80 },
    false,
    pipe(() => b),
  );
  return [schedule, a, b];
}

test('the bench’s TCP fills a pipe, also a slow one with a short queue', () => {
  for (const [octetsPerMs, delayMs, queueMs, share] of [
    [1_000, 10, 200, 0.8],
    [0.5, 50, 20_000, 0.9],
    [0.5, 50, 60_000, 0.85],
  ] as const) {
    const [schedule, a, b] = sockets(octetsPerMs, delayMs, queueMs, 0);
    const total = octetsPerMs > 1 ? 5_000_000 : 200_000;
    a.write(total);
    while (b.receivedOctets < total && schedule.nowMs < 1e6) schedule.runTo(schedule.nowMs + 1);
    const best = (total * (MSS + 72)) / MSS / octetsPerMs;
    assert.ok(best / schedule.nowMs >= share, `${octetsPerMs}: ${best / schedule.nowMs}`);
  }
});

test('the bench’s TCP delivers everything through losses, both ways', () => {
  const [schedule, a, b] = sockets(100, 20, 500, 0.05);
  a.write(300_000);
  b.write(100_000);
  schedule.runTo(600_000);
  assert.equal(b.receivedOctets, 300_000);
  assert.equal(a.receivedOctets, 100_000);
});

test('a node’s timer never asks for a moment that has come already, whatever the sums of its times', {
  timeout: 60_000,
}, () => {
  // The last bits of these seeds had it ask for now for ever.
  for (const [name, seed] of [
    ['A SF7/125 TCP 10 %', 5],
    ['F restarts', 1],
  ] as const) {
    const trial = TRIALS.find((one) => one.name === name) ?? assert.fail(name);
    assert.equal(trial.run(seed).delivered, 1);
  }
});
