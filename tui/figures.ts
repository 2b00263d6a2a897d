/** Figures of constant width, so that columns stand still while their values change. */

const SIZES = ['B', 'K', 'M', 'G', 'T', 'P'] as const;
const NONE = '-';

/** At most four columns: `0`, `27B`, `1.1K`, `340M`; base 1024, as the verbs show them. */
export function sizeText(octets: number): string {
  if (!Number.isFinite(octets) || octets < 1) return '0';
  let value = octets;
  let unit = 0;
  while (value >= 999.5 && unit < SIZES.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${value < 9.95 && unit > 0 ? value.toFixed(1) : value.toFixed(0)}${SIZES[unit]}`;
}

/** `1.2 MB/s`; at most nine columns. */
export function rateText(octetsPerSecond: number): string {
  const size = sizeText(octetsPerSecond);
  if (size === '0') return '0 B/s';
  const unit = size.at(-1) ?? '';
  return `${size.slice(0, -1)} ${unit === 'B' ? '' : unit}B/s`;
}

/** At most seven columns: `0.42 ms`, `12.3 ms`, `340 ms`, `2.1 s`. */
export function latencyText(ms: number | undefined): string {
  if (ms === undefined || !Number.isFinite(ms)) return NONE;
  if (ms < 9.995) return `${ms.toFixed(2)} ms`;
  if (ms < 99.95) return `${ms.toFixed(1)} ms`;
  return ms < 9_999.5 ? `${ms.toFixed(0)} ms` : `${(ms / 1_000).toFixed(1)} s`;
}

/** At most seven columns, the two largest parts: `3d 04h`, `12m 05s`, `7s`. */
export function ageText(seconds: number | undefined): string {
  if (seconds === undefined || !Number.isFinite(seconds)) return NONE;
  const whole = Math.max(0, Math.floor(seconds));
  const pad = (value: number): string => String(value).padStart(2, '0');
  if (whole < 60) return `${whole}s`;
  if (whole < 3_600) return `${Math.floor(whole / 60)}m ${pad(whole % 60)}s`;
  if (whole < 86_400) return `${Math.floor(whole / 3_600)}h ${pad(Math.floor((whole % 3_600) / 60))}m`;
  return `${Math.floor(whole / 86_400)}d ${pad(Math.floor((whole % 86_400) / 3_600))}h`;
}

export function percentText(share: number | undefined): string {
  if (share === undefined || !Number.isFinite(share)) return NONE;
  const percent = share * 100;
  return `${percent < 9.95 ? Number(percent.toFixed(1)) : percent.toFixed(0)} %`;
}

/** `12 345`. */
export function countText(count: number): string {
  return Math.round(count)
    .toString()
    .replace(/\B(?=(\d{3})+$)/g, ' ');
}

/** Of the day, UTC unless `offsetMinutes` says otherwise. */
export function clockText(unixMs: number, offsetMinutes = 0): string {
  return dateText(unixMs, offsetMinutes).slice(11);
}

/** The day of what is older than one: in as many columns as a time. */
export function whenText(unixMs: number, nowMs: number, offsetMinutes = 0): string {
  const isOld = nowMs - unixMs > 86_400_000;
  return isOld ? `${dateText(unixMs, offsetMinutes).slice(5, 10)}   ` : clockText(unixMs, offsetMinutes);
}

/** Of the years that have four digits; others are not shown. */
export function dateText(unixMs: number, offsetMinutes = 0): string {
  const date = new Date(unixMs + offsetMinutes * 60_000);
  const year = date.getUTCFullYear();
  return year >= 0 && year <= 9_999 ? date.toISOString().slice(0, 19).replace('T', ' ') : '---- -- -- --:--:--';
}

export function plural(count: number, one: string, many = `${one}s`): string {
  return `${countText(count)} ${count === 1 ? one : many}`;
}
