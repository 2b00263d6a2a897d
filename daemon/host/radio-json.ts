/** One radio as `getRadio` tells it. Times in seconds, shares from 0 to 1. */
import type { AirLimit, Modulation, RadioInfo } from '../core/port.ts';
import type { RadioAnswer } from './answers.ts';

export function radioJson({ uri, air, limits, classes, report, ...radio }: RadioInfo): RadioAnswer {
  return {
    remote: uri,
    modulation: modulationJson(air.modulation),
    frame_max: radio.frameMax,
    frame_time: radio.frameMs / 1_000,
    share: air.share,
    ledger: air.ledger,
    used_15s: radio.usedShortMs / 1_000,
    used_1h: radio.usedLongMs / 1_000,
    pending: radio.pendingMs / 1_000,
    limits: air.limits.map((limit, i) => limitJson(limit, limits[i])),
    classes: classes.map(({ airClass, sentMs, queuedBytes, waitMs, refused }) => ({
      class: airClass,
      sent_time: sentMs / 1_000,
      queued: queuedBytes,
      wait: waitMs === null ? null : waitMs / 1_000,
      refused,
    })),
    rssi: report.rssi,
    snr: report.snr,
    noise: report.noiseFloor,
    channel_load: report.channelLoad,
    modem_used_15s: report.usedShort,
    modem_used_1h: report.usedLong,
  };
}

function modulationJson(modulation: Modulation): RadioAnswer['modulation'] {
  if (modulation.kind === 'rate') return { kind: 'rate', bit_rate: modulation.bitsPerSecond };
  const { spreadingFactor, bandwidthHz, codingRate, preambleSymbols } = modulation;
  return { kind: 'lora', sf: spreadingFactor, bw: bandwidthHz, cr: codingRate, preamble: preambleSymbols };
}

/** Where single transmissions are not limited, `frame` is left out. */
function limitJson(
  { windowMs, airMs, frameMs }: AirLimit,
  now: RadioInfo['limits'][number] | undefined,
): RadioAnswer['limits'][number] {
  return {
    window: windowMs / 1_000,
    air: airMs / 1_000,
    frame: Number.isFinite(frameMs) ? frameMs / 1_000 : undefined,
    used: (now?.usedMs ?? 0) / 1_000,
    free: Math.max(now?.freeMs ?? 0, 0) / 1_000,
  };
}
