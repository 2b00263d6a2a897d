/**
 * The oldest way on the same channel: one frame, then wait for its acknowledgement; after a time without one, again. What it must
 * score follows from air times, so that it shows whether the laboratory is right.
 */
import { airMs, bitRate } from '../../daemon/core/radio/air-time.ts';
import { Random } from '../../test/sim/random.ts';
import { Schedule } from '../../test/sim/schedule.ts';
import { Channel } from '../../test/support/radio/channel.ts';
import { FrameModem, RNODE_FRAME, rnodeModulation, SERIAL } from '../../test/support/radio/frame-modem.ts';
import { independent } from '../../test/support/radio/loss.ts';
import { bandOf, difsMs, slotMs, windowOf } from '../../test/support/radio/rnode-access.ts';
import type { Trial } from './trial.ts';

const HEADER = 23;
const ACK_OCTETS = 27;
const FRAMES = 300;

/** Mean of what the modem's main loop adds to each access. */
const POLL_MS = 1.5;

const MODULATION = rnodeModulation(7);

/** Without an acknowledgement, from the end of a frame. */
const GIVE_UP_MS = 250;

function stopAndWait(loss: number): Trial['run'] {
  return (seed) => {
    const schedule = new Schedule();
    const random = new Random(seed);
    const channel = new Channel(schedule, random.u32());
    channel.setPaths({ loss: independent(loss) });
    let acknowledged = 0;
    let attempt = 0;
    const send = (): void => {
      attempt++;
      a.send(new Uint8Array(RNODE_FRAME).fill(acknowledged & 0xff));
    };
    const a = new FrameModem(channel, MODULATION, random.fork(), {
      writable: () => {
        const mine = attempt;
        schedule.after(GIVE_UP_MS, () => {
          if (mine === attempt && acknowledged < FRAMES) send();
        });
      },
      frame: (octets) => {
        if (octets[0] !== (acknowledged & 0xff)) return;
        if (++acknowledged < FRAMES) send();
      },
    });
    const b = new FrameModem(channel, MODULATION, random.fork(), {
      writable: () => {},
      frame: (octets) => void b.send(new Uint8Array(ACK_OCTETS).fill(octets[0] as number)),
    });
    const sinceMs = schedule.nowMs;
    send();
    while (acknowledged < FRAMES) schedule.runTo(schedule.nowMs + 10);
    const bits = FRAMES * (RNODE_FRAME - HEADER) * 8;
    return { raw: (bits * 1_000) / (schedule.nowMs - sinceMs) / bitRate(MODULATION), theory: theory(loss) };
  };
}

/**
 * From one grant of the channel to the next at least the modem's contention window passes, whose band follows from the air time that
 * comes of it. Both ways of a try must succeed.
 */
function theory(loss: number): number {
  const success = (1 - loss) ** 2;
  const dataMs = airMs(MODULATION, RNODE_FRAME + 1);
  const successMs = way(RNODE_FRAME) + way(ACK_OCTETS);
  const failureMs = way(RNODE_FRAME) - serialMs(RNODE_FRAME) + SERIAL.delayMs + GIVE_UP_MS;
  let tryMs = successMs;
  for (let i = 0; i < 20; i++) {
    const windows = windowsMs(dataMs / tryMs);
    const meanMs = (atLeastMs: number): number =>
      windows.reduce((sum, windowMs) => sum + Math.max(windowMs, atLeastMs), 0) / windows.length;
    tryMs = success * meanMs(successMs) + (1 - success) * meanMs(failureMs);
  }
  return (success * (RNODE_FRAME - HEADER) * 8_000) / tryMs / bitRate(MODULATION);
}

/** As they are drawn at a steady air time. The modem knows of a share between half and all of it: two bins of which the last is filling. */
function windowsMs(airtime: number): number[] {
  return Array.from({ length: 20 }, (_, i) => (airtime * (1 + (i + 0.5) / 20)) / 2).flatMap((known) => {
    const { least, most } = windowOf(bandOf(known));
    return Array.from({ length: most - least }, (_, slot) => (least + slot) * slotMs(MODULATION));
  });
}

/** One frame from host to host. */
function way(octets: number): number {
  return 2 * serialMs(octets) + difsMs(MODULATION) + POLL_MS + airMs(MODULATION, octets + 1);
}

function serialMs(octets: number): number {
  return octets / SERIAL.octetsPerMs + SERIAL.delayMs;
}

export const STOP_AND_WAIT: readonly Trial[] = [0, 0.1, 0.2, 0.3].map((loss) => ({
  name: `S SF7/125 ${loss * 100} %`,
  run: stopAndWait(loss),
  goals: [],
}));
