/** What a modem may send: by the region of the configuration, and the frequency of its URI. */
import { AIR_BURST_FRAMES, AIR_TERMS } from './core/limits.ts';
import type { AirFacts, SocketFacts } from './core/port.ts';
import { frameAirMs } from './core/radio/air-time.ts';
import type { RadioSettings } from './host/commands.ts';
import { regionRules } from './host/regions.ts';
import type { LinkUri } from './links/link.ts';
import type { AirRules } from './modems.ts';

/** Every packet of a handshake must fit into a frame (link document, section 3). */
const FRAME_LEAST = 155;
/** Their firmware waits for a free channel. */
const LISTENING = ['rnode', 'meshcore', 'kiss'];

/**
 * A cable may send what it likes; who names LoRa parameters or a rate of its own is a transmitter. The station of an amateur, who
 * answers for it by a call, is not bound by the law of devices without a licence.
 */
export function airRules({ scheme, name, modem }: LinkUri, { region, share }: RadioSettings): AirRules {
  const isTransmitter = modem?.lora !== undefined || modem?.rate !== undefined;
  if (!isTransmitter || modem.call !== undefined) return { limits: [], share: 1, ledger: name, refusal: undefined };
  const rules = regionRules(region, {
    frequencyHz: modem.frequencyHz,
    bandwidthHz: modem.lora?.bandwidthHz,
    powerDbm: modem.lora?.powerDbm,
    listens: LISTENING.includes(scheme),
  });
  if (rules.kind === 'refused') return { limits: [], share, ledger: name, refusal: rules.reason };
  return { limits: rules.limits, share, ledger: `${name} ${rules.band}`, refusal: undefined };
}

/** Octets of the largest frame, up to `mtu`, that every limit lets pass twice and never cuts short; a handshake's at least. */
export function frameMaxOf(air: AirFacts, mtu: number): number {
  for (let octets = mtu; octets > FRAME_LEAST; octets--) if (mayPass(air, octets)) return octets;
  return Math.min(mtu, FRAME_LEAST);
}

/** Why a radio cannot do anything within its limits; undefined: it can. */
export function slowness({ air, mtu }: SocketFacts): string | undefined {
  if (air === undefined || mayPass(air, mtu)) return undefined;
  const seconds = (ms: number): string => `${Number((ms / 1_000).toPrecision(2))} s`;
  const takes = `${mtu} octets, a handshake, take ${seconds(frameAirMs(air, mtu))} on the air`;
  const { frameMs, airMs } =
    air.limits.find((limit) => !mayPass({ ...air, limits: [limit] }, mtu)) ?? air.limits[0] ?? NO_LIMIT;
  const most = frameMs < airMs ? `${seconds(frameMs)} at a time` : `${seconds(airMs)} an hour`;
  return `${takes}, and ${most} are allowed: use a lower sf=, a wider bw=, or another freq=`;
}

const NO_LIMIT = { frameMs: 0, airMs: 0 };

function mayPass(air: AirFacts, octets: number): boolean {
  const ms = frameAirMs(air, octets);
  return air.limits.every(({ airMs, frameMs }) => {
    return ms <= frameMs && AIR_BURST_FRAMES * ms <= airMs * (1 - AIR_FLOOR);
  });
}

const AIR_FLOOR = AIR_TERMS.bulk.floor;
