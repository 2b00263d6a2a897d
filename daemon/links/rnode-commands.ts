/** Commands of an RNode, and the steps that set one up. Numbers are big-endian. */
import type { LoraOptions } from './modem-options.ts';

export const DATA = 0x00;

export const RNODE = {
  frequency: 0x01,
  bandwidth: 0x02,
  power: 0x03,
  spreadingFactor: 0x04,
  codingRate: 0x05,
  state: 0x06,
  detect: 0x08,
  leave: 0x0a,
  shortLimit: 0x0b,
  longLimit: 0x0c,
  ready: 0x0f,
  rssi: 0x23,
  snr: 0x24,
  channel: 0x25,
  physical: 0x26,
  platform: 0x48,
  mcu: 0x49,
  firmware: 0x50,
  reset: 0x55,
  error: 0x90,
} as const;

type Trouble = { readonly text: string; readonly isFatal: boolean };

/** What it says went wrong. It resets itself after the second and the sixth. */
export const ERRORS: Readonly<Record<number, Trouble>> = {
  1: { text: 'the modem cannot start its radio: is the board right for its firmware?', isFatal: true },
  2: { text: 'the modem could not transmit, and begins anew', isFatal: false },
  3: { text: 'the memory of the modem is locked: provision it with rnodeconf', isFatal: true },
  4: { text: 'the queue of the modem is full', isFatal: false },
  5: { text: 'the modem is short of memory', isFatal: false },
  6: { text: 'the radio of the modem does not answer it, and it begins anew', isFatal: false },
};

/** One parameter: set, echoed with the value in force, and that compared. */
export type Step = {
  readonly name: string;
  readonly command: number;
  readonly payload: Uint8Array;
  /** Undefined: it is as wanted. */
  check(value: Uint8Array): Trouble | undefined;
};

/** A synthesizer has no arbitrary frequencies. */
const FREQUENCY_SLACK_HZ = 100;
/** Chips round what people call 10.4 kHz. */
const BANDWIDTH_SLACK = 0.01;

export function rnodeSteps(lora: LoraOptions, hourShare: number | undefined): readonly Step[] {
  const { frequencyHz, bandwidthHz, powerDbm, spreadingFactor, codingRate } = lora;
  return [
    wide('freq', RNODE.frequency, frequencyHz, FREQUENCY_SLACK_HZ, 'Hz'),
    wide('bw', RNODE.bandwidth, bandwidthHz, bandwidthHz * BANDWIDTH_SLACK, 'Hz'),
    power(powerDbm),
    narrow('sf', RNODE.spreadingFactor, spreadingFactor),
    narrow('cr', RNODE.codingRate, codingRate),
    limit('the air time limit of 15 s', RNODE.shortLimit, 0),
    limit('the air time limit of an hour', RNODE.longLimit, hourShare ?? 0),
    {
      name: 'its radio',
      command: RNODE.state,
      payload: Uint8Array.of(1),
      check: (value) =>
        value[0] === 1
          ? undefined
          : { text: 'the modem refuses to start its radio with these parameters', isFatal: true },
    },
  ];
}

export function firmwareText(version: number): string {
  return `${version >> 8}.${version & 0xff}`;
}

function wide(name: string, command: number, wanted: number, slack: number, unit: string): Step {
  return {
    name,
    command,
    payload: Uint8Array.of(wanted >>> 24, (wanted >>> 16) & 0xff, (wanted >>> 8) & 0xff, wanted & 0xff),
    check: (value) => {
      const has = value.length === 4 ? value.reduce((sum, octet) => sum * 256 + octet, 0) : Number.NaN;
      return Math.abs(has - wanted) <= slack ? undefined : differs(name, `${wanted} ${unit}`, `${has} ${unit}`);
    },
  };
}

function narrow(name: string, command: number, wanted: number): Step {
  return {
    name,
    command,
    payload: Uint8Array.of(wanted),
    check: (value) => (value[0] === wanted ? undefined : differs(name, String(wanted), String(value[0]))),
  };
}

/** Boards give what they can: that is told, and no reason to stay off the air. */
function power(wanted: number): Step {
  const check = (value: Uint8Array): Trouble | undefined => {
    const has = value[0] ?? 0;
    if (has === wanted) return undefined;
    const text = `power: asked for ${wanted} dBm, the board gives ${has}; write power=${has}`;
    return { text, isFatal: has > wanted };
  };
  return { name: 'power', command: RNODE.power, payload: Uint8Array.of(wanted), check };
}

/** In units of 1/10 000; 0 is none. The modem takes a whole for none as well. */
function limit(name: string, command: number, share: number): Step {
  const value = share >= 1 ? 0 : Math.round(share * 10_000);
  return {
    name,
    command,
    payload: Uint8Array.of(value >> 8, value & 0xff),
    check: (echo) => {
      const has = ((echo[0] ?? 0) << 8) | (echo[1] ?? 0);
      // Its own arithmetic is that of short floating-point numbers.
      return Math.abs(has - value) <= 1 ? undefined : differs(name, `${value / 100} %`, `${has / 100} %`);
    },
  };
}

function differs(name: string, wanted: string, has: string): Trouble {
  return { text: `${name}: asked for ${wanted}, the modem has ${has}: it does not do what was asked`, isFatal: true };
}
