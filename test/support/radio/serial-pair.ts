/** Two nodes at the ends of a serial cable with noise, in virtual time: class S, frames in COBS. */

import type { SocketId } from '../../../daemon/core/port.ts';
import { PipeReader, pipeSize, writePipeFrame } from '../../../daemon/wire/cobs.ts';
import { NO_ADDRESS, socketFacts } from '../datagram-world.ts';
import { type Noise, OctetLine } from './octet-line.ts';
import type { RadioHost } from './radio-host.ts';
import type { RadioWorld } from './radio-world.ts';

const AHEAD_MS = 40;
const IDLE_MS = 50;

/** What went wrong on a cable. */
export type SerialCounts = { damaged: number; wrong: number; arrived: number };

type Direction = { readonly line: OctetLine; freeAtMs: number; readonly sent: Set<string> };

/** @returns what it counts, and the sockets of both ends */
export function joinBySerial(
  world: RadioWorld,
  [a, b]: readonly [RadioHost, RadioHost],
  { baud, mtu, noise }: { readonly baud: number; readonly mtu: number; readonly noise: Noise },
): { readonly counts: SerialCounts; readonly sockets: readonly [SocketId, SocketId] } {
  const counts: SerialCounts = { damaged: 0, wrong: 0, arrived: 0 };
  const octetsPerMs = baud / 10_000;
  const facts = socketFacts({ uri: 'serial:///dev/lab', carrierClass: 'S', mtu });
  const sockets: SocketId[] = [];
  const readers: PipeReader[] = [];

  const direction = (to: (frame: Uint8Array) => void): Direction => {
    const sent = new Set<string>();
    const reader = new PipeReader(mtu);
    const line = new OctetLine(
      world.schedule,
      world.random.fork(),
      (octets) => {
        reader.push(octets, (length) => {
          const frame = reader.buffer.slice(0, length);
          counts.arrived++;
          if (!sent.has(frame.join())) counts.wrong++;
          to(frame);
        });
        counts.damaged = readers.reduce((sum, { damaged }) => sum + damaged, 0);
      },
      { octetsPerMs, delayMs: 1, noise, chunk: 16 },
    );
    readers.push(reader);
    return { line, freeAtMs: 0, sent };
  };
  const attach = (host: RadioHost, way: Direction): void => {
    const socket = host.attach(facts, (frame) => {
      const { nowMs } = world;
      if (way.freeAtMs > nowMs + AHEAD_MS) {
        world.schedule.at(way.freeAtMs - AHEAD_MS, () => host.writable(socket));
        return false;
      }
      const lead = nowMs - way.freeAtMs > IDLE_MS ? 1 : 0;
      const octets = new Uint8Array(lead + pipeSize(frame.length));
      const length = lead + writePipeFrame(octets, lead, frame, 0, frame.length);
      way.sent.add(frame.join());
      way.freeAtMs = Math.max(way.freeAtMs, nowMs) + length / octetsPerMs;
      way.line.write(octets.subarray(0, length));
      return true;
    });
    sockets.push(socket);
  };
  attach(
    a,
    direction((frame) => b.receive(sockets[1] as SocketId, NO_ADDRESS, frame)),
  );
  attach(
    b,
    direction((frame) => a.receive(sockets[0] as SocketId, NO_ADDRESS, frame)),
  );
  return { counts, sockets: [sockets[0] as SocketId, sockets[1] as SocketId] };
}
