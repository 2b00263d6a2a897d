/** Options of serial and radio URIs: what each scheme knows, and which values it takes. */
import { CALL_FORM } from '../wire/ax25.ts';
import { BAUD_RATES } from './baud.ts';

export type ModemOptions = {
  readonly baud: number;
  readonly hasFlowControl: boolean;
  /** Bits per second of what is behind the device, as far as the user says. */
  readonly rate: number | undefined;
  readonly mtu: number | undefined;
  readonly frequencyHz: number | undefined;
  readonly lora: LoraOptions | undefined;
  readonly tnc: TncOptions;
  /** Of a radio amateur: frames go inside AX.25. */
  readonly call: string | undefined;
};

export type LoraOptions = {
  readonly frequencyHz: number;
  readonly bandwidthHz: number;
  /** 5 to 12. */
  readonly spreadingFactor: number;
  /** 5 to 8 for 4/5 to 4/8. */
  readonly codingRate: number;
  readonly powerDbm: number;
};

/** As TNCs count: times in units of 10 ms, the persistence from 0 to 255. Undefined: as the TNC has it. */
export type TncOptions = {
  readonly txDelay: number | undefined;
  readonly persistence: number | undefined;
  readonly slotTime: number | undefined;
};

export type ModemScheme = 'serial' | 'kiss' | 'rnode' | 'meshcore';

const LORA = ['freq', 'bw', 'sf', 'cr', 'power'];
const OPTIONS: Record<ModemScheme, readonly string[]> = {
  serial: ['baud', 'flow', 'rate', 'mtu', 'freq'],
  kiss: ['baud', 'flow', 'rate', 'mtu', 'freq', 'txdelay', 'persistence', 'slottime', 'call'],
  rnode: ['baud', 'mtu', ...LORA],
  meshcore: ['baud', 'mtu', ...LORA],
};

/** Of a TNC of which nothing is known: packet radio on VHF. */
const TNC_RATE = 1_200;
const MTU_MOST: Record<ModemScheme, number> = { serial: 1_500, kiss: 2_048, rnode: 508, meshcore: 254 };
/** Every handshake packet must fit (link document, section 3). */
const MTU_LEAST = 155;
const BANDWIDTHS_HZ = [
  7_800, 10_400, 15_600, 20_800, 31_250, 41_700, 62_500, 125_000, 203_125, 250_000, 406_250, 500_000, 812_500,
  1_625_000,
];
const FREQUENCY_HZ = { least: 137_000_000, most: 3_000_000_000 };
/** Users write MHz and kHz as well as Hz; no frequency and no bandwidth can be both. */
const MHZ_BELOW = 10_000;
const KHZ_BELOW = 2_000;

type Fail = (problem: string) => never;

export function isModemScheme(scheme: string): scheme is ModemScheme {
  return Object.hasOwn(OPTIONS, scheme);
}

export function modemOptionNames(scheme: ModemScheme): readonly string[] {
  return OPTIONS[scheme];
}

/** `option` gives the value of an option, '' if there is none. */
export function parseModemOptions(scheme: ModemScheme, option: (name: string) => string, fail: Fail): ModemOptions {
  const whole = (name: string, least: number, most: number): number | undefined => {
    const value = option(name);
    if (value === '') return undefined;
    if (!/^-?\d{1,10}$/.test(value) || Number(value) < least || Number(value) > most) {
      return fail(`${name}: found '${value}', expected a whole number from ${least} to ${most}`);
    }
    return Number(value);
  };
  const frequencyHz = parseFrequency(option('freq'), fail);
  const hasLora = OPTIONS[scheme].includes('sf');
  if (hasLora && frequencyHz === undefined) fail('it lacks the frequency: add ?freq= and MHz, such as freq=869.525');
  const lora = {
    frequencyHz: frequencyHz ?? 0,
    bandwidthHz: parseBandwidth(option('bw'), fail),
    spreadingFactor: whole('sf', 5, 12) ?? 7,
    codingRate: whole('cr', 5, 8) ?? 5,
    powerDbm: whole('power', 0, 30) ?? 14,
  };
  const rate = whole('rate', 50, 10_000_000);
  return {
    baud: parseBaud(option('baud'), fail),
    hasFlowControl: parseFlow(option('flow'), fail),
    rate: rate ?? (scheme === 'kiss' ? TNC_RATE : undefined),
    mtu: whole('mtu', MTU_LEAST, MTU_MOST[scheme]),
    frequencyHz,
    lora: hasLora ? lora : undefined,
    tnc: {
      txDelay: whole('txdelay', 0, 255),
      persistence: whole('persistence', 0, 255),
      slotTime: whole('slottime', 0, 255),
    },
    call: parseCall(option('call'), fail),
  };
}

function parseBaud(value: string, fail: Fail): number {
  if (value === '') return 115_200;
  const baud = Number(value);
  if (BAUD_RATES.includes(baud)) return baud;
  return fail(`baud: found '${value}', expected one of ${BAUD_RATES.join(' ')}`);
}

function parseFlow(value: string, fail: Fail): boolean {
  if (value !== '' && value !== 'rtscts') fail(`flow: found '${value}', expected rtscts, or nothing`);
  return value === 'rtscts';
}

function parseFrequency(value: string, fail: Fail): number | undefined {
  if (value === '') return undefined;
  const { least, most } = FREQUENCY_HZ;
  const number = decimal(value);
  const hz = Math.round(number < MHZ_BELOW ? number * 1e6 : number);
  if (hz >= least && hz <= most) return hz;
  return fail(
    `freq: found '${value}', expected ${least / 1e6} to ${most / 1e6} (MHz), such as 869.525, or the same in Hz`,
  );
}

function parseBandwidth(value: string, fail: Fail): number {
  if (value === '') return 125_000;
  const number = decimal(value);
  const hz = Math.round(number < KHZ_BELOW ? number * 1e3 : number);
  if (BANDWIDTHS_HZ.includes(hz)) return hz;
  const known = BANDWIDTHS_HZ.map((known) => known / 1e3).join(' ');
  return fail(`bw: found '${value}', expected one of ${known} (kHz), or the same in Hz`);
}

function parseCall(value: string, fail: Fail): string | undefined {
  if (value === '') return undefined;
  const call = value.toUpperCase();
  return CALL_FORM.test(call) ? call : fail(`call: found '${value}', expected a call such as N0CALL or N0CALL-7`);
}

function decimal(value: string): number {
  return /^\d{1,10}(\.\d{1,6})?$/.test(value) ? Number(value) : Number.NaN;
}
