/** The constants of the three classes of carriers (link document, section 2.1). Times in ms, sizes in octets. */
import { FEATURE, PACKET } from '../../../wire/link-packets.ts';
import type { CarrierClass } from '../../port.ts';

export type ClassConstants = {
  /** In payloads of the handshake. */
  readonly code: number;
  /** Features of section 3.4 that we offer. */
  readonly features: number;
  /** First octet of the records that we send: with 16 or 32 bits of the counter. */
  readonly dataType: number;
  /** Between sendings of one INIT: first, then doubled, at most. */
  readonly retryMs: { readonly first: number; readonly cap: number };
  /** Random time added to each sending of a handshake. */
  readonly spreadMs: number;
  readonly giveUpMs: number;
  /** Life of a responder's key that no DATA has confirmed. */
  readonly confirmWaitMs: number;
  readonly rekeyAfterMs: number;
  readonly rejectAfterMs: number;
  readonly prevKeyHoldMs: number;
  /** Between copies of a stored RESP. */
  readonly respAgainMs: number;
  /** Between INITs accepted with a timestamp that is not higher. */
  readonly lowerTimestampMs: number;
  /** Per address. */
  readonly inits: { readonly perSecond: number; readonly burst: number };
  readonly hasAddresses: boolean;

  readonly ackDelayCtrlMs: number;
  readonly ackDelayMs: number;
  readonly probeAfterMs: number;
  readonly pingEveryMs: number;
  readonly deadAfterMs: number;
  /** Infinity: off. */
  readonly natKeepaliveMs: number;
  readonly rtoMs: { readonly initial: number; readonly min: number; readonly max: number };
  readonly ctrlWindow: number;
  /** Largest unreliable message. */
  readonly messageMax: number;
  /** Silence after a fragment that makes others missing, before they are asked for. */
  readonly nackAfterMs: number;
  readonly reassembly: { readonly messages: number; readonly bytes: number; readonly ageMs: number };
  /** Fragments kept for repair: what leaves between a loss and the second request for it, or repair has nothing to give. */
  readonly repair: { readonly bytes: number; readonly ageMs: number };
  /** Traffic waiting for the link. */
  readonly queueBytes: number;
  readonly codel: { readonly targetMs: number; readonly intervalMs: number };
};

const U: ClassConstants = {
  code: 0,
  features: FEATURE.repair | FEATURE.thinGossip,
  dataType: PACKET.data32,
  retryMs: { first: 1_000, cap: 5_000 },
  spreadMs: 333,
  giveUpMs: 90_000,
  confirmWaitMs: 10_000,
  rekeyAfterMs: 120_000,
  rejectAfterMs: 180_000,
  prevKeyHoldMs: 10_000,
  respAgainMs: 500,
  lowerTimestampMs: 5_000,
  inits: { perSecond: 20, burst: 5 },
  hasAddresses: true,
  ackDelayCtrlMs: 25,
  ackDelayMs: 1_000,
  probeAfterMs: 2_000,
  pingEveryMs: 1_000,
  deadAfterMs: 6_000,
  natKeepaliveMs: 20_000,
  rtoMs: { initial: 1_000, min: 100, max: 10_000 },
  ctrlWindow: 65_536,
  messageMax: 131_070,
  nackAfterMs: 10,
  reassembly: { messages: 256, bytes: 8_388_608, ageMs: 1_000 },
  repair: { bytes: 8_388_608, ageMs: 1_000 },
  queueBytes: 1_048_576,
  codel: { targetMs: 5, intervalMs: 100 },
};

const S: ClassConstants = {
  ...U,
  code: 1,
  ackDelayCtrlMs: 50,
  natKeepaliveMs: Number.POSITIVE_INFINITY,
  rtoMs: { initial: 500, min: 50, max: 10_000 },
  ctrlWindow: 16_384,
  messageMax: 65_535,
  // A cable may need 130 ms for a frame, and those of others between.
  nackAfterMs: 300,
  reassembly: { messages: 32, bytes: 262_144, ageMs: 10_000 },
  repair: { bytes: 65_536, ageMs: 1_000 },
  queueBytes: 262_144,
  codel: { targetMs: 20, intervalMs: 200 },
};

/** Frames on the air for longer make all times longer. */
const RADIO_FRAME_MS = 1_250;

/** For frames of up to 1.25 s of air. Its retransmission timeout has no fixed minimum: twice the air time of a frame, and 1 s. */
const R: ClassConstants = {
  code: 2,
  features: FEATURE.thinGossip | FEATURE.shortHeaders,
  dataType: PACKET.dataRest,
  retryMs: { first: 8_000, cap: 60_000 },
  spreadMs: 4_000,
  giveUpMs: 600_000,
  confirmWaitMs: 120_000,
  rekeyAfterMs: 3_600_000,
  rejectAfterMs: 5_400_000,
  prevKeyHoldMs: 120_000,
  respAgainMs: 5_000,
  lowerTimestampMs: 60_000,
  inits: { perSecond: 0.25, burst: 2 },
  hasAddresses: false,
  ackDelayCtrlMs: 1_000,
  ackDelayMs: 10_000,
  probeAfterMs: 30_000,
  pingEveryMs: 15_000,
  deadAfterMs: 90_000,
  natKeepaliveMs: Number.POSITIVE_INFINITY,
  rtoMs: { initial: 10_000, min: 3_500, max: 60_000 },
  ctrlWindow: 1_024,
  messageMax: 4_096,
  nackAfterMs: 10,
  reassembly: { messages: 16, bytes: 32_768, ageMs: 20_000 },
  repair: { bytes: 4_096, ageMs: 15_000 },
  queueBytes: 12_288,
  codel: { targetMs: 20_000, intervalMs: 20_000 },
};

/** `slow=halow` on a UDP link. */
const SLOW_U: ClassConstants = { ...U, probeAfterMs: 5_000, pingEveryMs: 3_000, deadAfterMs: 15_000 };

/** @param frameMs of radio: how long the largest frame is on the air */
export function constantsOf(carrierClass: CarrierClass, isSlow: boolean, frameMs = 0): ClassConstants {
  if (carrierClass === 'U') return isSlow ? SLOW_U : U;
  if (carrierClass === 'S') return S;
  return frameMs <= RADIO_FRAME_MS ? R : slower(R, frameMs / RADIO_FRAME_MS);
}

/** All times but the lives of keys. */
function slower(constants: ClassConstants, factor: number): ClassConstants {
  const { retryMs, reassembly, repair, codel, inits } = constants;
  return {
    ...constants,
    retryMs: { first: retryMs.first * factor, cap: retryMs.cap * factor },
    spreadMs: constants.spreadMs * factor,
    giveUpMs: constants.giveUpMs * factor,
    confirmWaitMs: constants.confirmWaitMs * factor,
    prevKeyHoldMs: constants.prevKeyHoldMs * factor,
    respAgainMs: constants.respAgainMs * factor,
    lowerTimestampMs: constants.lowerTimestampMs * factor,
    inits: { ...inits, perSecond: inits.perSecond / factor },
    ackDelayCtrlMs: constants.ackDelayCtrlMs * factor,
    ackDelayMs: constants.ackDelayMs * factor,
    probeAfterMs: constants.probeAfterMs * factor,
    pingEveryMs: constants.pingEveryMs * factor,
    deadAfterMs: constants.deadAfterMs * factor,
    reassembly: { ...reassembly, ageMs: reassembly.ageMs * factor },
    repair: { ...repair, ageMs: repair.ageMs * factor },
    codel: { targetMs: codel.targetMs * factor, intervalMs: codel.intervalMs * factor },
  };
}

/** Keys that have sealed so many packets are renewed, and then no longer used. */
export const REKEY_AFTER_MESSAGES = 2 ** 32;
export const REJECT_AFTER_MESSAGES = 2 ** 33;

/** Reasons of a CLOSE frame (section 15). */
export const CLOSE = {
  shuttingDown: 1,
  restarting: 2,
  protocolError: 3,
  tooSlow: 4,
  removed: 5,
  limit: 6,
  duplicate: 7,
} as const;
