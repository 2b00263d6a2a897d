import type { RadioAnswer } from '../host/answers.ts';
import { beside, COLUMNS, cut, durationText, sizeText, table } from './text.ts';
import type { Verb } from './verb.ts';
import { viewVerb } from './view.ts';

const HOUR = 3_600;
const INDENT = '      ';

export const verb: Verb = viewVerb({
  help: `The radios: how they are set and what they hear, how much of the time on the
air they have used that the law and the share of the channel leave them, and
what waits.`,
  request: 'getRadio',
  show: ({ radios }) => {
    if (radios.length === 0) return ['No radio is open: `ratatosk peers` tells what each of them waits for.'];
    return radios.flatMap((radio, i) => (i === 0 ? radioLines(radio) : ['', ...radioLines(radio)]));
  },
});

export function radioLines(radio: RadioAnswer): string[] {
  const facts: [string, string][] = [
    ['set to', settingText(radio)],
    ['hears', hearingText(radio)],
    ['on air', `${secondsText(radio.used_15s)} of the last 15 s, ${secondsText(radio.used_1h)} of the last hour`],
    ...radio.limits.map((limit): [string, string] => ['limit', limitText(limit)]),
  ];
  if (radio.share < 1) facts.push(['share', `at most ${percentText(radio.share)} of the channel in any 15 s`]);
  const rows = radio.classes.map(({ class: name, sent_time: sent, queued, wait, refused }) => [
    name,
    secondsText(sent),
    sizeText(queued),
    waitText(wait),
    String(refused),
  ]);
  return [
    cut(radio.remote, COLUMNS),
    ...facts.flatMap(([label, text]) => beside(`${INDENT}${label.padEnd(7)}`, text)),
    ...table(['CLASS', 'SENT', 'WAITING', 'MAY SEND', 'REFUSED'], rows).map((line) => `${INDENT}${line}`),
  ];
}

function settingText({ modulation, frame_max: octets, frame_time: seconds }: RadioAnswer): string {
  const frame = `${octets} octets take ${secondsText(seconds)}`;
  if (modulation.kind === 'rate') return `${modulation.bit_rate} bit/s, ${frame}`;
  const { sf, bw, cr } = modulation;
  return `SF${sf}, ${bw / 1_000} kHz, 4/${cr}, ${frame}`;
}

function hearingText({ rssi, snr, noise, channel_load: load }: RadioAnswer): string {
  const parts: string[] = [];
  if (rssi !== undefined) parts.push(`${Math.round(rssi)} dBm`);
  if (snr !== undefined) parts.push(`SNR ${snr.toFixed(1)} dB`);
  if (noise !== undefined) parts.push(`noise ${Math.round(noise)} dBm`);
  if (load !== undefined) parts.push(`channel busy ${percentText(load)}`);
  return parts.length === 0 ? 'nothing yet' : parts.join(', ');
}

function limitText({ window, air, frame, used, free }: RadioAnswer['limits'][number]): string {
  const name = window === HOUR ? percentText(air / window) : `${secondsText(air)} in ${secondsText(window)}`;
  const dwell = frame === undefined ? '' : `, ${secondsText(frame)} a frame`;
  const share = percentText(used / air);
  const usage = `${secondsText(used)} of ${secondsText(air)} used`;
  return air < window ? `${name}${dwell}: ${usage} (${share}), ${secondsText(free)} free now` : `none${dwell}`;
}

function waitText(wait: number | null): string {
  if (wait === null) return 'never';
  return wait < 0.1 ? 'now' : `again in ${durationText(Math.ceil(wait))}`;
}

function secondsText(seconds: number): string {
  if (seconds >= 100) return `${Math.round(seconds)} s`;
  return seconds >= 1 || seconds === 0 ? `${Number(seconds.toFixed(1))} s` : `${Math.ceil(seconds * 1_000)} ms`;
}

function percentText(share: number): string {
  return `${Number((100 * share).toPrecision(3))} %`;
}
